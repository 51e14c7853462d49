"""Mutual information and its slope against closed forms and differences."""

import numpy as np
import pytest
from tests.register.phantom import blob_image

from plaquecast.domain.grid import Grid
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.volume import Volume
from plaquecast.register.body import body_of
from plaquecast.register.layers import Layer, as_layer
from plaquecast.register.mutual_information import draw_samples, interpolate, mutual_information

N_BINS = 32


def _as_layer(volume: Volume) -> Layer:
    return as_layer(volume, body_of(volume), 2.0, 1.0, N_BINS)


def _layer(array: np.ndarray) -> Layer:
    grid = Grid.axis_aligned(array.shape, (1.0, 1.0, 1.0))
    weight = np.ones(array.shape, dtype=np.float32)
    return Layer(grid, array.astype(np.float32), weight, np.linalg.inv(grid.affine), N_BINS)


def test_two_halves_that_agree_hold_one_bit() -> None:
    halves = np.zeros((4, 40, 40))
    halves[:, :, 20:] = 20.0
    layer = _layer(halves)
    away_from_the_border = np.ones(halves.shape, dtype=np.float32)
    away_from_the_border[:, :, 17:23] = 0.0
    samples = draw_samples(layer, away_from_the_border, 4000, seed=0)
    value, _ = mutual_information(samples, layer, np.eye(4), N_BINS)
    # stratified drawing: each half holds half of the points but for one of 4000
    assert value == pytest.approx(np.log(2.0), abs=1e-3)


def test_independent_noise_holds_only_the_bias_of_a_finite_histogram() -> None:
    rng = np.random.default_rng(0)
    first, second = (_layer(rng.uniform(0.0, N_BINS - 1.0, (20, 40, 40))) for _ in range(2))
    samples = draw_samples(first, first.weight, 20_000, seed=0)
    value, _ = mutual_information(samples, second, np.eye(4), N_BINS)
    # of independent counts the plug-in estimate exceeds 0 by (bins − 1)² / 2n (Miller 1955), less for smoothed bins
    assert 0.0 < value < (N_BINS - 1) ** 2 / (2 * 20_000)


def test_the_slope_is_what_differences_give() -> None:
    reference = _as_layer(blob_image())
    other = _as_layer(blob_image(is_inverted=True))
    samples = draw_samples(reference, reference.weight, 5_000, seed=0)
    matrix = RigidTransform.from_euler((1.0, 2.0, 3.0), (0.8, -0.6, 0.5)).matrix_mm
    _, slope = mutual_information(samples, other, matrix, N_BINS)
    for row in range(3):
        step = np.zeros((4, 4))
        step[row, 3] = 1e-4
        ahead, _ = mutual_information(samples, other, matrix + step, N_BINS)
        behind, _ = mutual_information(samples, other, matrix - step, N_BINS)
        # a few of the 5000 points cross from voxel to voxel within the step, where the slope jumps
        assert slope[row, 3] == pytest.approx((ahead - behind) / 2e-4, rel=0.02, abs=1e-4)


def test_interpolation_of_a_single_slice_knows_no_slope_across() -> None:
    values, slopes = interpolate(np.array([[[0.0, 2.0], [4.0, 6.0]]], dtype=np.float32), np.array([[0.0, 0.5, 0.5]]))
    assert values.tolist() == [3.0]
    assert slopes.tolist() == [[0.0, 4.0, 2.0]]


def test_too_few_points_inside_are_no_agreement() -> None:
    layer = _as_layer(blob_image())
    samples = draw_samples(layer, layer.weight, 1_000, seed=0)
    far_off = RigidTransform.from_euler(np.zeros(3), (0.0, 0.0, 33.0)).matrix_mm
    value, slope = mutual_information(samples, layer, far_off, N_BINS)
    assert value == 0.0
    assert not slope.any()
