"""Several models as one: a weighted mean of their predictions, drawn towards the population mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from plaquecast.domain.change import Factor
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.learning import FeatureTable, Lesson
from plaquecast.predict.contract import StoredModel
from plaquecast.predict.models import KINDS, ModelKind
from plaquecast.predict.state import STATE, broken_model, files_below, read_state, write_state


@dataclass(frozen=True, slots=True, eq=False)
class Blend:
    """Weighted sum of models; the weights sum to 1, and what the bold ones do not get is the population mean's."""

    parts: tuple[StoredModel, ...]
    kinds: tuple[str, ...]
    weights: tuple[float, ...]

    @property
    def name(self) -> str:
        """Name in tables."""
        return "blend"

    @property
    def factor(self) -> Factor:
        """The change factor that it predicts."""
        return self.parts[0].factor

    def fit(self, features: FeatureTable, lesson: Lesson) -> Self:
        """Fit every part; the weights stay."""
        return type(self)(tuple(part.fit(features, lesson) for part in self.parts), self.kinds, self.weights)

    def predict(self, features: FeatureTable) -> FloatArray:
        """The weighted sum of the parts' predictions (n,)."""
        return sum_weighted([part.predict(features) for part in self.parts], self.weights)

    def contributions(self, features: FeatureTable) -> FloatArray:
        """The weighted sum of the parts' contributions (n, p + 1)."""
        return sum_weighted([part.contributions(features) for part in self.parts], self.weights)

    def as_files(self) -> Mapping[str, bytes]:
        """Each part in a folder of its own."""
        files = {STATE: write_state(kinds=self.kinds, weights=self.weights)}
        for index, part in enumerate(self.parts):
            files |= {f"part{index}/{name}": content for name, content in part.as_files().items()}
        return files

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """The blend from its files."""
        state = read_state(files)
        kinds, weights = tuple(state["kinds"]), tuple(state["weights"])
        if not kinds or len(kinds) != len(weights):
            raise broken_model(STATE, f"{len(weights)} weights for {len(kinds)} models")
        parts = tuple(
            KINDS[kind].type.from_files(files_below(files, f"part{index}/")) for index, kind in enumerate(kinds)
        )
        return cls(parts, kinds, weights)


BLEND = ModelKind("blend", Blend, False, lambda factor, seed: ())
"""The kind of a blend; it has no candidates of its own, for its parts are tuned first."""


def kind_named(name: str) -> ModelKind:
    """The kind of that name, a blend included.

    Raises:
        ModelError: if this version knows none.
    """
    if name != BLEND.name and name not in KINDS:
        raise broken_model("predictor", f"a model of unknown kind '{name}'")
    return BLEND if name == BLEND.name else KINDS[name]


def sum_weighted(arrays: Sequence[FloatArray], weights: Sequence[float]) -> FloatArray:
    """Weighted sum of arrays of one shape."""
    return np.sum([weight * array for weight, array in zip(weights, arrays, strict=True)], axis=0)
