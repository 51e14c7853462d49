"""A clinical table of any make (TSV, CSV, XLSX) into records by visit, read as its mapping file says."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from plaquecast.domain.clinical import ClinicalRecord
from plaquecast.domain.clinical_columns import CLINICAL_CATALOGUE, PATIENT_PATTERN
from plaquecast.domain.dataset import Finding, Severity
from plaquecast.domain.missing import Measured, Missing, Reason
from plaquecast.errors import InputError
from plaquecast.ingest.clinical_cells import RowPlace, is_missing, read_cells
from plaquecast.ingest.measured_columns import read_measured
from plaquecast.ingest.table_dates import read_date
from plaquecast.ingest.table_mapping import ID_COLUMNS, ColumnSource, TableMapping
from plaquecast.ingest.text_table import TextTable, read_text_table

_REPEAT, _REPEATED = "redcap_repeat_instance", "redcap_repeat_instrument"
_VISIT = "session_id"


@dataclass(frozen=True, slots=True)
class ClinicalRow:
    """One row: whose it is, of which visit (empty if the table has one row per patient), of which day, and the data."""

    patient_id: str
    session_id: str
    acquired: date | Missing
    clinical: ClinicalRecord
    number: int
    measured: Mapping[str, Measured] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClinicalTable:
    """The usable rows of a table, and every finding about all of them."""

    rows: tuple[ClinicalRow, ...]
    findings: tuple[Finding, ...]


def read_clinical_table(path: Path, mapping: TableMapping | None = None) -> ClinicalTable:
    """Read a whole table; all problems of all rows are found at once, and the other rows are read.

    Without a mapping, the columns bear the project's own names and units (`participant_id`, `weight_kg`, ...).

    A cell that breaks a rule is flagged and missing. A row without a usable code, or with one that another row of the
    same visit has too, is refused.

    Raises:
        InputError: if the file cannot be read as a table at all, or a column that the mapping names is not in it.
    """
    table = read_text_table(path, mapping.table_format if mapping else None)
    mapping = mapping or _own_names(table)
    table, passed_over = _long(table, mapping)
    _check_sources(table, mapping)
    findings = [*table.findings, *passed_over, *_unknown_columns(table, mapping)]
    rows: list[ClinicalRow] = []
    for place, cells in _identified(table, mapping, findings):
        record, broken = read_cells(cells, mapping.columns, place, mapping.decimal)
        acquired, date_findings = _acquired(cells, mapping, place)
        measured, implausible = read_measured(cells, mapping.measured, place, mapping.decimal)
        findings += [*broken, *date_findings, *implausible]
        rows.append(ClinicalRow(place.patient_id, place.session_id, acquired, record, place.number, measured))
    return ClinicalTable(tuple(rows), tuple(findings))


def _own_names(table: TextTable) -> TableMapping:
    units = {name: CLINICAL_CATALOGUE[name].unit for name in table.header if name in CLINICAL_CATALOGUE}
    known = [name for name in table.header if name in ID_COLUMNS or name in units]
    return TableMapping({name: ColumnSource((name,), units.get(name, "")) for name in known})


def _long(table: TextTable, mapping: TableMapping) -> tuple[TextTable, list[Finding]]:
    """One row per visit: wide rows are split by the endings of their columns, REDCap's repeats are passed over."""
    repeats = [number for number, cells in table.rows if cells.get(_REPEAT)]
    rows = [(number, cells) for number, cells in table.rows if not cells.get(_REPEAT)]
    header = tuple(name for name in table.header if name not in (_REPEAT, _REPEATED))
    if mapping.visits:
        endings = tuple(mapping.visits.values())
        common = [name for name in header if not name.endswith(endings)]
        header = tuple(dict.fromkeys([*common, *(name.removesuffix(e) for name in header for e in endings), _VISIT]))
        header = tuple(name for name in header if not name.endswith(endings))
        rows = [
            (number, {name: cells.get(f"{name}{ending}", cells.get(name, "")) for name in header} | {_VISIT: visit})
            for number, cells in rows
            for visit, ending in mapping.visits.items()
        ]
    return TextTable(table.name, header, tuple(rows), table.findings), [_repeat(table.name, repeats)] if repeats else []


def _repeat(name: str, numbers: Sequence[int]) -> Finding:
    found = f"{len(numbers)} rows of repeating instruments, the first of them row {numbers[0]}"
    remedy = "Export the instruments of the visits alone if these rows matter; they are not used."
    return Finding(Severity.FLAGGED, "repeat-instance", "one row for each visit", found, name, remedy)


Identified = list[tuple[RowPlace, Mapping[str, str]]]


def _identified(table: TextTable, mapping: TableMapping, findings: list[Finding]) -> Identified:
    """Rows with their patient and visit; a row that cannot be told apart from another is refused, with all like it."""
    places: Identified = []
    visits: list[tuple[str, str, str]] = []
    for count, (number, cells) in enumerate(table.rows, start=1):
        cells = {name: "" if is_missing(text, mapping.missing) else text for name, text in cells.items()}
        patient_id = str(count) if mapping.one_row_per_patient else _code(cells, mapping, "participant_id", "sub-")
        session_id = _code(cells, mapping, "session_id", "ses-")
        place = RowPlace(table.name, number, patient_id, session_id)
        wrong = [code for code in (patient_id, session_id) if code and not re.fullmatch(PATIENT_PATTERN, code)]
        if not patient_id or wrong:
            findings.append(_bad_code(table.name, number, wrong[0] if wrong else ""))
        else:
            places.append((place, cells))
            visits.append((patient_id, session_id, "" if session_id else _code(cells, mapping, "acq_time", "")))
    counts = Counter(visits)
    findings += [_duplicate(place) for (place, _), visit in zip(places, visits, strict=True) if counts[visit] > 1]
    return [entry for entry, visit in zip(places, visits, strict=True) if counts[visit] == 1]


def _code(cells: Mapping[str, str], mapping: TableMapping, column: str, prefix: str) -> str:
    source = mapping.columns.get(column)
    text = cells.get(_VISIT, "") if column == _VISIT and mapping.visits else ""
    text = text if source is None else cells.get(source.source[0], "")
    return (source.codes.get(text, text) if source else text).removeprefix(prefix)


def _acquired(
    cells: Mapping[str, str], mapping: TableMapping, place: RowPlace
) -> tuple[date | Missing, tuple[Finding, ...]]:
    source = mapping.columns.get("acq_time")
    text = "" if source is None else cells.get(source.source[0], "")
    if not text or source is None:
        return Missing(Reason.ABSENT, "no date of the visit"), ()
    acquired = read_date(text, source.date_format)
    return acquired, (date_finding(text, place, source),) if isinstance(acquired, Missing) else ()


def date_finding(text: str, place: RowPlace, source: ColumnSource) -> Finding:
    """The finding about a date that cannot be used."""
    return Finding(
        Severity.FLAGGED,
        "unusable-date",
        f"a past date of the form {source.date_format or 'YYYY-MM-DD'}",
        repr(text[:40]),
        f"row {place.number}, column {source.source[0]} of {place.table}",
        "Write the date of the visit in that form; without it the visit is examined, but its change is not annualized.",
        place.patient_id,
        place.session_id,
    )


def _check_sources(table: TextTable, mapping: TableMapping) -> None:
    sources = {name: source.source for name, source in mapping.columns.items()}
    sources |= {name: (column.source,) for name, column in mapping.measured.items()}
    for name, wanted_columns in sources.items():
        for wanted in wanted_columns:
            if wanted not in table.header:
                raise InputError(
                    expected=f"the column '{wanted}' (for {name})",
                    found=f"the columns {', '.join(table.header)[:200]}",
                    where=table.name,
                    remedy="Mend the mapping file or the table.",
                    code="missing-column",
                )
    if "participant_id" not in mapping.columns and not mapping.one_row_per_patient:
        raise InputError(
            expected="a column with the patient's code",
            found="no [columns.participant_id] in the mapping file",
            where=table.name,
            remedy="Name the column, or state one_row_per_patient = true for a table without codes.",
            code="missing-column",
        )


def _unknown_columns(table: TextTable, mapping: TableMapping) -> list[Finding]:
    used = {name for source in mapping.columns.values() for name in source.source} | set(mapping.ignored)
    used |= {column.source for column in mapping.measured.values()} | ({_VISIT} if mapping.visits else set())
    return [
        Finding(
            Severity.FLAGGED,
            "unknown-column",
            "columns that the mapping names",
            f"'{name[:40]}'",
            table.name,
            "Map the column, or list it under `ignored` in the mapping file; it is not used.",
        )
        for name in table.header
        if name not in used
    ]


def _bad_code(table: str, number: int, code: str) -> Finding:
    return Finding(
        Severity.REFUSED,
        "patient-code",
        "a patient's code of 1 to 32 letters and digits",
        repr(code[:40]) if code else "none",
        f"row {number} of {table}",
        "Give the patient a plain code; the row is not used.",
    )


def _duplicate(place: RowPlace) -> Finding:
    return Finding(
        Severity.REFUSED,
        "duplicate-patient",
        "each patient and visit once",
        "both of them in another row too",
        f"row {place.number} of {place.table}",
        "Keep the right row and remove the other; none of them is used.",
        place.patient_id,
        place.session_id,
    )
