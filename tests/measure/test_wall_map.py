"""The unwrapped wall: where the mouth of the external carotid lies, and what is turned to face it."""

import numpy as np
import pytest
from tests.phantoms import draw, tube

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.volume import Volume
from plaquecast.measure.slices import unwrap
from plaquecast.measure.wall_map import mouth_angle, wall_map

POSITION_MM = np.array([-9.0, -7.0, -5.0, -1.0, 1.0])
BELOW = slice(1, 4)
"""The slices in which a mouth may lie."""


def _thickness(where: slice, begin: int, end: int, value: float = 0.4) -> FloatArray:
    thickness = np.ones((len(POSITION_MM), 72))
    thickness[where, begin:end] = value
    return thickness


def test_a_mouth_is_seen_between_8_mm_below_the_bifurcation_and_it() -> None:
    degrees = 5.0 * np.mean(np.arange(40, 46))
    assert np.degrees(mouth_angle(POSITION_MM, _thickness(BELOW, 40, 46))) % 360 == pytest.approx(degrees)
    for outside in (slice(0, 1), slice(4, 5)):
        assert mouth_angle(POSITION_MM, _thickness(outside, 0, 36)) == 0.0
    at_the_ends = np.array([-8.0, 0.0])
    assert mouth_angle(at_the_ends, _thickness(slice(None), 40, 46)[:2]) == 0.0


@pytest.mark.parametrize(("value", "is_thin"), [(0.49, True), (0.5, False)])
def test_thin_is_less_than_half_the_median(value: float, is_thin: bool) -> None:
    assert (mouth_angle(POSITION_MM, _thickness(BELOW, 20, 30, value)) != 0.0) is is_thin


@pytest.mark.parametrize(("n_thin", "is_mouth"), [(3, True), (2, False)])
def test_a_mouth_is_at_least_15_degrees_wide(n_thin: int, is_mouth: bool) -> None:
    assert (mouth_angle(POSITION_MM, _thickness(BELOW, 20, 20 + n_thin)) != 0.0) is is_mouth


@pytest.mark.parametrize(("apart_degrees", "is_one"), [(100.0, True), (110.0, False)])
def test_thin_wall_at_several_angles_is_no_mouth(apart_degrees: float, is_one: bool) -> None:
    # two narrow gaps at ± half the angle: the mean vector is the cosine of that half, 0.64 and 0.57
    thickness, steps = np.ones((5, 360)), round(apart_degrees)
    thickness[BELOW, 100:110] = thickness[BELOW, 100 + steps : 110 + steps] = 0.1
    assert (mouth_angle(POSITION_MM, thickness) != 0.0) is is_one


def test_everything_is_turned_to_the_mouth() -> None:
    def classify(x: FloatArray, y: FloatArray, s: FloatArray) -> np.ndarray:
        angle = np.arctan2(y, x)
        found = tube(2.0, 3.6)(x, y, s)
        gap = (np.abs(angle - np.radians(120.0)) < np.radians(20.0)) & (np.hypot(x, y) >= 2.4)
        return np.where(gap & (s < 0.0), 0, found).astype(np.uint8)

    phantom = draw(classify, n_slices=4, field_mm=11.0, samples=2)
    points = phantom.grid.to_mm(np.stack(np.indices(phantom.grid.shape), axis=-1))
    image = Volume(phantom.grid, np.arctan2(points[..., 1], points[..., 0]).astype(np.float32), Weighting.T1W)
    sections = unwrap(phantom, 72)
    wall = wall_map(sections, {Weighting.T1W: image})
    assert wall.position_mm.tolist() == [section.plane.position_mm for section in sections]
    # the gap of 40 degrees at 120 degrees faces angle zero, to one ray of 5 degrees at both ends
    thin = wall.wall_thickness_mm[wall.position_mm < 0.0] < 0.9
    assert np.abs((wall.angle_degrees[np.nonzero(thin)[1]] + 180.0) % 360.0 - 180.0).max() <= 25.0
    assert (wall.tissue == 1 + 1).all()
    # intensity is the direction in space (−x, −y is the divider's, 225 degrees; angles rise towards anterior: clockwise
    # from the patient's feet), read along streamlines
    ahead = wall.intensity[Weighting.T1W][:, 0]
    assert np.degrees(ahead) % 360.0 == pytest.approx(225.0 + 120.0, abs=5.0)


def test_intensity_is_the_mean_along_the_wall() -> None:
    phantom = draw(tube(2.0, 4.0), n_slices=2, field_mm=11.0, samples=2, offset_mm=(0.0, 0.0))
    points = phantom.grid.to_mm(np.stack(np.indices(phantom.grid.shape), axis=-1))
    depth = Volume(phantom.grid, np.hypot(points[..., 0], points[..., 1]).astype(np.float32), Weighting.T1W)
    wall = wall_map(unwrap(phantom, 72), {Weighting.T1W: depth})
    # linear between pixels of 0.25 mm and over a contour that is right to 0.03 mm, at both ends of the streamline
    assert wall.intensity[Weighting.T1W] == pytest.approx(3.0, abs=0.06)
