"""Change factors of an artery and of a patient: what is compared with what, and what is handed on."""

from dataclasses import replace

import numpy as np
import pytest
from tests.phantoms import draw, tube, with_core

from plaquecast.change.factors import change_factors, describe, patient_change_factors
from plaquecast.change.matching import matched_measurements
from plaquecast.domain.anatomy import Side
from plaquecast.domain.change import FACTOR_MEASUREMENT, ChangeFactor, Factor, Verdict
from plaquecast.domain.measurements import PUBLISHED_ERRORS, MeasurementError
from plaquecast.domain.missing import Measured, Missing, Reason
from plaquecast.domain.morphology import ArteryMorphology
from plaquecast.measure.artery import measure_artery
from plaquecast.settings import ChangeSettings, MeasureSettings

SETTINGS = ChangeSettings()
THIN = measure_artery(draw(tube(2.0, 3.0), samples=2, field_mm=11.0), {}, MeasureSettings())
THICK = measure_artery(draw(tube(2.0, 3.5), samples=2, field_mm=11.0), {}, MeasureSettings())
COVERED = measure_artery(draw(with_core(2.0, 4.5, 0.8, 0.9), samples=2, field_mm=12.0), {}, MeasureSettings())


def _factors(
    before: ArteryMorphology | Missing, after: ArteryMorphology | Missing, years: Measured = 2.0
) -> dict[Factor, ChangeFactor]:
    found = change_factors(before, after, years, PUBLISHED_ERRORS, SETTINGS, Side.LEFT)
    assert [change.factor for change in found] == list(Factor)
    return {change.factor: change for change in found}


def test_every_factor_is_a_measurement_with_a_published_error() -> None:
    assert set(FACTOR_MEASUREMENT) == set(Factor)
    assert set(FACTOR_MEASUREMENT.values()) <= set(PUBLISHED_ERRORS)


def test_a_thickened_wall() -> None:
    changes = _factors(THIN, THICK)
    # 0.5 mm in two years; 0.03 mm of error per thickness
    assert changes[Factor.WALL_THICKENING].absolute_per_year == pytest.approx(0.25, abs=0.03)
    assert changes[Factor.WALL_THICKENING].verdict is Verdict.PROGRESSION
    assert changes[Factor.STENOSIS].absolute_per_year == Missing(
        Reason.NOT_COVERED, "the internal carotid 10 mm above the bifurcation"
    )
    assert changes[Factor.FIBROUS_CAP_THICKNESS].absolute_per_year == Missing(Reason.NO_CORE)


def test_only_what_both_visits_cover_is_compared() -> None:
    upper = replace(THICK, slices=THICK.slices[3:])
    before, after = matched_measurements(THIN, upper, SETTINGS.shortest_common_mm)
    assert before["covered_length_mm"] == after["covered_length_mm"] == pytest.approx(10.0)
    shifted = replace(THIN, slices=tuple(replace(each, position_mm=each.position_mm + 0.7) for each in THIN.slices))
    before, after = matched_measurements(THIN, shifted, SETTINGS.shortest_common_mm)
    assert before["covered_length_mm"] == after["covered_length_mm"] == pytest.approx(15.3)
    before, after = matched_measurements(THIN, shifted, SETTINGS.shortest_common_mm, ahead_mm=0.7)
    assert before["covered_length_mm"] == after["covered_length_mm"] == pytest.approx(16.0)


def test_where_one_visit_shows_another_vessel_nothing_is_compared() -> None:
    branch = [replace(each, vessel_area_mm2=0.4 * area, wall_area_mm2=1.0) for each in THICK.slices
              if isinstance(area := each.vessel_area_mm2, float)]  # fmt: skip
    strayed = replace(THICK, slices=(*THICK.slices[:5], *branch[5:]))
    shorter = replace(THICK, slices=THICK.slices[:5])
    expected = matched_measurements(THICK, shorter, SETTINGS.shortest_common_mm)
    assert matched_measurements(THICK, strayed, SETTINGS.shortest_common_mm) == expected
    assert matched_measurements(strayed, THICK, SETTINGS.shortest_common_mm) == expected[::-1]
    # a wall that thickened from 3.0 to 4.2 mm of radius is still the same vessel
    grown = tuple(replace(each, vessel_area_mm2=1.9 * area) for each in THIN.slices
                  if isinstance(area := each.vessel_area_mm2, float))  # fmt: skip
    before, _ = matched_measurements(THIN, replace(THIN, slices=grown), SETTINGS.shortest_common_mm)
    assert before["covered_length_mm"] == pytest.approx(16.0)


def test_a_visit_that_shows_no_wall_is_compared_by_its_lumen() -> None:
    hidden = Missing(Reason.NOT_SHOWN)
    bright = replace(THIN, slices=tuple(replace(each, vessel_area_mm2=hidden) for each in THIN.slices))
    for visits in ((THIN, bright), (bright, THIN)):
        before, after = matched_measurements(*visits, SETTINGS.shortest_common_mm)
        assert before["lumen_volume_mm3"] == after["lumen_volume_mm3"] == pytest.approx(THIN.lumen_volume_mm3)


def test_too_little_in_common_is_not_compared() -> None:
    upper = replace(THICK, slices=THICK.slices[6:])
    change = _factors(THIN, upper)[Factor.WALL_VOLUME]
    assert change.absolute_per_year == Missing(Reason.NOT_COVERED, "the visits share 4 mm of the artery")
    assert change.baseline == change.follow_up == change.absolute_per_year


def test_arteries_from_a_table_are_compared_as_they_stand() -> None:
    before, after = (replace(THIN, slices=(), wall_volume_mm3=value) for value in (800.0, 900.0))
    assert _factors(before, after)[Factor.WALL_VOLUME].absolute_per_year == 50.0


def test_an_artery_missing_at_one_visit_hands_its_reason_on() -> None:
    reason = Missing(Reason.FAILED_QUALITY, "motion")
    for change in _factors(THIN, reason).values():
        assert change.side is Side.LEFT
        assert change.follow_up == reason
        assert isinstance(change.absolute_per_year, Missing)
        assert change.verdict is None
    change = _factors(THIN, reason)[Factor.WALL_VOLUME]
    assert change.baseline == THIN.wall_volume_mm3
    assert change.absolute_per_year == reason


def test_the_error_of_a_difference_is_that_of_two_scans_at_their_mean() -> None:
    errors = {"wall_volume_mm3": MeasurementError(0.05, 3.0, "by hand")}
    before, after = (replace(THIN, slices=(), wall_volume_mm3=value) for value in (800.0, 900.0))
    found = {each.factor: each for each in change_factors(before, after, 2.0, errors, SETTINGS)}
    one_scan = errors["wall_volume_mm3"].sd(np.array(850.0))
    assert found[Factor.WALL_VOLUME].error_per_year == pytest.approx(np.sqrt(2.0) * one_scan / 2.0)


def test_a_cap_counts_as_censored_at_the_coarser_resolution() -> None:
    fine, coarse = (
        replace(COVERED, slices=(), fibrous_cap_mean_thickness_mm=value, fibrous_cap_resolution_mm=limit)
        for value, limit in ((0.9, 0.3), (Missing(Reason.BELOW_RESOLUTION), 0.6))
    )
    change = _factors(fine, coarse, years=1.0)[Factor.FIBROUS_CAP_THICKNESS]
    assert change.absolute_per_year == Missing(Reason.BELOW_RESOLUTION, "at least 0.30 mm per year thinner")


def test_a_measurement_without_known_error_has_no_verdict() -> None:
    change = change_factors(THIN, THICK, 2.0, {}, SETTINGS)[0]
    assert isinstance(change.absolute_per_year, float)
    assert isinstance(change.error_per_year, Missing)
    assert change.verdict is None


class TestPatient:
    """Both arteries together."""

    def test_by_hand(self) -> None:
        left, right = _factors(THIN, THICK), _factors(THIN, THIN)
        both = {each.factor: each for each in patient_change_factors([[*left.values()], [*right.values()]], SETTINGS)}
        volume, one, other = (changes[Factor.WALL_VOLUME] for changes in (both, left, right))
        assert volume.side is None
        assert volume.baseline == pytest.approx(one.baseline + other.baseline)
        assert volume.absolute_per_year == pytest.approx(one.absolute_per_year)
        assert volume.error_per_year == pytest.approx((one.error_per_year**2 + other.error_per_year**2) ** 0.5)
        mean = both[Factor.WALL_THICKENING]
        assert mean.absolute_per_year == pytest.approx(left[Factor.WALL_THICKENING].absolute_per_year / 2)
        thickest = both[Factor.MAX_WALL_THICKENING]
        assert thickest.follow_up == left[Factor.MAX_WALL_THICKENING].follow_up

    def test_a_side_without_a_core_leaves_the_cap_to_the_other(self) -> None:
        left, right = _factors(COVERED, COVERED), _factors(THIN, THIN)
        both = {each.factor: each for each in patient_change_factors([[*left.values()], [*right.values()]], SETTINGS)}
        cap = both[Factor.FIBROUS_CAP_THICKNESS]
        assert cap.baseline == left[Factor.FIBROUS_CAP_THICKNESS].baseline
        assert cap.absolute_per_year == 0.0

    def test_a_missing_side_makes_the_patient_missing(self) -> None:
        reason = Missing(Reason.NOT_COVERED, "no right carotid")
        left, right = _factors(THIN, THICK), _factors(reason, THIN)
        both = patient_change_factors([[*left.values()], [*right.values()]], SETTINGS)
        found = {change.factor: change.absolute_per_year for change in both}
        assert found[Factor.WALL_VOLUME] == found[Factor.WALL_THICKENING] == reason
        assert all(change.verdict is None for change in both)

    def test_errors_of_both_sides_go_into_the_patients(self) -> None:
        left, right = _factors(THIN, THICK), _factors(COVERED, COVERED)
        both = {each.factor: each for each in patient_change_factors([[*left.values()], [*right.values()]], SETTINGS)}

        def errors(factor: Factor) -> np.ndarray:
            return np.array([side[factor].error_per_year for side in (left, right)], dtype=np.float64)

        # independent errors add up by their squares, in a mean half of that; of the worse artery it is the larger
        total = float(np.hypot(*errors(Factor.WALL_VOLUME)))
        assert both[Factor.WALL_VOLUME].error_per_year == pytest.approx(total)
        mean = float(np.hypot(*errors(Factor.WALL_THICKENING))) / 2.0
        assert both[Factor.WALL_THICKENING].error_per_year == pytest.approx(mean)
        largest = errors(Factor.MAX_WALL_THICKENING).max()
        assert both[Factor.MAX_WALL_THICKENING].error_per_year == pytest.approx(largest)
        # the worse artery at each visit
        thickest = both[Factor.MAX_WALL_THICKENING]
        assert thickest.baseline == right[Factor.MAX_WALL_THICKENING].baseline
        assert both[Factor.WALL_THICKENING].baseline == pytest.approx(
            np.mean([side[Factor.WALL_THICKENING].baseline for side in (left, right)])
        )

    def test_too_short_an_interval_holds_for_the_patient_too(self) -> None:
        left = [*_factors(THIN, THICK, years=0.2).values()]
        assert isinstance(patient_change_factors([left, left], SETTINGS)[0].absolute_per_year, Missing)


def test_the_methods_text_says_what_was_set() -> None:
    assert "2.5 standard deviations" in describe(ChangeSettings(detection_z=2.5))
