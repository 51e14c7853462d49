"""Shares of a cohort, worked on beside each other, end as one run would; and a run can be watched."""

import json
import os
import time
from functools import partial
from pathlib import Path

import pytest
from tests import forked
from tests.tiny_run import SETTINGS, Tiny, differences
from tests.walk.conftest import speak

from plaquecast.errors import InputError
from plaquecast.pipeline.cohort import RunSummary
from plaquecast.pipeline.watch import watch_run
from plaquecast.store.run_folder import PARTS


def work_on(tiny: Tiny, run: Path, shard: str) -> RunSummary:
    return tiny.work(run, settings=SETTINGS.with_overrides([f"run.shard={shard}"]))


def test_two_shards_and_their_assembly_are_one_run(tiny: Tiny, quick_folder: Path) -> None:
    run = quick_folder / "run"
    for shard in ("2/2", "1/2"):
        summary = work_on(tiny, run, shard)
        assert (summary.done, summary.refused) == (1, 0)
        assert f"shard {shard}" in summary.last_line()
        assert not (run / "report.html").exists()
    steps: list[str] = []
    assert tiny.work(run, steps.append).done == 2
    assert steps == ["cohort report"]
    assert not (run / PARTS).exists()
    assert differences(tiny.run, run) == []


def test_shards_work_at_the_same_time_and_one_may_die(tiny: Tiny, quick_folder: Path) -> None:
    run, begun = quick_folder / "run", quick_folder / "begun"

    def wait(step: str) -> None:
        if step == "change":
            begun.touch()
            time.sleep(60.0)

    child = forked.start(partial(tiny.work, run, wait, SETTINGS.with_overrides(["run.shard=1/2"])))
    while not begun.exists():
        time.sleep(0.01)
    with pytest.raises(InputError, match="another process"):
        work_on(tiny, run, "1/2")
    with pytest.raises(InputError, match="another process"):
        tiny.work(run)
    assert work_on(tiny, run, "2/2").done == 1
    forked.kill(child)
    steps: list[str] = []
    assert tiny.work(run, steps.append).done == 2
    assert steps.count("change") == 1
    assert steps.count("segment") == 0
    assert differences(tiny.run, run) == []


def test_one_share_of_one_is_the_whole(tiny: Tiny, quick_folder: Path) -> None:
    assert work_on(tiny, quick_folder / "run", "1/1").done == 2
    tiny.work(quick_folder / "run")
    assert differences(tiny.run, quick_folder / "run") == []


def test_a_shard_knows_what_the_whole_run_has_done(tiny: Tiny, quick_folder: Path) -> None:
    run, steps = quick_folder / "run", list[str]()
    tiny.work(run)
    settings = SETTINGS.with_overrides(["run.shard=1/2"])
    assert tiny.work(run, steps.append, settings).done == 1
    assert steps == []
    tiny.work(run)
    assert differences(tiny.run, run) == []


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b", "1/0", "../2"])
def test_a_share_that_is_none_is_refused(tiny: Tiny, quick_folder: Path, shard: str) -> None:
    with pytest.raises(InputError, match="a share such as"):
        work_on(tiny, quick_folder / "run", shard)


def test_a_shard_of_another_run_is_not_taken_up(tiny: Tiny, single: Tiny, quick_folder: Path) -> None:
    work_on(tiny, quick_folder / "run", "1/2")
    with pytest.raises(InputError, match="another run"):
        single.work(quick_folder / "run")


def test_a_run_is_watched_from_outside(tiny: Tiny, quick_folder: Path) -> None:
    run, begun, go_on = (quick_folder / name for name in ("run", "begun", "go on"))

    def wait(step: str) -> None:
        if step == "change" and not begun.exists():
            begun.touch()
            while not go_on.exists():
                time.sleep(0.01)

    child = forked.start(partial(tiny.work, run, wait))
    while not begun.exists():
        time.sleep(0.01)
    sights = []
    for sight in watch_run(run, 0.05):
        sights.append(sight)
        go_on.touch()
    os.waitpid(child, 0)
    assert sights[0].stages == {"visit": 2}
    assert {progress.stage: (progress.done, progress.total) for progress in sights[0].progress} == {
        "patients": (0, 2), "visits": (0, 4)
    }  # fmt: skip
    lines = [json.loads(line) for line in speak("watch", run, "--json").out.splitlines()]
    # the tubes are 10 mm long, so each patient is flagged: too little is seen below the bifurcation
    last = f"2 done, 0 refused, 2 flagged → {run / 'report.html'}"
    assert lines == [{"message": last, "stages": {"change": 2, "visit": 4}, "ended": True}]
    assert sights[-1].last_line == last
    assert differences(tiny.run, run) == []


def test_the_end_of_a_run_that_died_is_seen(tiny: Tiny, quick_folder: Path) -> None:
    run, begun = quick_folder / "run", quick_folder / "begun"

    def wait(step: str) -> None:
        if step == "change":
            begun.touch()
            time.sleep(60.0)

    child = forked.start(partial(tiny.work, run, wait))
    while not begun.exists():
        time.sleep(0.01)
    forked.kill(child)
    assert "goes on where it stopped" in speak("watch", run).out
    answer = speak("watch", quick_folder)
    assert answer.code == 2
    assert "plaquecast run --out" in answer.err
