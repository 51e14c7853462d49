"""Laws of prediction: patients stay together in folds, scores know no unit, and intervals grow with their level."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from plaquecast.domain.anatomy import Side
from plaquecast.domain.change import Factor
from plaquecast.domain.learning import FeatureTable
from plaquecast.predict.folds import patient_folds
from plaquecast.predict.intervals import Calibration, Spread
from plaquecast.predict.lessons import ScanError
from plaquecast.predict.scores import PatientDraws, score


@given(st.lists(st.integers(1, 4), min_size=6, max_size=25), st.integers(2, 5), st.integers(0, 2**31), st.randoms())
def test_folds_keep_every_patient_whole_and_differ_by_one_patient(sizes, n_folds, seed, random) -> None:
    ids = np.repeat([f"p{k}" for k in range(len(sizes))], sizes)
    random.shuffle(ids)
    features = FeatureTable(ids, (Side.LEFT,) * len(ids), ("has_hemorrhage",), np.zeros((len(ids), 1)))
    folds = patient_folds(features, n_folds, seed)
    per_fold = [len(set(ids[folds.fold == k])) for k in range(n_folds)]
    assert sum(per_fold) == len(sizes)
    assert max(per_fold) - min(per_fold) <= 1


finite = st.floats(-100.0, 100.0, width=32)
ONE = FeatureTable(np.array(["p"]), (Side.LEFT,), ("has_hemorrhage",), np.zeros((1, 1)))


@given(arrays(float, 24, elements=finite), arrays(float, 24, elements=finite), st.floats(0.01, 100.0))
def test_scores_know_no_unit(guess, truth, unit) -> None:
    ids = np.repeat([f"p{k}" for k in range(12)], 2)
    draws = PatientDraws(ids, 5, 0)
    mean = np.full(24, truth.mean())
    one = score(guess, truth, mean, ids, draws)
    other = score(unit * guess, unit * truth, unit * mean, ids, draws)
    for name in ("r2", "auc_fastest_quarter"):
        a, b = getattr(one, name).value, getattr(other, name).value
        if isinstance(a, float) and isinstance(b, float) and np.ptp(truth) > 1e-3:
            assert np.isclose(a, b, rtol=1e-6, atol=1e-6)


@given(arrays(float, 40, elements=finite), st.integers(20, 40))
def test_a_higher_level_never_gives_a_narrower_interval(residuals, n_patients) -> None:
    spread = Spread(Factor.STENOSIS, ScanError(0.0, 0.0), np.ones(7), 0.0)
    weights, nobody = np.full(40, n_patients / 40), np.zeros(40, int)
    calibration = Calibration(spread, residuals, nobody, weights, n_patients, group=nobody)
    ends = [calibration.interval(residuals[None, :], ONE, level) for level in (0.5, 0.8, 0.9)]
    for (low, high), (lower, higher) in pairwise(ends):
        assert lower[0] <= low[0] <= high[0] <= higher[0]
