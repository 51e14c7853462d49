"""Malformed archives, tables, mapping files, label maps and key files."""

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openpyxl
from tests.malformed import Malformed

from plaquecast.ingest.archive import unpack
from plaquecast.ingest.clinical_table import read_clinical_table
from plaquecast.ingest.deidentify import read_key_file
from plaquecast.ingest.table_mapping import ColumnSource, TableMapping, load_mapping
from plaquecast.ingest.weighting_table import read_weighting_table
from plaquecast.settings import IngestSettings

Make = Callable[[Path, np.random.Generator], Path]

MAPPING = TableMapping({"participant_id": ColumnSource(("Code",)), "weight_kg": ColumnSource(("Weight",), "kg")})


def read_archive(path: Path) -> object:
    """Unpack an archive beside itself."""
    folder = path.parent / "unpacked"
    folder.mkdir()
    return unpack(path, folder, IngestSettings(max_archive_files=50, max_archive_bytes=1_000_000))


def read_table(path: Path) -> object:
    """Read a table of codes and weights."""
    return read_clinical_table(path, MAPPING)


def _text(name: str, text: str | bytes) -> Make:
    def make(folder: Path, rng: np.random.Generator) -> Path:
        path = folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        return path

    return make


def _zip(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def _tar(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def _cut(name: str, content: bytes) -> Make:
    def make(folder: Path, rng: np.random.Generator) -> Path:
        path = folder / name
        path.write_bytes(content[: int(rng.integers(1, len(content) - 30))])
        return path

    return make


def _encrypted(folder: Path, rng: np.random.Generator) -> Path:
    content = bytearray(_zip({"a": rng.bytes(2000)}))
    content[6] |= 1  # the flag of encryption, in the local header and in the directory
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    path = folder / "scans.zip"
    path.write_bytes(bytes(content))
    return path


def _flipped(folder: Path, rng: np.random.Generator) -> Path:
    content = bytearray(_zip({"a": rng.bytes(3000)}))
    content[int(rng.integers(100, 2500))] ^= 1 << int(rng.integers(8))
    path = folder / "scans.zip"
    path.write_bytes(bytes(content))
    return path


def _sheet_bomb(folder: Path, rng: np.random.Generator) -> Path:
    path = folder / "table.xlsx"
    path.write_bytes(_zip({"xl/worksheets/sheet1.xml": bytes(200_000_000)}))
    return path


def _no_sheet(folder: Path, rng: np.random.Generator) -> Path:
    path = folder / "table.xlsx"
    book = openpyxl.Workbook()
    book.save(path)
    return path


_RANDOM = np.random.default_rng(0).bytes(60_000)

_ZIP_BOMB, _TAR_BOMB = _zip({"a": bytes(9_000_000)}), _tar({"a": bytes(9_000_000)})
_LATIN = "Code,Weight\nÅ,80\n".encode("latin-1")
_NO_UNIT = '[columns.weight_kg]\nsource = "W"\n'

MALFORMED_OTHER: tuple[Malformed, ...] = (
    Malformed("archive: no archive", "archive-damaged", _text("scans.zip", b"hello"), read_archive),
    Malformed("archive: cut ZIP", "archive-damaged", _cut("scans.zip", _zip({"a": _RANDOM})), read_archive),
    Malformed("archive: cut TAR", "archive-damaged", _cut("scans.tar.gz", _tar({"a": _RANDOM})), read_archive),
    Malformed("archive: flipped bit", "archive-damaged", _flipped, read_archive),
    Malformed("archive: encrypted", "archive-damaged", _encrypted, read_archive),
    Malformed("archive: too many files", "archive-files",
              _text("scans.zip", _zip({str(n): b"x" for n in range(60)})), read_archive),
    Malformed("archive: too many files in a TAR", "archive-files",
              _text("scans.tgz", _tar({str(n): b"x" for n in range(60)})), read_archive),
    Malformed("archive: ZIP bomb", "archive-too-large", _text("scans.zip", _ZIP_BOMB), read_archive),
    Malformed("archive: TAR bomb", "archive-too-large", _text("scans.tgz", _TAR_BOMB), read_archive),
    Malformed("table: empty", "table-empty", _text("table.csv", ""), read_table),
    Malformed("table: no such column", "missing-column", _text("table.csv", "Code,Size\n1,2\n"), read_table),
    Malformed("table: a column twice", "column-twice", _text("table.csv", "Code,Weight,Weight\n1,2,3\n"), read_table),
    Malformed("table: latin-1", "table-encoding", _text("table.csv", _LATIN), read_table),
    Malformed("table: zero bytes", "table-encoding", _text("table.csv", "Code,Weight\n1,\0\n"), read_table),
    Malformed("table: comma and semicolon", "table-delimiter", _text("table.csv", "Code,Wei;ght\n1,2\n"), read_table),
    Malformed("table: open quote", "table-csv", _text("table.csv", 'Code,Weight\n1,"80\n'), read_table),
    Malformed("table: no sheet file", "table-unreadable", _text("table.xlsx", b"hello"), read_table),
    Malformed("table: empty sheet", "table-empty", _no_sheet, read_table),
    Malformed("table: sheet bomb", "table-too-large", _sheet_bomb, read_table),
    Malformed("mapping: no TOML", "table-mapping", _text("map.toml", "[columns"), load_mapping),
    Malformed("mapping: unknown column", "table-mapping", _text("map.toml", "[columns.wieght_kg]\n"), load_mapping),
    Malformed("mapping: no unit", "table-mapping", _text("map.toml", _NO_UNIT), load_mapping),
    Malformed("mapping: wrong unit of a measurement", "table-mapping",
              _text("map.toml", '[measured.t]\nquantity = "max_wall_thickness_mm"\nunit = "cm"\n'), load_mapping),
    Malformed("mapping: unknown quantity", "table-mapping",
              _text("map.toml", '[measured.t]\nquantity = "thickness"\nunit = "mm"\n'), load_mapping),
    Malformed("weightings: a column missing", "weighting-table", _text("weightings.tsv", "a\tb\n1\t2\n"),
              read_weighting_table),
    Malformed("weightings: unknown name", "weighting-table",
              _text("weightings.tsv", "participant_id\tsession_id\tseries\tweighting\n1\tbaseline\t3\tT3W\n"),
              read_weighting_table),
    Malformed("key file: other columns", "key-file", _text("key.csv", "a,b\n1,2\n"), read_key_file),
    Malformed("key file: a code twice", "key-file",
              _text("key.csv", "patient_id,code,moved_days\na,1,5\nb,1,6\n"), read_key_file),
)  # fmt: skip
