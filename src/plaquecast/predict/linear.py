"""A penalized straight line over all features, which is what small cohorts can carry."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from sklearn.linear_model import ElasticNet, Ridge

from plaquecast.domain.change import Factor
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.learning import FeatureTable
from plaquecast.predict.state import STATE, broken_model, read_state, write_state


@dataclass(frozen=True, slots=True, eq=False)
class PenalizedLinear:
    """Elastic net (`l1_ratio` 0: ridge) on features in units of their SD; a missing value counts as the mean one.

    `strength` is the penalty as a share of the smallest one that leaves nothing but the mean (for ridge: of the number
    of rows), so that one grid fits every factor and every cohort size. Coefficients are per unit of the feature.
    """

    factor: Factor
    strength: float
    l1_ratio: float
    intercept: float = 0.0
    center: FloatArray = field(default_factory=lambda: np.zeros(0))
    coefficients: FloatArray = field(default_factory=lambda: np.zeros(0))

    @property
    def name(self) -> str:
        """Name in tables."""
        return "penalized linear"

    def fit(self, features: FeatureTable, targets: FloatArray, weights: FloatArray) -> Self:
        """Weighted penalized least squares over the rows that have a target."""
        known = np.isfinite(targets)
        weight = weights[known] / weights[known].mean()
        center, spread = moments(features.values[known])
        scaled = np.where(np.isnan(features.values[known]), 0.0, (features.values[known] - center) / spread)
        offset = np.average(scaled, axis=0, weights=weight)
        mean = float(np.average(targets[known], weights=weight))
        root = np.sqrt(weight)
        rows, response = (scaled - offset) * root[:, None], (targets[known] - mean) * root
        slopes = self._solve(rows, response) / spread
        return replace(self, intercept=mean, center=center + offset * spread, coefficients=slopes)

    def _solve(self, rows: FloatArray, response: FloatArray) -> FloatArray:
        n_rows = len(rows)
        if self.l1_ratio == 0.0:
            return Ridge(alpha=self.strength * n_rows, fit_intercept=False).fit(rows, response).coef_
        largest = float(np.abs(rows.T @ response).max()) / (n_rows * self.l1_ratio)
        if largest == 0.0:
            return np.zeros(rows.shape[1])
        net = ElasticNet(
            alpha=self.strength * largest, l1_ratio=self.l1_ratio, fit_intercept=False, precompute=True,
            max_iter=20_000, tol=1e-5,
        )  # fmt: skip
        return net.fit(rows, response).coef_

    def predict(self, features: FeatureTable) -> FloatArray:
        """The line at each row (n,)."""
        return self.intercept + self._parts(features).sum(axis=1)

    def contributions(self, features: FeatureTable) -> FloatArray:
        """Coefficient × distance from the mean, and the mean prediction (n, p + 1)."""
        return np.column_stack([self._parts(features), np.full(len(features.values), self.intercept)])

    def _parts(self, features: FeatureTable) -> FloatArray:
        offset = features.values - self.center
        return np.where(np.isnan(offset), 0.0, offset) * self.coefficients

    def as_files(self) -> Mapping[str, bytes]:
        """Its coefficients."""
        state = write_state(
            factor=self.factor, strength=self.strength, l1_ratio=self.l1_ratio, intercept=self.intercept,
            center=self.center, coefficients=self.coefficients,
        )  # fmt: skip
        return {STATE: state}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """The model from its files."""
        state = read_state(files)
        center, coefficients = np.array(state["center"], float), np.array(state["coefficients"], float)
        if center.shape != coefficients.shape:
            raise broken_model(STATE, f"{len(coefficients)} coefficients for {len(center)} features")
        return cls(
            Factor(state["factor"]), state["strength"], state["l1_ratio"], state["intercept"], center, coefficients
        )


def moments(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and SD of each column over what is there; 0 and 1 for a column that is empty or constant."""
    is_there = ~np.isnan(values)
    count = np.maximum(is_there.sum(axis=0), 1)
    center = np.where(is_there, values, 0.0).sum(axis=0) / count
    spread = np.sqrt(np.where(is_there, (values - center) ** 2, 0.0).sum(axis=0) / count)
    return center, np.where(spread > 1e-9 * np.maximum(np.abs(center), 1.0), spread, 1.0)
