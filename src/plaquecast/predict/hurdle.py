"""Two steps: where there is nothing yet, what appears on average; where there is something, how it changes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from plaquecast.domain.change import FACTOR_MEASUREMENT, Factor
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.learning import FeatureTable, Lesson
from plaquecast.predict.features import column
from plaquecast.predict.linear import PenalizedLinear
from plaquecast.predict.shared import SharedGrowth
from plaquecast.predict.state import STATE, files_below, read_state, write_state

PRESENCE_OF: Mapping[Factor, str] = {
    Factor.LIPID_RICH_NECROTIC_CORE: "has_core",
    Factor.INTRAPLAQUE_HEMORRHAGE: "has_hemorrhage",
    Factor.CALCIFICATION: "has_calcification",
    Factor.FIBROUS_CAP_THICKNESS: "has_core",
}
"""What must be there for a factor to change in its own way; for factors of the wall, plaque."""
COMPONENT_FACTORS = (Factor.LIPID_RICH_NECROTIC_CORE, Factor.INTRAPLAQUE_HEMORRHAGE, Factor.CALCIFICATION)
DETECTION_FLOOR_MM3 = 5.0
"""Below this a volume cannot be seen (Smits 2016 counts more than 1 mm² on two slices), so it bounds shares of it."""
LEAST_PRESENT = 10


@dataclass(frozen=True, slots=True, eq=False)
class Hurdle:
    """A line among arteries that have the component (or plaque), the mean change among those that have none.

    If `is_share`, the line is the change as a share of the present volume, as growth laws are; else per year as it is.
    """

    factor: Factor
    line: PenalizedLinear | SharedGrowth
    is_share: bool = False
    is_learned: bool = False
    of_absent: float = 0.0

    @property
    def name(self) -> str:
        """Name in tables."""
        return "shared growth" if isinstance(self.line, SharedGrowth) else "hurdle"

    def fit(self, features: FeatureTable, lesson: Lesson) -> Self:
        """Learn both steps from the rows that have a target."""
        known, present = np.isfinite(lesson.corrected), column(features, self._presence) == 1.0
        absent = known & ~present
        of_absent = float(np.average(lesson.corrected[absent], weights=lesson.weights[absent])) if absent.any() else 0.0
        rows = np.flatnonzero(known & present)
        if len(rows) < LEAST_PRESENT:
            return replace(self, of_absent=of_absent)
        size = self._size(features)[rows]
        part = Lesson(
            lesson.measured[rows], lesson.corrected[rows] / size, lesson.shared[rows], lesson.weights[rows] * size**2,
            lesson.reliability,
        )  # fmt: skip
        return replace(self, line=self.line.fit(features.rows(rows), part), is_learned=True, of_absent=of_absent)

    def predict(self, features: FeatureTable) -> FloatArray:
        """The line where there is something, the mean where there is not (n,)."""
        if not self.is_learned:
            return np.full(len(features.values), self.of_absent)
        return np.where(self._present(features), self._size(features) * self.line.predict(features), self.of_absent)

    def contributions(self, features: FeatureTable) -> FloatArray:
        """Parts of the line where it applies; that there is something at all is a part of its own (n, p + 1)."""
        parts = np.zeros((len(features.values), len(features.columns) + 1))
        if self.is_learned:
            present = self._present(features)
            scaled = self.line.contributions(features) * self._size(features)[:, None]
            parts = np.where(present[:, None], scaled, 0.0)
            parts[:, features.columns.index(self._presence)] += np.where(present, parts[:, -1] - self.of_absent, 0.0)
        parts[:, -1] = self.of_absent
        return parts

    @property
    def _presence(self) -> str:
        return PRESENCE_OF.get(self.factor, "has_plaque")

    def _present(self, features: FeatureTable) -> NDArray[np.bool_]:
        return column(features, self._presence) == 1.0

    def _size(self, features: FeatureTable) -> FloatArray:
        if not self.is_share:
            return np.ones(len(features.values))
        return np.nan_to_num(column(features, FACTOR_MEASUREMENT[self.factor])) + DETECTION_FLOOR_MM3

    def as_files(self) -> Mapping[str, bytes]:
        """Both steps."""
        state = write_state(
            factor=self.factor, is_share=self.is_share, is_learned=self.is_learned, of_absent=self.of_absent,
            is_shared=isinstance(self.line, SharedGrowth),
        )  # fmt: skip
        return {STATE: state, **{f"line/{name}": content for name, content in self.line.as_files().items()}}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """The model from its files."""
        state = read_state(files)
        line = (SharedGrowth if state["is_shared"] else PenalizedLinear).from_files(files_below(files, "line/"))
        return cls(Factor(state["factor"]), line, state["is_share"], state["is_learned"], state["of_absent"])
