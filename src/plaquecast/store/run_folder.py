"""The folder of a run: taken by one driver, or by one for each shard, and never over another run or foreign files."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from plaquecast.errors import InputError
from plaquecast.store.atomic import PARTIAL_SUFFIX, explain_write_failure

JOURNAL_NAME = "journal.sqlite"
LOCK_NAME = ".lock"
"""An empty file whose lock is held; that it is there says nothing. (Network file systems lock files, not folders.)"""
PARTS = ".parts"
"""Folder of the journals of shards and of other hosts, until a whole run takes them up."""

_OURS = "a new or empty output folder, or that of the same run"
_WATCHER_SECONDS = 0.3
"""Longer than whoever only asks whether a folder is held keeps it."""


def make_folder(folder: Path) -> None:
    """Make the folder and those above it.

    Raises:
        InputError: if that is not allowed there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise explain_write_failure(folder, problem) from problem


@contextmanager
def locked(path: Path, shared: bool = False) -> Iterator[None]:
    """Hold a folder, or a file that is made for it, for this process; the lock ends with it, however it ends.

    Any number of processes may hold it `shared`, and one alone otherwise.

    Raises:
        MachineError: if it cannot be opened.
        InputError: if another process holds it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as problem:
        raise explain_write_failure(path, problem) from problem
    try:
        _take(descriptor, path, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def is_held(folder: Path) -> bool:
    """Whether some process drives a run in the folder."""
    path = folder / LOCK_NAME
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _take(descriptor: int, path: Path, kind: int) -> None:
    until = time.monotonic() + _WATCHER_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            return
        except BlockingIOError as problem:
            if time.monotonic() > until:
                raise InputError(
                    expected="a run folder that nobody works in",
                    found="another process that works in it",
                    where=path.parent.name if path.name == LOCK_NAME else path.name,
                    remedy="Wait until that run has ended, or give another output folder.",
                    code="run-busy",
                ) from problem
            time.sleep(0.02)
        except OSError as problem:
            raise explain_write_failure(path, problem) from problem


def check_folder_is_ours(folder: Path) -> None:
    """Accept a folder that does not exist, is empty, or holds a journal of ours.

    Raises:
        InputError: if it holds files that no run of ours put there.
    """
    if not folder.exists() or (folder / JOURNAL_NAME).is_file() or (folder / PARTS).is_dir():
        return
    if not folder.is_dir():
        raise _refused(folder, _OURS, "a file of that name")
    names = [path.name for path in folder.iterdir() if path.name != LOCK_NAME]
    foreign = sorted(name for name in names if not name.endswith(PARTIAL_SUFFIX))
    if foreign:
        shown = ", ".join(foreign[:3]) + (f" and {len(foreign) - 3} more" if len(foreign) > 3 else "")
        raise _refused(folder, _OURS, f"files that are not of this run ({shown})")


def refuse_used_folder(folder: Path, what: str) -> None:
    """Accept a folder that does not exist or is empty, for what is written at once and never into others' files.

    Args:
        folder: where it is to be written.
        what: what it is, such as `the model`.

    Raises:
        InputError: if the folder holds anything.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        found = "one that holds files" if folder.is_dir() else "a file of that name"
        raise _refused(folder, f"a new or empty folder for {what}", found)


def _refused(folder: Path, expected: str, found: str) -> InputError:
    return InputError(
        expected=expected,
        found=found,
        where=folder.name,
        remedy="Give another output folder with --out; nothing in this one was touched.",
        code="foreign-files",
    )
