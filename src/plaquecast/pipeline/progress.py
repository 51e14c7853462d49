"""What a run tells while it goes: which stage, how far, of whom; and what each stage cost."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` pieces of a stage are finished; `note` says which was last, or how good it is."""

    stage: str
    done: int
    total: int
    note: str = ""


Listener = Callable[[Progress], None]
"""Whoever wants to know: a progress bar, lines of JSON, or nobody."""


def nobody(progress: Progress) -> None:
    """Listen to nothing."""


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
