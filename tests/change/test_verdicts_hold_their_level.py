"""Verdicts against chance: no change is called one in 5 % of pairs, and real changes are found as theory says.

Arteries of a simulated table; each visit is measured with the published errors, which are independent.
"""

from collections import defaultdict
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from scipy import stats

from plaquecast.change.factors import change_factors
from plaquecast.domain.change import FACTOR_MEASUREMENT, Factor, Verdict
from plaquecast.domain.measurements import PUBLISHED_ERRORS
from plaquecast.domain.missing import is_number
from plaquecast.domain.morphology import ArteryMorphology
from plaquecast.settings import ChangeSettings, SimulateSettings
from plaquecast.simulate.table import simulate_table

SETTINGS = ChangeSettings()
N_PATIENTS = 200
N_REPEATS = 6
JOINT_LEVEL = 1.0 - 0.05 / len(Factor)
"""Level of each factor's band at which all of them hold together in 95 % of cases (Bonferroni)."""


@lru_cache(maxsize=1)
def _arteries() -> tuple[ArteryMorphology, ...]:
    return simulate_table(N_PATIENTS, 5, SimulateSettings()).true_baseline


@lru_cache(maxsize=3)
def _called_changed(multiple: float) -> dict[Factor, list[bool]]:
    """For each factor: was each pair called changed, when truth changed by `multiple` × the detectable change?"""
    rng, called = np.random.default_rng([7, round(10 * multiple)]), defaultdict(list)
    for artery in _arteries() * N_REPEATS:
        true = {factor: getattr(artery, name) for factor, name in FACTOR_MEASUREMENT.items()}
        true = {
            factor: value
            for factor, value in true.items()
            if is_number(value) and (value > 0.0 or factor is Factor.STENOSIS)
        }
        before, after = {}, {}
        for factor, value in true.items():
            name, error = FACTOR_MEASUREMENT[factor], PUBLISHED_ERRORS[FACTOR_MEASUREMENT[factor]]
            later = value + multiple * _detectable(factor, value, multiple)
            before[name], after[name] = (x + float(error.sd(np.array(x))) * rng.normal() for x in (value, later))
        visits = [replace(artery, slices=(), **values) for values in (before, after)]
        for change in change_factors(visits[0], visits[1], 1.5, PUBLISHED_ERRORS, SETTINGS):
            if change.factor in true:
                called[change.factor].append(change.verdict is not Verdict.NO_DETECTABLE_CHANGE)
    return called


def _detectable(factor: Factor, value: float, multiple: float) -> float:
    """The detectable change of a value that changes by `multiple` of it; it depends on the mean of both visits."""
    error, change = PUBLISHED_ERRORS[FACTOR_MEASUREMENT[factor]], 0.0
    for _ in range(20):
        mean = value + 0.5 * multiple * change
        change = SETTINGS.detection_z * np.sqrt(2.0) * float(error.sd(np.array(mean)))
    return change


@pytest.mark.parametrize("factor", Factor)
def test_no_change_is_called_one_in_5_percent(factor: Factor) -> None:
    called = _called_changed(0.0)[factor]
    assert len(called) >= 300
    low, high = stats.binom.interval(JOINT_LEVEL, len(called), 0.05)
    assert low <= sum(called) <= high


@pytest.mark.parametrize("factor", Factor)
@pytest.mark.parametrize(("multiple", "least"), [(1.5, 0.80), (2.0, 0.95)])
def test_real_changes_are_found(factor: Factor, multiple: float, least: float) -> None:
    """Theory: 84 % at 1.5 times the detectable change, 98 % at twice."""
    assert np.mean(_called_changed(multiple)[factor]) >= least
