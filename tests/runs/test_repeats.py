"""Visits close together tell the error of measurement; visits far apart tell change; none tells both."""

import json
from datetime import date
from pathlib import Path

import pytest
from tests.tiny_run import SETTINGS, Memory, Tiny, write_dataset

from plaquecast.pipeline.repeatability import repeated_measurements

THREE_MONTHS = {"baseline": date(2019, 3, 1), "followup": date(2019, 6, 1)}


@pytest.mark.parametrize(("shortest_years", "is_repeat"), [(0.5, True), (0.2, False)])
def test_a_visit_after_three_months_is_a_repeat_unless_the_user_wants_change(
    tiny: Tiny, quick_folder: Path, shortest_years: float, is_repeat: bool
) -> None:
    dataset = write_dataset(quick_folder / "data", ("01",), THREE_MONTHS)
    close, run = Tiny(dataset, tiny.segmenter, quick_folder / "run", Memory()), quick_folder / "run"
    settings = SETTINGS.with_overrides([f"change.shortest_interval_years={shortest_years}"])
    assert close.work(run, settings=settings).done == 1
    codes = [finding["code"] for finding in json.loads((run / "run.json").read_text())["outcomes"][0]["findings"]]
    assert ("no-follow-up" in codes) is is_repeat
    assert bool(repeated_measurements(run)) is is_repeat
    names = {path.name for path in (run / "reports").iterdir()}
    both = {"sub-01_ses-baseline.html", "sub-01_ses-followup.html"}
    assert names == (both if is_repeat else {"sub-01.html"})
