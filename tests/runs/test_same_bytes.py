"""Same input and version, same bytes: however the work is spread, wherever it lies, whatever the machine is told."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.runs.test_faults import Struck, dask_processes, run_struck
from tests.tiny_run import Tiny, differences

from plaquecast.settings import RunSettings

pytestmark = pytest.mark.timeout(900)

ROOT = Path(__file__).parents[2]
OTHER_WORLD = {"TZ": "Pacific/Chatham", "LANG": "tr_TR.UTF-8", "LC_ALL": "C", "PYTHONHASHSEED": "77"}


def speak_from(words: list[str], folder: Path, before: tuple[str, ...] = (), **environment: str) -> str:
    """Say the words in a new process that stands in this folder."""
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    done = subprocess.run(
        [*before, sys.executable, "-m", "plaquecast", *words], cwd=folder, text=True, capture_output=True, check=False,
        env=os.environ | {"PYTHONPATH": path} | environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def shuffled_copy(tiny: Tiny, root: Path) -> Tiny:
    """The dataset elsewhere, its files made in the opposite order."""
    target = root / tiny.dataset.name
    for path in sorted(tiny.dataset.rglob("*"), reverse=True):
        if path.is_file():
            copy = target / path.relative_to(tiny.dataset)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    return replace(tiny, dataset=target)


def test_other_folder_order_workers_clock_language_and_hashes(tiny: Tiny, quick_folder: Path) -> None:
    elsewhere = shuffled_copy(tiny, quick_folder / "else where")
    words = elsewhere.words(quick_folder / "run", "--workers", "2")
    speak_from(words, quick_folder, **OTHER_WORLD)
    assert differences(tiny.run, quick_folder / "run") == []


def test_a_cluster_of_several_processes(tiny: Tiny, quick_folder: Path) -> None:
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    undisturbed = Struck(tiny.memory.save(quick_folder / "memory"), "never", quick_folder / "struck")
    with dask_processes(quick_folder, 2) as (address, _):
        run_struck(tiny, quick_folder / "run", undisturbed, RunSettings(scheduler=address))
    assert differences(tiny.run, quick_folder / "run") == []


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("seed", range(5))
def test_five_runs_with_one_worker_and_with_two(tiny: Tiny, quick_folder: Path, workers: int, seed: int) -> None:
    words = tiny.words(quick_folder / "run", "--workers", str(workers))
    speak_from(words, quick_folder, PYTHONHASHSEED=str(seed))
    assert differences(tiny.run, quick_folder / "run") == []


def without_network() -> tuple[str, ...]:
    """What to put before a command so that it sees loopback only, or a skip with a sentence."""
    before = ("unshare", "--net", "--map-root-user", "sh", "-c", 'ip link set lo up && exec "$@"', "alone")
    if shutil.which("unshare") is None or subprocess.run([*before, "true"], check=False).returncode != 0:
        pytest.skip("the kernel does not let this process leave the network")
    return before


def test_a_run_needs_no_network(single: Tiny, quick_folder: Path) -> None:
    speak_from(single.words(quick_folder / "run"), quick_folder, without_network())
    assert differences(single.run, quick_folder / "run") == []


@pytest.mark.slow
def test_the_demo_needs_no_network(tmp_path: Path) -> None:
    said = speak_from(["demo", "--size", "small", "--out", "demo"], tmp_path, without_network())
    assert "report.html" in said
