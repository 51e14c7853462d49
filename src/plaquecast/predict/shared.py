"""One growth of the wall behind several factors: learned from all of them at once, then scaled to each.

Wall thickness, wall volume, plaque volume and wall index show one process. Its growth score is learned from their mean,
which carries less error than any of them, and each factor then needs a slope only. Stenosis needs the same score and
how far the lumen has given way: an artery first grows outward (Glagov 1987), so the slope depends on the narrowing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from sklearn.linear_model import RidgeCV

from plaquecast.domain.change import Factor
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.learning import FeatureTable, Lesson
from plaquecast.predict.features import column
from plaquecast.predict.lessons import WALL_FACTORS
from plaquecast.predict.linear import PenalizedLinear, moments
from plaquecast.predict.state import STATE, files_below, read_state, write_state

NARROWING = ("stenosis_ecst_percent", "stenosis_area_percent", "stenosis_nascet_percent", "remodeling_index")
SHARED_BY = (*WALL_FACTORS, Factor.STENOSIS)
PENALTIES = np.geomspace(1.0, 1e5, 11)


def _none() -> FloatArray:
    return np.zeros(0)


@dataclass(frozen=True, slots=True, eq=False)
class SharedGrowth:
    """A penalized linear growth score, and this factor's line on it; for stenosis its slope varies with the narrowing.

    `link` holds the slopes on the score and on score × each of `NARROWING` in SDs.
    """

    factor: Factor
    score: PenalizedLinear
    intercept: float = 0.0
    link: FloatArray = field(default_factory=_none)
    center: FloatArray = field(default_factory=_none)
    spread: FloatArray = field(default_factory=_none)

    @property
    def name(self) -> str:
        """Name in tables."""
        return "shared growth"

    @property
    def _modifiers(self) -> tuple[str, ...]:
        return NARROWING if self.factor is Factor.STENOSIS else ()

    def fit(self, features: FeatureTable, lesson: Lesson) -> Self:
        """Learn the score from the shared growth, then the line from this factor's corrected change."""
        score = self.score.fit(features, replace(lesson, corrected=lesson.shared, weights=np.ones(len(lesson.weights))))
        known = np.isfinite(lesson.corrected)
        center, spread = moments(self._raw_modifiers(features)[known])
        draft = replace(self, score=score, center=center, spread=spread)
        design, weights = draft._design(features)[known], lesson.weights[known] / lesson.weights[known].mean()
        unit = np.maximum(design.std(axis=0), 1e-12)
        ridge = RidgeCV(alphas=PENALTIES).fit(design / unit, lesson.corrected[known], sample_weight=weights)
        return replace(draft, intercept=float(ridge.intercept_), link=ridge.coef_ / unit)

    def predict(self, features: FeatureTable) -> FloatArray:
        """The line at each row (n,)."""
        return self.intercept + (self._design(features) * self.link).sum(axis=1)

    def contributions(self, features: FeatureTable) -> FloatArray:
        """Parts of the score times its slope here, what the narrowing adds, and what all rows share (n, p + 1)."""
        scored = self.score.contributions(features)
        modifiers = self._scaled_modifiers(features)
        slope = self.link[0] + (modifiers * self.link[1:]).sum(axis=1)
        parts = scored * slope[:, None]
        parts[:, -1] = self.intercept + scored[:, -1] * self.link[0]
        for index, name in enumerate(self._modifiers):
            parts[:, features.columns.index(name)] += self.link[1 + index] * modifiers[:, index] * scored[:, -1]
        return parts

    def _raw_modifiers(self, features: FeatureTable) -> FloatArray:
        columns = [column(features, name) for name in self._modifiers]
        return np.column_stack(columns) if columns else np.zeros((len(features.values), 0))

    def _scaled_modifiers(self, features: FeatureTable) -> FloatArray:
        return np.nan_to_num((self._raw_modifiers(features) - self.center) / self.spread)

    def _design(self, features: FeatureTable) -> FloatArray:
        score = self.score.predict(features)[:, None]
        return np.hstack([score, score * self._scaled_modifiers(features)])

    def as_files(self) -> Mapping[str, bytes]:
        """Its score and its line."""
        state = write_state(
            factor=self.factor, intercept=self.intercept, link=self.link, center=self.center, spread=self.spread
        )
        return {STATE: state, f"score/{STATE}": self.score.as_files()[STATE]}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """The model from its files."""
        state = read_state(files)
        score = PenalizedLinear.from_files(files_below(files, "score/"))
        arrays = (np.array(state[name], float) for name in ("link", "center", "spread"))
        return cls(Factor(state["factor"]), score, state["intercept"], *arrays)
