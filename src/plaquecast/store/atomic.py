"""Files that are whole or not there: write beside, flush to disk, rename; the same content gives the same bytes."""

import contextlib
import errno
import gzip
import hashlib
import io
import json
import os
from pathlib import Path

from plaquecast.errors import InputError

PARTIAL_SUFFIX = ".partial"
"""Ending of a file that is being written. The name follows from the target's, so that a rerun overwrites what a
killed process left behind."""


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that its name shows either the whole new content or what was there before.

    The content goes to a hidden file in the same folder, is flushed to disk and renamed; the folder is flushed too.

    Raises:
        InputError: if the disk is full, or the folder cannot be written to; nothing half-written stays.
    """
    partial = path.with_name(f".{path.name}{PARTIAL_SUFFIX}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_flushed(partial, content)
        partial.replace(path)
        _flush_folder(path.parent)
    except OSError as problem:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise explain_write_failure(path, problem) from problem


def write_text(path: Path, text: str) -> None:
    """Write a text as UTF-8, whole or not at all."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: object) -> None:
    """Write plain values as readable JSON, whole or not at all; gzipped if the name ends in `.gz`."""
    content = (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8")
    write_bytes(path, gzip_bytes(content) if path.suffix == ".gz" else content)


def gzip_bytes(content: bytes, level: int = 6) -> bytes:
    """Compress without time or file name in the header, so that equal contents give equal files.

    >>> gzip_bytes(b"carotid") == gzip_bytes(b"carotid")
    True
    >>> gzip.decompress(gzip_bytes(b"carotid"))
    b'carotid'
    """
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=level, fileobj=buffer, mtime=0) as stream:
        stream.write(content)
    return buffer.getvalue()


def sha256_of_bytes(content: bytes) -> str:
    """SHA-256 of bytes in hexadecimal.

    >>> sha256_of_bytes(b"")[:8]
    'e3b0c442'
    """
    return hashlib.sha256(content).hexdigest()


def sha256_of_file(path: Path) -> str:
    """SHA-256 of a file in hexadecimal, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _write_flushed(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_folder(folder: Path) -> None:
    """Make the rename itself survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def explain_write_failure(path: Path, problem: OSError) -> InputError:
    """Put into words why a file or folder could not be written."""
    if problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return InputError(
            expected="room on the disk",
            found=f"none left ({os.strerror(problem.errno)})",
            where=path.name,
            remedy="Free some space and start the same command again; it goes on where it stopped.",
            code="disk-full",
        )
    return InputError(
        expected="a folder that can be written to",
        found=os.strerror(problem.errno) if problem.errno else type(problem).__name__,
        where=path.name,
        remedy="Give another output folder, or write permission on this one, and start the same command again.",
        code="not-writable",
    )
