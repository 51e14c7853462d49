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
from plaquecast.predict.features import HORIZON_COLUMNS, MAP_SUMMARIES, column
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
        factor: Lesson(
            values, corrected[factor], shared, _weights(features, targets, factor, own[factor]),
            reliability(values, targets.error_per_year[factor]),
        )
        for factor, values in targets.values.items()
    }  # fmt: skip


def reliability(values: FloatArray, error: FloatArray) -> float:
    """1 − variance of the error / variance of measured change (n,), over what is known; 0 if that is less than two."""
    known = np.isfinite(values)
    if known.sum() < 2 or np.var(values[known]) == 0.0:
        return 0.0
    return 1.0 - float(np.mean(np.nan_to_num(error[known]) ** 2) / np.var(values[known]))


def _weights(features: FeatureTable, targets: TargetTable, factor: Factor, own: float) -> FloatArray:
    """1 / variance to be expected from the baseline and the interval.

    The stated error rises with the follow-up value too: weights from it would count growth less than shrinkage.
    """
    error = ScanError.of(features, targets, factor)
    return 1.0 / (own + error.per_year(_baseline(features, factor), targets.interval_years) ** 2)


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
    variance, is the error to be expected. Values are skewed, so it is scaled to the covariance with the measured value
    that errors must have, the mean of sd², and to a mean of zero. A volume of exactly zero says that nothing was seen,
    and has no error.
    """
    baseline = _baseline(features, factor)
    error = ScanError.of(features, targets, factor).sd(baseline)
    usable = np.isfinite(baseline) & (error > 0.0) & (baseline != 0.0)
    expected = np.zeros(len(baseline))
    if usable.sum() < LEAST_ROWS:
        return expected
    measured, sd = baseline[usable], error[usable]
    probable = _shrunken_residual(_others(features, factor)[usable], measured, sd)
    probable -= probable.mean()
    covariance = float(np.mean(probable * measured))
    if covariance > 0.0:
        expected[usable] = probable * float(np.mean(sd**2)) / covariance
    return expected


def _others(features: FeatureTable, factor: Factor) -> FloatArray:
    own = (FACTOR_MEASUREMENT[factor], *HORIZON_COLUMNS, *MAP_SUMMARIES)  # a map of the same scan errs alike
    return features.values[:, [name not in own for name in features.columns]]


def _shrunken_residual(values: FloatArray, measured: FloatArray, sd: FloatArray) -> FloatArray:
    """Measured minus what a ridge on `values` (m, p) says, times sd² / (sd² + variance of the truth around it)."""
    center, spread = moments(values)
    scaled = np.where(np.isnan(values), 0.0, (values - center) / spread)
    ridge = RidgeCV(alphas=np.geomspace(0.001, 10.0, 9) * len(values), store_cv_results=True).fit(scaled, measured)
    left_out = ridge.cv_results_.mean(axis=0).min()
    of_truth = max(float(left_out - np.mean(sd**2)), 0.0)
    return (measured - ridge.predict(scaled)) * sd**2 / (of_truth + sd**2)


def _baseline(features: FeatureTable, factor: Factor) -> FloatArray:
    return column(features, FACTOR_MEASUREMENT[factor])
