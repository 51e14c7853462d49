"""Scores agree with their textbook forms and with scikit-learn."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import mean_absolute_error, r2_score, roc_auc_score

from plaquecast.predict.scores import PatientDraws, auc_draws, score

RNG = np.random.default_rng(5)
PATIENTS = np.repeat([f"p{i:03d}" for i in range(60)], 2)
TRUTH = RNG.normal(size=120)
GUESS = 0.5 * TRUTH + RNG.normal(scale=0.6, size=120).round(1)


def test_scores_are_those_of_the_textbook() -> None:
    draws = PatientDraws(PATIENTS, 200, seed=0)
    scores = score(GUESS, TRUTH, np.full(120, TRUTH.mean()), PATIENTS, draws)
    fastest = np.quantile(TRUTH, 0.75) < TRUTH
    assert scores.r2.value == pytest.approx(r2_score(TRUTH, GUESS))
    assert scores.mae.value == pytest.approx(mean_absolute_error(TRUTH, GUESS))
    assert scores.spearman.value == pytest.approx(spearmanr(TRUTH, GUESS).statistic)
    assert scores.calibration_slope.value == pytest.approx(np.polyfit(GUESS, TRUTH, 1)[0])
    assert scores.auc_fastest_quarter.value == pytest.approx(roc_auc_score(fastest, GUESS))
    assert (scores.n_arteries, scores.n_patients) == (120, 60)


def test_an_interval_by_patients_is_wider_than_one_by_arteries_that_are_twins() -> None:
    guess, truth = np.repeat(GUESS[::2], 2), np.repeat(TRUTH[::2], 2)
    widths = []
    for ids in (PATIENTS, np.array([f"row{i}" for i in range(120)])):
        estimate = score(guess, truth, np.zeros(120), ids, PatientDraws(ids, 2000, seed=1)).mae
        assert isinstance(estimate.high, float)
        assert isinstance(estimate.low, float)
        widths.append(estimate.high - estimate.low)
    # twins carry half the information, so the interval is √2 wider; 2000 draws fix a width to about 3 %
    assert widths[0] / widths[1] == pytest.approx(np.sqrt(2.0), rel=0.1)


def test_the_interval_of_a_mean_error_is_the_normal_one() -> None:
    ids = np.array([f"row{i}" for i in range(400)])
    error = np.random.default_rng(2).normal(size=400)
    estimate = score(error, np.zeros(400), np.ones(400), ids, PatientDraws(ids, 4000, seed=3)).mae
    half = 1.96 * np.abs(error).std() / 20.0
    assert isinstance(estimate.high, float)
    assert isinstance(estimate.low, float)
    assert estimate.high - estimate.low == pytest.approx(2.0 * half, rel=0.1)


def test_a_constant_ranks_no_one_and_ties_count_half() -> None:
    scores = score(np.ones(120), TRUTH, np.zeros(120), PATIENTS, PatientDraws(PATIENTS, 10, seed=0))
    assert str(scores.spearman) == "–"
    assert str(scores.calibration_slope) == "–"
    assert scores.auc_fastest_quarter.value == 0.5
    assert auc_draws(np.array([1.0, 1.0, 2.0]), np.array([False, True, True]), np.ones((1, 3)))[0] == 0.75


def test_a_cap_is_fast_where_it_thins() -> None:
    draws = PatientDraws(PATIENTS, 10, seed=0)
    thinning = score(-GUESS, -TRUTH, np.zeros(120), PATIENTS, draws, fast_is_negative=True)
    growing = score(GUESS, TRUTH, np.zeros(120), PATIENTS, draws)
    assert thinning.auc_fastest_quarter == growing.auc_fastest_quarter


def test_two_patients_get_no_score() -> None:
    few = np.where(np.arange(120) < 4, TRUTH, np.nan)
    assert str(score(GUESS, few, np.zeros(120), PATIENTS, PatientDraws(PATIENTS, 10, seed=0)).r2) == "–"
