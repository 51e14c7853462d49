"""What a run tells while it goes: which stage, how far, of whom; and what each stage cost."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import psutil


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` pieces of a stage are finished; `note` says which was last, or how good it is.

    `seconds_left` is what the rest will take if it goes on at the same pace; None where nobody knows.
    """

    stage: str
    done: int
    total: int
    note: str = ""
    seconds_left: float | None = None


Listener = Callable[[Progress], None]
"""Whoever wants to know: a progress bar, lines of JSON, or nobody."""


def nobody(progress: Progress) -> None:
    """Listen to nothing."""


def with_time_left(listen: Listener) -> Listener:
    """Tell the listener how long the rest of each stage will take, from its pace since it was first heard of.

    >>> heard = []
    >>> tell = with_time_left(heard.append)
    >>> tell(Progress("visits", 0, 4)); tell(Progress("visits", 4, 4))
    >>> [progress.seconds_left for progress in heard]
    [None, 0.0]
    """
    began: dict[str, tuple[float, int]] = {}

    def tell(progress: Progress) -> None:
        now = time.monotonic()
        start, before = began.setdefault(progress.stage, (now, progress.done))
        done = progress.done - before
        left = (now - start) / done * (progress.total - progress.done) if done else None
        listen(replace(progress, seconds_left=left))

    return tell


def in_words(seconds: float) -> str:
    """A time as people say it.

    >>> in_words(8.4), in_words(300.0), in_words(9000.0)
    ('8 s', '5 min', '2.5 h')
    """
    if seconds < 100.0:
        return f"{seconds:.0f} s"
    return f"{seconds / 60.0:.0f} min" if seconds < 6000.0 else f"{seconds / 3600.0:.1f} h"


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall-clock seconds, and the peak of memory over this process and its children, in bytes."""

    seconds: float
    peak_memory_bytes: int


@dataclass(slots=True)
class Costs:
    """The cost of each stage of a run, measured while it runs."""

    stages: dict[str, Cost] = field(default_factory=dict)

    @contextmanager
    def of(self, stage: str, every_seconds: float = 0.25) -> Iterator[None]:
        """Measure what the block costs and keep it under the stage's name."""
        peak = [_memory_bytes()]
        over = threading.Event()

        def watch() -> None:
            while not over.wait(every_seconds):
                peak[0] = max(peak[0], _memory_bytes())

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        start = time.perf_counter()
        try:
            yield
        finally:
            over.set()
            watcher.join()
            self.stages[stage] = Cost(time.perf_counter() - start, max(peak[0], _memory_bytes()))


def _memory_bytes() -> int:
    process = psutil.Process()
    total = process.memory_info().rss
    for child in process.children(recursive=True):
        try:
            total += child.memory_info().rss
        except psutil.Error:  # it ended between being listed and being asked
            continue
    return int(total)
