"""Many cases: the same answers however they are spread, and one bad case never costs the others."""

import pytest

from plaquecast.errors import InputError
from plaquecast.pipeline import cluster
from plaquecast.pipeline.executor import run_cases
from plaquecast.settings import RunSettings


def square(number: int) -> int:
    """Square a number; some are refused, and one is a fault of ours."""
    if number == 3:
        raise InputError(expected="another number", found="3", where="case", remedy="Leave it out.", code="three")
    if number == 4:
        raise ZeroDivisionError("four")
    return number**2


def outcomes(settings: RunSettings) -> dict[str, object]:
    numbers = list(range(6))
    found = {}
    for outcome in run_cases(square, numbers, [str(number) for number in numbers], settings):
        found[outcome.case] = outcome.result if outcome.error is None else outcome.error.code
    return found


EXPECTED = {"0": 0, "1": 1, "2": 4, "3": "three", "4": "our-fault", "5": 25}


@pytest.mark.parametrize("workers", [1, 2])
def test_each_case_has_its_outcome(workers: int) -> None:
    assert outcomes(RunSettings(workers=workers)) == EXPECTED


def test_a_dask_cluster_gives_the_same() -> None:
    distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, processes=True
    ) as started:
        assert outcomes(RunSettings(scheduler=started.scheduler_address)) == EXPECTED


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_CONNECT_SECONDS", 1)
    with pytest.raises(InputError, match="Dask scheduler"):
        list(run_cases(square, [1, 2], ["1", "2"], RunSettings(scheduler="tcp://127.0.0.1:9")))
