"""Regression to the mean is taken out by as much as measurement error puts in; errors are read back from a table."""

import numpy as np
import pytest
from tests.small_cohort import cohort

from plaquecast.domain.anatomy import Side
from plaquecast.domain.change import FACTOR_MEASUREMENT, Factor
from plaquecast.domain.learning import FeatureTable, TargetTable
from plaquecast.domain.measurements import PUBLISHED_ERRORS
from plaquecast.predict.features import feature_table
from plaquecast.predict.lessons import ScanError, lessons

NAME = "stenosis_nascet_percent"


def _steady(n: int, scan_sd: float, seed: int) -> tuple[FeatureTable, TargetTable]:
    """Arteries that do not change at all, measured twice, one year apart, with a helper feature for the true value."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(40.0, 10.0, n)
    first, second = truth + rng.normal(0.0, scan_sd, n), truth + rng.normal(0.0, scan_sd, n)
    values = np.column_stack([first, truth + rng.normal(0.0, 5.0, n)])
    ids = np.array([f"p{i}" for i in range(n)])
    features = FeatureTable(ids, (Side.LEFT,) * n, (NAME, "plaque_length_mm"), values)
    error = np.full(n, np.sqrt(2.0) * scan_sd)
    factor = Factor.STENOSIS
    table = TargetTable({factor: second - first}, {factor: error}, np.ones(n), {factor: np.zeros(n, bool)})
    return features, table


def test_where_nothing_changes_the_corrected_change_does_not_lean_on_the_baseline() -> None:
    features, targets = _steady(4000, 5.0, seed=1)
    result = lessons(features, targets)[Factor.STENOSIS]
    baseline = features.values[:, 0]
    crude = np.polyfit(baseline, result.measured, 1)[0]
    corrected = np.polyfit(baseline, result.corrected, 1)[0]
    # structural null: −SEM² / (SD² + SEM²) = −25 / 125; a slope over 4000 rows has SE 7 / (11 · √4000) = 0.01
    assert crude == pytest.approx(-0.2, abs=0.03)
    assert corrected == pytest.approx(0.0, abs=0.03)
    assert np.var(result.corrected) < np.var(result.measured)


def test_without_error_nothing_is_corrected() -> None:
    features, targets = _steady(200, 0.0, seed=2)
    result = lessons(features, targets)[Factor.STENOSIS]
    assert np.array_equal(result.measured, result.corrected)


@pytest.mark.parametrize("factor", [Factor.STENOSIS, Factor.WALL_VOLUME, Factor.LIPID_RICH_NECROTIC_CORE])
def test_the_error_of_one_scan_is_read_back_from_the_targets(factor: Factor) -> None:
    table = cohort(40)
    published = PUBLISHED_ERRORS[FACTOR_MEASUREMENT[factor]]
    error = ScanError.of(feature_table(table.arteries), table.measured, factor)
    # the table's errors follow this very law, so only rounding is left
    at = np.array([60.0, 600.0])
    assert error.sd(at) == pytest.approx(published.sd(at), rel=1e-6)


def test_noisy_rows_weigh_less() -> None:
    table = cohort(40)
    result = lessons(feature_table(table.arteries), table.measured)[Factor.STENOSIS]
    short = table.measured.interval_years < np.median(table.measured.interval_years)
    assert result.weights[short].max() < result.weights[~short].min()
