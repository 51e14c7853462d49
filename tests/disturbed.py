"""Disturbances of the files of a run: every call that changes the disk is an event, at which something may happen."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

Happening = Callable[[str], None]
"""Called with the name of the event before it takes place, and with `after` and its name when it has."""


@contextmanager
def events(happen: Happening) -> Iterator[None]:
    """Call back at every write, flush and rename of a file, and at every commit of a journal."""
    with ExitStack() as held:
        for place, name in ((os, "write"), (os, "fsync"), (Path, "replace")):
            held.enter_context(mock.patch.object(place, name, _watched(name, getattr(place, name), happen)))
        held.enter_context(mock.patch.object(sqlite3, "connect", _connect_watched(sqlite3.connect, happen)))
        yield


def _watched(name: str, call: Callable[..., Any], happen: Happening) -> Callable[..., Any]:
    def watched(*given: Any) -> Any:
        happen(name)
        found = call(*given)
        happen(f"after {name}")
        return found

    return watched


def _connect_watched(connect: Callable[..., Any], happen: Happening) -> Callable[..., Any]:
    class Connection(sqlite3.Connection):
        """A connection that tells of its commits."""

        def execute(self, query: str, *values: Any) -> Any:
            if query != "COMMIT":
                return super().execute(query, *values)
            happen("commit")
            found = super().execute(query, *values)
            happen("after commit")
            return found

    def connected(*given: Any, **options: Any) -> Any:
        return connect(*given, **options, factory=Connection)

    return connected


def no_room(event: str) -> Exception:
    """What a full disk makes of this event."""
    return sqlite3.OperationalError("database or disk is full") if event == "commit" else OSError(28, os.strerror(28))
