"""What-if answers are differences of two forecasts inside the cohort, and the theory of sample size is Riley's."""

from dataclasses import replace

import pytest
from tests.small_cohort import cohort

from plaquecast.domain.change import Factor
from plaquecast.domain.clinical import SmokingHistory
from plaquecast.domain.missing import Missing, Reason, is_number
from plaquecast.errors import InputError
from plaquecast.predict.bundle import PredictorBundle, fit_bundle
from plaquecast.predict.models import KINDS
from plaquecast.predict.sample_size import is_enough, supported_predictors
from plaquecast.predict.what_if import CAUTION, what_if
from plaquecast.settings import PredictSettings


@pytest.fixture(scope="module")
def bundle() -> PredictorBundle:
    table = cohort(80)  # in a cohort of 40 the learned range is too vague for a pressure of 20 to lie clearly outside
    plain = [KINDS[name] for name in ("no change", "population mean", "stratum mean")]
    settings = PredictSettings(outer_folds=3)
    return fit_bundle(table.arteries, table.measured, settings, "simulated patients", kinds=plain)


def test_the_same_record_makes_no_difference_and_another_one_is_an_association(bundle: PredictorBundle) -> None:
    artery = replace(
        cohort(40).arteries[0], clinical=replace(cohort(40).arteries[0].clinical, statin=False, statin_years=0.0)
    )
    for answer in what_if(bundle, artery, 1.5, {"statin": False}):
        assert not is_number(answer.difference) or answer.difference == 0.0
    answers = {answer.factor: answer for answer in what_if(bundle, artery, 1.5, {"statin": True, "statin_years": 5.0})}
    assert CAUTION in str(answers[Factor.WALL_VOLUME])


def test_outside_what_was_learned_there_is_no_answer(bundle: PredictorBundle) -> None:
    answers = what_if(bundle, cohort(40).arteries[0], 1.5, {"systolic_pressure_mmhg": 20.0})
    asked = [answer for answer in answers if is_number(answer.as_is.value)]
    assert asked
    for answer in asked:
        assert isinstance(answer.difference, Missing)
        assert answer.difference.reason is Reason.OUT_OF_COHORT


def test_what_nobody_can_change_is_refused(bundle: PredictorBundle) -> None:
    with pytest.raises(InputError, match="age_years"):
        what_if(bundle, cohort(40).arteries[0], 1.5, {"age_years": 40.0, "smoking_history": SmokingHistory.NEVER})


def test_percentiles_run_from_the_smallest_to_the_largest_change(bundle: PredictorBundle) -> None:
    values = cohort(80).measured.values[Factor.WALL_VOLUME]
    assert bundle.percentile(Factor.WALL_VOLUME, values.min()) == 0.0
    assert bundle.percentile(Factor.WALL_VOLUME, values.max()) == 100.0


@pytest.mark.parametrize(
    ("n_predictors", "r2", "least"),
    [(8, 0.10, 493), (12, 0.15, 541), (20, 0.15, 984), (30, 0.20, 1119), (20, 0.50, 254), (25, 0.20, 918)],
)
def test_least_sample_sizes_are_those_of_riley(n_predictors: int, r2: float, least: int) -> None:
    assert is_enough(least, n_predictors, r2)
    assert not is_enough(least - 1, n_predictors, r2)


def test_more_patients_carry_more_predictors() -> None:
    supported = [supported_predictors(n) for n in (60, 234, 320, 541, 984)]
    assert supported == sorted(supported)
    assert supported[0] == 0
    assert supported[-1] == 20
