"""The tables of a BIDS dataset: who takes part, each patient's visits, dates and structured data in declared units."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from plaquecast.domain.clinical import CLINICAL_COLUMNS, ClinicalRecord, Sex
from plaquecast.domain.clinical_columns import CLINICAL_CATALOGUE, PATIENT_PATTERN
from plaquecast.domain.dataset import Finding, Severity
from plaquecast.domain.missing import Missing, Reason
from plaquecast.errors import InputError, PlaquecastError
from plaquecast.ingest.clinical_cells import RowPlace, is_missing, read_cells
from plaquecast.ingest.clinical_table import date_finding
from plaquecast.ingest.door import read_json_object
from plaquecast.ingest.table_dates import read_date
from plaquecast.ingest.table_mapping import ColumnSource
from plaquecast.ingest.text_table import TextTable, read_text_table
from plaquecast.ingest.units import SAME, find_conversion, known_units

_QUANTITIES = {CLINICAL_CATALOGUE[name].quantity: name for name in CLINICAL_COLUMNS}


@dataclass(frozen=True, slots=True)
class SessionRow:
    """What the tables say of one visit."""

    session_id: str
    acquired: date | Missing
    clinical: ClinicalRecord


@dataclass(frozen=True, slots=True)
class Participants:
    """Who stands in the participants table, in its order, and who stands there twice (with no usable entry)."""

    sexes: Mapping[str, Sex | Missing]
    duplicated: frozenset[str]
    findings: tuple[Finding, ...]


def read_participants(root: Path) -> Participants:
    """Read `participants.tsv`; without one, patients are those who have a folder."""
    path = root / "participants.tsv"
    if not path.is_file():
        return Participants({}, frozenset(), (_no_participants(),))
    try:
        table = read_text_table(path)
        if "participant_id" not in table.header:
            raise _no_column(path.name, "participant_id", table)
    except InputError as problem:
        return Participants({}, frozenset(), (finding_of(problem, Severity.REFUSED),))
    findings = [*table.findings, *_unknown(table, {"participant_id", "sex"}, "")]
    sexes: dict[str, Sex | Missing] = {}
    columns = {"sex": ColumnSource(("sex",))} if "sex" in table.header else {}
    codes = Counter(_code(row["participant_id"], "sub-") for _, row in table.rows)
    for number, row in table.rows:
        code = _code(row["participant_id"], "sub-")
        place = RowPlace(path.name, number, code)
        if not re.fullmatch(PATIENT_PATTERN, code):
            findings.append(_bad_code(place, row["participant_id"], "participant_id", "sub-"))
        elif codes[code] > 1:
            findings.append(_duplicate(place))
        else:
            record, broken = read_cells(row, columns, place)
            sexes[code] = record.sex
            findings += broken
    duplicated = frozenset(code for code, count in codes.items() if count > 1)
    return Participants(sexes, duplicated, tuple(findings))


def read_sessions(
    root: Path, patient_id: str, sex: Sex | Missing
) -> tuple[tuple[SessionRow, ...], tuple[Finding, ...]]:
    """Read one patient's `sub-<id>_sessions.tsv`; units come from the JSON sidecar beside it or at the root."""
    path = root / f"sub-{patient_id}" / f"sub-{patient_id}_sessions.tsv"
    if not path.is_file():
        return (), (_no_sessions(patient_id, path.name),)
    try:
        table = read_text_table(path)
        if "session_id" not in table.header:
            raise _no_column(path.name, "session_id", table)
        sidecar = read_json_object(root / "sessions.json") | read_json_object(path.with_suffix(".json"))
    except InputError as problem:
        return (), (finding_of(problem, Severity.FLAGGED, patient_id),)
    columns, findings = _declared_columns(table, sidecar, patient_id)
    findings += [replace(finding, patient_id=patient_id) for finding in table.findings]
    rows: list[SessionRow] = []
    seen = Counter(_code(row["session_id"], "ses-") for _, row in table.rows)
    for number, row in table.rows:
        code = _code(row["session_id"], "ses-")
        place = RowPlace(path.name, number, patient_id, code)
        if not re.fullmatch(PATIENT_PATTERN, code):
            findings.append(_bad_code(place, row["session_id"], "session_id", "ses-"))
        elif seen[code] > 1:
            findings.append(_duplicate(place))
        else:
            record, broken = read_cells(row, columns, place)
            acquired, dated = _acquired(row.get("acq_time", ""), place)
            findings += [*broken, *dated]
            rows.append(SessionRow(code, acquired, replace(record, sex=sex)))
    return tuple(rows), tuple(findings)


def finding_of(problem: PlaquecastError, severity: Severity, patient_id: str = "", session_id: str = "") -> Finding:
    """An error as a finding, so that everything else is looked at too."""
    return Finding(
        severity,
        problem.code,
        problem.expected,
        problem.found,
        problem.where,
        problem.remedy,
        patient_id,
        session_id,
    )


def _declared_columns(
    table: TextTable, sidecar: Mapping[str, Any], patient_id: str
) -> tuple[dict[str, ColumnSource], list[Finding]]:
    """Our column → its source with the declared unit; a column whose unit is not declared is not used."""
    findings = _unknown(table, {"session_id", "acq_time", *CLINICAL_COLUMNS, *_QUANTITIES}, patient_id)
    columns: dict[str, ColumnSource] = {}
    for name in table.header:
        target = name if name in CLINICAL_COLUMNS else _QUANTITIES.get(name)
        if target is None:
            continue
        unit = _declared_unit(sidecar, name)
        finding = _unit_finding(name, target, unit, table.name, patient_id)
        if finding is None:
            columns[target] = ColumnSource((name,), unit)
        else:
            findings.append(finding)
    return columns, findings


def _declared_unit(sidecar: Mapping[str, Any], name: str) -> str:
    entry = sidecar.get(name)
    return str(entry.get("Units", "")) if isinstance(entry, Mapping) else ""


def _unit_finding(name: str, target: str, unit: str, table: str, patient_id: str) -> Finding | None:
    column = CLINICAL_CATALOGUE[target]
    if not column.is_number:
        return None
    conversion = find_conversion(column, unit)
    sidecar = table.replace(".tsv", ".json")
    if conversion is None:
        units = ", ".join(known_units(column))
        code, expected = "undeclared-unit", f"a unit of {name}, declared as Units in {sidecar} (one of {units})"
        found = f"the unit '{unit[:40]}'" if unit else "no unit"
    elif name == target and conversion != SAME:
        code, expected = "unit-contradicts-name", f"{column.unit}, as the column's name {name} says"
        found = f"the unit '{unit[:40]}'"
    else:
        return None
    remedy = (
        f"Declare the unit in which the values are written; a column in another unit than {column.unit} may be "
        f"called '{column.quantity}'. The column is not used."
    )
    return Finding(Severity.FLAGGED, code, expected, found, f"column {name} of {table}", remedy, patient_id)


def _acquired(text: str, place: RowPlace) -> tuple[date | Missing, tuple[Finding, ...]]:
    source = ColumnSource(("acq_time",))
    if is_missing(text):
        return Missing(Reason.ABSENT, "no date of the visit"), (
            replace(date_finding("n/a", place, source), code="missing-date"),
        )
    acquired = read_date(text)
    return acquired, (date_finding(text, place, source),) if isinstance(acquired, Missing) else ()


def _code(text: str, prefix: str) -> str:
    return text.removeprefix(prefix)


def _unknown(table: TextTable, known: Iterable[str], patient_id: str) -> list[Finding]:
    names = sorted(known)
    findings = []
    for name in table.header:
        if name not in names:
            near = get_close_matches(name, names, n=1, cutoff=0.7)
            hint = f"Did you mean '{near[0]}'? " if near else ""
            findings.append(
                Finding(
                    Severity.FLAGGED,
                    "unknown-column",
                    "columns that the project knows",
                    f"'{name[:40]}'",
                    f"header of {table.name}",
                    f"{hint}Rename or remove the column; it is not used.",
                    patient_id,
                )
            )
    return findings


def _bad_code(place: RowPlace, text: str, column: str, prefix: str) -> Finding:
    return Finding(
        Severity.REFUSED,
        "patient-code",
        f"a code {prefix}<letters and digits>",
        repr(text[:40]),
        f"row {place.number}, column {column} of {place.table}",
        "Mend the code; the row is not used.",
        place.patient_id if column == "session_id" else "",
    )


def _duplicate(place: RowPlace) -> Finding:
    what = f"visit ses-{place.session_id}" if place.session_id else f"patient sub-{place.patient_id}"
    return Finding(
        Severity.REFUSED,
        "duplicate-visit" if place.session_id else "duplicate-patient",
        "one row each",
        f"{what} in more than one row",
        f"row {place.number} of {place.table}",
        "Keep the right row and remove the others; none of them is used.",
        place.patient_id,
        place.session_id,
    )


def _no_column(name: str, column: str, table: TextTable) -> InputError:
    return InputError(
        expected=f"a column {column}",
        found=", ".join(table.header)[:200],
        where=name,
        remedy="Give the table its BIDS header, separated by tabs.",
        code="missing-column",
    )


def _no_participants() -> Finding:
    return Finding(
        Severity.FLAGGED,
        "no-participants-table",
        "participants.tsv",
        "no such file",
        "the dataset",
        "Write one with participant_id and sex; patients are taken from the folders, their sex is missing.",
    )


def _no_sessions(patient_id: str, name: str) -> Finding:
    return Finding(
        Severity.FLAGGED,
        "no-sessions-table",
        name,
        "no such file",
        f"sub-{patient_id}",
        "Write one with session_id and acq_time; without it dates and structured data are missing.",
        patient_id,
    )
