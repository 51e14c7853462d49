"""The deep network learns a rule that it is shown, ignores what is missing, and survives being stored bit by bit."""

from dataclasses import replace

import numpy as np
import pytest
from tests.small_cohort import cohort

from plaquecast.domain.change import Factor
from plaquecast.domain.learning import TargetTable
from plaquecast.domain.morphology import WallMap
from plaquecast.errors import InputError, ModelError
from plaquecast.predict.deep import FACTORS, DeepModel, Recipe, fit_deep
from plaquecast.predict.features import at_horizon, column, feature_table
from plaquecast.predict.wall_inputs import N_LAYERS, SHAPE, WallInputs, on_grid, wall_inputs
from plaquecast.settings import SimulateSettings
from plaquecast.simulate.table import simulate_table

QUICK = Recipe(epochs=2, width=4, batch=16)


def _inputs(n_arteries: int, seed: int) -> WallInputs:
    """Walls with one plaque each, of random height and place, beside real feature rows."""
    table = cohort(40)
    features = at_horizon(feature_table(table.arteries), table.measured.interval_years)
    rng = np.random.default_rng(seed)
    maps = 0.1 * rng.normal(size=(n_arteries, N_LAYERS, *SHAPE))
    for artery, height in zip(maps, rng.uniform(0.0, 3.0, n_arteries), strict=True):
        artery[0, 4:10, :9] += height
        artery[0] = np.roll(artery[0], int(rng.integers(36)), axis=1)
    return WallInputs(maps.astype(np.float32), features.rows(np.arange(n_arteries) % 80))


def _targets(values: dict[Factor, np.ndarray], n: int) -> TargetTable:
    full = {factor: values.get(factor, np.full(n, np.nan)) for factor in Factor}
    return TargetTable(
        full, {factor: np.zeros(n) for factor in Factor}, np.ones(n), {factor: np.zeros(n, bool) for factor in Factor}
    )


def test_it_learns_from_both_the_wall_and_the_record() -> None:
    inputs = _inputs(160, seed=1)
    statin = np.nan_to_num(column(inputs.features, "statin"))
    # one factor hangs on the thickest part of the wall, another on the record
    wall = inputs.maps[:, 0].max(axis=(1, 2)).astype(float)
    targets = _targets({Factor.WALL_VOLUME: wall, Factor.STENOSIS: 2.0 * statin}, 160)
    recipe = Recipe(epochs=15, width=8, batch=16, dropout=0.0, learning_rate=5e-3)
    model = fit_deep(inputs, targets, np.full((160, *SHAPE), np.nan, np.float32), recipe)
    told = model.predict(inputs)
    for factor, truth in ((Factor.WALL_VOLUME, wall), (Factor.STENOSIS, 2.0 * statin)):
        expected = told.expected[:, FACTORS.index(factor)]
        assert np.corrcoef(expected, truth)[0, 1] > 0.8


def test_the_map_head_finds_where_the_wall_grows() -> None:
    inputs = _inputs(128, seed=2)
    growth = inputs.maps[:, 0].copy()
    model = fit_deep(
        inputs,
        _targets({Factor.WALL_VOLUME: np.zeros(128)}, 128),
        growth,
        replace(QUICK, epochs=20, width=8, learning_rate=1e-2),
    )
    told = model.predict(inputs).thickening
    assert np.corrcoef(told.ravel(), growth.ravel())[0, 1] > 0.7


def test_a_turned_wall_gives_a_turned_map_and_the_same_factors() -> None:
    inputs = _inputs(32, seed=3)
    model = fit_deep(inputs, _targets({Factor.WALL_VOLUME: np.arange(32.0)}, 32), np.zeros((32, *SHAPE)), QUICK)
    told, turned = model.predict(inputs), model.predict(WallInputs(np.roll(inputs.maps, 2, axis=3), inputs.features))
    # the path is closed around the angle, and pooling halves it, so even shifts commute up to float32 rounding
    assert np.allclose(np.roll(told.thickening, 2, axis=2), turned.thickening, atol=1e-4)
    assert np.allclose(told.expected, turned.expected, rtol=1e-4, atol=1e-4)


def test_a_stored_network_predicts_the_very_same_bits_and_a_broken_one_is_refused() -> None:
    inputs = _inputs(32, seed=4)
    fitted = [
        fit_deep(inputs, _targets({Factor.WALL_VOLUME: np.arange(32.0)}, 32), np.zeros((32, *SHAPE)), QUICK)
        for _ in range(2)
    ]
    files = fitted[0].as_files()
    loaded = DeepModel.from_files(files)
    assert np.array_equal(loaded.predict(inputs).expected, fitted[0].predict(inputs).expected)
    assert np.array_equal(loaded.predict(inputs).thickening, fitted[0].predict(inputs).thickening)
    assert fitted[1].as_files() == files
    for broken in ({}, {**files, "network.safetensors": b"\x80\x04"}, {"model.json": files["model.json"]}):
        with pytest.raises(ModelError):
            DeepModel.from_files(broken)


def test_maps_are_laid_on_the_networks_grid_and_a_missing_one_is_refused() -> None:
    table = simulate_table(2, 3, SimulateSettings(), wall_maps=True)
    features = feature_table(table.arteries)
    inputs = wall_inputs(table.arteries, features)
    assert inputs.maps.shape == (4, N_LAYERS, *SHAPE)
    wall = table.arteries[0].morphology.wall_map
    assert wall is not None
    thickness = inputs.maps[0, 0] + 1.2
    assert thickness.mean() == pytest.approx(wall.wall_thickness_mm.mean(), rel=1e-5)
    with pytest.raises(InputError, match="a wall map of every artery"):
        wall_inputs(cohort(3).arteries, feature_table(cohort(3).arteries))


def test_what_no_slice_covers_is_not_a_number() -> None:
    wall = WallMap(np.array([-5.0, -3.0]), np.arange(0.0, 360.0, 5.0), np.ones((2, 72)), np.ones((2, 72), np.uint8))
    laid = on_grid(wall.wall_thickness_mm, wall)
    assert np.isfinite(laid).all(axis=1).sum() == 2
    assert np.isnan(laid).all(axis=1).sum() == SHAPE[0] - 2
