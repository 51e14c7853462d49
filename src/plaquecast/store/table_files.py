"""One table as Parquet for machines, TSV for people and a JSON sidecar with units; same rows, same bytes."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from plaquecast.errors import InputError
from plaquecast.store.atomic import write_bytes, write_json
from plaquecast.store.columns import column_sidecar

_LIVE_LEADS = ("=", "+", "-", "@")


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of equal length by name; texts, numbers, truth values, and None where there is nothing."""

    name: str
    columns: Mapping[str, Sequence[Any]]

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(next(iter(self.columns.values()), ()))

    def rows(self) -> list[dict[str, Any]]:
        """The rows as dictionaries."""
        names = list(self.columns)
        return [dict(zip(names, values, strict=True)) for values in zip(*self.columns.values(), strict=True)]


def write_table(folder: Path, table: Table, schema: dict[str, pa.DataType]) -> None:
    """Write `<name>.parquet`, `<name>.tsv` and `<name>.json` into the folder.

    Parquet keeps every number to the last bit. In the TSV, missing is `n/a`; a text cannot end a cell, nor begin as
    a formula of a spreadsheet.
    """
    arrow = pa.table({name: pa.array(table.columns[name], kind) for name, kind in schema.items()})
    buffer = io.BytesIO()
    pq.write_table(arrow, buffer, compression="zstd", version="2.6")
    write_json(folder / f"{table.name}.json", column_sidecar(tuple(schema)))
    write_bytes(folder / f"{table.name}.tsv", _as_tsv(arrow))
    write_bytes(folder / f"{table.name}.parquet", buffer.getvalue())


def read_table(folder: Path, name: str) -> Table:
    """Read the Parquet form of a table.

    Raises:
        InputError: if there is none, or it is damaged.
    """
    arrow = _read_arrow(folder, name)
    return Table(name, {column: arrow.column(column).to_pylist() for column in arrow.column_names})


def read_frame(folder: Path, name: str, columns: Sequence[str]) -> pd.DataFrame:
    """Read some columns of a table as a whole, NaN or None where there is nothing; texts are categories.

    Raises:
        InputError: if there is no such table or column, or it is damaged.
    """
    arrow = _read_arrow(folder, name, list(columns))
    return arrow.to_pandas(strings_to_categorical=True)


def _read_arrow(folder: Path, name: str, columns: list[str] | None = None) -> pa.Table:
    path = folder / f"{name}.parquet"
    try:
        found = pq.read_table(io.BytesIO(path.read_bytes()), columns=columns)
        return found if columns is None else found.select(columns)
    except (OSError, pa.ArrowException, KeyError) as problem:
        raise InputError(
            expected=f"the table {name}",
            found=f"{type(problem).__name__}: {problem}".splitlines()[0],
            where=path.name,
            remedy="Give the folder of a finished run, or start the run again; it goes on where it stopped.",
            code="damaged-table",
        ) from problem


def _as_tsv(arrow: pa.Table) -> bytes:
    frame = pd.DataFrame(
        {
            name: [_text_cell(value) for value in column.to_pylist()]
            if pa.types.is_string(column.type) or pa.types.is_list(column.type) or pa.types.is_boolean(column.type)
            else column.to_pandas()
            for name, column in zip(arrow.column_names, arrow.columns, strict=True)
        }
    )
    text = frame.to_csv(sep="\t", na_rep="n/a", index=False, lineterminator="\n", quoting=csv.QUOTE_NONE)
    return text.encode("utf-8")


def _text_cell(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    text = " | ".join(value) if isinstance(value, list) else str(value)
    text = "".join(sign if sign.isprintable() else " " for sign in text)
    return f"'{text}" if text.startswith(_LIVE_LEADS) else text


def read_column_sidecar(folder: Path, name: str) -> dict[str, dict[str, str]]:
    """Units and definitions of a table's columns."""
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
