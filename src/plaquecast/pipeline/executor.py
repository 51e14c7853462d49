"""Many cases, one thread each: in this process, in a pool of processes, or on a Dask cluster by its address."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

import joblib
from joblib.externals.loky import get_reusable_executor
from threadpoolctl import threadpool_limits

from plaquecast.errors import InputError, PlaquecastError
from plaquecast.settings import RunSettings

Case = TypeVar("Case")
Result = TypeVar("Result")


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

    Each case runs on one thread, so its numbers do not depend on how many cases run beside it.
    `function` and its results must be picklable; large arrays should go through files.

    Raises:
        InputError: if the scheduler cannot be reached.
    """
    tasks = list(zip(names, cases, strict=True))
    if not settings.scheduler and (settings.workers <= 1 or len(tasks) <= 1):
        for name, case in tasks:
            yield _guarded(function, name, case)
        return
    with _cluster(settings) as backend, joblib.parallel_config(**backend):
        pool = joblib.Parallel(n_jobs=-1 if settings.scheduler else settings.workers, return_as="generator_unordered")
        outcomes = pool(joblib.delayed(_guarded)(function, name, case) for name, case in tasks)
        yield from cast(Iterator[Outcome[Result]], outcomes)


def _guarded(function: Callable[[Case], Result], name: str, case: Case) -> Outcome[Result]:
    try:
        with threadpool_limits(limits=1):
            return Outcome(name, function(case), None)
    except PlaquecastError as error:
        return Outcome(name, None, error)
    except Exception as fault:  # a fault of ours in one case must not cost the cohort its other cases
        logging.getLogger(__name__).exception("unexpected fault in %s", name)
        return Outcome(name, None, _our_fault(name, fault))


def _our_fault(name: str, fault: Exception) -> PlaquecastError:
    return PlaquecastError(
        expected="this case to be finished or refused in words",
        found=f"{type(fault).__name__}: {fault}",
        where=name,
        remedy="This is a fault of the program; please report it with the run.json of this run.",
        code="our-fault",
    )


def _cluster(settings: RunSettings) -> AbstractContextManager[dict[str, Any]]:
    return _dask_client(settings.scheduler) if settings.scheduler else _processes()


@contextmanager
def _processes() -> Iterator[dict[str, Any]]:
    """Processes of this stage's own: those of the stage before have grown by what it loaded, as if they leaked."""
    try:
        yield {"backend": "loky", "inner_max_num_threads": 1}
    finally:
        get_reusable_executor().shutdown(wait=True)


@contextmanager
def _dask_client(address: str) -> Iterator[dict[str, Any]]:
    try:
        from distributed import Client  # the cluster extra is optional
    except ImportError as problem:
        raise InputError(
            expected="the package distributed",
            found="it is not installed",
            where=f"--scheduler {address}",
            remedy="Install plaquecast with its extra `cluster`.",
            code="no-distributed",
        ) from problem
    try:
        client = Client(address, timeout=10, set_as_default=True)
    except (OSError, ValueError, TimeoutError) as problem:
        raise InputError(
            expected="a Dask scheduler",
            found=f"no answer ({type(problem).__name__})",
            where=address,
            remedy="Start the scheduler, or leave --scheduler out to work on this machine.",
            code="no-scheduler",
        ) from problem
    with client:
        yield {"backend": "dask"}
