"""Laws of change: nothing happened is zero, swapping visits flips the sign, doubling the interval halves the rate."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.phantoms import draw, tube

from plaquecast.change.factors import change_factors, patient_change_factors
from plaquecast.domain.change import ChangeFactor, Factor, Verdict
from plaquecast.domain.measurements import PUBLISHED_ERRORS
from plaquecast.domain.missing import Missing, is_number
from plaquecast.domain.morphology import ArteryMorphology
from plaquecast.measure.artery import measure_artery
from plaquecast.settings import ChangeSettings, MeasureSettings

SETTINGS = ChangeSettings()
OPPOSITE = {
    Verdict.PROGRESSION: Verdict.REGRESSION,
    Verdict.REGRESSION: Verdict.PROGRESSION,
    Verdict.NO_DETECTABLE_CHANGE: Verdict.NO_DETECTABLE_CHANGE,
    None: None,
}
TUBES = [measure_artery(draw(tube(2.0, outer), samples=2), {}, MeasureSettings()) for outer in (3.0, 3.6, 4.2)]
arteries = st.sampled_from(TUBES)
years = st.floats(0.5, 5.0)


def _change(before: ArteryMorphology, after: ArteryMorphology, interval: float) -> tuple[ChangeFactor, ...]:
    return change_factors(before, after, interval, PUBLISHED_ERRORS, SETTINGS)


@given(arteries, years)
def test_the_same_visit_twice_is_no_change(artery: ArteryMorphology, interval: float) -> None:
    for change in _change(artery, artery, interval):
        if is_number(change.absolute_per_year):
            assert change.absolute_per_year == 0.0
            assert change.verdict is Verdict.NO_DETECTABLE_CHANGE


@given(arteries, arteries, years)
def test_swapping_the_visits_flips_the_sign(before: ArteryMorphology, after: ArteryMorphology, interval: float) -> None:
    for forth, back in zip(_change(before, after, interval), _change(after, before, interval), strict=True):
        assert back.verdict is OPPOSITE[forth.verdict]
        for name in ("absolute_per_year", "log_percent_per_year"):
            there, here = getattr(forth, name), getattr(back, name)
            if is_number(there):
                assert here == pytest.approx(-there, abs=1e-9)
            else:
                assert isinstance(here, Missing)


@given(arteries, arteries, years)
def test_doubling_the_interval_halves_the_rate(
    before: ArteryMorphology, after: ArteryMorphology, interval: float
) -> None:
    for once, twice in zip(_change(before, after, interval), _change(before, after, 2 * interval), strict=True):
        for name in ("absolute_per_year", "error_per_year", "smallest_detectable_per_year"):
            if is_number(getattr(once, name)):
                assert getattr(twice, name) == pytest.approx(getattr(once, name) / 2)
        assert once.verdict is twice.verdict


@given(arteries, arteries, years)
def test_two_equal_arteries_make_a_patient_of_twice_the_volume_and_the_same_index(
    before: ArteryMorphology, after: ArteryMorphology, interval: float
) -> None:
    one = {change.factor: change for change in _change(before, after, interval)}
    both = {change.factor: change for change in patient_change_factors([tuple(one.values())] * 2, SETTINGS)}
    assert both[Factor.WALL_VOLUME].absolute_per_year == pytest.approx(2 * one[Factor.WALL_VOLUME].absolute_per_year)
    index = Factor.NORMALIZED_WALL_INDEX
    assert both[index].absolute_per_year == pytest.approx(one[index].absolute_per_year)
    assert all(change.side is None for change in both.values())


def test_only_the_common_coverage_counts() -> None:
    artery = TUBES[1]
    shorter = replace(artery, slices=artery.slices[2:])
    change = {entry.factor: entry for entry in _change(artery, shorter, 1.0)}[Factor.WALL_VOLUME]
    assert change.absolute_per_year == pytest.approx(0.0, abs=1e-9)
