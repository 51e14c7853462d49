"""Contours on rays: what a network or a reader may hand over that is not a clean ring."""

import numpy as np
import pytest
from scipy import ndimage

from plaquecast.domain.anatomy import Side
from plaquecast.domain.grid import FloatArray, Grid
from plaquecast.domain.volume import Centerline
from plaquecast.geometry.contours import (
    Contours,
    along_lines,
    even_angles,
    radial_contours,
    sample_bilinear,
    square_contours,
    wall_seen_at,
)
from plaquecast.geometry.cross_section import CrossSection, WallFrame, cross_section

GRID = Grid.axis_aligned((3, 80, 80), (2.0, 0.25, 0.25), (-9.875, -9.875, 0.0))
STRAIGHT = Centerline(np.array([[0.0, 0.0, -9.0], [0.0, 0.0, 9.0]]), np.array([-9.0, 9.0]), 1.0)
N_ANGLES = 72


def _frame(axis: Centerline = STRAIGHT) -> WallFrame:
    return WallFrame(axis, np.array([-1.0, 0.0, 0.0]), Side.LEFT)


def _plane(position_mm: float = 0.0, axis: Centerline = STRAIGHT) -> CrossSection:
    plane = cross_section(GRID, 0, position_mm, _frame(axis))
    assert plane is not None
    return plane


def _disc(radius_mm: float, center_mm: tuple[float, float] = (0.0, 0.0)) -> FloatArray:
    """Fractions of a disc on the slice's pixels."""
    fine = (np.arange(80 * 8) + 0.5) / 32.0 - 10.0
    inside = np.hypot(fine[:, None] - center_mm[0], fine[None, :] - center_mm[1]) < radius_mm
    return inside.reshape(80, 8, 80, 8).mean(axis=(1, 3))


def _contours(lumen: FloatArray, vessel: FloatArray) -> Contours:
    found = radial_contours(lumen.astype(np.float32), vessel.astype(np.float32), _plane(), N_ANGLES)
    assert found is not None
    return found


def test_discs_of_known_radius_wherever_they_lie() -> None:
    for center in ((0.0, 0.0), (0.11, -0.07), (2.3, 1.9)):
        found = _contours(_disc(2.0, center), _disc(3.0, center))
        # an eighth of a pixel, ray by ray: the curvature of linear interpolation between pixels
        assert found.lumen_mm == pytest.approx(2.0, abs=0.03125)
        assert found.outer_mm == pytest.approx(3.0, abs=0.03125)
        assert found.sector_lumen_mm2.sum() == pytest.approx(np.pi * 4.0, rel=0.01)


def test_a_hole_in_the_lumen_and_specks_outside_change_nothing() -> None:
    clean = _contours(_disc(2.0), _disc(3.0))
    lumen, vessel = _disc(2.0), _disc(3.0)
    lumen[38:42, 42:45] = 0.0  # a hole: wall inside the lumen
    lumen[5:8, 5:8] = vessel[5:8, 5:8] = 1.0  # another vessel
    dirty = _contours(lumen, vessel)
    # the hole moves the middle by a fraction of a pixel, not the contour
    assert dirty.sector_lumen_mm2.sum() == pytest.approx(clean.sector_lumen_mm2.sum(), rel=0.005)
    assert dirty.sector_wall_mm2.sum() == pytest.approx(clean.sector_wall_mm2.sum(), rel=0.01)


def test_a_crescent_is_seen_from_its_innermost_point() -> None:
    lumen = np.clip(_disc(2.5) - _disc(2.2, (0.0, 1.2)), 0.0, 1.0)
    found = _contours(lumen, _disc(3.5))
    assert np.linalg.norm(found.middle_mm) > 1.0
    assert (found.lumen_mm > 0.0).all()
    assert (found.outer_mm >= found.lumen_mm).all()


@pytest.mark.parametrize(("lumen_mm", "outer_mm", "center"), [
    (0.0, 3.0, (0.0, 0.0)),  # no lumen
    (2.0, 3.0, (8.0, 0.0)),  # out of the image
    (2.0, 20.0, (0.0, 0.0)),  # vessel without end
])  # fmt: skip
def test_no_closed_vessel_with_a_lumen_has_no_contours(
    lumen_mm: float, outer_mm: float, center: tuple[float, float]
) -> None:
    discs = (_disc(radius, center).astype(np.float32) for radius in (lumen_mm, outer_mm))
    assert radial_contours(*discs, _plane(), N_ANGLES) is None


def test_a_lumen_without_a_wall_around_it_touches_the_outside() -> None:
    found = _contours(_disc(2.0), _disc(2.0))
    assert found.sector_wall_mm2 == pytest.approx(0.0, abs=1e-9)


def test_a_slice_along_the_artery_is_refused() -> None:
    flat = Centerline(np.array([[-9.0, 0.0, -1.0], [9.0, 0.0, 1.0]]), np.array([-9.0, 9.0]), 1.0)
    assert cross_section(GRID, 0, 0.0, _frame(flat)) is None


def test_a_leaning_cone_is_squared() -> None:
    """A cone whose axis leans by 30°: each slice shows its two sides at different radii."""
    lean = np.tan(np.radians(30.0))
    length = 1.0 / np.cos(np.radians(30.0))
    axis = Centerline(
        np.array([[-9.0 * lean, 0.0, -9.0], [9.0 * lean, 0.0, 9.0]]), np.array([-9.0 * length, 9.0 * length]), 1.0
    )
    planes, contours = [], []
    for position in np.arange(-6.0, 6.1, 2.0) * length:
        plane = _plane(position, axis)
        angle = np.linspace(0.0, 2.0 * np.pi, N_ANGLES, endpoint=False)
        # u points to −x, so that at angle 0 the slice shows what lies lower along the axis
        toward = -np.cos(angle) * lean
        # radius 3 − 0.1 s on the cone, seen at s = position + r · toward: r (1 + 0.1 · toward) = 3 − 0.1 · position
        lumen, outer = ((size - taper * position) / (1.0 + taper * toward) for size, taper in ((2.0, 0.08), (3.0, 0.1)))
        planes.append(plane)
        contours.append(Contours(np.zeros(2), lumen, outer))
    assert np.ptp(contours[3].outer_mm) > 0.3
    for plane, found in list(zip(planes, square_contours(contours, planes, _frame(axis)), strict=True))[1:-1]:
        assert found.middle_mm == pytest.approx(np.zeros(2), abs=0.01)
        # between slices the surface is taken as straight, which a cone is
        assert found.outer_mm == pytest.approx(3.0 - 0.1 * plane.position_mm, abs=0.01)
        assert found.lumen_mm == pytest.approx(2.0 - 0.08 * plane.position_mm, abs=0.01)


def test_a_single_slice_stays_as_it_is() -> None:
    alone = [Contours(np.zeros(2), np.full(N_ANGLES, 2.0), np.full(N_ANGLES, 3.0))]
    assert square_contours(alone, [_plane()], _frame()) == alone


def test_bilinear_samples_are_those_of_scipy() -> None:
    rng = np.random.default_rng(1)
    fields = rng.random((2, 5, 4)).astype(np.float32)
    index = np.concatenate([rng.uniform(-1.0, 6.0, (50, 2)), [[0.0, 0.0], [4.0, 3.0], [4.0, 0.5], [1.0, 3.0]]])
    expected = [ndimage.map_coordinates(field, index.T, order=1, mode="nearest", output=np.float64) for field in fields]
    # fields in single precision
    assert sample_bilinear(fields, index) == pytest.approx(np.stack(expected), abs=1e-6)
    assert sample_bilinear(fields[:, :1, :1], np.array([[0.3, 0.4]])).ravel() == pytest.approx(fields[:, 0, 0])


def test_a_circle_seen_from_off_its_center() -> None:
    """Its area, its points and the slope of its surface against the rays are those of the circle."""
    angle, off = even_angles(360), 0.8
    radius = off * np.cos(angle) + np.sqrt(4.0 - (off * np.sin(angle)) ** 2)
    found = Contours(np.array([1.0, -2.0]), radius, radius + 1.0)
    # the rule of rectangles is exact to machine precision for a smooth closed line
    assert found.sector_lumen_mm2.sum() == pytest.approx(np.pi * 4.0)
    assert (found.sector_lumen_mm2 + found.sector_wall_mm2).sum() == pytest.approx(
        np.pi / 360 * ((radius + 1) ** 2).sum()
    )
    points = found.points(np.stack([radius, 2.0 * radius], axis=1))
    assert np.linalg.norm(points[:, 0] - [1.0 + off, -2.0], axis=1) == pytest.approx(2.0)
    assert points[:, 1] - found.middle_mm == pytest.approx(2.0 * (points[:, 0] - found.middle_mm))
    # the normal points from the circle's center; central differences of 2° err by their square
    normal = (points[:, 0] - [1.0 + off, -2.0]) / 2.0
    ray = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    assert found.lumen_cosine == pytest.approx((normal * ray).sum(axis=1), abs=1e-3)


def test_where_a_leaning_slice_shows_the_wall() -> None:
    lean = np.tan(np.radians(30.0))
    length = 1.0 / np.cos(np.radians(30.0))
    axis = Centerline(
        np.array([[-9.0 * lean, 0.0, -9.0], [9.0 * lean, 0.0, 9.0]]), np.array([-9.0 * length, 9.0 * length]), 1.0
    )
    contours = [Contours(np.zeros(2), np.full(N_ANGLES, 2.0), np.full(N_ANGLES, 3.0))] * 2
    planes = [_plane(position, axis) for position in (-2.0, 1.0)]
    found = wall_seen_at(contours, planes, _frame(axis))
    # u points to −x: at angle 0 the slice shows the wall's middle, 2.5 mm away, lower along the axis
    expected = np.array([[-2.0], [1.0]]) - 2.5 * lean * np.cos(even_angles(N_ANGLES))
    assert found == pytest.approx(expected, abs=1e-9)


def test_lines_are_read_between_what_was_seen() -> None:
    seen_at = np.array([[0.0, 1.0], [2.0, 2.0]])
    values = np.array([[10.0, 5.0], [20.0, 7.0]])
    assert along_lines(values, seen_at, np.array([0.5, 1.5, 9.0])).tolist() == [[12.5, 5.0], [17.5, 6.0], [20.0, 7.0]]


def test_the_lumen_ends_within_the_vessel() -> None:
    """A ray that crosses wall and meets lumen again ends at the last lumen; nothing beyond the vessel counts."""
    lumen, vessel = _disc(2.0), _disc(4.0)
    lumen += np.clip(_disc(3.2) - _disc(2.6), 0.0, 1.0)  # a ring of lumen around a ring of wall
    assert _contours(lumen, vessel).lumen_mm == pytest.approx(3.2, abs=0.03125)
    lumen = _disc(2.0) + np.clip(_disc(6.0) - _disc(5.0), 0.0, 1.0)
    assert _contours(lumen, vessel).lumen_mm == pytest.approx(2.0, abs=0.03125)


@pytest.mark.parametrize(("center", "is_inside"), [((6.6, 0.0), True), ((6.9, 0.0), False), ((0.0, -6.9), False)])
def test_the_vessel_must_end_before_the_image_does(center: tuple[float, float], is_inside: bool) -> None:
    # centers of the outermost pixels lie 9.875 mm from the middle
    discs = (_disc(radius, center).astype(np.float32) for radius in (2.0, 3.0))
    assert (radial_contours(*discs, _plane(), N_ANGLES) is not None) is is_inside
