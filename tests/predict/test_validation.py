"""The nested validation never lets a patient be seen, finds what is there, and finds nothing where nothing is."""

from dataclasses import replace

import numpy as np
import pytest
from tests.small_cohort import cohort

from plaquecast.domain.change import Factor
from plaquecast.domain.learning import TargetTable
from plaquecast.predict.features import feature_table
from plaquecast.predict.models import MODELS
from plaquecast.predict.validation import CHOSEN, ORACLE, Validation, nested_validation
from plaquecast.settings import PredictSettings

QUICK = PredictSettings(outer_folds=4, inner_folds=2, bootstrap_samples=100)
WALL = Factor.WALL_THICKENING


@pytest.fixture(scope="module")
def result() -> Validation:
    table = cohort(150)
    features = feature_table(table.arteries)
    return nested_validation(features, table.measured, QUICK, table.true, table.expected, [WALL])


def test_every_model_and_every_baseline_is_scored_beside_the_oracle(result: Validation) -> None:
    names = {row.model for row in result.scores}
    assert names == {*(kind.name for kind in MODELS if kind.least_patients <= 150), CHOSEN, ORACLE}
    assert {row.against for row in result.scores} == {"measured", "true"}
    assert all(np.isfinite(predicted).all() for predicted in result.factors[WALL].predictions.values())


def test_the_mean_has_no_r2_and_the_oracle_has_the_most(result: Validation) -> None:
    assert result.row(WALL, "population mean", "true").scores.r2.value == 0.0
    of_oracle = result.row(WALL, ORACLE, "true").scores.r2.value
    of_chosen = result.row(WALL, CHOSEN, "true").scores.r2.value
    assert isinstance(of_oracle, float)
    assert isinstance(of_chosen, float)
    assert 0.05 < of_chosen < of_oracle + 0.05


def test_a_patients_own_targets_do_not_reach_their_prediction(result: Validation) -> None:
    table = cohort(150)
    test = np.flatnonzero(result.folds.fold == 0)
    values = table.measured.values[WALL].copy()
    values[test] += 1000.0
    planted = replace(table.measured, values={**table.measured.values, WALL: values})
    again = nested_validation(feature_table(table.arteries), planted, QUICK, factors=[WALL])
    for name, predicted in result.factors[WALL].predictions.items():
        assert np.array_equal(again.factors[WALL].predictions[name][test], predicted[test]), name


def test_the_same_seed_gives_the_same_numbers() -> None:
    table = cohort(40)
    runs = [nested_validation(feature_table(table.arteries), table.measured, QUICK, factors=[WALL]) for _ in range(2)]
    assert runs[0].scores == runs[1].scores


def test_a_factor_measured_in_a_handful_of_patients_is_not_learned() -> None:
    table = cohort(40)
    values = np.where(np.arange(80) < 20, table.measured.values[WALL], np.nan)
    few = TargetTable(
        {WALL: values}, {WALL: table.measured.error_per_year[WALL]}, table.measured.interval_years,
        {WALL: np.zeros(80, bool)},
    )  # fmt: skip
    assert not nested_validation(feature_table(table.arteries), few, QUICK, factors=[WALL]).factors
