"""The cells of one row as a clinical record: each checked by itself, all findings at once, nothing mended unsaid."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from plaquecast.domain.clinical import ClinicalRecord, DrinkingHistory, Sex, SmokingHistory
from plaquecast.domain.clinical_columns import CLINICAL_CATALOGUE, MISSING_MARKS, SITE_PATTERN, YES_NO, ClinicalColumn
from plaquecast.domain.dataset import Finding, Severity
from plaquecast.domain.missing import Missing, Reason
from plaquecast.ingest.table_mapping import NO_VALUE, ColumnSource
from plaquecast.ingest.units import find_conversion, unit_that_fits

_LEAST_BODY_MASS_INDEX = 12.0
_LARGEST_BODY_MASS_INDEX = 60.0
"""What adults who walk into a scanner have."""

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_WORD_TYPES = {"sex": Sex, "smoking_history": SmokingHistory, "drinking_history": DrinkingHistory}


def _cell_type(column: ClinicalColumn) -> Any:
    if column.is_number:
        return Annotated[float, Field(ge=column.low, le=column.high, allow_inf_nan=False)] | None  # type: ignore[operator]
    if column.words:
        return Literal[tuple(str(word) for word in column.words)] | None  # type: ignore[valid-type]
    return Annotated[str, Field(pattern=f"^{SITE_PATTERN}$")] | None  # type: ignore[operator]


_CELL_TYPES: dict[str, Any] = {name: (_cell_type(column), None) for name, column in CLINICAL_CATALOGUE.items()}

ClinicalCells: type[BaseModel] = create_model("ClinicalCells", __config__=ConfigDict(extra="forbid"), **_CELL_TYPES)
"""One row of the structured data as pydantic checks it; ranges and words come from the catalogue."""


@dataclass(frozen=True, slots=True)
class RowPlace:
    """Where a row stands and whose it is, for the wording of findings."""

    table: str
    number: int
    patient_id: str = ""
    session_id: str = ""


def read_cells(
    cells: Mapping[str, str], columns: Mapping[str, ColumnSource], place: RowPlace, decimal: str = "."
) -> tuple[ClinicalRecord, tuple[Finding, ...]]:
    """Read one row's cells (source column → text) into a record.

    A cell that breaks a rule is a finding and becomes `Missing`; the rest of the row is read.

    >>> record, findings = read_cells({"W": "176"}, {"weight_kg": ColumnSource(("W",), "lb")}, RowPlace("t.csv", 2))
    >>> round(record.weight_kg, 1), findings
    (79.8, ())
    """
    shown = {name: _first_present(cells, source) for name, source in columns.items() if name in CLINICAL_CATALOGUE}
    values = {name: _plain_value(name, text, columns[name], decimal) for name, text in shown.items()}
    details = {name: f"coded '{shown[name]}'" for name, value in values.items() if value is None and shown[name]}
    broken: dict[str, Finding] = {}
    try:
        checked = ClinicalCells(**values)
    except ValidationError as problem:
        for error in problem.errors():
            name = str(error["loc"][0])
            broken[name] = _cell_finding(CLINICAL_CATALOGUE[name], shown[name], values[name], columns[name], place)
        checked = ClinicalCells(**{name: value for name, value in values.items() if name not in broken})
    given = checked.model_dump(exclude_none=True)
    entries: dict[str, Any] = {name: _domain_value(name, value) for name, value in given.items()}
    entries |= {name: Missing(Reason.ABSENT, detail) for name, detail in details.items()}
    entries |= {name: Missing(Reason.FAILED_QUALITY, f"found {each.found}") for name, each in broken.items()}
    record = ClinicalRecord(**entries)
    contradiction = _contradiction(record)
    if contradiction is None:
        return record, tuple(broken.values())
    rule, found, names = contradiction
    doubtful = Missing(Reason.FAILED_QUALITY, f"found {found}")
    finding = _row_finding(rule, found, [columns[name] for name in names], place)
    return replace(record, **dict.fromkeys(names, doubtful)), (*broken.values(), finding)


def _contradiction(record: ClinicalRecord) -> tuple[str, str, tuple[str, str]] | None:
    """Two cells that are plausible each and not together, as after a swap of columns or a wrong unit."""
    high, low = record.systolic_pressure_mmhg, record.diastolic_pressure_mmhg
    if not isinstance(high, Missing) and not isinstance(low, Missing) and high <= low:
        pair = ("systolic_pressure_mmhg", "diastolic_pressure_mmhg")
        return "a systolic pressure above the diastolic", f"{high:g} and {low:g} mmHg", pair
    index = record.body_mass_index
    if not isinstance(index, Missing) and not _LEAST_BODY_MASS_INDEX <= index <= _LARGEST_BODY_MASS_INDEX:
        rule = f"a body mass index from {_LEAST_BODY_MASS_INDEX:g} to {_LARGEST_BODY_MASS_INDEX:g} kg/m2"
        return rule, f"{index:.0f} kg/m2", ("weight_kg", "height_cm")
    return None


def is_missing(text: str, declared: tuple[str, ...] = ()) -> bool:
    """Whether a text marks a missing value."""
    return text.casefold() in MISSING_MARKS or text in declared


def _first_present(cells: Mapping[str, str], source: ColumnSource) -> str:
    texts = (cells.get(name, "") for name in source.source)
    return next((text for text in texts if not is_missing(text, source.missing)), "")


def _plain_value(name: str, text: str, source: ColumnSource, decimal: str) -> object:
    """The value to be checked: converted if it is a number, our word if it is a code, else the text as it stands."""
    text = source.codes.get(text, text)
    if not text or text == NO_VALUE:
        return None
    column = CLINICAL_CATALOGUE[name]
    if not column.is_number:
        return text.casefold() if column.words else text
    conversion, number = find_conversion(column, source.unit), plain_number(text, decimal)
    return f"not a number: {text}" if conversion is None or number is None else conversion(number)


def plain_number(text: str, decimal: str) -> float | None:
    """The number that a cell holds and nothing else, or None.

    >>> plain_number("1,5", ","), plain_number("1,5", "."), plain_number("12 kg", ".")
    (1.5, None, None)
    """
    plain = text.replace(",", ".") if decimal == "," and "." not in text else text
    return float(plain) if _NUMBER.fullmatch(plain) else None


def _domain_value(name: str, value: Any) -> Any:
    if CLINICAL_CATALOGUE[name].words == YES_NO:
        return value == "yes"
    return _WORD_TYPES[name](value) if name in _WORD_TYPES else value


def _cell_finding(column: ClinicalColumn, text: str, value: object, source: ColumnSource, place: RowPlace) -> Finding:
    unit = f" {source.unit}" if column.is_number and source.unit else ""
    return Finding(
        Severity.FLAGGED,
        "clinical-value",
        _rule(column),
        f"{text[:40]!r}{unit}",
        f"row {place.number}, column {' or '.join(source.source)} of {place.table}",
        _remedy(column, value),
        place.patient_id,
        place.session_id,
    )


def _row_finding(rule: str, found: str, sources: Sequence[ColumnSource], place: RowPlace) -> Finding:
    names = " and ".join(source.source[0] for source in sources)
    where = f"row {place.number}, columns {names} of {place.table}"
    remedy = "Mend the cells or the declared units; neither value is used."
    ids = (place.patient_id, place.session_id)
    return Finding(Severity.FLAGGED, "clinical-row", rule, found, where, remedy, *ids)


def _rule(column: ClinicalColumn) -> str:
    if column.is_number:
        return f"{column.name} as a number from {column.low:g} to {column.high:g} {column.unit}"
    if column.words:
        return f"{column.name} as one of {', '.join(column.words)}"
    return f"{column.name} as a code of letters, digits, spaces, dots and dashes"


def _remedy(column: ClinicalColumn, value: object) -> str:
    other = unit_that_fits(column, value) if isinstance(value, float) else None
    hint = f" The number would be plausible in {other}; check the declared unit." if other else ""
    return f"Mend the cell, or write n/a; the value is not used.{hint}"
