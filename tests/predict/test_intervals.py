"""Intervals hold as often as they say, whatever the errors look like and however many arteries a patient has."""

import numpy as np
import pytest
from tests.small_cohort import cohort

from plaquecast.domain.anatomy import Side
from plaquecast.domain.change import Factor
from plaquecast.domain.learning import FeatureTable, TargetTable
from plaquecast.predict.features import at_horizon, feature_table
from plaquecast.predict.intervals import Calibration, Spread
from plaquecast.predict.lessons import ScanError

STENOSIS = Factor.STENOSIS


def _calibration(residuals: np.ndarray, ids: np.ndarray) -> tuple[Calibration, FeatureTable]:
    """One member that always predicts zero, unit spread."""
    n = len(ids)
    names = (
        "stenosis_nascet_percent",
        "has_plaque",
        "has_core",
        "has_hemorrhage",
        "has_calcification",
        "horizon_years",
    )
    features = FeatureTable(ids, (Side.LEFT,) * n, names, np.ones((n, len(names))))
    spread = Spread(STENOSIS, ScanError(0.0, 0.0), np.eye(8)[0], 0.0)
    count = np.unique(ids, return_inverse=True, return_counts=True)
    weights = 1.0 / count[2][count[1]]
    return Calibration(spread, residuals, np.zeros(n, int), weights, len(count[0]), np.zeros(n, int)), features


def test_the_ends_are_the_order_statistics_that_split_conformal_asks_for() -> None:
    residuals = np.arange(1.0, 100.0)
    calibration, features = _calibration(residuals, np.array([f"p{i}" for i in range(99)]))
    one = features.rows(np.array([0]))
    lower, upper = calibration.interval(calibration.likely_values(np.zeros((1, 1)), one), one, 0.9)
    # of 99 + 1 exchangeable values, 5 lie below the 5th smallest and 5 above the 95th
    assert (lower[0], upper[0]) == (5.0, 95.0)


@pytest.mark.parametrize("level", [0.8, 0.9])
def test_coverage_of_new_patients_with_skewed_errors_and_one_to_three_arteries(level: float) -> None:
    rng = np.random.default_rng(11)
    hits = []
    for _ in range(400):
        sizes = rng.integers(1, 4, 61)
        ids = np.repeat([f"p{i}" for i in range(61)], sizes)
        shared = np.repeat(rng.exponential(size=61), sizes)
        residuals = shared + 0.3 * rng.normal(size=len(ids))
        old, new = ids != "p60", np.flatnonzero(ids == "p60")[0]
        calibration, features = _calibration(residuals[old], ids[old])
        one = features.rows(np.array([0]))
        lower, upper = calibration.interval(calibration.likely_values(np.zeros((1, 1)), one), one, level)
        hits.append(lower[0] <= residuals[new] <= upper[0])
    # 400 cohorts: standard error 0.02 at 0.8; conformal promises at least the level, and at most 2 / 61 more
    assert level - 0.05 <= np.mean(hits) <= level + 0.035 + 0.05


def test_too_few_patients_get_an_endless_interval_rather_than_a_narrow_one() -> None:
    calibration, features = _calibration(np.arange(10.0), np.array([f"p{i}" for i in range(10)]))
    one = features.rows(np.array([0]))
    values = calibration.likely_values(np.zeros((1, 1)), one)
    assert calibration.interval(values, one, 0.9) == (-np.inf, np.inf)


def test_chances_are_shares_beyond_the_detectable_and_swap_for_the_cap() -> None:
    calibration, features = _calibration(np.array([-5.0, 0.0, 1.0, 5.0]), np.array(list("abcd")))
    one = features.rows(np.array([0]))
    error = ScanError(1.0, 0.0)  # detectable from 1.96 · √2 = 2.77
    for factor, expected in ((STENOSIS, (0.25, 0.5, 0.25)), (Factor.FIBROUS_CAP_THICKNESS, (0.5, 0.5, 0.0))):
        spread = Spread(factor, error, calibration.spread.coefficients, 0.0)
        names = ("fibrous_cap_mean_thickness_mm", *one.columns)
        wider = FeatureTable(one.patient_ids, one.sides, names, np.column_stack([[9.0], one.values]))
        of_factor = Calibration(spread, calibration.residuals - 3.0 * (factor is not STENOSIS), *_rest(calibration))
        values = of_factor.likely_values(np.zeros((1, 1)), wider)
        assert [float(chance[0]) for chance in of_factor.chances(values, wider)] == pytest.approx(expected)


def _rest(calibration: Calibration) -> tuple[np.ndarray, np.ndarray, int, np.ndarray]:
    return calibration.member, calibration.weights, calibration.n_patients, calibration.group


def test_what_is_not_there_cannot_shrink_and_a_longer_horizon_is_surer() -> None:
    table = cohort(40)
    features = at_horizon(feature_table(table.arteries), table.measured.interval_years)
    factor = Factor.CALCIFICATION
    fold = np.arange(80) // 16
    calibration = Calibration.of(features, table.measured, factor, np.zeros(80), fold)
    values = calibration.likely_values(np.zeros((80, 5)), features)
    absent = features.values[:, features.columns.index("calcification_volume_mm3")] == 0.0
    assert absent.any()
    assert values[absent].min() == 0.0
    soon, late = (at_horizon(feature_table(table.arteries), np.full(80, years)) for years in (0.7, 3.0))
    assert np.all(calibration.spread.smallest_detectable(late) < calibration.spread.smallest_detectable(soon))
    assert np.all(calibration.spread.sd(late) <= calibration.spread.sd(soon))


def test_the_spread_finds_where_errors_are_large() -> None:
    table = cohort(40)
    features = at_horizon(feature_table(table.arteries), table.measured.interval_years)
    has_core = features.values[:, features.columns.index("has_core")]
    rng = np.random.default_rng(0)
    many = np.tile(np.arange(80), 30)
    residuals = rng.normal(size=2400) * (1.0 + 9.0 * has_core[many])
    spread = Spread.of(features.rows(many), residuals, ScanError(0.0, 0.0), Factor.WALL_VOLUME)
    sd = spread.sd(features)
    # SD of 1200 draws is known to 2 %; the other strata and the baseline take a share of the difference
    assert sd[has_core == 1.0].mean() == pytest.approx(10.0, rel=0.15)
    assert sd[has_core == 0.0].mean() < 2.0


def test_targets_without_error_have_no_smallest_detectable_change() -> None:
    table = cohort(40)
    features = at_horizon(feature_table(table.arteries), table.measured.interval_years)
    truth = TargetTable(table.true.values, table.true.error_per_year, table.true.interval_years, table.true.censored)
    error = ScanError.of(features, truth, Factor.WALL_VOLUME)
    assert (error.absolute, error.relative) == (0.0, 0.0)


def test_arteries_with_a_core_are_compared_with_such_arteries_only() -> None:
    rng = np.random.default_rng(5)
    n = 400
    has_core = rng.random(n) < 0.3
    names = ("lipid_rich_necrotic_core_volume_mm3", "has_plaque", "has_core", "has_hemorrhage", "has_calcification",
             "horizon_years")  # fmt: skip
    columns = [50.0 * has_core, np.ones(n), has_core, np.zeros(n), np.zeros(n), np.ones(n)]
    ids = np.array([f"p{i}" for i in range(n)])
    features = FeatureTable(ids, (Side.LEFT,) * n, names, np.column_stack(columns))
    # one in twelve arteries gets a new, large core; the cores that are there change a little
    change = np.where(has_core, rng.normal(size=n), np.where(rng.random(n) < 1 / 12, 60.0, 0.0))
    factor = Factor.LIPID_RICH_NECROTIC_CORE
    targets = TargetTable({factor: change}, {factor: np.zeros(n)}, np.ones(n), {factor: np.zeros(n, bool)})
    calibration = Calibration.of(features, targets, factor, np.zeros(n), np.zeros(n, int))
    values = calibration.likely_values(np.zeros((n, 1)), features)
    lower, upper = calibration.interval(values, features, 0.9)
    held = (lower <= change) & (change <= upper)
    # its own rows: whole ranks at both ends leave out at most a tenth and hold at most three ranks more
    assert 0.9 <= held[has_core].mean() <= 0.9 + 3 / has_core.sum()
    assert held[~has_core].mean() >= 0.9
    assert len(np.unique(calibration.group)) == 2
