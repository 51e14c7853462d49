"""A run as seen from another terminal: how far each stage is, how long it will take, and how it ended."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from plaquecast.pipeline.progress import Progress
from plaquecast.store.watched import WatchedJournal, WatchedRun, look_at_run


@dataclass(frozen=True, slots=True)
class Sight:
    """What is seen of a run at one moment; `last_line` is None as long as it works."""

    stages: dict[str, int]
    progress: tuple[Progress, ...]
    last_line: str | None


def watch_run(folder: Path, every_seconds: float) -> Iterator[Sight]:
    """Look at a run again and again, until it has ended or nobody drives it; give what has changed.

    Raises:
        InputError: if there is no run in the folder.
    """
    before = None
    while True:
        sight = _sight(look_at_run(folder), folder)
        if sight != before:
            yield sight
        if sight.last_line is not None:
            return
        before = sight
        time.sleep(every_seconds)


def _sight(run: WatchedRun, folder: Path) -> Sight:
    shards = [journal for journal in run.journals if journal.part and not journal.part.startswith("host-")]
    told = shards or [journal for journal in run.journals if not journal.part]
    stages: Counter[str] = Counter()
    for journal in run.journals:
        stages.update(journal.stages)
    return Sight(dict(sorted(stages.items())), _progress(told), _last_line(told, run.is_driven, folder))


def _progress(journals: list[WatchedJournal]) -> tuple[Progress, ...]:
    """How far each stage is over all shards; the slowest shard says how long it takes."""
    found: dict[str, Progress] = {}
    for journal in journals:
        for name, facts in sorted(journal.told.items()):
            one, other = Progress(**facts), found.get(name, Progress(name, 0, 0))
            left = max(one.seconds_left or 0.0, other.seconds_left or 0.0) or None
            found[name] = Progress(name, one.done + other.done, one.total + other.total, one.note, left)
    return tuple(found.values())


def _last_line(journals: list[WatchedJournal], is_driven: bool, folder: Path) -> str | None:
    ends = [journal.end for journal in journals if journal.end is not None]
    if is_driven:
        return None
    if len(ends) < max(len(journals), 1):
        return "Nobody works in this folder and the run has not ended: the same command goes on where it stopped."
    counts = ", ".join(f"{sum(end[name] for end in ends)} {name}" for name in ("done", "refused", "flagged"))
    if journals[0].part:
        return f"{len(ends)} shards: {counts}; after all shards, the same command without --shard makes the report"
    return f"{counts} → {folder / ends[0]['report']}"
