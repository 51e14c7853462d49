"""Work in processes of this machine: each worker is a process of its own, so that losing it loses nothing else's."""

import os
import resource
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from queue import SimpleQueue
from typing import TypeVar

from joblib.externals.loky.process_executor import ProcessPoolExecutor

from plaquecast.errors import InputError

Done = TypeVar("Done")
Work = Callable[[], Done]

ATTEMPTS = 2
"""A case during which a worker died so often is refused: most likely it is what the worker dies of."""
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_LOOK_SECONDS = 0.5


def in_processes(
    work: Sequence[tuple[str, Work[Done]]], n_processes: int, memory_bytes: int
) -> Iterator[tuple[str, Done | None]]:
    """Do all work in so many processes, and give results by name as they finish; None if its workers died.

    No process may allocate more than `memory_bytes`; what asks for more ends in a `MemoryError`.
    """
    free: SimpleQueue[_Worker] = SimpleQueue()
    workers = [_Worker(memory_bytes) for _ in range(n_processes)]
    for worker in workers:
        free.put(worker)

    def work_on(name: str, task: Work[Done]) -> tuple[str, Done | None]:
        worker = free.get()
        try:
            return name, worker.do(task)
        finally:
            free.put(worker)

    threads = ThreadPoolExecutor(n_processes)
    try:
        for future in as_completed([threads.submit(work_on, *each) for each in work]):
            yield future.result()
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.end()


def lost_with_its_worker(name: str) -> InputError:
    """Why a case is refused on which workers died."""
    return InputError(
        expected="a worker that lives until this case is finished",
        found=f"{ATTEMPTS} that were ended from outside",
        where=name,
        remedy="Often memory was short: start the same command again with fewer --workers; it goes on.",
        code="worker-lost",
    )


class _Worker:
    """One process, replaced when it dies."""

    def __init__(self, memory_bytes: int) -> None:
        self._memory_bytes = memory_bytes
        self._is_over = False
        self._process = self._start()

    def do(self, task: Work[Done]) -> Done | None:
        for _ in range(ATTEMPTS):
            try:
                return self._process.submit(task).result()
            except BrokenProcessPool:
                if self._is_over:
                    break
                self._process = self._start()
        return None

    def end(self) -> None:
        self._is_over = True
        self._process.shutdown(wait=True, kill_workers=True)

    def _start(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, initializer=_prepare, initargs=(self._memory_bytes,), env=_ONE_THREAD)


def _prepare(memory_bytes: int) -> None:
    """Bound the memory of this worker, and let it end with the process that started it."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes if hard < 0 else min(memory_bytes, hard), hard))
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os._exit(1)
