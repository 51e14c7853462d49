"""Scores of predicted change, each with an interval from drawing the patients again."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from plaquecast.domain.grid import FloatArray
from plaquecast.domain.missing import Measured, Missing, Reason

FASTEST_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Estimate:
    """A score and its 95 % interval, or why there is none."""

    value: Measured
    low: Measured
    high: Measured

    @staticmethod
    def none(detail: str) -> "Estimate":
        """No score, and this is why."""
        missing = Missing(Reason.NOT_APPLICABLE, detail)
        return Estimate(missing, missing, missing)

    def __str__(self) -> str:
        if isinstance(self.value, Missing):
            return "–"
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True, slots=True)
class Scores:
    """How well predictions agree with change.

    `r2` is 1 − squared error / squared error of `reference` (the mean of the training patients), so that a negative
    value is worse than saying the mean; `mae` is in the factor's unit per year; `calibration_slope` is the slope of
    change on prediction, 1 if spread out neither too much nor too little; `auc_fastest_quarter` tells the quarter
    that progresses fastest from the rest.
    """

    n_arteries: int
    n_patients: int
    r2: Estimate
    mae: Estimate
    spearman: Estimate
    calibration_slope: Estimate
    auc_fastest_quarter: Estimate


class PatientDraws:
    """The same bootstrap draws of patients for every score: counts of each row, float64 (draws + 1, n).

    Draw 0 holds every patient once. Left and right of a patient are drawn together.
    """

    def __init__(self, patient_ids: NDArray[np.str_], n_draws: int, seed: int) -> None:
        patients, group = np.unique(patient_ids, return_inverse=True)
        rng = np.random.default_rng(seed)
        counts = rng.multinomial(len(patients), np.full(len(patients), 1.0 / len(patients)), size=n_draws)
        counts = np.vstack([np.ones(len(patients), dtype=counts.dtype), counts])
        self.counts: FloatArray = counts[:, group].astype(np.float64)

    def of(self, rows: NDArray[np.bool_]) -> FloatArray:
        """The counts of some rows (draws + 1, m)."""
        return self.counts[:, rows]


def score(
    predicted: FloatArray,
    change: FloatArray,
    reference: FloatArray,
    patient_ids: NDArray[np.str_],
    draws: PatientDraws,
    fast_is_negative: bool = False,
    is_constant: bool = False,
) -> Scores:
    """Score predictions (n,) against change (n,), NaN rows left out; `fast_is_negative` for caps, which thin.

    A model that says the same of everyone ranks no one: what differs between its folds is noise.
    """
    known = np.isfinite(predicted) & np.isfinite(change)
    n_patients = len(np.unique(patient_ids[known]))
    if n_patients < 3:
        nothing = Estimate.none(f"{n_patients} patients")
        return Scores(int(known.sum()), n_patients, nothing, nothing, nothing, nothing, nothing)
    guess, truth, mean, counts = predicted[known], change[known], reference[known], draws.of(known)
    sign = -1.0 if fast_is_negative else 1.0
    ranked = np.zeros_like(guess) if is_constant else guess
    return Scores(
        int(known.sum()),
        n_patients,
        estimate(r2_draws(guess, truth, mean, counts)),
        estimate(counts @ np.abs(guess - truth) / counts.sum(axis=1)),
        estimate(_correlations(rankdata(ranked), rankdata(truth), counts)),
        estimate(_slopes(ranked, truth, counts)),
        estimate(auc_draws(sign * ranked, _fastest(sign * truth), counts)),
    )


def estimate(draws: FloatArray) -> Estimate:
    """Draw 0 with the middle 95 % of the other draws; no estimate if draw 0 is not a number."""
    if not np.isfinite(draws[0]):
        return Estimate.none("the predictions do not differ")
    others = draws[1:][np.isfinite(draws[1:])]
    low, high = np.quantile(others, [0.025, 0.975]) if len(others) else (draws[0], draws[0])
    return Estimate(float(draws[0]), float(low), float(high))


def r2_draws(guess: FloatArray, truth: FloatArray, mean: FloatArray, counts: FloatArray) -> FloatArray:
    """1 − squared error / squared error of the mean, for each draw."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return 1.0 - (counts @ (guess - truth) ** 2) / (counts @ (mean - truth) ** 2)


def auc_draws(guess: FloatArray, is_event: NDArray[np.bool_], counts: FloatArray) -> FloatArray:
    """Chance that an event's prediction is higher than another's, ties half (Mann and Whitney), for each draw."""
    levels, level = np.unique(guess, return_inverse=True)
    events = _sum_by(counts * is_event, level, len(levels))
    others = _sum_by(counts * ~is_event, level, len(levels))
    below = np.cumsum(others, axis=1) - 0.5 * others
    with np.errstate(divide="ignore", invalid="ignore"):
        return (events * below).sum(axis=1) / (events.sum(axis=1) * others.sum(axis=1))


def net_benefit(chance: FloatArray, is_event: NDArray[np.bool_], threshold: float) -> float:
    """Hits less false alarms at the odds of `threshold`, per person (Vickers and Elkin 2006); nobody flagged: 0.

    >>> net_benefit(np.array([0.9, 0.6, 0.1, 0.2]), np.array([True, False, False, True]), 0.5)
    0.0
    """
    flagged = chance >= threshold
    hits, alarms = np.mean(flagged & is_event), np.mean(flagged & ~is_event)
    return float(hits - alarms * threshold / (1.0 - threshold))


def _sum_by(values: FloatArray, level: NDArray[np.intp], n_levels: int) -> FloatArray:
    order = np.argsort(level, kind="stable")
    starts = np.searchsorted(level[order], np.arange(n_levels))
    return np.add.reduceat(values[:, order], starts, axis=1)


def _fastest(change: FloatArray) -> NDArray[np.bool_]:
    return change > np.quantile(change, 1.0 - FASTEST_SHARE)


def _centered(values: FloatArray, counts: FloatArray) -> FloatArray:
    return values - (counts @ values / counts.sum(axis=1))[:, None]


def _correlations(a: FloatArray, b: FloatArray, counts: FloatArray) -> FloatArray:
    one, other = _centered(a, counts), _centered(b, counts)
    with np.errstate(divide="ignore", invalid="ignore"):
        squares = (counts * one**2).sum(axis=1) * (counts * other**2).sum(axis=1)
        return np.where(squares > 0.0, (counts * one * other).sum(axis=1) / np.sqrt(squares), np.nan)


def _slopes(guess: FloatArray, truth: FloatArray, counts: FloatArray) -> FloatArray:
    if np.ptp(guess) <= 1e-12 * max(float(np.abs(guess).max()), 1e-300):
        return np.full(len(counts), np.nan)
    one, other = _centered(guess, counts), _centered(truth, counts)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (counts * one * other).sum(axis=1) / (counts * one**2).sum(axis=1)
