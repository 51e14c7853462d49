"""A child process that parses what users hand over: bounded in memory and time, and its death is one refused input."""

import atexit
import contextlib
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, TypeVar, cast

import psutil

from plaquecast.errors import InputError, PlaquecastError

Result = TypeVar("Result")

SECONDS_AT_LEAST = 5.0
"""An answer may always take so long; reading a slice takes milliseconds."""

_LOOK_SECONDS = 0.2
_MOST_WAITING = 20.0
_START_SECONDS = 300.0
_GIB = 2**30
_READY = "ready"


class Reader:
    """Runs functions in one long-lived child; a child that dies, hangs or is full is replaced by the next call.

    Functions and what they take and give are pickled between parent and child, so they are ours; only the files that
    they read are the user's.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._memory_bytes = 0
        self._lock = threading.Lock()

    def call(self, function: Callable[..., Result], *arguments: Any, memory_bytes: int, seconds: float) -> Result:
        """The result of `function(*arguments)`, computed in the child.

        Args:
            function: a function of a module.
            arguments: what it takes.
            memory_bytes: what the child may take beyond its own start.
            seconds: how long it may work; `SECONDS_AT_LEAST` at least.

        Raises:
            PlaquecastError: what the function raises, if it is one of ours.
            InputError: if the child was ended by time, memory or the fault of a decoder.
        """
        with self._lock:
            connection = self._started(memory_bytes)
            try:
                connection.send((function, arguments))
                if not self._answers(connection, max(seconds, SECONDS_AT_LEAST)):
                    self.close()
                    raise _ended("more time than reading can need")
                answer = connection.recv()
            except (EOFError, OSError) as problem:
                self.close()
                raise _ended("that the reading process died of it") from problem
        if isinstance(answer, MemoryError):
            self.close()  # a child that ran full may be left in any state
            raise _ended(f"more than {memory_bytes / _GIB:.1f} GiB of memory needed")
        if isinstance(answer, BaseException):
            raise answer
        return cast(Result, answer)

    def _answers(self, connection: Connection, seconds: float) -> bool:
        """Wait for the answer; the child's own seconds of work count, for a busy machine is no fault of the file."""
        assert self._process is not None
        child, start = psutil.Process(self._process.pid), time.monotonic()
        spent = _cpu_seconds(child)
        while not connection.poll(_LOOK_SECONDS):
            late = time.monotonic() - start > _MOST_WAITING * seconds
            if late or _cpu_seconds(child) - spent > seconds:
                return False
        return True

    def close(self) -> None:
        """End the child, if there is one."""
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = self._connection = None

    def _started(self, memory_bytes: int) -> Connection:
        is_alive = self._process is not None and self._process.poll() is None
        if self._connection is not None and is_alive and self._memory_bytes == memory_bytes:
            return self._connection
        self.close()
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-c", _CHILD, str(theirs.fileno()), str(memory_bytes), *sys.path]
            self._process = subprocess.Popen(
                command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        self._connection, self._memory_bytes = Connection(ours.detach()), memory_bytes
        if not self._connection.poll(_START_SECONDS) or self._connection.recv() != _READY:
            self.close()
            raise _ended("no reading process that starts")
        return self._connection


_CHILD = (
    "import sys; sys.path[:] = sys.argv[3:]; "
    "from plaquecast.ingest.reader_process import serve; serve(int(sys.argv[1]), int(sys.argv[2]))"
)


def serve(descriptor: int, memory_bytes: int) -> None:
    """Be the child: answer calls until the parent closes the connection."""
    connection = Connection(descriptor)
    import plaquecast.ingest.dicom_volumes  # noqa: F401 (what is loaded before the limit counts as the child's start)

    limit = psutil.Process().memory_info().vms + memory_bytes
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a dump would hold what the files hold
    connection.send(_READY)
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        while True:
            function, arguments = connection.recv()
            try:
                answer = function(*arguments)
            except PlaquecastError as problem:
                answer = problem
            except MemoryError:
                answer = MemoryError()
            except Exception as fault:  # no traceback of a library may reach a user, and its text may name a patient
                answer = _ended(f"{type(fault).__name__} inside the reading process")
            connection.send(answer)


def _cpu_seconds(child: psutil.Process) -> float:
    try:
        times = child.cpu_times()
    except psutil.Error:  # it has just died; the connection tells
        return 0.0
    return times.user + times.system


def _ended(found: str) -> InputError:
    return InputError(
        expected="files that can be read within bounds",
        found=found,
        where="the DICOM files",
        remedy="Take the damaged or oversized file out, or raise ingest.max_reader_bytes if it is sound.",
        code="reader-ended",
    )


READER = Reader()
"""The child of this process; it starts with the first call."""

atexit.register(READER.close)
