"""Whether an artery is like those that were learned from; if not, there is no number, but the reason."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.linalg import solve_triangular
from sklearn.covariance import LedoitWolf

from plaquecast.domain.grid import FloatArray
from plaquecast.domain.learning import FeatureTable
from plaquecast.predict.features import MEASURES, NUMBERS
from plaquecast.predict.folds import PatientFolds
from plaquecast.predict.linear import moments

CHECKED = tuple(name for name in (*NUMBERS, "body_mass_index", *MEASURES) if name != "statin_years")
MOST_MISSING = 0.5
"""With more than this share of the structured data or of the measures missing, too little is known of a patient."""
N_CLINICAL = len(CHECKED) - len(MEASURES)
FARTHEST_OUTSIDE = 2.0
"""However few patients set the limit: a value this many SDs outside the learned range is never taken for usual."""
FALSE_FLAGS = 0.03
"""Share of patients like those learned from that is flagged all the same, split over the two checks."""


@dataclass(frozen=True, slots=True, eq=False)
class NoveltyGate:
    """Two checks: a value outside the learned range, and values that do not go together.

    The first is the largest distance outside the range of training values, in SDs; the second the Mahalanobis distance
    with a shrunken covariance (Ledoit and Wolf 2004). Their limits are set on patients left out.
    """

    low: FloatArray
    high: FloatArray
    center: FloatArray
    spread: FloatArray
    root: FloatArray
    range_limit: float = 0.0
    distance_limit: float = 0.0

    @staticmethod
    def of(features: FeatureTable, folds: PatientFolds) -> "NoveltyGate":
        """Learn the gate; its limits come from arteries of patients that each fold leaves out."""
        values = checked_values(features)
        outside, distance = np.empty(len(values)), np.empty(len(values))
        for train, test in folds.splits():
            gate = _gate(values[train])
            outside[test], distance[test] = gate.outside(values[test]).max(axis=1), gate.distance(values[test])
        keep = 1.0 - 0.5 * FALSE_FLAGS
        gate = _gate(values)
        limits = min(float(np.quantile(outside, keep)), FARTHEST_OUTSIDE), float(np.quantile(distance, keep))
        return NoveltyGate(gate.low, gate.high, gate.center, gate.spread, gate.root, *limits)

    def outside(self, values: FloatArray) -> FloatArray:
        """How far each value lies outside the range of training, in SDs (n, q); 0 inside and where missing."""
        beyond = np.maximum(np.maximum(self.low - values, values - self.high), 0.0) / self.spread
        return np.nan_to_num(beyond)

    def distance(self, values: FloatArray) -> FloatArray:
        """Mahalanobis distance of each row (n,), missing values taken for the mean ones."""
        scaled = np.nan_to_num((values - self.center) / self.spread)
        return np.linalg.norm(solve_triangular(self.root, scaled.T, lower=True), axis=0)

    def verdicts(self, features: FeatureTable) -> tuple[str, ...]:
        """For each row an empty text, or in words why it is unlike what was learned."""
        values = checked_values(features)
        beyond, distance = self.outside(values), self.distance(values)
        return tuple(self._words(values[i], beyond[i], float(distance[i])) for i in range(len(values)))

    def _words(self, values: FloatArray, beyond: FloatArray, distance: float) -> str:
        names = CHECKED
        known = ~np.isnan(values)
        if min(known[:N_CLINICAL].mean(), known[N_CLINICAL:].mean()) < 1.0 - MOST_MISSING:
            return f"too little is known: {int(known.sum())} of {len(known)} values"
        worst = int(np.argmax(beyond))
        if beyond[worst] > self.range_limit:
            return (
                f"{names[worst]} is {values[worst]:.4g}; learned from {self.low[worst]:.4g} to {self.high[worst]:.4g}"
            )
        if distance > self.distance_limit:
            odd = np.argsort(-np.abs(np.nan_to_num((values - self.center) / self.spread)))[:3]
            listed = ", ".join(f"{names[i]} {values[i]:.4g}" for i in odd)
            return f"the values do not go together as in the patients learned from (foremost {listed})"
        return ""

    def as_state(self) -> dict[str, Any]:
        """Everything as plain values and arrays."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The gate from its state."""
        arrays = {name: np.array(state[name], float) for name in ("low", "high", "center", "spread", "root")}
        return cls(**arrays, range_limit=state["range_limit"], distance_limit=state["distance_limit"])


def checked_values(features: FeatureTable) -> FloatArray:
    """The values that the gate looks at, float64 (n, q)."""
    return features.values[:, [features.columns.index(name) for name in CHECKED]]


def _gate(values: FloatArray) -> NoveltyGate:
    center, spread = moments(values)
    scaled = np.nan_to_num((values - center) / spread)
    covariance = LedoitWolf(assume_centered=True).fit(scaled).covariance_ + 1e-9 * np.eye(len(center))
    is_there = ~np.isnan(values)
    low = np.where(is_there.any(axis=0), np.where(is_there, values, np.inf).min(axis=0), 0.0)
    high = np.where(is_there.any(axis=0), np.where(is_there, values, -np.inf).max(axis=0), 0.0)
    return NoveltyGate(low, high, center, spread, np.linalg.cholesky(covariance))
