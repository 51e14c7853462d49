"""What a run tells whoever watches it from outside, read from its journals without touching them."""

import json
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plaquecast.errors import InputError
from plaquecast.store.journal import END
from plaquecast.store.journal_file import explained, read_journal_file
from plaquecast.store.run_folder import JOURNAL_NAME, PARTS, is_held


@dataclass(frozen=True, slots=True)
class WatchedJournal:
    """One journal of a run: finished stages by kind, what was told last by name, and how it ended (None: it did not).

    `part` is the name of a shard's journal, and empty for the whole run's.
    """

    part: str
    stages: Mapping[str, int]
    told: Mapping[str, Mapping[str, Any]]
    end: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class WatchedRun:
    """All journals of a run folder, and whether a process drives a run in it."""

    journals: tuple[WatchedJournal, ...]
    is_driven: bool


def look_at_run(folder: Path) -> WatchedRun:
    """See how far a run is.

    Raises:
        InputError: if there is no run in the folder.
    """
    parts = sorted((folder / PARTS).glob(f"*/{JOURNAL_NAME}"))
    paths = [path for path in (folder / JOURNAL_NAME, *parts) if path.is_file()]
    if not paths:
        raise InputError(
            expected="the folder of a run that has begun", found="no journal in it", where=folder.name,
            remedy="Give the folder that `plaquecast run --out` names.", code="no-run",
        )  # fmt: skip
    is_driven = is_held(folder)
    return WatchedRun(
        tuple(_read(path, "" if path.parent == folder else path.parent.name) for path in paths), is_driven
    )


def _read(path: Path, part: str) -> WatchedJournal:
    with explained(path.parent), closing(read_journal_file(path)) as database:
        stages = Counter(stage for (stage,) in database.execute("SELECT stage FROM stage"))
        told = {name: json.loads(line) for name, line in database.execute("SELECT name, line FROM told")}
    end = told.pop(END, None)
    return WatchedJournal(part, dict(sorted(stages.items())), told, end)
