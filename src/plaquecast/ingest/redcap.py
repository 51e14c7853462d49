"""A REDCap data dictionary: the units and codes that a study declared, put where the mapping file leaves them open."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plaquecast.domain.clinical_columns import CLINICAL_CATALOGUE
from plaquecast.errors import InputError
from plaquecast.ingest.text_table import read_text_table
from plaquecast.ingest.units import find_conversion

_NAME, _CHOICES, _NOTE = "Variable / Field Name", "Choices, Calculations, OR Slider Labels", "Field Note"
_CHOICE = re.compile(r"\s*([^,|]+?)\s*,\s*([^|]+?)\s*(?:\||$)")


@dataclass(frozen=True, slots=True)
class DictionaryField:
    """One field: the unit in its note (empty if it names none by itself) and what its codes mean, in lower case."""

    note: str
    choices: Mapping[str, str]


def read_dictionary(path: Path) -> dict[str, DictionaryField]:
    """Read a data dictionary as REDCap exports it (CSV).

    Raises:
        InputError: if it cannot be read, or has no such columns.
    """
    table = read_text_table(path)
    missing = [name for name in (_NAME, _CHOICES, _NOTE) if name not in table.header]
    if missing:
        raise _refused(path.name, f"a column '{missing[0]}'", "none", "Export the data dictionary from REDCap as CSV.")
    return {row[_NAME]: DictionaryField(row[_NOTE], _choices(row[_CHOICES])) for _, row in table.rows}


def _choices(text: str) -> dict[str, str]:
    """Codes and their words.

    >>> _choices("1, Never | 2, Former smoker")
    {'1': 'never', '2': 'former smoker'}
    """
    return {code: word.casefold() for code, word in _CHOICE.findall(text)}


def filled_in(columns: Mapping[str, Any], fields: Mapping[str, DictionaryField], where: str) -> dict[str, Any]:
    """The mapping's columns with units and codes from the dictionary where they declare none.

    Args:
        columns: our column → its entry in the mapping file.
        fields: the dictionary.
        where: name of the mapping file.

    Raises:
        InputError: if mapping and dictionary declare different units.
    """
    filled = {}
    for name, entry in columns.items():
        source = entry.get("source", name)
        field = fields.get(source if isinstance(source, str) else source[0])
        column = CLINICAL_CATALOGUE.get(name)
        filled[name] = dict(entry)
        if field is None or column is None:
            continue
        noted = find_conversion(column, field.note) if column.is_number and field.note else None
        if noted is not None and "unit" in entry and find_conversion(column, entry["unit"]) != noted:
            found = f"{entry['unit']} in the mapping, {field.note[:20]} in the dictionary"
            raise _refused(f"[columns.{name}] of {where}", "one unit", found, "Find out which one is right.")
        if noted is not None:
            filled[name].setdefault("unit", field.note)
        if column.words:
            filled[name].setdefault("codes", {c: word for c, word in field.choices.items() if word in column.words})
    return filled


def _refused(where: str, expected: str, found: str, remedy: str) -> InputError:
    return InputError(expected=expected, found=found, where=where, remedy=remedy, code="table-mapping")
