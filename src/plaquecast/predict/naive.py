"""The models that anything better must beat: no change, the mean, the mean of a stratum, the baseline value alone.

They learn from change as it was measured, regression to the mean included, so that it cannot pass as skill of others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from plaquecast.domain.change import FACTOR_MEASUREMENT, Factor
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.learning import FeatureTable, Lesson
from plaquecast.predict.features import column
from plaquecast.predict.state import STATE, read_state, write_state


@dataclass(frozen=True, slots=True)
class NoChange:
    """Nothing changes."""

    factor: Factor

    @property
    def name(self) -> str:
        """Name in tables."""
        return "no change"

    def fit(self, features: FeatureTable, lesson: Lesson) -> Self:
        """There is nothing to learn."""
        return self

    def predict(self, features: FeatureTable) -> FloatArray:
        """Zeros (n,)."""
        return np.zeros(len(features.values))

    def contributions(self, features: FeatureTable) -> FloatArray:
        """Zeros (n, p + 1)."""
        return np.zeros((len(features.values), len(features.columns) + 1))

    def as_files(self) -> Mapping[str, bytes]:
        """Its factor."""
        return {STATE: write_state(factor=self.factor)}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """The model from its files."""
        return cls(Factor(read_state(files)["factor"]))


@dataclass(frozen=True, slots=True)
class StratumMean:
    """The mean of everyone whose `columns` (yes, no or missing) have the same values; without columns, of everyone.

    A stratum's mean is drawn towards the overall mean as if `PRIOR_ROWS` more rows had it, so that a stratum of two
    patients does not speak loudly.
    """

    factor: Factor
    columns: tuple[str, ...] = ()
    overall: float = 0.0
    means: tuple[float, ...] = ()

    @property
    def name(self) -> str:
        """Name in tables."""
        return "stratum mean" if self.columns else "population mean"

    def fit(self, features: FeatureTable, lesson: Lesson) -> Self:
        """Weighted means over the rows that have a target."""
        targets, weights = lesson.measured, lesson.weights
        known = np.isfinite(targets)
        values, weight = targets[known], weights[known] / weights[known].mean()
        overall = float(np.average(values, weights=weight))
        stratum = self._stratum(features)[known]
        size = 3 ** len(self.columns)
        total = np.bincount(stratum, weight, size) + PRIOR_ROWS
        sums = np.bincount(stratum, weight * values, size) + PRIOR_ROWS * overall
        return replace(self, overall=overall, means=tuple((sums / total).tolist()))

    def predict(self, features: FeatureTable) -> FloatArray:
        """The mean of each row's stratum (n,)."""
        return (
            np.array(self.means)[self._stratum(features)]
            if self.columns
            else np.full(len(features.values), self.overall)
        )

    def contributions(self, features: FeatureTable) -> FloatArray:
        """What the stratum adds to the overall mean, shared evenly by its columns."""
        parts = np.zeros((len(features.values), len(features.columns) + 1))
        parts[:, -1] = self.overall
        gain = self.predict(features) - self.overall
        for name in self.columns:
            parts[:, features.columns.index(name)] = gain / len(self.columns)
        return parts

    def as_files(self) -> Mapping[str, bytes]:
        """Its means."""
        return {STATE: write_state(factor=self.factor, columns=self.columns, overall=self.overall, means=self.means)}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """The model from its files."""
        state = read_state(files)
        return cls(Factor(state["factor"]), tuple(state["columns"]), state["overall"], tuple(state["means"]))

    def _stratum(self, features: FeatureTable) -> np.ndarray:
        index = np.zeros(len(features.values), dtype=int)
        for name in self.columns:
            values = column(features, name)
            index = 3 * index + np.where(np.isnan(values), 2, values).astype(int)
        return index


PRIOR_ROWS = 5.0


@dataclass(frozen=True, slots=True)
class BaselineOnly:
    """A straight line on the baseline value of the same measurement, as a check that its drift is not sold as skill."""

    factor: Factor
    mean: float = 0.0
    slope: float = 0.0
    center: float = 0.0

    @property
    def name(self) -> str:
        """Name in tables."""
        return "baseline value only"

    def fit(self, features: FeatureTable, lesson: Lesson) -> Self:
        """Weighted least squares; a missing baseline counts as the mean one."""
        baseline = column(features, FACTOR_MEASUREMENT[self.factor])
        targets, weights = lesson.measured, lesson.weights
        known = np.isfinite(targets) & np.isfinite(baseline)
        of_mean = np.isfinite(targets)
        mean = float(np.average(targets[of_mean], weights=weights[of_mean]))
        if known.sum() < 3:
            return replace(self, mean=mean)
        center = float(np.average(baseline[known], weights=weights[known]))
        offset, weight = baseline[known] - center, weights[known]
        spread = float((weight * offset**2).sum())
        slope = float((weight * offset * targets[known]).sum()) / spread if spread > 0.0 else 0.0
        return replace(self, mean=mean, slope=slope, center=center)

    def predict(self, features: FeatureTable) -> FloatArray:
        """The line at each baseline value (n,)."""
        return self.mean + self._gain(features)

    def contributions(self, features: FeatureTable) -> FloatArray:
        """The line's part beside the mean."""
        parts = np.zeros((len(features.values), len(features.columns) + 1))
        parts[:, features.columns.index(FACTOR_MEASUREMENT[self.factor])] = self._gain(features)
        parts[:, -1] = self.mean
        return parts

    def as_files(self) -> Mapping[str, bytes]:
        """Its line."""
        return {STATE: write_state(factor=self.factor, mean=self.mean, slope=self.slope, center=self.center)}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """The model from its files."""
        state = read_state(files)
        return cls(Factor(state["factor"]), state["mean"], state["slope"], state["center"])

    def _gain(self, features: FeatureTable) -> FloatArray:
        baseline = column(features, FACTOR_MEASUREMENT[self.factor])
        return self.slope * np.where(np.isnan(baseline), 0.0, baseline - self.center)
