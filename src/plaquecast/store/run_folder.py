"""The folder of a run: taken by one process at a time, and never over another run or over foreign files."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from plaquecast.errors import InputError
from plaquecast.store.atomic import PARTIAL_SUFFIX, explain_write_failure

JOURNAL_NAME = "journal.sqlite"


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
def locked_folder(folder: Path) -> Iterator[None]:
    """Hold the folder for this process; the lock is on the folder itself and ends with the process, however it ends.

    Raises:
        InputError: if another process holds it.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            raise InputError(
                expected="a run folder that nobody works in",
                found="another process that works in it",
                where=folder.name,
                remedy="Wait until that run has ended, or give another output folder.",
                code="run-busy",
            ) from problem
        yield
    finally:
        os.close(descriptor)


def check_folder_is_ours(folder: Path) -> None:
    """Accept a folder that does not exist, is empty, or holds a journal of ours.

    Raises:
        InputError: if it holds files that no run of ours put there.
    """
    if not folder.exists() or (folder / JOURNAL_NAME).is_file():
        return
    if not folder.is_dir():
        raise _refused(folder, "a file of that name")
    foreign = sorted(path.name for path in folder.iterdir() if not path.name.endswith(PARTIAL_SUFFIX))
    if foreign:
        shown = ", ".join(foreign[:3]) + (f" and {len(foreign) - 3} more" if len(foreign) > 3 else "")
        raise _refused(folder, f"files that are not of this run ({shown})")


def _refused(folder: Path, found: str) -> InputError:
    return InputError(
        expected="a new or empty output folder, or that of the same run",
        found=found,
        where=folder.name,
        remedy="Give another output folder with --out; nothing in this one was touched.",
        code="foreign-files",
    )
