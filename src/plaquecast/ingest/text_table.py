"""A table file (TSV, CSV or XLSX) as texts with their row numbers; every irregularity becomes a finding."""

import csv
import io
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from plaquecast.domain.dataset import Finding, Severity
from plaquecast.errors import InputError

MAX_TABLE_BYTES = 50_000_000
"""Largest table that is opened, packed and unpacked."""

MAX_COLUMNS = 2000
"""Most columns of a table; a line of millions of cells would fill the memory."""


@dataclass(frozen=True, slots=True)
class TableFormat:
    """How a text table is written; empty `delimiter`: tab for `.tsv`, comma or semicolon as the header shows."""

    delimiter: str = ""
    encoding: str = "utf-8-sig"
    sheet: str = ""


@dataclass(frozen=True, slots=True)
class TextTable:
    """A header and rows of stripped texts, each row with its number in the file (the header is row 1)."""

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[int, dict[str, str]], ...]
    findings: tuple[Finding, ...]


def read_text_table(path: Path, table_format: TableFormat | None = None) -> TextTable:
    """Read a table file as texts.

    Rows with another number of cells than the header are left out with a finding; empty rows are passed over.

    Raises:
        InputError: if the file is missing, too large, not text in the stated encoding, has no header, or names a
            column twice.
    """
    table_format = table_format or TableFormat()
    content = _bounded_content(path)
    if path.suffix.lower() == ".xlsx":
        lines = list(_sheet_rows(content, path.name, table_format.sheet))
    else:
        lines = list(_text_rows(content, path, table_format))
    if not lines:
        raise _refused(path.name, "a header and rows", "an empty table", "Fill the table.", "table-empty")
    header = tuple(lines[0][1])
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise _refused(
            path.name, "each column once", f"column '{twice[0]}' twice", "Rename or remove one.", "column-twice"
        )
    rows, findings = [], []
    for number, cells in lines[1:]:
        if len(cells) == len(header):
            rows.append((number, dict(zip(header, cells, strict=True))))
        else:
            findings.append(_ragged(path.name, number, len(cells), len(header)))
    return TextTable(path.name, header, tuple(rows), tuple(findings))


def _bounded_content(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= MAX_TABLE_BYTES else b""
    except OSError as problem:
        found = problem.strerror or type(problem).__name__
        raise _refused(
            path.name, "a table file", found, "Check the name of the table.", "table-unreadable"
        ) from problem
    if size > MAX_TABLE_BYTES:
        raise _refused(
            path.name, f"at most {MAX_TABLE_BYTES} bytes", f"{size} bytes", "Give the table alone.", "table-too-large"
        )
    return content


def _text_rows(content: bytes, path: Path, table_format: TableFormat) -> Iterator[tuple[int, list[str]]]:
    utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    encoding = "utf-16" if utf16 else table_format.encoding
    try:
        text = content.decode(encoding)
    except (UnicodeDecodeError, LookupError) as problem:
        raise _refused(
            path.name,
            f"text in {encoding}",
            f"bytes that are not ({problem})",
            'Save the table as UTF-8, or name its encoding in the mapping file (encoding = "latin-1").',
            "table-encoding",
        ) from problem
    if "\0" in text:
        raise _refused(path.name, "text", "zero bytes", "Save the table as UTF-8 text.", "table-encoding")
    delimiter = table_format.delimiter or _delimiter(path, text)
    widest = max((line.count(delimiter) + 1 for line in text.splitlines()), default=0)
    if widest > MAX_COLUMNS:
        found, remedy = f"a line of {widest} cells", "Give the table alone, or check its delimiter."
        raise _refused(path.name, f"at most {MAX_COLUMNS} columns", found, remedy, "table-too-large")
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as problem:
        raise _refused(
            path.name,
            "cells between delimiters",
            f"{problem} in line {reader.line_num}",
            "Mend the quotes.",
            "table-csv",
        ) from problem


def _delimiter(path: Path, text: str) -> str:
    if path.suffix.lower() == ".tsv":
        return "\t"
    header = text.lstrip("\r\n").partition("\n")[0]
    present = [sign for sign in ",;\t" if sign in header]
    if len(present) > 1:
        raise _refused(
            path.name,
            "one delimiter in the header",
            " and ".join(repr(sign) for sign in present),
            'Name it in the mapping file (delimiter = ";").',
            "table-delimiter",
        )
    return present[0] if present else ","


def _sheet_rows(content: bytes, name: str, sheet: str) -> Iterator[tuple[int, list[str]]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > MAX_TABLE_BYTES:
            raise _refused(
                name,
                f"at most {MAX_TABLE_BYTES} bytes",
                f"{unpacked} unpacked",
                "Give the table alone.",
                "table-too-large",
            )
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=False)
        if sheet and sheet not in book.sheetnames:
            raise _refused(name, f"a sheet '{sheet}'", ", ".join(book.sheetnames), "Name one of these.", "table-sheet")
        rows = [list(row) for row in book[sheet or book.sheetnames[0]].iter_rows(values_only=True)]
    except (zipfile.BadZipFile, InvalidFileException, KeyError, OSError) as problem:
        raise _refused(
            name,
            "a whole XLSX file",
            f"{type(problem).__name__}: {problem}",
            "Save the table again.",
            "table-unreadable",
        ) from problem
    yield from _without_empty(enumerate(([_cell_text(cell) for cell in row] for row in rows), start=1))


def _without_empty(rows: Iterable[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    for number, cells in rows:
        if any(cells):
            yield number, cells


def _cell_text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == datetime.min.time() else cell.isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _ragged(name: str, number: int, n_cells: int, n_columns: int) -> Finding:
    return Finding(
        Severity.REFUSED,
        "row-cells",
        f"{n_columns} cells",
        f"{n_cells} cells",
        f"row {number} of {name}",
        "Mend the row; a delimiter may stand inside a cell, or one is missing.",
    )


def _refused(name: str, expected: str, found: str, remedy: str, code: str) -> InputError:
    return InputError(expected=expected, found=found, where=name, remedy=remedy, code=code)
