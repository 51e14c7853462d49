"""One change per year: zero baselines, censored caps, short intervals, verdicts and evolution."""

from dataclasses import replace

import numpy as np
import pytest

from plaquecast.change.evolution import evolution_of, thickening_map
from plaquecast.change.rate import annual_change
from plaquecast.domain.anatomy import Side
from plaquecast.domain.change import ChangeFactor, Evolution, Factor, ThickeningMap, Verdict
from plaquecast.domain.missing import Measured, Missing, Reason
from plaquecast.domain.morphology import WallMap
from plaquecast.settings import ChangeSettings

SETTINGS = ChangeSettings()
CENSORED = Missing(Reason.BELOW_RESOLUTION)


def _change(
    factor: Factor,
    before: Measured,
    after: Measured,
    error: Measured = 1.0,
    years: Measured = 2.0,
    resolution: Measured = 0.0,
) -> ChangeFactor:
    return annual_change(factor, Side.LEFT, (before, after), error, years, SETTINGS, resolution)


def test_by_hand() -> None:
    change = _change(Factor.WALL_VOLUME, 800.0, 880.0, error=30.0)
    assert change.absolute_per_year == 40.0
    assert change.log_percent_per_year == pytest.approx(100.0 * np.log(1.1) / 2.0)
    assert change.error_per_year == 15.0
    assert change.smallest_detectable_per_year == pytest.approx(1.96 * 15.0)
    assert change.verdict is Verdict.PROGRESSION


@pytest.mark.parametrize(("after", "verdict"), [
    (780.0, Verdict.NO_DETECTABLE_CHANGE), (741.0, Verdict.REGRESSION), (859.0, Verdict.PROGRESSION),
    (858.8, Verdict.NO_DETECTABLE_CHANGE),  # 1.96 × 30 = 58.8: at the limit, not beyond it
])  # fmt: skip
def test_a_change_is_detectable_beyond_its_limit(after: float, verdict: Verdict) -> None:
    assert _change(Factor.WALL_VOLUME, 800.0, after, error=30.0).verdict is verdict


def test_a_thinning_cap_is_progression() -> None:
    assert _change(Factor.FIBROUS_CAP_THICKNESS, 1.5, 0.9, error=0.1).verdict is Verdict.PROGRESSION
    assert _change(Factor.FIBROUS_CAP_THICKNESS, 0.9, 1.5, error=0.1).verdict is Verdict.REGRESSION


@pytest.mark.parametrize(("before", "after", "words", "evolution"), [
    (0.0, 12.0, "new", Evolution.NEW), (12.0, 0.0, "vanished", Evolution.GONE),
    (0.0, 0.0, "absent at both visits", Evolution.ABSENT), (4.9, 5.1, "new", Evolution.NEW),
    (5.1, 4.9, "vanished", Evolution.GONE),
])  # fmt: skip
def test_never_a_percent_of_nothing(before: float, after: float, words: str, evolution: Evolution) -> None:
    change = _change(Factor.INTRAPLAQUE_HEMORRHAGE, before, after)
    assert change.log_percent_per_year == Missing(Reason.NOT_APPLICABLE, words)
    assert change.absolute_per_year == pytest.approx((after - before) / 2.0)
    assert evolution_of(change, SETTINGS) is evolution


@pytest.mark.parametrize(("after", "evolution"), [
    (20.0, Evolution.STABLE), (30.0, Evolution.GROWING), (8.0, Evolution.SHRINKING),
])  # fmt: skip
def test_evolution_of_what_is_there_at_both_visits(after: float, evolution: Evolution) -> None:
    assert evolution_of(_change(Factor.CALCIFICATION, 19.0, after, error=2.0), SETTINGS) is evolution


def test_a_component_is_there_from_5_mm3_on_and_other_factors_from_nothing() -> None:
    assert evolution_of(_change(Factor.CALCIFICATION, 5.0, 5.0), SETTINGS) is Evolution.STABLE
    assert evolution_of(_change(Factor.PLAQUE_VOLUME, 0.0, 5.0), SETTINGS) is Evolution.NEW
    small = _change(Factor.WALL_VOLUME, 2.0, 4.0)
    assert small.log_percent_per_year == pytest.approx(50.0 * np.log(2.0))
    assert isinstance(_change(Factor.WALL_VOLUME, 0.0, 4.0).log_percent_per_year, Missing)


def test_half_a_year_is_long_enough() -> None:
    assert _change(Factor.WALL_VOLUME, 800.0, 820.0, years=0.5).absolute_per_year == 40.0


def test_what_has_no_evolution_says_why() -> None:
    assert evolution_of(_change(Factor.STENOSIS, 19.0, 30.0), SETTINGS) == Missing(Reason.NOT_APPLICABLE)
    absent = Missing(Reason.NOT_COVERED)
    assert evolution_of(_change(Factor.CALCIFICATION, absent, 30.0), SETTINGS) == absent
    assert evolution_of(_change(Factor.CALCIFICATION, 30.0, absent), SETTINGS) == absent
    no_error = _change(Factor.CALCIFICATION, 30.0, 31.0, error=Missing(Reason.ABSENT))
    assert evolution_of(no_error, SETTINGS) == Missing(Reason.ABSENT, "no verdict")


def test_stenosis_changes_in_points() -> None:
    change = _change(Factor.STENOSIS, -2.0, 10.0, error=5.0)
    assert change.absolute_per_year == 6.0
    assert change.log_percent_per_year == Missing(Reason.NOT_APPLICABLE, "stenosis changes in points")


@pytest.mark.parametrize("years", [0.49, 0.0, -1.0])
def test_too_short_an_interval_is_not_annualized(years: float) -> None:
    change = _change(Factor.WALL_VOLUME, 800.0, 880.0, years=years)
    for value in (change.absolute_per_year, change.log_percent_per_year, change.error_per_year):
        assert isinstance(value, Missing)
        assert value.reason is Reason.NOT_APPLICABLE
    assert change.verdict is None
    assert (change.baseline, change.follow_up, change.interval_years) == (800.0, 880.0, years)


def test_an_unknown_interval_hands_its_reason_on() -> None:
    unknown = Missing(Reason.ABSENT, "no usable date")
    change = _change(Factor.WALL_VOLUME, 800.0, 880.0, years=unknown)
    assert change.absolute_per_year == unknown
    assert change.smallest_detectable_per_year == unknown


def test_without_an_error_there_is_a_rate_and_no_verdict() -> None:
    change = _change(Factor.WALL_VOLUME, 800.0, 880.0, error=Missing(Reason.ABSENT, "no repeat scans"))
    assert change.absolute_per_year == 40.0
    assert change.smallest_detectable_per_year == Missing(Reason.ABSENT, "no repeat scans")
    assert change.verdict is None


class TestCensoredCaps:
    """A cap below resolution is known only to be thinner than the limit."""

    def test_thinned_below_the_limit_by_a_detectable_amount(self) -> None:
        change = _change(Factor.FIBROUS_CAP_THICKNESS, 1.3, CENSORED, error=0.2, resolution=0.5)
        assert change.absolute_per_year == Missing(Reason.BELOW_RESOLUTION, "at least 0.40 mm per year thinner")
        assert change.log_percent_per_year == CENSORED
        assert change.verdict is Verdict.PROGRESSION

    def test_thickened_from_below_the_limit(self) -> None:
        change = _change(Factor.FIBROUS_CAP_THICKNESS, CENSORED, 1.3, error=0.2, resolution=0.5)
        assert change.absolute_per_year == Missing(Reason.BELOW_RESOLUTION, "at least 0.40 mm per year thicker")
        assert change.verdict is Verdict.REGRESSION

    def test_the_bound_may_be_too_small_to_tell(self) -> None:
        change = _change(Factor.FIBROUS_CAP_THICKNESS, 0.6, CENSORED, error=0.2, resolution=0.5)
        assert change.verdict is Verdict.NO_DETECTABLE_CHANGE

    def test_below_the_limit_at_both_visits(self) -> None:
        change = _change(Factor.FIBROUS_CAP_THICKNESS, CENSORED, CENSORED, error=0.2, resolution=0.5)
        assert change.absolute_per_year == Missing(Reason.BELOW_RESOLUTION, "at both visits")
        assert change.verdict is Verdict.NO_DETECTABLE_CHANGE

    def test_visits_of_different_resolution(self) -> None:
        change = _change(Factor.FIBROUS_CAP_THICKNESS, 0.55, CENSORED, error=0.01, resolution=0.6)
        assert change.absolute_per_year == Missing(Reason.BELOW_RESOLUTION, "at one visit")


class TestThickeningMap:
    """Change of thickness at each place of the wall."""

    WALL = WallMap(
        position_mm=np.array([-2.0, 0.0, 2.0]),
        angle_degrees=np.arange(0.0, 360.0, 90.0),
        wall_thickness_mm=np.array([[1.0, 1.0, 1.0, 1.0], [1.0, 2.0, 3.0, 2.0], [1.0, 1.0, np.nan, 1.0]]),
        tissue=np.full((3, 4), 2, dtype=np.uint8),
    )

    def test_by_hand(self) -> None:
        thicker = replace(self.WALL, wall_thickness_mm=self.WALL.wall_thickness_mm + 0.5)
        found = thickening_map(self.WALL, thicker, 2.0, SETTINGS)
        assert isinstance(found, ThickeningMap)
        assert found.thickening_mm_per_year[1].tolist() == [0.25] * 4
        assert np.isnan(found.thickening_mm_per_year[2, 2])

    def test_the_follow_up_is_read_at_the_same_position(self) -> None:
        shifted = WallMap(
            np.array([-1.0, 1.0]), self.WALL.angle_degrees, np.array([[1.0] * 4, [3.0] * 4]), self.WALL.tissue[:2]
        )
        found = thickening_map(self.WALL, shifted, 1.0, SETTINGS)
        assert isinstance(found, ThickeningMap)
        assert found.thickening_mm_per_year[1].tolist() == [1.0, 0.0, -1.0, 0.0]
        assert np.isnan(found.thickening_mm_per_year[[0, 2]]).all()

    def test_the_follow_up_is_read_at_the_same_angle(self) -> None:
        turned = WallMap(
            self.WALL.position_mm, np.array([45.0, 135.0, 225.0, 315.0]),
            np.tile([1.0, 2.0, 3.0, 4.0], (3, 1)), self.WALL.tissue,
        )  # fmt: skip
        found = thickening_map(self.WALL, turned, 1.0, SETTINGS)
        assert isinstance(found, ThickeningMap)
        # halfway between its neighbors, and around zero between the last and the first
        assert found.thickening_mm_per_year[0].tolist() == [1.5, 0.5, 1.5, 2.5]

    def test_no_map_without_walls_or_time(self) -> None:
        assert isinstance(thickening_map(self.WALL, None, 1.0, SETTINGS), Missing)
        assert isinstance(thickening_map(self.WALL, self.WALL, 0.1, SETTINGS), Missing)
