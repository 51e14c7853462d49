"""Real faults of a machine: each strikes while a step of a run begins, and can be mended afterwards."""

import ctypes
import os
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np

_CLONE_NEWNS = 0x00020000
_MS_RDONLY, _MS_REMOUNT, _MS_BIND, _MS_REC, _MS_PRIVATE = 1, 32, 0x1000, 0x4000, 1 << 18
_MNT_DETACH = 2
_NOBODY = 65534


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens, how it is mended, how the run then ends (exit code) and a word of what it says.

    `small_disk`: it needs a disk of its own, for which the kernel must let the process mount one.
    """

    strike: Callable[[Path], None]
    mend: Callable[[Path], None]
    exit_code: int
    word: str
    small_disk: bool = False


def mount_small_disk(folder: Path) -> bool:
    """Mount 2 MB of memory on the folder, for this process alone; False where the kernel does not let it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNS) != 0 or libc.mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None) != 0:
        return False
    return libc.mount(b"none", os.fsencode(folder), b"tmpfs", 0, b"size=2m") == 0


def close_disk(run: Path) -> None:
    """Lay the disk over itself as one that is only read; files that are open stay open, as after an error of a disk."""
    libc = ctypes.CDLL(None, use_errno=True)
    place = os.fsencode(run.parent)
    for flags in (_MS_BIND, _MS_BIND | _MS_REMOUNT | _MS_RDONLY):
        if libc.mount(place, place, None, flags, None) != 0:
            raise OSError(ctypes.get_errno(), "mount")


def open_disk(run: Path) -> None:
    if ctypes.CDLL(None).umount2(os.fsencode(run.parent), _MNT_DETACH) != 0:
        raise OSError("umount")


def fill_disk(run: Path) -> None:
    with (run.parent / "filler").open("wb", buffering=0) as stream:
        try:
            while True:
                stream.write(bytes(4096))
        except OSError:
            return


def free_disk(run: Path) -> None:
    (run.parent / "filler").unlink()


def forbid(run: Path) -> None:
    """Take the permission to write; root, who needs none, becomes nobody."""
    for folder in (run, *(path for path in run.rglob("*") if path.is_dir())):
        folder.chmod(0o555)
    if os.geteuid() == 0:
        os.seteuid(_NOBODY)


def allow(run: Path) -> None:
    os.seteuid(os.getuid())
    for folder in (run, *(path for path in run.rglob("*") if path.is_dir())):
        folder.chmod(0o755)


def ask_for_too_much_memory(run: Path) -> None:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + 2**26
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
    np.ones(2**28)


def lift_limit(run: Path) -> None:
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def turn_the_clock_back(run: Path) -> None:
    real = time.time
    mock.patch.object(time, "time", side_effect=lambda: real() - 4e7).start()
    for path in run.rglob("*"):
        os.utime(path, (2e9, 2e9))


def nothing(run: Path) -> None:
    """Nothing is left to be mended."""


def terminate(run: Path) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


FAULTS = {
    "disk full": Fault(fill_disk, free_disk, 2, "room on the disk|disk is full|disk I/O", small_disk=True),
    "read-only": Fault(
        close_disk, open_disk, 2, "can be written|readonly|unable to open|disk I/O", small_disk=True
    ),
    "permission lost": Fault(forbid, allow, 2, "can be written|readonly|unable to open"),
    "memory limit": Fault(ask_for_too_much_memory, lift_limit, 3, "memory enough for this case"),
    "clock jump": Fault(turn_the_clock_back, nothing, 0, "1 done, 0 refused"),
    "SIGTERM": Fault(terminate, nothing, 143, "goes on where it stopped"),
}  # fmt: skip
"""Those of one process; a worker or scheduler that dies is tested with more."""
