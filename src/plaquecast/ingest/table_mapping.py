"""How a foreign clinical table is to be read: one TOML file with source columns, units and codes; no guess is made."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from plaquecast.domain.clinical_columns import CLINICAL_CATALOGUE
from plaquecast.errors import InputError
from plaquecast.ingest.measured_quantities import QUANTITIES, MeasuredColumn
from plaquecast.ingest.redcap import filled_in, read_dictionary
from plaquecast.ingest.text_table import TableFormat
from plaquecast.ingest.units import find_conversion, known_units

ID_COLUMNS = ("participant_id", "session_id", "acq_time")
"""Columns that say whose row it is, of which visit and of which day."""

NO_VALUE = "n/a"


@dataclass(frozen=True, slots=True)
class ColumnSource:
    """Where one of our columns comes from.

    `source` names columns of the table; the first that holds something in a row counts. `codes` takes what stands in
    the table to our words; a code of `n/a` is read as missing. `missing` lists further marks of a missing value.
    """

    source: tuple[str, ...]
    unit: str = ""
    codes: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    date_format: str = ""


@dataclass(frozen=True, slots=True)
class TableMapping:
    """The reading of a whole table: our column → its source, and how the file is written.

    With `visits` (visit → ending of its columns), a wide table holds all visits of a patient in one row.
    `measured` lists columns that hold measurements of arteries, `ignored` those that are known and not used. With
    `one_row_per_patient`, a table without any codes of patients is read with the running number of each row as its
    patient's code.
    """

    columns: Mapping[str, ColumnSource]
    table_format: TableFormat = field(default_factory=TableFormat)
    decimal: str = "."
    missing: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    one_row_per_patient: bool = False
    measured: Mapping[str, MeasuredColumn] = field(default_factory=dict)
    visits: Mapping[str, str] = field(default_factory=dict)


def load_mapping(path: Path) -> TableMapping:
    """Read a mapping file.

    Raises:
        InputError: if the file cannot be read, or names an unknown column, key or unit.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise _refused(path.name, "a readable TOML file", str(problem), "Mend the file.") from problem
    _check_keys(content, ("table", "columns", "measured", "visits"), path.name)
    table, columns = dict(content.get("table", {})), content.get("columns", {})
    dictionary = table.pop("redcap_dictionary", None)
    if dictionary is not None:
        columns = filled_in(columns, read_dictionary(path.parent / str(dictionary)), path.name)
    known = {entry.name for entry in fields(TableMapping)} - {"columns", "measured", "visits", "table_format"}
    format_keys = {entry.name for entry in fields(TableFormat)}
    _check_keys(table, (*known, *format_keys), f"[table] of {path.name}")
    if table.get("decimal", ".") not in (".", ","):
        raise _refused(f"[table] of {path.name}", 'decimal = "." or ","', repr(table["decimal"]), "Name one of these.")
    choices: dict[str, Any] = {
        name: _tuples(value) if isinstance(value, list) else value for name, value in table.items() if name in known
    }
    return TableMapping(
        columns={name: _column(name, entry, path.name) for name, entry in columns.items()},
        visits={str(name): str(suffix) for name, suffix in content.get("visits", {}).items()},
        measured={name: _measured(name, entry, path.name) for name, entry in content.get("measured", {}).items()},
        table_format=TableFormat(**{name: value for name, value in table.items() if name in format_keys}),
        **choices,
    )


def _column(name: str, entry: dict[str, Any], file_name: str) -> ColumnSource:
    where = f"[columns.{name}] of {file_name}"
    _check_keys({name: entry}, (*ID_COLUMNS, *CLINICAL_CATALOGUE), file_name)
    _check_keys(entry, tuple(each.name for each in fields(ColumnSource)), where)
    source = entry.get("source", name)
    column = ColumnSource(
        source=_tuples(source if isinstance(source, list) else [source]),
        unit=entry.get("unit", ""),
        codes={str(code): str(word) for code, word in entry.get("codes", {}).items()},
        missing=_tuples(entry.get("missing", [])),
        date_format=entry.get("date_format", ""),
    )
    _check_column(name, column, where)
    return column


def _measured(name: str, entry: dict[str, Any], file_name: str) -> MeasuredColumn:
    where = f"[measured.{name}] of {file_name}"
    _check_keys(entry, ("source", "quantity", "unit", "missing"), where)
    quantity = QUANTITIES.get(entry.get("quantity", ""))
    if quantity is None:
        found = repr(str(entry.get("quantity", ""))[:40])
        raise _refused(where, f"a quantity, one of {', '.join(QUANTITIES)}", found, "Declare what is measured.")
    if entry.get("unit") != quantity.unit:
        found = repr(str(entry.get("unit", ""))[:20])
        raise _refused(where, f"the unit {quantity.unit}", found, "Declare the unit, or convert the column first.")
    return MeasuredColumn(str(entry.get("source", name)), entry["quantity"], _tuples(entry.get("missing", [])))


def _check_column(name: str, column: ColumnSource, where: str) -> None:
    ours = CLINICAL_CATALOGUE.get(name)
    if ours is None:
        return
    if ours.is_number and find_conversion(ours, column.unit) is None:
        found = f"the unit '{column.unit}'" if column.unit else "no unit"
        raise _refused(where, f"a unit for {name}", found, f"Declare one of: {', '.join(known_units(ours))}.")
    unknown = sorted(set(column.codes.values()) - {*ours.words, NO_VALUE})
    if ours.words and unknown:
        words = ", ".join((*ours.words, NO_VALUE))
        raise _refused(where, f"codes that mean one of {words}", repr(unknown[0]), "Mend the word.")


def _tuples(values: list[Any]) -> tuple[str, ...]:
    return tuple(str(value) for value in values)


def _check_keys(content: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    unknown = sorted(set(content) - set(known))
    if unknown:
        raise _refused(where, f"one of {', '.join(known)}", f"'{unknown[0]}'", "Mend or remove the key.")


def _refused(where: str, expected: str, found: str, remedy: str) -> InputError:
    return InputError(expected=expected, found=found, where=where, remedy=remedy, code="table-mapping")
