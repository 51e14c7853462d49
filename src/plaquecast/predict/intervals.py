"""Intervals and chances from the errors that were made on patients never seen (CV+, by patient).

For a new patient each calibration row i gives one likely value: the prediction of the member that never saw i, plus i's
own residual in units of its expected spread, times the spread expected here (Barber 2021; for several arteries of one
patient Lee 2023: a patient counts once, whatever the number of their arteries). Quantiles of these values are the
interval, shares of them beyond the smallest detectable change are the chances. What is not there mostly stays away, so
arteries with a component are compared with such arteries only (Mondrian, Vovk 2003).
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from plaquecast.domain.change import FACTOR_MEASUREMENT, Factor
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.learning import FeatureTable, TargetTable
from plaquecast.predict.features import column
from plaquecast.predict.lessons import ScanError

DETECTION_Z = 1.96
STRATA = ("has_plaque", "has_core", "has_hemorrhage", "has_calcification")
GROUPED_BY = {
    Factor.LIPID_RICH_NECROTIC_CORE: ("has_core", "has_hemorrhage"),
    Factor.INTRAPLAQUE_HEMORRHAGE: ("has_core", "has_hemorrhage"),
    Factor.CALCIFICATION: ("has_calcification",),
}
"""What sets arteries apart in how a component changes: without it, only something new can come."""
LEAST_GROUP = 60
"""Where a group has fewer patients than this its own intervals would be wide and shaky, and all are one group."""
LEAST_SHARE = 0.02
"""The spread of a row is never taken for less than this share (of variance) of the mean one."""


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """Expected SD of measured minus predicted change per year, by what is known before: its variance is a sum.

    Terms, each with a coefficient that cannot be negative: a constant, one for each of the `STRATA`, the baseline
    value squared, and the variance of the measurement error over the horizon, apart where nothing was seen; where
    something was seen its coefficient is at least 1.
    """

    factor: Factor
    error: ScanError
    coefficients: FloatArray
    floor: float

    @staticmethod
    def of(features: FeatureTable, residuals: FloatArray, error: ScanError, factor: Factor) -> "Spread":
        """Learn the variances from out-of-fold residuals (n,), NaN where nothing was measured."""
        known = np.isfinite(residuals)
        spread = Spread(factor, error, np.zeros(len(STRATA) + 4), 0.0)
        terms, squares = spread._terms(features)[known], residuals[known] ** 2
        floor = max(LEAST_SHARE * float(squares.mean()), 1e-24)
        scale = np.maximum(terms.mean(axis=0), 1e-300)
        variance = np.full(len(squares), squares.mean() + floor)
        coefficients = np.zeros(terms.shape[1])
        of_error = np.zeros(terms.shape[1])
        of_error[-1] = 1.0  # what the scans err by is known; the rest is learned from what the residuals show beyond it
        for _ in range(4):  # squares vary with the square of their variance, so they are weighted by its inverse
            beyond = squares - terms[:, -1]
            coefficients = of_error + nnls(terms / scale / variance[:, None], beyond / variance)[0] / scale
            variance = np.maximum(terms @ coefficients, floor)
        return Spread(factor, error, coefficients, floor)

    def sd(self, features: FeatureTable) -> FloatArray:
        """The expected SD of each row (n,), at the horizon that the features carry."""
        return np.sqrt(np.maximum(self._terms(features) @ self.coefficients, self.floor))

    def smallest_detectable(self, features: FeatureTable) -> FloatArray:
        """The smallest detectable change per year of each row (n,)."""
        return DETECTION_Z * self.error.per_year(self._baseline(features), column(features, "horizon_years"))

    def least(self, features: FeatureTable) -> FloatArray:
        """The least change per year that is possible (n,): what is not there cannot shrink."""
        if self.factor is Factor.STENOSIS:  # a bulb wider than the distal artery counts as negative stenosis
            return np.full(len(features.values), -np.inf)
        return -np.nan_to_num(self._baseline(features)) / column(features, "horizon_years")

    def _baseline(self, features: FeatureTable) -> FloatArray:
        return column(features, FACTOR_MEASUREMENT[self.factor])

    def _terms(self, features: FeatureTable) -> FloatArray:
        baseline = np.nan_to_num(self._baseline(features))
        noise = self.error.per_year(baseline, column(features, "horizon_years")) ** 2
        strata = [np.nan_to_num(column(features, name)) for name in STRATA]
        is_seen = baseline != 0.0  # where nothing was seen there is no error, but what comes new comes faster if sooner
        return np.column_stack([np.ones(len(baseline)), *strata, baseline**2, noise * ~is_seen, noise * is_seen])


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """What was learned from m calibration rows: their residuals in units of their spread, member, weight and group.

    The weights of a patient's rows in one group sum to 1.
    """

    spread: Spread
    residuals: FloatArray
    member: NDArray[np.intp]
    weights: FloatArray
    n_patients: int
    group: NDArray[np.intp]

    @staticmethod
    def of(
        features: FeatureTable, targets: TargetTable, factor: Factor, out_of_fold: FloatArray, fold: NDArray[np.intp]
    ) -> "Calibration":
        """Calibrate on measured change; `features` at the horizon of each row's own interval."""
        residuals = targets.values[factor] - out_of_fold
        known = np.isfinite(residuals)
        spread = Spread.of(features, residuals, ScanError.of(features, targets, factor), factor)
        scaled = (residuals / spread.sd(features))[known]
        patients, row = np.unique(features.patient_ids[known], return_inverse=True)
        group = _groups(features, factor)[known]
        if min(len(np.unique(row[group == each])) for each in np.unique(group)) < LEAST_GROUP:
            group = np.zeros_like(group)
        _, place, count = np.unique(row + len(patients) * group, return_inverse=True, return_counts=True)
        return Calibration(spread, scaled, fold[known], 1.0 / count[place], len(patients), group)

    def likely_values(self, members: FloatArray, features: FeatureTable) -> FloatArray:
        """Likely measured changes of each row, float64 (n, m), from the members' predictions (n, k)."""
        values = members[:, self.member] + self.residuals * self.spread.sd(features)[:, None]
        return np.maximum(values, self.spread.least(features)[:, None])

    def interval(self, values: FloatArray, features: FeatureTable, level: float) -> tuple[FloatArray, FloatArray]:
        """Lower and upper ends (n,) that hold a new patient's measured change with at least about this chance.

        With fewer than 2 / (1 − level) patients no finite interval can promise that: the ends are infinite.
        """
        order = np.argsort(values, axis=1)
        ranked = np.take_along_axis(values, order, axis=1)
        weights = np.take_along_axis(self._weights(features), order, axis=1)
        below = np.cumsum(weights, axis=1)
        n_patients = below[:, -1:]
        above = n_patients - below + weights
        tail = 0.5 * (1.0 - level) * (n_patients + 1.0)
        # the first value with more than tail − 1 patients at or below it, and the last with more at or above it
        first = np.argmax(below > tail - 1.0 + 1e-9, axis=1)
        last = values.shape[1] - 1 - np.argmax((above > tail - 1.0 + 1e-9)[:, ::-1], axis=1)
        rows, is_enough = np.arange(len(values)), tail[:, 0] >= 1.0 - 1e-9
        return np.where(is_enough, ranked[rows, first], -np.inf), np.where(is_enough, ranked[rows, last], np.inf)

    def chances(self, values: FloatArray, features: FeatureTable) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Chances (n,) that the measured change will be progression, not detectable, or regression."""
        limit = self.spread.smallest_detectable(features)[:, None]
        weights = self._weights(features)
        share = weights / weights.sum(axis=1, keepdims=True)
        up, down = ((values > limit) * share).sum(axis=1), ((values < -limit) * share).sum(axis=1)
        if self.spread.factor is Factor.FIBROUS_CAP_THICKNESS:  # a cap progresses by thinning
            up, down = down, up
        return up, np.maximum(1.0 - up - down, 0.0), down

    def _weights(self, features: FeatureTable) -> FloatArray:
        """How much each calibration row counts for each row asked about (n, m): only those of its group do."""
        asked = _groups(features, self.spread.factor) if self.group.any() else np.zeros(len(features.values), int)
        return np.where(asked[:, None] == self.group, self.weights, 0.0)

    def as_state(self) -> dict[str, Any]:
        """Everything as plain values and arrays."""
        spread = self.spread
        return {
            "factor": spread.factor, "absolute": spread.error.absolute, "relative": spread.error.relative,
            "coefficients": spread.coefficients, "floor": spread.floor, "residuals": self.residuals,
            "member": self.member, "weights": self.weights, "n_patients": self.n_patients, "group": self.group,
        }  # fmt: skip

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The calibration from its state."""
        error = ScanError(state["absolute"], state["relative"])
        spread = Spread(Factor(state["factor"]), error, np.array(state["coefficients"], float), state["floor"])
        return cls(
            spread, np.array(state["residuals"], float), np.array(state["member"], int),
            np.array(state["weights"], float), state["n_patients"], np.array(state["group"], int),
        )  # fmt: skip


def _groups(features: FeatureTable, factor: Factor) -> NDArray[np.intp]:
    """The group of each row (n,): how many of the factor's `GROUPED_BY` are there."""
    there = [np.nan_to_num(column(features, name)) for name in GROUPED_BY.get(factor, ())]
    return np.sum(there, axis=0).astype(np.intp) if there else np.zeros(len(features.values), np.intp)
