"""The error of one scan from repeat scans, against errors that were planted."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from plaquecast.domain.measurements import PUBLISHED_ERRORS, MeasurementError
from plaquecast.domain.missing import Missing, Reason
from plaquecast.domain.morphology import ArteryMorphology
from plaquecast.pipeline.repeatability import LEAST_PAIRS, errors_from_repeats, repeat_pairs
from plaquecast.settings import SimulateSettings
from plaquecast.simulate.table import measured_people, simulate_table
from plaquecast.store.tables import MeasuredArtery

NAME = "wall_volume_mm3"


def pairs_with(error: MeasurementError, n: int) -> list[tuple[ArteryMorphology, ArteryMorphology]]:
    rng = np.random.default_rng(4)
    arteries = simulate_table(1, 3, SimulateSettings()).true_baseline
    pairs = []
    for index in range(n):
        one = arteries[index % 2]
        value = float(getattr(one, NAME))
        sd = float(error.sd(np.array(value)))
        pairs.append(
            (replace(one, **{NAME: value + rng.normal(0, sd)}), replace(one, **{NAME: value + rng.normal(0, sd)}))
        )
    return pairs


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
def test_a_planted_error_is_found(factor: float) -> None:
    published = PUBLISHED_ERRORS[NAME]
    planted = MeasurementError(factor * published.relative, factor * published.absolute)
    n = 4000
    found = errors_from_repeats(pairs_with(planted, n))[NAME]
    # the estimate is the root of a mean of n squared normals: its relative SD is 1 / sqrt(2n); four of them
    assert found.relative == pytest.approx(planted.relative, rel=4.0 / np.sqrt(2.0 * n))


def test_too_few_pairs_tell_nothing() -> None:
    assert errors_from_repeats(pairs_with(PUBLISHED_ERRORS[NAME], LEAST_PAIRS - 1)) == {}


def test_only_visits_close_together_are_repeats() -> None:
    _, measurements = next(iter(measured_people(1, 3, SimulateSettings())))
    days = {"baseline": date(2020, 1, 1), "rescan": date(2020, 1, 15), "followup": date(2022, 1, 1)}
    visits = dict(zip(days, (measurements[0], measurements[0], measurements[1]), strict=True))
    arteries = [
        MeasuredArtery("p", session, side, artery)
        for session, sides in visits.items()
        for side, artery in sides.items()
    ]
    dates = {("p", session): day for session, day in days.items()}
    pairs = repeat_pairs(arteries, dates, 0.5)
    assert len(pairs) == 2
    assert all(one is other for one, other in pairs)
    undated = dict.fromkeys(dates, Missing(Reason.ABSENT))
    assert repeat_pairs(arteries, undated, 0.5) == []
