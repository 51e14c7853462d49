"""Where the wall thickens: the law is found again from noisy maps, holds to what is covered, and beats plain maps."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.small_cohort import cohort

from plaquecast.domain.missing import Missing, Reason
from plaquecast.errors import InputError
from plaquecast.predict.bundle import PredictorBundle, fit_bundle, load_bundle
from plaquecast.predict.features import feature_table
from plaquecast.predict.folds import patient_folds
from plaquecast.predict.local_growth import LocalGrowth, thickness_around
from plaquecast.predict.map_validation import FORECAST, rival_maps, score_maps, validate_map
from plaquecast.predict.models import KINDS
from plaquecast.predict.wall_inputs import SHAPE, WallHistory, thickness_grid, wall_history
from plaquecast.settings import PredictSettings, SimulateSettings
from plaquecast.simulate.table import measured_people, simulate_table

N = 300
PLAIN = [KINDS[name] for name in ("no change", "population mean", "stratum mean", "penalized linear")]


def _growing(rng: np.random.Generator, noise_mm: float) -> tuple[WallHistory, np.ndarray, np.ndarray, np.ndarray]:
    """Walls with one hill each that thicken in proportion to themselves; also the true change, growth and years."""
    row, column = np.arange(SHAPE[0])[:, None], np.arange(SHAPE[1])
    hill = np.exp(-0.5 * ((row - 8.0) / 3.0) ** 2 - 0.5 * ((column - 18.0) / 6.0) ** 2)
    wall = 1.0 + rng.uniform(0.5, 2.0, N)[:, None, None] * hill
    growth, years = 0.08 * rng.normal(size=N), rng.uniform(1.0, 3.0, N)
    true = growth[:, None, None] * wall / wall.mean(axis=(1, 2), keepdims=True)
    first, last = (noise_mm * rng.normal(size=wall.shape) for _ in range(2))
    return WallHistory(wall + first, true + (last - first) / years[:, None, None]), true, growth, years


def test_the_law_is_found_again_through_twice_the_error_of_its_size() -> None:
    walls, true, growth, years = _growing(np.random.default_rng(0), 0.15)
    law = LocalGrowth.of(walls.thickness, growth, walls.thickening, years)
    # block error 0.15 · √2 / 2 yr / √12 = 0.03 mm/yr; 300 × 48 blocks with g·s of SD 0.08: SE of one coefficient
    # 0.03 / 0.08 / √14400 = 0.003, ten times that for those of s and s² apart, which rise together
    share = np.array([0.8, 1.0, 1.5])
    assert law.coefficients[0] == pytest.approx(0.0, abs=0.002)
    assert law.coefficients[1] * share + law.coefficients[2] * share**2 == pytest.approx(share, abs=0.1)
    assert np.abs(law.predict(walls.thickness, growth) - true).mean() < 0.2 * np.abs(true).mean()


def test_intervals_hold_what_would_be_measured_at_a_place() -> None:
    learned, _, growth, years = _growing(np.random.default_rng(1), 0.15)
    fresh, _, fresh_growth, fresh_years = _growing(np.random.default_rng(2), 0.15)
    law = LocalGrowth.of(learned.thickness, growth, learned.thickening, years, 0.9)
    expected = law.predict(fresh.thickness, fresh_growth)
    lower, upper = law.interval(fresh.thickness, expected, fresh_years)
    held = np.mean((lower <= fresh.thickening) & (fresh.thickening <= upper))
    assert held == pytest.approx(0.9, abs=0.01)  # 170 000 places of 300 arteries


def test_noise_alone_is_not_taken_for_change() -> None:
    rng = np.random.default_rng(3)
    years = np.full(N, 1.5)
    first, last = (1.2 + 0.15 * rng.normal(size=(N, *SHAPE)) for _ in range(2))
    walls = WallHistory(first, (last - first) / 1.5)
    law = LocalGrowth.of(first, 0.08 * rng.normal(size=N), walls.thickening, years)
    # had the place's own reading been used, thick places would seem to shrink by 1 mm per mm and year
    assert np.abs(law.predict(first, np.full(N, 0.08))).mean() < 0.005


@given(st.integers(0, 15), st.integers(0, 35), st.integers(0, 35))
def test_the_wall_is_a_ring_and_its_own_reading_does_not_count(row: int, column: int, turn: int) -> None:
    thickness = np.random.default_rng(row).uniform(0.8, 3.0, (1, *SHAPE))
    around = thickness_around(thickness)
    other = thickness.copy()
    other[0, row, column] += 5.0
    assert thickness_around(other)[0, row, column] == around[0, row, column]
    turned = thickness_around(np.roll(thickness, turn, axis=2))
    assert np.allclose(turned, np.roll(around, turn, axis=2))


def test_what_was_not_covered_gets_no_number() -> None:
    walls, _, growth, years = _growing(np.random.default_rng(4), 0.1)
    walls.thickness[:, :4] = np.nan
    walls.thickening[:, :4] = np.nan
    said = LocalGrowth.of(walls.thickness, growth, walls.thickening, years).predict(walls.thickness, growth)
    assert np.isnan(said[:, :4]).all()
    assert np.isfinite(said[:, 4:]).all()


def test_scores_tell_a_true_map_from_plain_ones() -> None:
    walls, true, _, _ = _growing(np.random.default_rng(5), 0.15)
    maps = {FORECAST: true + 0.01, **rival_maps(walls, walls.thickness)}
    scores = score_maps(maps, true, np.array([f"p{i // 2}" for i in range(N)]), 50, 0)
    by_name = {row.name: row for row in scores.maps}
    assert by_name[FORECAST].mae.value == pytest.approx(0.01)
    assert all(row.forecast_gains.low > 0 for name, row in by_name.items() if name != FORECAST)  # type: ignore[operator]
    assert scores.rank_correlation.value == pytest.approx(1.0)
    assert scores.n_arteries == N


@pytest.fixture(scope="module")
def mapped() -> tuple[PredictorBundle, list]:
    settings = SimulateSettings()
    table = simulate_table(24, 3, settings, wall_maps=True)
    people = measured_people(24, 3, settings, wall_maps=True)
    later = [visits[1][artery_side].wall_map for _, visits in people for artery_side in visits[1]]
    first = [artery.morphology.wall_map for artery in table.arteries]
    walls = wall_history(first, later, table.measured.interval_years)
    quick = PredictSettings(outer_folds=3, inner_folds=2)
    return fit_bundle(table.arteries, table.measured, quick, "simulated patients", kinds=PLAIN, walls=walls), list(
        table.arteries
    )


def test_a_stored_predictor_draws_the_very_same_map(mapped: tuple[PredictorBundle, list]) -> None:
    bundle, arteries = mapped
    usual = next(artery for artery in arteries if not isinstance(bundle.forecast_map(artery, 1.5), Missing))
    here, there = (each.forecast_map(usual, 1.5) for each in (bundle, load_bundle(bundle.as_files())))
    assert not isinstance(here, Missing)
    assert not isinstance(there, Missing)
    assert np.array_equal(here.value, there.value, equal_nan=True)
    assert here.value.shape == (len(here.position_mm), len(here.angle_degrees)) == SHAPE
    known = np.isfinite(here.value)
    assert known.any()
    assert np.all((here.lower[known] <= here.value[known]) & (here.value[known] <= here.upper[known]))
    covered = np.isfinite(thickness_grid(usual.morphology.wall_map))
    assert not known[~covered].any()


def test_without_a_map_or_unlike_the_cohort_there_is_none_but_why(mapped: tuple[PredictorBundle, list]) -> None:
    bundle, arteries = mapped
    bare = replace(arteries[0], morphology=replace(arteries[0].morphology, wall_map=None))
    odd = replace(arteries[0], morphology=replace(arteries[0].morphology, wall_volume_mm3=9000.0))
    for artery, reason in ((bare, Reason.NOT_APPLICABLE), (odd, Reason.OUT_OF_COHORT)):
        told = bundle.forecast_map(artery, 1.5)
        assert isinstance(told, Missing)
        assert told.reason is reason
    with pytest.raises(InputError, match="learned from"):
        bundle.forecast_map(arteries[0], 30.0)
    none = fit_bundle(
        cohort(40).arteries, cohort(40).measured, PredictSettings(outer_folds=3), "simulated", kinds=PLAIN
    )
    assert isinstance(none.forecast_map(arteries[0], 1.5), Missing)


def test_a_map_is_validated_by_folds_that_never_saw_its_patient() -> None:
    walls, true, growth, years = _growing(np.random.default_rng(6), 0.15)
    table = cohort(40)
    features = feature_table(table.arteries)
    rows = np.arange(80)
    folds = patient_folds(features, 4, 0)
    seen = WallHistory(walls.thickness[rows], walls.thickening[rows])
    inside = [growth[train] for train, _ in folds.splits()]
    maps = validate_map(seen, years[rows], folds, growth[rows], inside)
    test = folds.fold == 0
    spoiled = WallHistory(seen.thickness, np.where(test[:, None, None], 99.0, seen.thickening))
    again = validate_map(spoiled, years[rows], folds, growth[rows], inside)
    for name, said in maps.items():
        assert np.array_equal(said[test], again[name][test]), name
    assert np.abs(maps[FORECAST] - true[rows]).mean() < 0.5 * np.abs(true[rows]).mean()
