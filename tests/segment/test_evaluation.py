"""Scores of segmentations against closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plaquecast.domain.anatomy import N_TISSUES, Tissue
from plaquecast.domain.missing import Missing
from plaquecast.segment.evaluation import challenge_score, presence_kappa
from plaquecast.segment.surfaces import SurfaceDistances, surface_distances

PIXEL_MM = 0.25


def ring(lumen_mm: float, outer_mm: float, off_mm: float = 0.0) -> np.ndarray:
    """Shares of two concentric circles."""
    rows, columns = np.mgrid[:96, :96] * PIXEL_MM
    radius = np.hypot(rows - 12.0, columns - 12.0 - off_mm)
    inside = [np.clip(0.5 + (edge - radius) / PIXEL_MM, 0.0, 1.0) for edge in (lumen_mm, outer_mm)]
    shares = np.zeros((N_TISSUES, 96, 96), dtype=np.float32)
    shares[Tissue.LUMEN], shares[Tissue.WALL], shares[Tissue.BACKGROUND] = (
        inside[0], inside[1] - inside[0], 1.0 - inside[1],
    )  # fmt: skip
    return shares


def test_the_challenge_score_of_a_swollen_ring() -> None:
    """Prediction (2.5, 4.5), truth (3, 4): each part by hand."""
    score = challenge_score(ring(2.5, 4.5), ring(3.0, 4.0), (PIXEL_MM, PIXEL_MM))
    rings = 4.0**2 - 3.0**2, 4.5**2 - 2.5**2
    dice = 2.0 * rings[0] / sum(rings)
    index, true_index = 1 - 2.5**2 / 4.5**2, 1 - 3.0**2 / 4.0**2
    expected = (
        0.5 * dice
        + 0.1 * (1 - (9.0 - 6.25) / 9.0)
        + 0.1 * (1 - (20.25 - 16.0) / 16.0)
        + 0.2 * (1 - (index - true_index) / true_index)
        + 0.05 * (1 - 0.5 / 4.5)
        + 0.05 * (1 - 0.5 / 2.5)
    )
    # contours of circles sampled at 0.25 mm lie within 0.003 mm of them, the raster's pixels measure 0.033 mm
    assert score.ring_dice == pytest.approx(dice, abs=0.01)
    assert score.score == pytest.approx(expected, abs=0.01)


def test_a_slice_that_was_not_found_scores_nothing() -> None:
    nothing = np.zeros((N_TISSUES, 96, 96), dtype=np.float32)
    nothing[Tissue.BACKGROUND] = 1.0
    score = challenge_score(nothing, ring(3.0, 4.0), (PIXEL_MM, PIXEL_MM))
    assert (score.score, score.found) == (0.0, False)


@given(st.floats(2.0, 4.0), st.floats(0.8, 2.0), st.floats(-1.0, 1.0))
def test_a_perfect_slice_scores_one_and_no_slice_more(lumen_mm: float, wall_mm: float, off_mm: float) -> None:
    true = ring(lumen_mm, lumen_mm + wall_mm, off_mm)
    assert challenge_score(true, true, (PIXEL_MM, PIXEL_MM)).score == pytest.approx(1.0)
    assert challenge_score(ring(3.0, 4.2), true, (PIXEL_MM, PIXEL_MM)).score <= 1.0


def test_distances_of_two_boxes() -> None:
    """Two slabs, one voxel of 2 mm apart at their only different face: half of the surface voxels moved."""
    one, other = np.zeros((6, 12), bool), np.zeros((6, 12), bool)
    one[1:5, 2:6] = True
    other[1:5, 2:8] = True
    found = surface_distances(one, other, (1.0, 2.0))
    assert isinstance(found, SurfaceDistances)
    assert found.hausdorff_mm == 4.0


@given(st.integers(0, 2**32 - 1))
def test_distances_are_symmetric_and_zero_only_of_equal_masks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = (rng.random((7, 8, 6)) > 0.6 for _ in range(2))
    there, back = surface_distances(one, other, (2.0, 0.5, 0.5)), surface_distances(other, one, (2.0, 0.5, 0.5))
    assert isinstance(there, SurfaceDistances)
    assert isinstance(back, SurfaceDistances)
    assert there.mean_mm == pytest.approx(back.mean_mm)
    assert (there.hausdorff_mm, there.hausdorff_95_mm) == (back.hausdorff_mm, back.hausdorff_95_mm)
    same = surface_distances(one, one, (2.0, 0.5, 0.5))
    assert same == SurfaceDistances(0.0, 0.0, 0.0)
    assert there.mean_mm <= there.hausdorff_mm
    assert there.hausdorff_95_mm <= there.hausdorff_mm


def test_an_absent_surface_has_no_distance() -> None:
    empty, full = np.zeros((3, 3), bool), np.ones((3, 3), bool)
    assert isinstance(surface_distances(empty, full, (1.0, 1.0)), Missing)


def test_kappa_of_readers_who_agree_by_chance_only() -> None:
    one = np.array([True, True, False, False])
    assert presence_kappa(one, np.array([True, False, True, False])) == 0.0
    assert presence_kappa(one, one) == 1.0
