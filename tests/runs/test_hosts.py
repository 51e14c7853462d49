"""Hosts with addresses of their own: one is cut off in mid-run and works on alone; the bytes are the same."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.runs.test_same_bytes import ROOT
from tests.tiny_run import SETTINGS, Memory, Tiny, differences

from plaquecast.pipeline import cohort, patient
from plaquecast.pipeline.patient import PatientCase, PatientResult
from plaquecast.pipeline.progress import nobody
from plaquecast.settings import RunSettings

pytestmark = pytest.mark.timeout(900)
PORT = 8786


@dataclass(frozen=True, slots=True)
class WaitToBeCutOff:
    """Work on a patient; the second host says when it has begun, and waits until it is cut off."""

    memory: Path
    begun: Path
    cut: Path

    def __call__(self, case: PatientCase) -> PatientResult:
        def wait(step: str) -> None:
            if step == "change" and os.environ.get("HOST_OF_TEST") == "two":
                self.begun.touch()
                while not self.cut.exists():
                    time.sleep(0.05)

        with Memory.load(self.memory).in_force(wait):
            return patient.work_on_patient(case)


def drive(dataset: str, segmenter: str, folder: str) -> None:
    """The driver: called in a process of its own, on the scheduler's host."""
    root = Path(folder)
    cohort.work_on_patient = WaitToBeCutOff(root / "memory", root / "begun", root / "cut")  # type: ignore[assignment]
    settings = replace(SETTINGS, run=RunSettings(scheduler=f"tcp://10.77.1.1:{PORT}"))
    with Memory.load(root / "memory").in_force():
        cohort.run_cohort(Path(dataset), Path(segmenter), root / "run", settings, nobody)


@contextmanager
def hosts(name: str) -> Iterator[dict[str, list[str]]]:
    """Three hosts, each a network namespace: what to put before a command to run it there."""
    found = {each: f"{name}-{each}" for each in ("hub", "one", "two")}
    with ExitStack() as held:
        for space in found.values():
            _ip("netns", "add", space)
            held.callback(_ip, "netns", "del", space)
            _ip("-n", space, "link", "set", "lo", "up")
        for number, each in ((1, "one"), (2, "two")):
            ends = (f"h{number}", "eth")
            _ip("link", "add", ends[0], "netns", found["hub"], "type", "veth", "peer", ends[1], "netns", found[each])
            for space, end, last in ((found["hub"], ends[0], 1), (found[each], ends[1], 2)):
                _ip("-n", space, "addr", "add", f"10.77.{number}.{last}/24", "dev", end)
                _ip("-n", space, "link", "set", end, "up")
        yield {each: ["ip", "netns", "exec", space, "unshare", "--uts", "sh", "-c", f'hostname {each}; exec "$@"', each]
               for each, space in found.items()}  # fmt: skip


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def test_a_host_that_is_cut_off_changes_no_byte(tiny: Tiny, quick_folder: Path) -> None:
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    if shutil.which("ip") is None or os.geteuid() != 0:
        pytest.skip("only root may make network namespaces that are joined")
    tiny.memory.save(quick_folder / "memory")
    with ExitStack() as held:
        try:
            on = held.enter_context(hosts(f"pq{os.getpid()}"))
        except subprocess.CalledProcessError:
            pytest.skip("the kernel does not let this process make network namespaces")
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
            "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "10s",
        }

        def start(host: str, *words: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(
                [*on[host], sys.executable, *words], env=environment | {"HOST_OF_TEST": host},
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            held.callback(process.wait)
            held.callback(process.kill)
            return process

        start("hub", "-m", "dask", "scheduler", "--host", "0.0.0.0", "--port", str(PORT), "--no-dashboard")
        for number, host in ((1, "one"), (2, "two")):
            worker = ["-m", "dask", "worker", f"tcp://10.77.{number}.1:{PORT}", "--host", f"10.77.{number}.2"]
            options = ["--no-nanny", "--nthreads", "1", "--no-dashboard", "--local-directory", str(quick_folder)]
            start(host, *worker, *options)
        call = f"from tests.runs.test_hosts import drive; drive({str(tiny.dataset)!r}, "
        driver = start("hub", "-c", call + f"{str(tiny.segmenter)!r}, {str(quick_folder)!r})")
        while not (quick_folder / "begun").exists():
            assert driver.poll() is None
            time.sleep(0.1)
        _ip("-n", f"pq{os.getpid()}-two", "link", "set", "eth", "down")
        (quick_folder / "cut").touch()
        assert driver.wait() == 0
    assert differences(tiny.run, quick_folder / "run") == []
