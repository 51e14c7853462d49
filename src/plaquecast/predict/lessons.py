"""Measured change made ready to learn from: weighted by its error, and freed of regression to the mean.

The error of the first visit stands in the baseline feature and, with the opposite sign, in the measured change. A model
would learn that large values shrink even if nothing ever changed. The structural null of Blomqvist (1977) removes it:
what the error of the baseline is expected to be, given all other features, is added back to the change.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls
from sklearn.linear_model import RidgeCV

from plaquecast.domain.change import FACTOR_MEASUREMENT, Factor
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.learning import FeatureTable, Lesson, TargetTable
from plaquecast.predict.features import HORIZON_COLUMNS, column
from plaquecast.predict.linear import moments

WALL_FACTORS = (
    Factor.WALL_THICKENING, Factor.MAX_WALL_THICKENING, Factor.PLAQUE_VOLUME, Factor.WALL_VOLUME,
    Factor.NORMALIZED_WALL_INDEX,
)  # fmt: skip
SHARED_MISFIT = 0.2
"""Share of variance in which factors of the wall differ even without error: each has its own geometry."""
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


def lessons(features: FeatureTable, targets: TargetTable) -> Mapping[Factor, Lesson]:
    """The lesson of each factor from the rows given, and only those: call it inside a fold."""
    corrected = {
        factor: values + expected_baseline_error(features, targets, factor) / targets.interval_years
        for factor, values in targets.values.items()
    }
    own = {factor: _own_variance(values, targets.error_per_year[factor]) for factor, values in corrected.items()}
    shared = _shared_growth(corrected, targets, own)
    return {
        factor: Lesson(values, corrected[factor], shared, 1.0 / (own[factor] + _squared(targets, factor)))
        for factor, values in targets.values.items()
    }


def _own_variance(values: FloatArray, error: FloatArray) -> float:
    """Variance of change itself: that of measured change less that of its error, but at least a tenth of it."""
    known = np.isfinite(values)
    if known.sum() < 2:
        return 1.0
    variance = float(np.var(values[known]))
    return max(variance - float(np.mean(np.nan_to_num(error[known]) ** 2)), 0.1 * variance, 1e-12)


def _squared(targets: TargetTable, factor: Factor) -> FloatArray:
    return np.nan_to_num(targets.error_per_year[factor]) ** 2


def _shared_growth(
    corrected: Mapping[Factor, FloatArray], targets: TargetTable, own: Mapping[Factor, float]
) -> FloatArray:
    """Mean of the wall's factors in SDs of their true change, weighted by how little error each has.

    Wall thickness, wall volume, plaque volume and wall index show one process through different measurements; its mean
    over them is known better than each (n,), NaN where none was measured.
    """
    total, weight = np.zeros(len(targets.interval_years)), np.zeros(len(targets.interval_years))
    for factor in WALL_FACTORS:
        if factor not in corrected or not np.isfinite(corrected[factor]).any():
            continue
        values = corrected[factor]
        standard = (values - np.nanmean(values)) / np.sqrt(own[factor])
        precision = 1.0 / (SHARED_MISFIT + _squared(targets, factor) / own[factor])
        known = np.isfinite(values)
        total[known] += (precision * standard)[known]
        weight[known] += precision[known]
    return np.divide(total, weight, out=np.full(len(total), np.nan), where=weight > 0.0)


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
