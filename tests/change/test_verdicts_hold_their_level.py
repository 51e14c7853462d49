"""Verdicts against chance: no change is called one in 5 % of pairs, and real changes are found as theory says.

Arteries of a simulated table; each visit is measured with the published errors.
"""

from dataclasses import replace

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
LEAST_PAIRS = 60
JOINT_LEVEL = 1.0 - 0.05 / len(Factor)
"""Level of each factor's band at which all of them hold together in 95 % of cases (Bonferroni)."""


@pytest.fixture(scope="module")
def arteries() -> list[ArteryMorphology]:
    return [*simulate_table(N_PATIENTS, 5, SimulateSettings()).true_baseline]


def _share_called_changed(arteries: list[ArteryMorphology], factor: Factor, multiple: float) -> tuple[float, int]:
    """Share of pairs called changed when truth changed by `multiple` × the detectable change, and their number."""
    name, rng = FACTOR_MEASUREMENT[factor], np.random.default_rng([7, list(Factor).index(factor)])
    error = PUBLISHED_ERRORS[name]
    called = []
    for artery in arteries:
        true = getattr(artery, name)
        if not is_number(true) or (true <= 0.0 and factor is not Factor.STENOSIS):
            continue
        later = true
        for _ in range(20):  # the detectable change depends on the mean of both visits
            later = true + multiple * SETTINGS.detection_z * np.sqrt(2.0) * float(
                error.sd(np.array((true + later) / 2))
            )
        visits = [
            replace(artery, slices=(), **{name: value + float(error.sd(np.array(value))) * rng.normal()})
            for value in (true, later)
        ]
        change = {each.factor: each for each in change_factors(visits[0], visits[1], 1.5, PUBLISHED_ERRORS, SETTINGS)}
        called.append(change[factor].verdict is not Verdict.NO_DETECTABLE_CHANGE)
    return float(np.mean(called)), len(called)


@pytest.mark.parametrize("factor", Factor)
def test_no_change_is_called_one_in_5_percent(arteries: list[ArteryMorphology], factor: Factor) -> None:
    share, n_pairs = _share_called_changed(arteries, factor, 0.0)
    if n_pairs < LEAST_PAIRS:
        pytest.skip(f"only {n_pairs} arteries have a {factor}")
    low, high = stats.binom.interval(JOINT_LEVEL, n_pairs, 0.05)
    assert low <= share * n_pairs <= high


@pytest.mark.parametrize("factor", Factor)
@pytest.mark.parametrize(("multiple", "least"), [(1.5, 0.80), (2.0, 0.95)])
def test_real_changes_are_found(
    arteries: list[ArteryMorphology], factor: Factor, multiple: float, least: float
) -> None:
    """Theory: 84 % at 1.5 times the detectable change, 98 % at twice."""
    share, n_pairs = _share_called_changed(arteries, factor, multiple)
    if n_pairs < LEAST_PAIRS:
        pytest.skip(f"only {n_pairs} arteries have a {factor}")
    assert share >= least
