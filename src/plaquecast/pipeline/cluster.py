"""Work on a Dask cluster: the scheduler gives a case to another worker when one is lost."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from plaquecast.errors import InputError, MachineError
from plaquecast.pipeline.processes import Work

Done = TypeVar("Done")

_CONNECT_SECONDS = 10


def on_cluster(work: Sequence[tuple[str, Work[Done]]], address: str) -> Iterator[tuple[str, Done | None]]:
    """Do all work on the cluster and give results by name as they finish; None if its workers died again and again.

    Raises:
        InputError: if the package is not installed.
        MachineError: if the scheduler cannot be reached, is lost on the way, or was told not to wait for workers that
            do not come.
    """
    try:
        from distributed import Client, as_completed
        from distributed.scheduler import KilledWorker, NoWorkerError
    except ImportError as problem:
        raise InputError(
            expected="the package distributed",
            found="it is not installed",
            where=f"--scheduler {address}",
            remedy="Install plaquecast with its extra `cluster`.",
            code="no-distributed",
        ) from problem
    try:
        client = Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as problem:
        remedy = "Start the scheduler, or leave --scheduler out to work on this machine."
        raise _no_scheduler(address, f"no answer ({type(problem).__name__})", remedy) from problem
    with client:
        futures = {client.submit(task, pure=False): name for name, task in work}
        for future in as_completed(list(futures), loop=client.loop):
            if future.status == "finished":
                yield futures[future], future.result()
                continue
            problem = future.exception() if future.status == "error" else None
            if isinstance(problem, KilledWorker):
                yield futures[future], None
                continue
            found = "no worker" if isinstance(problem, NoWorkerError) else f"it was lost ({future.status})"
            remedy = "Start it with its workers, and the same command again; it goes on where it stopped."
            raise _no_scheduler(address, found, remedy)


def _no_scheduler(address: str, found: str, remedy: str) -> MachineError:
    return MachineError(expected="a Dask scheduler", found=found, where=address, remedy=remedy, code="no-scheduler")
