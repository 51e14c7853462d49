"""Volumes, means, extremes and caps of an artery, from slices written by hand."""

import numpy as np
import pytest
from tests.slices_by_hand import section

from plaquecast.domain.missing import Missing, Reason
from plaquecast.domain.morphology import SliceMorphology
from plaquecast.geometry.along_artery import artery_measurements, lengths_between, shared_lengths
from plaquecast.geometry.slice_values import ratio

THREE = [section(-2.0, wall_area_mm2=10.0, normalized_wall_index=0.2, max_wall_thickness_mm=1.0, plaque_area_mm2=1.0),
         section(0.0, wall_area_mm2=20.0, normalized_wall_index=0.4, max_wall_thickness_mm=3.0, plaque_area_mm2=0.9),
         section(2.0, wall_area_mm2=40.0, normalized_wall_index=0.5, max_wall_thickness_mm=2.0, plaque_area_mm2=5.0),
]  # fmt: skip


def _capped(position_mm: float, thinnest_mm: float, mean_mm: float, arc_degrees: float) -> SliceMorphology:
    return section(
        position_mm,
        fibrous_cap_min_thickness_mm=thinnest_mm,
        fibrous_cap_mean_thickness_mm=mean_mm,
        fibrous_cap_arc_degrees=arc_degrees,
    )


def test_slices_count_by_their_lengths() -> None:
    found = artery_measurements(THREE, np.array([2.0, 1.0, 0.5]), 0.5)
    assert found["wall_volume_mm3"] == pytest.approx(10.0 * 2.0 + 20.0 + 20.0)
    assert found["covered_length_mm"] == 3.5
    assert found["normalized_wall_index"] == pytest.approx((0.4 + 0.4 + 0.25) / 3.5)
    assert found["percent_wall_volume"] == pytest.approx(100.0 * 60.0 / (50.0 * 3.5))
    # the plaque's length leaves out what is less than 1 mm²
    assert found["plaque_length_mm"] == 2.5
    assert found["fibrous_cap_mean_thickness_mm"] == Missing(Reason.NO_CORE)


def test_extremes_look_at_slices_of_which_half_counts() -> None:
    assert artery_measurements(THREE, np.array([2.0, 1.0, 2.0]), 0.5)["max_wall_thickness_mm"] == 3.0
    assert artery_measurements(THREE, np.array([2.0, 0.9, 2.0]), 0.5)["max_wall_thickness_mm"] == 2.0


def test_a_slice_that_does_not_count_is_not_asked() -> None:
    hidden = Missing(Reason.NOT_SHOWN)
    slices = [*THREE, section(4.0, wall_area_mm2=hidden, plaque_area_mm2=hidden, fibrous_cap_arc_degrees=hidden)]
    without = artery_measurements(slices, np.array([2.0, 2.0, 2.0, 0.0]), 0.5)
    assert without["wall_volume_mm3"] == pytest.approx(140.0)
    counted = artery_measurements(slices, np.full(4, 2.0), 0.5)
    for name in ("wall_volume_mm3", "percent_wall_volume", "plaque_length_mm", "fibrous_cap_min_thickness_mm"):
        assert counted[name] == hidden
    assert artery_measurements([], np.zeros(0), 0.5)["covered_length_mm"] == Missing(Reason.NOT_COVERED)


def test_a_cap_is_weighted_by_the_surface_that_it_covers() -> None:
    slices = [_capped(-2.0, 0.6, 0.8, 90.0), _capped(0.0, 0.5, 1.0, 30.0), section(2.0)]
    found = artery_measurements(slices, np.array([2.0, 1.0, 2.0]), 0.5)
    assert found["fibrous_cap_min_thickness_mm"] == 0.5
    assert found["fibrous_cap_mean_thickness_mm"] == pytest.approx((0.8 * 180.0 + 1.0 * 30.0) / 210.0)
    assert found["fibrous_cap_resolution_mm"] == 0.5
    censored = artery_measurements(slices, np.full(3, 2.0), 0.55)
    assert censored["fibrous_cap_min_thickness_mm"] == Missing(Reason.BELOW_RESOLUTION)
    assert censored["fibrous_cap_mean_thickness_mm"] == pytest.approx(0.85)


def test_shared_lengths_are_overlaps() -> None:
    others = [section(-0.5), section(1.5)]  # they cover −1.5 to 2.5
    assert shared_lengths(THREE, others).tolist() == [0.5, 2.0, 1.5]
    assert shared_lengths(THREE, THREE).tolist() == [2.0, 2.0, 2.0]
    # no slice shares more than it has, however the others overlap
    assert shared_lengths(THREE, [*THREE, section(0.5)]).tolist() == [2.0, 2.0, 2.0]
    assert shared_lengths(THREE, []).tolist() == [0.0, 0.0, 0.0]
    assert len(shared_lengths([], THREE)) == 0
    unknown = section(0.0, length_mm=Missing(Reason.ABSENT))
    assert shared_lengths([unknown], THREE).tolist() == [0.0]


def test_of_nothing_there_is_no_share() -> None:
    assert ratio(1.0, 0.0) == Missing(Reason.NOT_COVERED)
    hidden, absent = Missing(Reason.NOT_SHOWN), Missing(Reason.ABSENT)
    assert ratio(hidden, 0.0) == ratio(hidden, absent) == hidden
    assert ratio(1.0, absent) == absent


def test_lengths_between_two_positions() -> None:
    assert lengths_between(THREE, -2.5, 1.5).tolist() == [1.5, 2.0, 0.5]
    assert lengths_between(THREE, 5.0, 9.0).tolist() == [0.0, 0.0, 0.0]
    assert len(lengths_between([], 0.0, 1.0)) == 0
