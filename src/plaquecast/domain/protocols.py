"""The two points of exchange: anything that segments, and anything that forecasts."""

from collections.abc import Mapping
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from plaquecast.domain.anatomy import Side
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.learning import FeatureTable, Lesson
from plaquecast.domain.missing import Missing
from plaquecast.domain.visit import AlignedVisit
from plaquecast.domain.volume import ArterySegmentation


class Segmenter(Protocol):
    """Finds both carotids in an aligned visit and labels their tissues."""

    @property
    def model_id(self) -> str:
        """Name and version of what segments, kept with every result."""
        ...

    def segment(self, visit: AlignedVisit) -> Mapping[Side, ArterySegmentation | Missing]:
        """Segment both arteries; a side that cannot be found is `Missing` with its reason."""
        ...


class ProgressionModel(Protocol):
    """Predicts one change factor per year from baseline features."""

    @property
    def name(self) -> str:
        """Short name, as it stands in score tables."""
        ...

    def fit(self, features: FeatureTable, lesson: Lesson) -> Self:
        """Learn from the arteries whose change was measured."""
        ...

    def predict(self, features: FeatureTable) -> FloatArray:
        """Expected change per year, float64 (n,)."""
        ...


Rows = NDArray[np.intp]
