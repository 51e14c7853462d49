"""Rows of tables: each measured number with the reason beside it where it is missing, and back."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from plaquecast.domain.missing import Measured, Missing, Reason
from plaquecast.errors import PlaquecastError
from plaquecast.store.columns import REASON_ENDING
from plaquecast.store.table_files import Table, write_table


def measured_fields(kind: type) -> tuple[str, ...]:
    """Names of the measured fields of a domain type, in their order."""
    return tuple(entry.name for entry in fields(kind) if entry.type == Measured)


def write_rows(folder: Path, name: str, rows: Sequence[Mapping[str, Any]], schema: dict[str, pa.DataType]) -> None:
    """Write rows as a table whose columns are those of the schema, in its order."""
    write_table(folder, Table(name, {column: [row[column] for row in rows] for column in schema}), schema)


def columns_of(kind: pa.DataType, *names: str) -> dict[str, pa.DataType]:
    """A schema of columns of one kind."""
    return dict.fromkeys(names, kind)


def measured_columns(names: Sequence[str]) -> dict[str, pa.DataType]:
    """Each measurement with its reason column beside it."""
    schema: dict[str, pa.DataType] = {}
    for name in names:
        schema |= {name: pa.float64(), name + REASON_ENDING: pa.string()}
    return schema


def measured_cells(thing: object, names: Sequence[str]) -> dict[str, Any]:
    """The cells of the named measurements of a thing, or of a thing that is missing as a whole."""
    if isinstance(thing, Missing):
        return cells_of(dict.fromkeys(names, thing))
    return cells_of({name: getattr(thing, name) for name in names})


def cells_of(values: Mapping[str, Measured]) -> dict[str, Any]:
    """Each value and, beside it, the reason where it is missing.

    Raises:
        PlaquecastError: if a value is not finite, which no step may hand over.
    """
    cells: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Missing):
            cells |= {name: None, name + REASON_ENDING: str(value)}
        elif np.isfinite(value):
            cells |= {name: float(value), name + REASON_ENDING: None}
        else:
            raise PlaquecastError(
                expected="a number, or Missing with its reason",
                found=str(value),
                where=f"column {name}",
                remedy="This is a fault of the program; please report it.",
                code="number-without-reason",
            )
    return cells


def read_measured(row: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The named measurements of a row, as they were before they were written."""
    return {name: parse_missing(row[name + REASON_ENDING]) if row[name] is None else row[name] for name in names}


def parse_missing(text: str) -> Missing:
    """Read a reason as `str(Missing)` prints it.

    >>> parse_missing("failed quality: T2W: shifted").detail
    'T2W: shifted'
    """
    reason, _, detail = text.partition(": ")
    return Missing(Reason(reason), detail)
