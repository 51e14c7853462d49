"""Courses through heat maps, and the naming of sides."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.segment.small_visit import CENTER_MM, GRID, case, visit

from plaquecast.domain.anatomy import Side
from plaquecast.domain.grid import Grid
from plaquecast.segment.localize import (
    COARSE_PIXEL_MM,
    heat_targets,
    name_sides,
    padded_shape,
    trace,
)
from plaquecast.segment.localizer_training import train_localizer
from plaquecast.segment.regions import coarse_block, coarse_counts
from plaquecast.segment.unet import HeatNetwork
from plaquecast.settings import SegmentSettings


def shape_of(grid: Grid) -> tuple[int, int]:
    return padded_shape(coarse_counts(grid, coarse_block(grid, COARSE_PIXEL_MM)))


@given(
    pixel_mm=st.sampled_from([0.275, 0.31, 0.5, 0.62, 0.9]),
    row=st.floats(0.2, 0.8),
    drift_mm=st.floats(-0.5, 0.5),
)
def test_a_course_is_found_where_its_heat_was_painted(pixel_mm: float, row: float, drift_mm: float) -> None:
    grid = Grid.axis_aligned((8, round(100 / pixel_mm), round(110 / pixel_mm)), (2.0, pixel_mm, pixel_mm))
    true = {k: (100 * row + 0.0 * k, 40.0 + 2.0 * drift_mm * k) for k in range(8)}
    points, heat = trace(heat_targets({Side.LEFT: true}, grid, shape_of(grid)).astype(np.float64), grid)
    # the center of mass of a Gaussian (SD 1.5) over 5 pixels around its hottest one is drawn towards that one by up to
    # a quarter of the half pixel between them, and the window's edge adds as much
    assert np.abs(points - np.array(list(true.values()))).max() < 0.25 * 1.8
    assert heat.min() > 0.7


@pytest.mark.parametrize("leftward", [1.0, -1.0])
def test_the_left_artery_is_the_one_at_greater_x(leftward: float) -> None:
    affine = np.array([[0, 0, leftward * 0.5, 0], [0, 0.5, 0, 0], [2.0, 0, 0, 0], [0, 0, 0, 1.0]])
    grid = Grid((5, 200, 220), affine)
    columns_mm = {Side.LEFT: 80.0, Side.RIGHT: 30.0} if leftward > 0 else {Side.LEFT: 30.0, Side.RIGHT: 80.0}
    centers = {side: dict.fromkeys(range(5), (50.0, column)) for side, column in columns_mm.items()}
    heat = heat_targets(centers, grid, shape_of(grid)).astype(np.float64)
    found = name_sides(heat, grid, body_mm=55.0)
    for side, column in columns_mm.items():
        assert abs(np.median(found[side][0][:, 1]) - column) < 0.5


def test_a_single_artery_is_named_by_the_side_of_the_body_it_lies_on() -> None:
    grid = Grid.axis_aligned((5, 200, 220), (2.0, 0.5, 0.5))
    heat = heat_targets({Side.RIGHT: dict.fromkeys(range(5), (50.0, 30.0))}, grid, shape_of(grid)).astype(np.float64)
    found = name_sides(heat, grid, body_mm=55.0)
    assert abs(np.median(found[Side.RIGHT][0][:, 1]) - 30.0) < 0.5
    assert found[Side.LEFT][1].max() < 0.1


def test_the_localizer_learns_where_the_arteries_are() -> None:
    torch.manual_seed(0)
    network = HeatNetwork()
    cases = [case(f"p{seed}", seed) for seed in range(2)]
    facts = train_localizer(network, cases, SegmentSettings(max_epochs=30), 60.0, lambda *_: None)
    assert facts["localizer_steps"] == 60
    from plaquecast.segment.localize import locate

    found = locate(visit("new", 7), network)
    for side, (x, y) in CENTER_MM.items():
        index = GRID.to_index((x, y, 0.0))
        true = index[1:] * np.array(GRID.spacing_mm[1:])
        # within one coarse pixel: the tissue network is trained with shifts of more than that
        assert np.abs(found[side][0] - true).max() < COARSE_PIXEL_MM
