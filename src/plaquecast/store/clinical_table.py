"""The table `clinical` of a run: structured data and date of each visit, for whoever learns from the run."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, get_type_hints

import pyarrow as pa

from plaquecast.domain.clinical import ClinicalRecord
from plaquecast.domain.clinical_columns import CLINICAL_CATALOGUE
from plaquecast.domain.missing import Missing
from plaquecast.store.columns import REASON_ENDING
from plaquecast.store.json_values import from_json_value
from plaquecast.store.table_files import read_table
from plaquecast.store.table_rows import parse_missing, write_rows

_YES_NO = {True: "yes", False: "no"}


@dataclass(frozen=True, slots=True)
class ClinicalVisit:
    """Date and structured data of one visit, and whose they are."""

    patient_id: str
    session_id: str
    acquired: date | Missing
    clinical: ClinicalRecord


def write_clinical_table(folder: Path, visits: Iterable[ClinicalVisit]) -> None:
    """Write the table `clinical`: one row per visit."""
    rows = []
    for visit in visits:
        row: dict[str, Any] = {"participant_id": f"sub-{visit.patient_id}", "session_id": f"ses-{visit.session_id}"}
        row |= _cells("acq_date", visit.acquired)
        for entry in fields(visit.clinical):
            row |= _cells(entry.name, getattr(visit.clinical, entry.name))
        rows.append(row)
    write_rows(folder, "clinical", rows, _SCHEMA)


def read_clinical_table(folder: Path) -> tuple[ClinicalVisit, ...]:
    """Read the table `clinical` back.

    Raises:
        InputError: if the table is missing or damaged.
    """
    hints = get_type_hints(ClinicalRecord)
    return tuple(
        ClinicalVisit(
            row["participant_id"].removeprefix("sub-"),
            row["session_id"].removeprefix("ses-"),
            _value("acq_date", date | Missing, row),
            ClinicalRecord(
                **{entry.name: _value(entry.name, hints[entry.name], row) for entry in fields(ClinicalRecord)}
            ),
        )
        for row in read_table(folder, "clinical").rows()
    )


def _schema() -> dict[str, pa.DataType]:
    schema = {"participant_id": pa.string(), "session_id": pa.string()}
    for name in ("acq_date", *CLINICAL_CATALOGUE):
        is_number = name in CLINICAL_CATALOGUE and CLINICAL_CATALOGUE[name].is_number
        schema |= {name: pa.float64() if is_number else pa.string(), name + REASON_ENDING: pa.string()}
    return schema


_SCHEMA = _schema()


def _cells(name: str, value: object) -> dict[str, Any]:
    if isinstance(value, Missing):
        return {name: None, name + REASON_ENDING: str(value)}
    if isinstance(value, bool):
        value = _YES_NO[value]
    elif isinstance(value, StrEnum | date):
        value = str(value)
    return {name: value, name + REASON_ENDING: None}


def _value(name: str, kind: Any, row: dict[str, Any]) -> Any:
    value = row[name]
    if value is None:
        return parse_missing(row[name + REASON_ENDING])
    return value == "yes" if kind == bool | Missing else from_json_value(kind, value)
