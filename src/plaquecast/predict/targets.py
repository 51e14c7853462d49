"""Measured change made ready to learn from: weighted by its error, and freed of regression to the mean.

The error of the first visit stands in the baseline feature and, with the opposite sign, in the measured change. A model
would learn that large values shrink even if nothing ever changed. The structural null of Blomqvist (1977) removes it:
what the error of the baseline is expected to be, given all other features, is added back to the change.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls
from sklearn.linear_model import RidgeCV

from plaquecast.domain.change import FACTOR_MEASUREMENT, Factor
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.learning import FeatureTable, TargetTable
from plaquecast.predict.features import HORIZON_COLUMNS, column
from plaquecast.predict.linear import moments

LEAST_ROWS = 20
"""With fewer baselines than this their spread cannot be told from their error, and nothing is corrected."""


@dataclass(frozen=True, slots=True)
class ScanError:
    """SD of one measurement of one scan: √(absolute² + (relative × value)²), learned from a table's own errors."""

    absolute: float
    relative: float

    @staticmethod
    def of(features: FeatureTable, targets: TargetTable, factor: Factor) -> "ScanError":
        """The error that a target table implies: √2 · error at the mean of both visits / interval."""
        middle = _baseline(features, factor) + 0.5 * targets.values[factor] * targets.interval_years
        error = targets.error_per_year[factor] * targets.interval_years / np.sqrt(2.0)
        known = np.isfinite(error) & np.isfinite(middle)
        if not known.any():
            return ScanError(0.0, 0.0)
        design = np.column_stack([np.ones(known.sum()), middle[known] ** 2])
        scale = np.maximum(np.abs(design).max(axis=0), 1e-300)
        squares = nnls(design / scale, error[known] ** 2)[0] / scale
        return ScanError(float(np.sqrt(squares[0])), float(np.sqrt(squares[1])))

    def sd(self, baseline: FloatArray) -> FloatArray:
        """SD of one scan at each baseline value (n,); where the baseline is missing, the absolute part."""
        return np.hypot(self.absolute, self.relative * np.nan_to_num(baseline))

    def per_year(self, baseline: FloatArray, years: FloatArray) -> FloatArray:
        """SD of the measured change per year over `years` (n,)."""
        return np.sqrt(2.0) * self.sd(baseline) / years


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """What a model is given: `raw` the measured change (n,), `corrected` the same without regression to the mean."""

    raw: FloatArray
    corrected: FloatArray
    weights: FloatArray


def lesson(features: FeatureTable, targets: TargetTable, factor: Factor) -> Lesson:
    """Targets and weights of one factor from the rows given, and only those: call it inside a fold."""
    raw = targets.values[factor]
    error = np.nan_to_num(targets.error_per_year[factor])
    known = np.isfinite(raw)
    if not known.any():
        return Lesson(raw, raw, np.ones(len(raw)))
    variance = float(np.var(raw[known]))
    of_noise = float(np.mean(error[known] ** 2))
    own = max(variance - of_noise, 0.1 * variance, 1e-12)
    weights = 1.0 / (own + error**2)
    corrected = raw + expected_baseline_error(features, targets, factor) / targets.interval_years
    return Lesson(raw, corrected, weights)


def expected_baseline_error(features: FeatureTable, targets: TargetTable, factor: Factor) -> FloatArray:
    """What the error of each measured baseline probably is (n,), in the measurement's unit.

    The true value is predicted from all other features; measured minus predicted, shrunk by the error's share of its
    variance, is the error to be expected. A volume of exactly zero says that nothing was seen, and has none.
    """
    baseline = _baseline(features, factor)
    error = np.nan_to_num(targets.error_per_year[factor] * targets.interval_years / np.sqrt(2.0))
    usable = np.isfinite(baseline) & (baseline != 0.0) & (error > 0.0)
    expected = np.zeros(len(baseline))
    if usable.sum() < LEAST_ROWS:
        return expected
    others = [
        index
        for index, name in enumerate(features.columns)
        if name != FACTOR_MEASUREMENT[factor] and name not in HORIZON_COLUMNS
    ]
    values = features.values[np.ix_(usable, others)]
    center, spread = moments(values)
    scaled = np.where(np.isnan(values), 0.0, (values - center) / spread)
    ridge = RidgeCV(alphas=np.geomspace(0.01, 100.0, 9) * len(values) / 10.0, store_cv_results=True)
    fitted = ridge.fit(scaled, baseline[usable])
    chosen = int(np.argmin(fitted.cv_results_.mean(axis=0)))
    left_out = np.sqrt(fitted.cv_results_[:, chosen])
    residual = baseline[usable] - fitted.predict(scaled)
    variance = error[usable] ** 2
    spread_of_truth = max(float(np.mean(left_out**2) - np.mean(variance)), 0.0)
    expected[usable] = residual * variance / (spread_of_truth + variance)
    return expected


def _baseline(features: FeatureTable, factor: Factor) -> FloatArray:
    return column(features, FACTOR_MEASUREMENT[factor])
