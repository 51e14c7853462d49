"""ZIP and TAR archives unpacked by our own hand: regular files only, counted and weighed, under names of our making."""

import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from plaquecast.errors import InputError
from plaquecast.settings import IngestSettings

_PIECE_BYTES = 1 << 20
_BYTES_AT_LEAST = 100_000_000
_MOST_COMPRESSED = 50
"""Images shrink to a third or, with much background, to a tenth; what shrinks fiftyfold is no image."""
_FILES_AT_LEAST = 1000
_LEAST_BYTES_OF_A_FILE = 500
"""Beyond a thousand files, each has to take some room in the archive."""
_ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


def is_archive(path: Path) -> bool:
    """Whether a file is named like an archive that `unpack` opens.

    >>> is_archive(Path("scans.ZIP")), is_archive(Path("a.nii.gz"))
    (True, False)
    """
    return path.name.lower().endswith(_ENDINGS)


def unpack(archive: Path, folder: Path, settings: IngestSettings) -> tuple[Path, ...]:
    """Write the regular files of an archive into an empty folder as `000001`, `000002`, ... in the archive's order.

    No name of the archive becomes a path, so nothing can be written elsewhere, and no name of a patient goes on. Links,
    devices and folders are passed over.

    Args:
        archive: `.zip`, or `.tar` plain or compressed.
        folder: an existing folder.
        settings: the most files (`max_archive_files`), bytes of one (`max_file_bytes`) and of all
            (`max_archive_bytes`) after unpacking.

    Raises:
        InputError: if the archive is damaged, encrypted, or holds more than the settings allow.
    """
    written: list[Path] = []
    size = archive.stat().st_size
    left = min(settings.max_archive_bytes, _BYTES_AT_LEAST + _MOST_COMPRESSED * size)
    most_files = min(settings.max_archive_files, _FILES_AT_LEAST + size // _LEAST_BYTES_OF_A_FILE)
    try:
        for stream in _zip_members(archive, left) if archive.name.lower().endswith(".zip") else _tar_members(archive):
            if len(written) >= most_files:
                remedy = "Split the archive, or raise ingest.max_archive_files."
                raise _refused(archive, "a study's files", f"more than {most_files}", remedy, "archive-files")
            path = folder / f"{len(written) + 1:06d}"
            left -= _copy(stream, path, min(left, settings.max_file_bytes), archive)
            written.append(path)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as problem:
        if isinstance(problem, InputError):
            raise
        found = f"{type(problem).__name__} in file {len(written) + 1}"
        remedy = "Fetch the archive again from its source, and without a password."
        raise _refused(archive, "a whole archive", found, remedy, "archive-damaged") from problem
    return tuple(written)


def _zip_members(archive: Path, left: int) -> Iterator[IO[bytes]]:
    with zipfile.ZipFile(archive) as opened:
        if sum(member.file_size for member in opened.infolist()) > left:
            raise _too_large(archive)
        for member in opened.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)
            if not member.is_dir() and kind in (0, stat.S_IFREG):
                with opened.open(member) as stream:
                    yield stream


def _tar_members(archive: Path) -> Iterator[IO[bytes]]:
    with tarfile.open(archive, "r|*") as opened:  # read once, forwards; nothing is looked up by name
        for member in opened:
            stream = opened.extractfile(member) if member.isreg() else None
            if stream is not None:
                yield stream


def _copy(stream: IO[bytes], path: Path, max_bytes: int, archive: Path) -> int:
    n_bytes = 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as target:
        while piece := stream.read(_PIECE_BYTES):
            n_bytes += len(piece)
            if n_bytes > max_bytes:
                raise _too_large(archive)
            target.write(piece)
    return n_bytes


def _too_large(archive: Path) -> InputError:
    remedy = "Split the archive, or raise ingest.max_archive_bytes."
    return _refused(archive, "a study's size", "more after unpacking", remedy, "archive-too-large")


def _refused(archive: Path, expected: str, found: str, remedy: str, code: str) -> InputError:
    return InputError(expected=expected, found=found, where=archive.name, remedy=remedy, code=code)
