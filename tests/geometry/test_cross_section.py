"""Wall coordinates: there and back, where the flow divider lies, and what a slice shows of a plane across."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plaquecast.domain.anatomy import Side
from plaquecast.domain.grid import FloatArray, Grid
from plaquecast.domain.volume import Centerline
from plaquecast.geometry.cross_section import WallFrame, cross_section, flow_divider_direction

REACH_MM = 20.0
GRID = Grid.axis_aligned((11, 60, 60), (2.0, 0.25, 0.5), (-15.0, -7.0, -10.0))
places = st.floats(-15.0, 15.0)
offsets = st.tuples(st.floats(-3.0, 3.0), st.floats(-3.0, 3.0))
leans = st.tuples(st.floats(-0.6, 0.6), st.floats(-0.6, 0.6))


def _axis(bend: float, lean: tuple[float, float] = (0.0, 0.0)) -> Centerline:
    """A circle's arc of curvature `bend` per mm towards +x, or a straight line, leaning."""
    s = np.linspace(-REACH_MM, REACH_MM, 161)
    if bend:
        x, z = (1.0 - np.cos(bend * s)) / bend, np.sin(bend * s) / bend
        return Centerline(np.stack([x, np.zeros_like(s), z], axis=1), s, 1.0)
    tangent = np.array([*lean, 1.0]) / np.linalg.norm([*lean, 1.0])
    return Centerline(s[:, None] * tangent, s, 1.0)


@given(places, offsets, st.sampled_from([0.0, 0.02, -0.03]), st.sampled_from(Side))
def test_coordinates_of_a_point_lead_back_to_it(
    position: float, offset: tuple[float, float], bend: float, side: Side
) -> None:
    frame = WallFrame.of(_axis(bend), side)
    middle, tangent = frame.axis(np.array([position]))
    across = frame.across(tangent)
    point = middle + across[0] @ offset
    # from 1.5 mm beside, each of five steps leaves at most 3 mm × 0.03 per mm of the error
    found, uv = frame.coordinates(point, np.array([position + 1.5]))
    assert found == pytest.approx(position, abs=1.5 * 0.09**5 + 1e-9)
    assert uv[0] == pytest.approx(offset, abs=1e-4)
    axes = np.column_stack([across[0], tangent[0]])
    assert axes.T @ axes == pytest.approx(np.eye(3), abs=1e-12)


def test_the_axis_goes_on_straight_beyond_its_ends() -> None:
    frame = WallFrame.of(_axis(0.02), Side.LEFT)
    middle, tangent = frame.axis(np.array([REACH_MM, REACH_MM + 5.0, -REACH_MM - 5.0]))
    assert middle[1] == pytest.approx(middle[0] + 5.0 * tangent[0])
    assert tangent[1] == pytest.approx(tangent[0])
    assert middle[2] == pytest.approx(frame.centerline.points_mm[0] - 5.0 * tangent[2])


@given(leans, places, offsets)
def test_a_slice_shows_a_straight_artery_along_its_axis(
    lean: tuple[float, float], position: float, offset: tuple[float, float]
) -> None:
    axis = _axis(0.0, lean)
    frame = WallFrame.of(axis, Side.RIGHT)
    plane = cross_section(GRID, 3, position, frame)
    assert plane is not None
    steep = np.hypot(1.0, np.hypot(*lean))
    shown, index = plane.shown_mm(np.array(offset)), plane.index(np.array(offset))
    assert GRID.to_index(shown)[1:] == pytest.approx(index, abs=1e-9)
    # the slice is at the height of the axis there, and what it shows lies at (u, v) across the artery
    assert shown[2] == pytest.approx(plane.axis_mm[2], abs=1e-9)
    assert frame.coordinates(shown[None], np.array([position]))[1][0] == pytest.approx(offset, abs=1e-9)
    assert plane.length_mm == pytest.approx(2.0 * steep)
    assert plane.pixel_mm2 == pytest.approx(0.125 / steep)
    assert plane.to_mm(np.array(offset)) @ _tangent(axis) == pytest.approx(plane.axis_mm @ _tangent(axis), abs=1e-9)


def test_blur_is_that_of_voxels_and_of_interpolation() -> None:
    straight, leaning = (cross_section(GRID, 0, 0.0, WallFrame.of(_axis(0.0, lean), Side.LEFT)) for lean in
                         ((0.0, 0.0), (0.75, 0.0)))  # fmt: skip
    assert straight is not None
    assert leaning is not None
    # box of the pixel and triangle of linear interpolation: 1/12 + 1/6, along rows of 0.25 and columns of 0.5 mm
    assert np.sort(np.linalg.eigvalsh(straight.blur_mm2)).tolist() == pytest.approx([0.25 * 0.25**2, 0.25 * 0.5**2])
    # 37° towards +x: pixels shrink to 0.8, and 2 mm of depth are seen as 2 × 0.6 mm
    across_x = np.array([0.8, 0.0, -0.6])
    direction = leaning.across.T @ across_x
    blur = direction @ leaning.blur_mm2 @ direction
    assert blur == pytest.approx(0.25 * (0.5 * 0.8) ** 2 + (2.0 * 0.6) ** 2 / 12.0)


@pytest.mark.parametrize(("degrees", "is_shown"), [(59.0, True), (61.0, False)])
def test_a_slice_may_cut_the_artery_at_60_degrees(degrees: float, is_shown: bool) -> None:
    frame = WallFrame.of(_axis(0.0, (np.tan(np.radians(degrees)), 0.0)), Side.LEFT)
    assert (cross_section(GRID, 3, 0.0, frame) is not None) is is_shown


def test_the_flow_divider_lies_opposite_to_the_bend() -> None:
    # below −6 mm straight, above turning by 0.1 radians per mm towards +y; z is close enough to position for tangents
    s = np.linspace(-REACH_MM, REACH_MM, 401)
    angle = np.clip(0.1 * (s + 6.0), 0.0, 1.0)
    steps = np.stack([np.zeros_like(s), np.sin(angle), np.cos(angle)], axis=1) * 0.1
    bent = Centerline(np.cumsum(steps, axis=0), s, 1.0)
    for side in Side:
        found = flow_divider_direction(bent, side)
        assert found[0] == pytest.approx(0.0, abs=1e-12)
        assert found[1] < -0.7
        assert np.linalg.norm(found) == pytest.approx(1.0)
    # a straight one: forwards and towards the midline, which lies to the right of the left artery
    assert flow_divider_direction(_axis(0.0), Side.RIGHT) == pytest.approx(np.array([1.0, -1.0, 0.0]) / np.sqrt(2.0))


def test_what_the_axis_does_elsewhere_says_nothing_of_the_flow_divider() -> None:
    # tangents reach 2 mm to both sides: straight from −16 to −6 and from −2 to 10 mm, and turned beyond and between
    s = np.linspace(-REACH_MM, REACH_MM, 401)
    is_free = (s < -16.0) | ((s > -6.0) & (s < -2.0)) | (s > 10.0)
    steps = np.where(is_free[:, None], [0.6, 0.0, 0.8], [0.0, 0.0, 1.0]) * 0.1
    found = flow_divider_direction(Centerline(np.cumsum(steps, axis=0), s, 1.0), Side.RIGHT)
    assert found == pytest.approx(np.array([1.0, -1.0, 0.0]) / np.sqrt(2.0))


@pytest.mark.parametrize("side", Side)
def test_v_points_forwards(side: Side) -> None:
    frame = WallFrame.of(_axis(0.0), side)
    across = frame.across(np.array([[0.0, 0.0, 1.0]]))[0]
    assert across[:, 0] == pytest.approx(frame.divider)
    assert across[1, 1] == pytest.approx(-np.sqrt(0.5))


def _tangent(axis: Centerline) -> FloatArray:
    return axis.tangent(np.zeros(1))[0]
