"""The door: a user's file as bytes, whole and bounded, with its hash; no image file is opened anywhere else."""

import hashlib
import json
import os
import stat
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plaquecast.errors import InputError

MAX_JSON_BYTES = 10_000_000
"""Largest sidecar that is opened."""

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """The whole content of a regular file, with the name to use in messages and its SHA-256 in hexadecimal."""

    name: str
    content: bytes
    sha256: str

    @property
    def is_gzip(self) -> bool:
        """Whether the content says that it is gzip-compressed."""
        return self.content.startswith(_GZIP_MAGIC)


def open_whole(path: Path, max_bytes: int, name: str = "") -> OpenedFile:
    """Read a regular file of at most `max_bytes` as a whole.

    Args:
        path: the file; what is not a regular file (folder, pipe, device) is refused without being waited for.
        max_bytes: the largest size that is opened.
        name: what to call the file in messages; its own name if empty.

    Raises:
        InputError: if the file is missing, unreadable, no regular file, empty, too large, or changes while it is read.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.nii")
    ...     _ = path.write_bytes(b"carotid")
    ...     open_whole(path, 100).content
    b'carotid'
    """
    name = name or path.name
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe without a writer would block for ever
        try:
            size = _size_of_regular(descriptor, name, max_bytes)
            content = _read_up_to(descriptor, size + 1)
        finally:
            os.close(descriptor)
    except OSError as problem:
        found = os.strerror(problem.errno) if problem.errno else type(problem).__name__
        raise _refused(name, "a readable file", found, "Check name and permissions.", "file-unreadable") from problem
    if not content:
        raise _refused(name, "an image", "an empty file", "Fetch the file again from its source.", "file-empty")
    if len(content) != size:
        found = f"{size} bytes that became {len(content)}"
        raise _refused(name, "a file at rest", found, "Wait until it is copied, then start again.", "file-changing")
    return OpenedFile(name, content, hashlib.sha256(content).hexdigest())


def read_json_object(path: Path) -> dict[str, Any]:
    """A small JSON object, such as a sidecar; empty if there is no such file.

    Raises:
        InputError: if the file is too large, damaged or nested too deep, or is no object.
    """
    if not path.is_file():
        return {}
    content = open_whole(path, MAX_JSON_BYTES).content
    try:
        return dict(json.loads(content.decode("utf-8")))
    except (ValueError, TypeError, RecursionError) as problem:
        found, remedy = type(problem).__name__, "Mend or remove the sidecar; what stands beside it is not used."
        raise _refused(path.name, "a JSON object", found, remedy, "sidecar-unreadable") from problem


def _size_of_regular(descriptor: int, name: str, max_bytes: int) -> int:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise _refused(name, "a regular file", "something else", "Name a file.", "not-a-file")
    if status.st_size > max_bytes:
        remedy = "Give the image alone, or raise ingest.max_file_bytes."
        raise _refused(name, f"at most {max_bytes} bytes", f"{status.st_size} bytes", remedy, "file-too-large")
    return status.st_size


def _read_up_to(descriptor: int, n_bytes: int) -> bytes:
    pieces = []
    while n_bytes > 0 and (piece := os.read(descriptor, n_bytes)):
        pieces.append(piece)
        n_bytes -= len(piece)
    return b"".join(pieces)


def files_below(path: Path) -> tuple[Path, ...]:
    """The file itself, or all regular files of a folder and its subfolders in the order of their names."""
    return (path,) if path.is_file() else tuple(sorted(each for each in path.rglob("*") if each.is_file()))


def sha256_of_files(path: Path, max_bytes: int) -> str:
    """SHA-256 over the contents of `files_below`, whatever the files are called.

    Raises:
        InputError: if one of them cannot be opened whole.
    """
    digests = [open_whole(file, max_bytes).sha256 for file in files_below(path)]
    return hashlib.sha256("".join(sorted(digests)).encode("ascii")).hexdigest()


def gunzip_start(opened: OpenedFile, n_bytes: int) -> bytes:
    """The first bytes of what a gzip file holds (fewer if it ends before); nothing is verified yet.

    Raises:
        InputError: if the stream is damaged already here.
    """
    try:
        return zlib.decompressobj(_GZIP_WINDOW).decompress(opened.content, n_bytes)
    except zlib.error as problem:
        raise _damaged(opened.name, str(problem)) from problem


def gunzip_whole(opened: OpenedFile, n_bytes: int) -> bytes:
    """What a gzip file holds, if that is exactly `n_bytes`; the end of the stream and its checksum are demanded.

    Several gzip members in a row, as parallel compressors write them, are one content. Memory is bounded by `n_bytes`.

    Raises:
        InputError: if the stream is cut or damaged, or holds more or less.

    >>> import gzip
    >>> packed = gzip.compress(b"carotid")
    >>> gunzip_whole(OpenedFile("a.nii.gz", packed, ""), 7)
    b'carotid'
    """
    pieces: list[bytes] = []
    left, rest = n_bytes, opened.content
    while rest:
        stream = zlib.decompressobj(_GZIP_WINDOW)
        try:
            while not stream.eof and left >= 0:
                piece = stream.decompress(rest, min(_PIECE_BYTES, left + 1))
                rest = stream.unconsumed_tail
                if not piece and not stream.eof and not rest:
                    raise _damaged(opened.name, "the end of the file in the middle of its data")
                pieces.append(piece)
                left -= len(piece)
        except zlib.error as problem:
            raise _damaged(opened.name, str(problem)) from problem
        if left < 0:
            found = "more bytes after decompression"
            raise _refused(opened.name, f"{n_bytes} bytes, as its header says", found, _FETCH_AGAIN, "too-long")
        rest = stream.unused_data
    if left:
        found = f"{n_bytes - left} bytes"
        raise _refused(opened.name, f"{n_bytes} bytes, as its header says", found, _FETCH_AGAIN, "too-short")
    return b"".join(pieces)


_FETCH_AGAIN = "Fetch the file again from its source."


def _damaged(name: str, found: str) -> InputError:
    return _refused(name, "a whole gzip file", found, _FETCH_AGAIN, "damaged-gzip")


def _refused(name: str, expected: str, found: str, remedy: str, code: str) -> InputError:
    return InputError(expected=expected, found=found, where=name, remedy=remedy, code=code)
