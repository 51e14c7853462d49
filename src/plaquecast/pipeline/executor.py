"""Many cases, one thread each: in this process, in processes that may die, or on a Dask cluster by its address."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import psutil
from threadpoolctl import threadpool_limits

from plaquecast.errors import InputError, MachineError, PlaquecastError
from plaquecast.pipeline.processes import Work, in_processes, lost_with_its_worker
from plaquecast.settings import RunSettings

Case = TypeVar("Case")
Result = TypeVar("Result")

GIB = 2**30
CASE_GIB = 2.0
"""Memory that one case may need; no more cases run beside each other than the machine has room for."""
_NO_MEMORY = ("allocate memory", "not enough memory", "bad_alloc", "failed to allocate", "unable to allocate")
"""How libraries that raise errors of their own kind say that there is no memory."""


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Result]):
    """What became of one case: its result, or the error that refused it."""

    case: str
    result: Result | None
    error: PlaquecastError | None


def run_cases(
    function: Callable[[Case], Result],
    cases: Sequence[Case],
    names: Sequence[str],
    settings: RunSettings,
) -> Iterator[Outcome[Result]]:
    """Work on every case and give outcomes as they finish; one refused case never stops the others.

    Each case runs on one thread, so its numbers do not depend on how many cases run beside it. A worker that dies
    costs its own case what it had not finished; the case is tried once more, and then refused.
    `function` and its results must be picklable; large arrays should go through files.

    Raises:
        MachineError: if the scheduler cannot be reached, or a case met what would stop every other case too.
    """
    work = [(name, _Guarded(function, name, case)) for name, case in zip(names, cases, strict=True)]
    for outcome in _spread(work, settings):
        if isinstance(outcome.error, MachineError):
            raise outcome.error
        yield outcome


def _spread(work: Sequence[tuple[str, Work[Outcome[Result]]]], settings: RunSettings) -> Iterator[Outcome[Result]]:
    n_processes = min(settings.workers, len(work), _room_for())
    if settings.scheduler:
        from plaquecast.pipeline.cluster import on_cluster  # the cluster extra is optional

        found = on_cluster(work, settings.scheduler)
    elif n_processes <= 1:
        yield from (task() for _, task in work)
        return
    else:
        limit = settings.worker_memory_gib * GIB or psutil.virtual_memory().total / n_processes
        found = in_processes(work, n_processes, int(limit))
    for name, outcome in found:
        yield Outcome(name, None, lost_with_its_worker(name)) if outcome is None else outcome


def _room_for() -> int:
    return max(1, int(psutil.virtual_memory().total / (CASE_GIB * GIB)))


@dataclass(frozen=True, slots=True, eq=False)
class _Guarded(Generic[Case, Result]):
    """One case, so wrapped that whatever becomes of it is an outcome."""

    function: Callable[[Case], Result]
    name: str
    case: Case

    def __call__(self) -> Outcome[Result]:
        try:
            with threadpool_limits(limits=1):
                return Outcome(self.name, self.function(self.case), None)
        except PlaquecastError as error:
            return Outcome(self.name, None, error)
        except Exception as fault:  # a fault of ours in one case must not cost the cohort its other cases
            if isinstance(fault, MemoryError) or any(words in str(fault).lower() for words in _NO_MEMORY):
                return Outcome(self.name, None, _no_memory(self.name))
            logging.getLogger(__name__).exception("unexpected fault in %s", self.name)
            return Outcome(self.name, None, _our_fault(self.name, fault))


def _no_memory(name: str) -> InputError:
    return InputError(
        expected="memory enough for this case",
        found="none left, or more asked for than a worker may take",
        where=name,
        remedy="Start the same command again with fewer --workers or a larger run.worker_memory_gib; it goes on.",
        code="memory",
    )


def _our_fault(name: str, fault: Exception) -> PlaquecastError:
    return PlaquecastError(
        expected="this case to be finished or refused in words",
        found=f"{type(fault).__name__}: {fault}",
        where=name,
        remedy="This is a fault of the program; please report it with the run.json of this run.",
        code="our-fault",
    )
