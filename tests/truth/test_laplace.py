"""Laplace thickness against the closed form of two circles, one inside the other."""

import numpy as np
import pytest
from scipy.integrate import quad

from plaquecast.geometry.contours import even_angles
from plaquecast.geometry.thickness import lengths, mid_arc, streamlines

LUMEN_MM, OUTER_MM, SHIFT_MM = 2.0, 4.0, 1.0


def _outer(n_angles: int) -> np.ndarray:
    angle = even_angles(n_angles)
    return SHIFT_MM * np.cos(angle) + np.sqrt(OUTER_MM**2 - (SHIFT_MM * np.sin(angle)) ** 2)


def _exact(angle: float) -> float:
    """Length of the streamline from the lumen at this angle: an arc of a circle through both circles' limit points.

    In bipolar coordinates (sigma, tau) both circles are lines of constant tau, and streamlines of constant sigma; the
    line element is c / (cosh tau - cos sigma).
    """
    total = (LUMEN_MM**2 - OUTER_MM**2 + SHIFT_MM**2) / SHIFT_MM  # sum of the limit points' x; their product is LUMEN²
    half = np.sqrt(total**2 / 4.0 - LUMEN_MM**2)
    center = total / 2.0

    def tau_sigma(x: float, y: float) -> tuple[float, float]:
        u = x - center
        tau = 0.5 * np.log(((u + half) ** 2 + y**2) / ((u - half) ** 2 + y**2))
        sigma = np.arctan2(2.0 * half * y, u**2 + y**2 - half**2)
        return float(tau), float(sigma)

    begin, sigma = tau_sigma(LUMEN_MM * np.cos(angle), LUMEN_MM * np.sin(angle))
    end, _ = tau_sigma(SHIFT_MM + OUTER_MM, 0.0)
    return abs(quad(lambda tau: half / (np.cosh(tau) - np.cos(sigma)), begin, end)[0])


def _error(n_angles: int, n_depths: int) -> float:
    found = lengths(streamlines(np.full(n_angles, LUMEN_MM), _outer(n_angles), n_depths))
    return float(max(abs(found[i] - _exact(2.0 * np.pi * i / n_angles)) for i in range(0, n_angles, n_angles // 12)))


def test_between_eccentric_circles_streamlines_are_arcs_of_known_length() -> None:
    # the aim of the field is 0.03 mm; the solver alone must be far below it
    assert _error(72, 12) < 0.003


def test_the_error_shrinks_with_the_grid_at_second_order() -> None:
    coarse, fine = _error(36, 6), _error(72, 12)
    assert np.log2(coarse / fine) >= 1.5


@pytest.mark.parametrize("ratio", [1.05, 1.5, 4.0])
def test_between_concentric_circles_thickness_is_the_difference_of_radii(ratio: float) -> None:
    found = lengths(streamlines(np.full(72, 2.0), np.full(72, 2.0 * ratio)))
    assert found == pytest.approx(2.0 * (ratio - 1.0), rel=1e-9)


def test_the_mean_over_the_wall_does_not_depend_on_where_the_middle_lies() -> None:
    """The same two circles seen from the lumen's center and from a point off it."""
    lines = streamlines(np.full(72, LUMEN_MM), _outer(72))
    mean = np.average(lengths(lines), weights=mid_arc(lines))
    angle, off = even_angles(72), 0.7
    lumen = off * np.cos(angle) + np.sqrt(LUMEN_MM**2 - (off * np.sin(angle)) ** 2)
    shift = SHIFT_MM + off
    outer = shift * np.cos(angle) + np.sqrt(OUTER_MM**2 - (shift * np.sin(angle)) ** 2)
    lines = streamlines(lumen, outer)
    # twice the solver's error
    assert np.average(lengths(lines), weights=mid_arc(lines)) == pytest.approx(mean, abs=0.006)


def test_streamlines_do_not_cross() -> None:
    lines = streamlines(np.full(72, LUMEN_MM), _outer(72))
    ends = np.unwrap(np.arctan2(lines[:, -1, 1], lines[:, -1, 0] - SHIFT_MM))
    assert (np.diff(ends) > 0).all()


def test_where_both_contours_meet_there_is_no_wall() -> None:
    lumen = np.full(72, 3.0)
    outer = np.where(np.abs(even_angles(72) - np.pi) < 0.5, 3.0, 4.0)
    found = lengths(streamlines(lumen, outer))
    assert np.isfinite(found).all()
    assert found[36] < 0.01
    assert found[0] == pytest.approx(1.0, abs=0.003)
