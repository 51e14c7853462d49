"""A penalized straight line over all features, which is what small cohorts can carry."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Self

import numpy as np
from sklearn.linear_model import ElasticNet, Ridge

from plaquecast.domain.change import Factor
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.learning import FeatureTable, Lesson
from plaquecast.predict.features import OF_IMAGE
from plaquecast.predict.state import STATE, broken_model, read_state, write_state

PRESPECIFIED = (
    "age_years", "is_man", "smokes", "systolic_pressure_mmhg", "hypertension", "glucose_mmol_per_l", "heart_rate_bpm",
    "body_mass_index", "statin", "statin_response_share", "has_hemorrhage", "has_core", "max_wall_thickness_mm",
    "normalized_wall_index",
)  # fmt: skip
"""What earlier studies found to go with carotid plaque change (Saam 2007, Lu 2019, Sun 2012, Pletsch-Borba 2018, ...).

A cohort of usual size carries about this many predictors, not a hundred (Riley 2019).
"""


Inputs = Literal["all", "prespecified", "image", "structured"]
NAMES: Mapping[Inputs, str] = {
    "all": "penalized linear", "prespecified": "few predictors", "image": "image only", "structured": "structured only",
}  # fmt: skip
"""Names in tables."""


def _is_used(name: str, inputs: Inputs) -> bool:
    if inputs == "prespecified":
        return name in PRESPECIFIED
    return inputs == "all" or name == "horizon_years" or (name in OF_IMAGE) == (inputs == "image")


@dataclass(frozen=True, slots=True, eq=False)
class PenalizedLinear:
    """Elastic net (`l1_ratio` 0: ridge) on features in units of their SD; a missing value counts as the mean one.

    `inputs` says which columns are used: all, the few `prespecified` ones, those of the `image`, or the `structured`
    data; the others get coefficients of zero.

    `strength` is the penalty as a share of the smallest one that leaves nothing but the mean (for ridge: of the number
    of rows), so that one grid fits every factor and every cohort size. Coefficients are per unit of the feature.
    """

    factor: Factor
    strength: float
    l1_ratio: float
    inputs: Inputs = "all"
    intercept: float = 0.0
    center: FloatArray = field(default_factory=lambda: np.zeros(0))
    coefficients: FloatArray = field(default_factory=lambda: np.zeros(0))

    @property
    def name(self) -> str:
        """Name in tables."""
        return NAMES[self.inputs]

    def fit(self, features: FeatureTable, lesson: Lesson) -> Self:
        """Weighted penalized least squares over the rows that have a target."""
        targets, weights = lesson.corrected, lesson.weights
        known = np.isfinite(targets)
        weight = weights[known] / weights[known].mean()
        center, spread = moments(features.values[known])
        scaled = np.where(np.isnan(features.values[known]), 0.0, (features.values[known] - center) / spread)
        offset = np.average(scaled, axis=0, weights=weight)
        mean = float(np.average(targets[known], weights=weight))
        root = np.sqrt(weight)
        rows, response = (scaled - offset) * root[:, None], (targets[known] - mean) * root
        used = [_is_used(name, self.inputs) for name in features.columns]
        slopes = np.zeros(len(used))
        slopes[used] = self._solve(rows[:, used], response) / spread[used]
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
            factor=self.factor, strength=self.strength, l1_ratio=self.l1_ratio,
            inputs=self.inputs, intercept=self.intercept,
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
            Factor(state["factor"]),
            state["strength"],
            state["l1_ratio"],
            state["inputs"],
            state["intercept"],
            center,
            coefficients,
        )


def moments(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and SD of each column over what is there; 0 and 1 for a column that is empty or constant."""
    is_there = ~np.isnan(values)
    count = np.maximum(is_there.sum(axis=0), 1)
    center = np.where(is_there, values, 0.0).sum(axis=0) / count
    spread = np.sqrt(np.where(is_there, (values - center) ** 2, 0.0).sum(axis=0) / count)
    return center, np.where(spread > 1e-9 * np.maximum(np.abs(center), 1.0), spread, 1.0)
