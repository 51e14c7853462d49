"""Whatever fails in whatever step: one clean sentence, nothing half-written, and the same command goes on."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests import forked
from tests.runs.faults import FAULTS, mount_small_disk
from tests.runs.test_kills import is_intact
from tests.tiny_run import SETTINGS, STAGES, Memory, Tiny, differences
from tests.walk.conftest import Answer, speak

from plaquecast.errors import MachineError
from plaquecast.pipeline import cohort, patient
from plaquecast.pipeline.patient import PatientCase, PatientResult
from plaquecast.pipeline.progress import nobody
from plaquecast.settings import RunSettings, Settings
from plaquecast.store.atomic import PARTIAL_SUFFIX

pytestmark = pytest.mark.timeout(600)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_a_step_is_said_and_mended(single: Tiny, quick_folder: Path, name: str, stage: str) -> None:
    verdict = quick_folder / "verdict.json"
    disk = quick_folder / "disk"
    disk.mkdir()
    child = forked.start(lambda: verdict.write_text(json.dumps(suffer(single, disk / "run", name, stage))))
    os.waitpid(child, 0)
    found = json.loads(verdict.read_text())
    if "skipped" in found:
        pytest.skip(found["skipped"])
    fault = FAULTS[name]
    assert found["code"] == fault.exit_code, found
    assert re.search(fault.word, found["said"]), found
    assert "Traceback" not in found["said"]
    assert found["half-written"] == []
    assert found["different"] == []


def suffer(tiny: Tiny, run: Path, name: str, stage: str) -> dict[str, object]:
    """In a process of its own: run, be struck, look, mend, and run again."""
    fault = FAULTS[name]
    if fault.small_disk and not mount_small_disk(run.parent):
        return {"skipped": "the kernel does not let this process mount a small disk"}
    struck: list[str] = []

    def strike(step: str) -> None:
        if step == stage and not struck:
            struck.append(step)
            fault.strike(run)

    with tiny.memory.in_force(strike):
        answer = speak(*tiny.words(run))
    fault.mend(run)
    is_intact(run)
    half = [path.name for path in run.rglob("*") if path.name.endswith(PARTIAL_SUFFIX)]
    tiny.work(run)
    return {
        "code": answer.code, "said": answer.out + answer.err, "half-written": half,
        "different": differences(tiny.run, run),
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Struck:
    """Work on a patient in a worker that kills a process as a step begins: the first time, or each time."""

    memory: Path
    stage: str
    marker: Path
    victim: int = 0
    again: bool = False

    def __call__(self, case: PatientCase) -> PatientResult:
        def strike(step: str) -> None:
            if step == self.stage and (self.again or not self.marker.exists()):
                self.marker.touch()
                os.kill(self.victim or os.getpid(), signal.SIGKILL)

        with Memory.load(self.memory).in_force(strike):
            return patient.work_on_patient(case)


def run_struck(tiny: Tiny, run: Path, struck: Struck, chosen: RunSettings) -> cohort.RunSummary:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cohort, "work_on_patient", struck)
        settings: Settings = replace(SETTINGS, run=chosen)
        with tiny.memory.in_force():
            return cohort.run_cohort(tiny.dataset, tiny.segmenter, run, settings, nobody)


# each starts three processes that load everything: one of them tells most of what there is to tell
QUICK_STAGE = "change"
STAGES_OF_WORKERS = [pytest.param(each, marks=[] if each == QUICK_STAGE else pytest.mark.slow) for each in STAGES]


@pytest.mark.parametrize("stage", STAGES_OF_WORKERS)
def test_a_killed_worker_costs_nothing_but_time(tiny: Tiny, quick_folder: Path, stage: str) -> None:
    memory = tiny.memory.save(quick_folder / "memory")
    struck = Struck(memory, stage, quick_folder / "struck")
    summary = run_struck(tiny, quick_folder / "run", struck, RunSettings(workers=2))
    assert struck.marker.exists()
    assert (summary.done, summary.refused) == (2, 0)
    assert differences(tiny.run, quick_folder / "run") == []


@pytest.mark.slow
def test_a_case_that_kills_every_worker_is_refused_in_words(tiny: Tiny, quick_folder: Path) -> None:
    memory = tiny.memory.save(quick_folder / "memory")
    struck = Struck(memory, "change", quick_folder / "struck", again=True)
    summary = run_struck(tiny, quick_folder / "run", struck, RunSettings(workers=2))
    assert summary.refused == 2
    assert all("a worker that lives" in sentence for sentence in summary.refusals)
    tiny.work(quick_folder / "run")
    assert differences(tiny.run, quick_folder / "run") == []


@contextmanager
def dask_processes(folder: Path, n_workers: int, patience: str = "120s") -> Iterator[tuple[str, int]]:
    """A scheduler and workers as processes of their own; gives its address and process number.

    The scheduler waits with `patience` for a worker.
    """
    file = folder / "scheduler.json"
    dask = [sys.executable, "-m", "dask"]
    environment = os.environ | {"DASK_DISTRIBUTED__SCHEDULER__NO_WORKERS_TIMEOUT": patience}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment}
    common = ["--no-dashboard", "--scheduler-file", str(file)]
    started = [subprocess.Popen([*dask, "scheduler", "--host", "127.0.0.1", "--port", "0", *common], **quiet)]
    worker = [*dask, "worker", "--no-nanny", "--nthreads", "1", "--host", "127.0.0.1", *common]
    started += [subprocess.Popen([*worker, "--local-directory", str(folder)], **quiet) for _ in range(n_workers)]
    try:
        until = time.monotonic() + 120.0
        while not file.is_file():
            assert time.monotonic() < until
            time.sleep(0.1)
        yield json.loads(file.read_text())["address"], started[0].pid
    finally:
        for process in started:
            process.kill()
            process.wait()


@pytest.mark.parametrize("stage", STAGES_OF_WORKERS)
def test_a_lost_scheduler_is_said_and_the_run_goes_on_without(tiny: Tiny, quick_folder: Path, stage: str) -> None:
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    memory = tiny.memory.save(quick_folder / "memory")
    with dask_processes(quick_folder, 1) as (address, pid):
        struck = Struck(memory, stage, quick_folder / "struck", victim=pid)
        with pytest.raises(MachineError, match="Dask scheduler") as caught:
            run_struck(tiny, quick_folder / "run", struck, RunSettings(scheduler=address))
    assert caught.value.code == "no-scheduler"
    is_intact(quick_folder / "run")
    tiny.work(quick_folder / "run")
    assert differences(tiny.run, quick_folder / "run") == []


def test_a_scheduler_without_workers_is_said_if_it_does_not_wait_for_them(single: Tiny, quick_folder: Path) -> None:
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    with dask_processes(quick_folder, 0, patience="1s") as (address, _):
        answer = speak(*single.words(quick_folder / "run", "--scheduler", address))
    assert answer.code == 2
    assert "found no worker" in answer.err


def test_an_answer_is_one_line(single: Tiny, quick_folder: Path) -> None:
    (quick_folder / "notes.txt").write_text("years of work")
    answer: Answer = speak(*single.words(quick_folder))
    assert answer.code == 2
    assert len(answer.err.strip().splitlines()) == 1
