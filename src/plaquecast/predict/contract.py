"""What every progression model here can do beyond fitting and predicting: explain itself exactly, and be stored."""

from collections.abc import Mapping
from typing import Protocol, Self

from plaquecast.domain.change import Factor
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.learning import FeatureTable
from plaquecast.domain.protocols import ProgressionModel


class StoredModel(ProgressionModel, Protocol):
    """A progression model of one factor; `fit` gives a new, fitted value and leaves the old one as it was."""

    @property
    def factor(self) -> Factor:
        """The change factor that it predicts."""
        ...

    def contributions(self, features: FeatureTable) -> FloatArray:
        """Exact parts of each prediction, float64 (n, p + 1): one per column, then what all rows share.

        Each row sums to the prediction.
        """
        ...

    def as_files(self) -> Mapping[str, bytes]:
        """The fitted model as files, name to content; never a pickle."""
        ...

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """The fitted model from its files; it predicts the very same numbers."""
        ...
