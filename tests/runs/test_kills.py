"""Killed at any moment and started again, a run ends with the bytes of one that nobody disturbed."""

import os
import shutil
import signal
import sqlite3
import time
from collections import Counter
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from tests import forked
from tests.disturbed import events, no_room
from tests.tiny_run import QUICK, Tiny, differences, train

from plaquecast.errors import MachineError
from plaquecast.store.atomic import PARTIAL_SUFFIX, sha256_of_file
from plaquecast.store.run_folder import JOURNAL_NAME

pytestmark = pytest.mark.timeout(900)


def count_events(tiny: Tiny, run: Path) -> int:
    seen: list[str] = []
    with events(seen.append):
        tiny.work(run)
    return len(seen)


def die_at(tiny: Tiny, run: Path, n_event: int) -> None:
    """Run until this event, and die there."""
    left = [n_event]

    def count(event: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    with events(count):
        tiny.work(run)


def is_intact(run: Path) -> set[str]:
    """Keys of the recorded stages, after a look that each of their files is whole."""
    if not (run / JOURNAL_NAME).is_file():
        return set()
    with closing(sqlite3.connect(run / JOURNAL_NAME)) as database:
        tables = database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'output'").fetchone()
        rows = database.execute("SELECT key, path, sha256 FROM output").fetchall() if tables[0] else []
    for _, path, sha256 in rows:
        assert sha256_of_file(run / path) == sha256, path
    return {key for key, _, _ in rows}


def finish(tiny: Tiny, run: Path) -> None:
    """Start again, and see that no recorded stage is worked on anew and that the tree is the undisturbed one."""
    kept = is_intact(run)
    steps: Counter[str] = Counter()
    tiny.work(run, lambda step: steps.update([step]))
    n_visits, n_changes = stages_left(tiny, kept)
    assert steps["segment"] == n_visits
    assert steps["change"] == n_changes
    assert differences(tiny.run, run) == []


def stages_left(tiny: Tiny, kept: set[str]) -> tuple[int, int]:
    with closing(sqlite3.connect(tiny.run / JOURNAL_NAME)) as database:
        rows = database.execute("SELECT key, stage FROM stage").fetchall()
    left = Counter(stage for key, stage in rows if key not in kept)
    return left["visit"], left["change"]


def kill_and_finish(tiny: Tiny, folder: Path, n_kills: int, seed: int) -> None:
    """Two in three die at an event of the disk, drawn evenly over all; the others at any moment of the clock."""
    rng = np.random.default_rng(seed)
    started = time.monotonic()
    n_events = count_events(tiny, folder / "counted")
    seconds = time.monotonic() - started
    n_exact = 2 * n_kills // 3
    exact = np.linspace(1, n_events, n_exact).astype(int)
    for n_kill in range(n_kills):
        run = folder / f"run{n_kill}"
        if n_kill < n_exact:
            child = forked.start(partial(die_at, tiny, run, int(exact[n_kill])))
            os.waitpid(child, 0)
        else:
            child = forked.start(partial(tiny.work, run))
            time.sleep(rng.uniform(0.0, seconds))
            forked.kill(child)
        finish(tiny, run)


def test_sixty_killed_runs_end_as_if_nobody_had_disturbed_them(tiny: Tiny, quick_folder: Path) -> None:
    kill_and_finish(tiny, quick_folder, 60, seed=1)


@pytest.mark.slow
def test_two_hundred_killed_runs_end_as_if_nobody_had_disturbed_them(tiny: Tiny, quick_folder: Path) -> None:
    kill_and_finish(tiny, quick_folder, 200, seed=2)


def fail_each(tiny: Tiny, folder: Path, kinds: tuple[str, ...]) -> Counter[str]:
    """Let every event of these kinds fail once, in a run of its own that goes on afterwards; how many there were."""
    failed: Counter[str] = Counter()
    while True:
        run = folder / f"run{failed.total()}"
        left = [failed.total() + 1]

        def fail(event: str, left: list[int] = left) -> None:
            left[0] -= event in kinds
            if left[0] == 0 and event in kinds:
                failed[event] += 1
                raise no_room(event)

        before = failed.total()
        with events(fail):
            error = refusal(tiny, run)
        if failed.total() == before:
            assert error is None
            return failed
        assert error is not None
        assert error.code in ("disk-full", "journal-unusable")
        assert not [path for path in run.rglob("*") if path.name.endswith(PARTIAL_SUFFIX)]
        is_intact(run)
        tiny.work(run)
        assert differences(tiny.run, run) == []
        shutil.rmtree(run)


def refusal(tiny: Tiny, run: Path) -> MachineError | None:
    try:
        tiny.work(run)
    except MachineError as error:
        return error
    return None


def test_whichever_write_fails_it_is_said_and_nothing_is_half_written(single: Tiny, quick_folder: Path) -> None:
    failed = fail_each(single, quick_folder, ("write", "commit"))
    assert failed["write"] > 40
    assert failed["commit"] > 5


@pytest.mark.slow
def test_whichever_flush_or_rename_fails_it_is_said_and_nothing_is_half_written(
    single: Tiny, quick_folder: Path
) -> None:
    failed = fail_each(single, quick_folder, ("fsync", "replace"))
    assert min(failed["fsync"], failed["replace"]) > 40


def learn(folder: Path, n_death: int = 0) -> int:
    """Train in a few steps; die at this event, or count the events."""
    seen = [0]

    def count(event: str) -> None:
        seen[0] += 1
        if seen[0] == n_death:
            os.kill(os.getpid(), signal.SIGKILL)

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # threads do not survive a fork: a child that waits for them waits forever
    try:
        with events(count):
            train(folder, replace(QUICK, max_epochs=2))
    finally:
        torch.set_num_threads(threads)
    return seen[0]


@pytest.mark.parametrize("share", [0.1, 0.5, pytest.param(0.3, marks=pytest.mark.slow), 0.95])
def test_a_training_killed_at_a_checkpoint_ends_in_the_same_model(quick_folder: Path, share: float) -> None:
    n_events = learn(quick_folder / "whole")
    child = forked.start(partial(learn, quick_folder / "killed", max(1, int(share * n_events))))
    os.waitpid(child, 0)
    learn(quick_folder / "killed")
    found = [{path.name: path.read_bytes() for path in (quick_folder / name).iterdir()} for name in ("whole", "killed")]
    assert found[0] == found[1]
