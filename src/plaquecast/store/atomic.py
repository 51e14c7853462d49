"""Files that are whole or not there: write beside, flush to disk, rename; the same content gives the same bytes."""

import contextlib
import errno
import fcntl
import gzip
import hashlib
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

from plaquecast.errors import MachineError

PARTIAL_SUFFIX = ".partial"
"""Ending of a file that is being written. The name follows from the target's, so that a rerun overwrites what a
killed process left behind."""


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that its name shows either the whole new content or what was there before.

    The content goes to a hidden file in the same folder, is flushed to disk and renamed; the folder is flushed too.

    Two processes that write the same file, as when a worker is taken for lost, do so one after the other.

    Raises:
        MachineError: if the disk is full, or the folder cannot be written to; nothing half-written stays.
    """
    partial = path.with_name(f".{path.name}{PARTIAL_SUFFIX}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(partial) as descriptor:
            try:
                _write_flushed(descriptor, content)
                partial.replace(path)
            except BaseException:
                with contextlib.suppress(OSError):
                    partial.unlink()
                raise
        _flush_folder(path.parent)
    except OSError as problem:
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


@contextlib.contextmanager
def _alone(partial: Path) -> Iterator[int]:
    """Open a file to be written by nobody else meanwhile; the lock ends with the process, however it ends."""
    while True:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if not _is_still(descriptor, partial):
                continue  # whoever held it has renamed it meanwhile: it is the finished file now
            yield descriptor
            return
        finally:
            os.close(descriptor)


def _is_still(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _write_flushed(descriptor: int, content: bytes) -> None:
    os.ftruncate(descriptor, 0)
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]
    os.fsync(descriptor)


def _flush_folder(folder: Path) -> None:
    """Make the rename itself survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def explain_write_failure(path: Path, problem: OSError) -> MachineError:
    """Put into words why a file or folder could not be written."""
    if problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return MachineError(
            expected="room on the disk",
            found=f"none left ({os.strerror(problem.errno)})",
            where=path.name,
            remedy="Free some space and start the same command again; it goes on where it stopped.",
            code="disk-full",
        )
    return MachineError(
        expected="a folder that can be written to",
        found=os.strerror(problem.errno) if problem.errno else type(problem).__name__,
        where=path.name,
        remedy="Give another output folder, or write permission on this one, and start the same command again.",
        code="not-writable",
    )
