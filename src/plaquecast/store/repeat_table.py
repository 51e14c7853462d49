"""The table of repeat scans: which visits are two scans of one artery as it was, and how they face each other."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from plaquecast.domain.anatomy import Side
from plaquecast.domain.missing import Measured
from plaquecast.store.table_files import read_table
from plaquecast.store.table_rows import cells_of, measured_columns, read_measured, write_rows

_TABLE = "repeat_scans"
_IDS = ("participant_id", "session_id", "repeat_session_id", "side")


@dataclass(frozen=True, slots=True)
class RepeatScan:
    """One artery scanned twice; `ahead_mm` is by how much more the repeat's positions count at the same place."""

    patient_id: str
    session_id: str
    repeat_session_id: str
    side: Side
    ahead_mm: Measured


def write_repeat_scans_table(folder: Path, scans: Iterable[RepeatScan]) -> None:
    """Write the table `repeat_scans`: one row per artery that was scanned twice."""
    rows: list[dict[str, Any]] = [
        {
            "participant_id": f"sub-{scan.patient_id}",
            "session_id": f"ses-{scan.session_id}",
            "repeat_session_id": f"ses-{scan.repeat_session_id}",
            "side": scan.side.value,
            **cells_of({"ahead_mm": scan.ahead_mm}),
        }
        for scan in scans
    ]
    write_rows(folder, _TABLE, rows, dict.fromkeys(_IDS, pa.string()) | measured_columns(("ahead_mm",)))


def read_repeat_scans_table(folder: Path) -> tuple[RepeatScan, ...]:
    """Read the table `repeat_scans` back.

    Raises:
        InputError: if the table is missing or damaged.
    """
    return tuple(
        RepeatScan(
            row["participant_id"].removeprefix("sub-"),
            row["session_id"].removeprefix("ses-"),
            row["repeat_session_id"].removeprefix("ses-"),
            Side(row["side"]),
            **read_measured(row, ("ahead_mm",)),
        )
        for row in read_table(folder, _TABLE).rows()
    )
