"""One factor as it is stored and asked: a model, its members that each left out one fold, and how far they erred."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from plaquecast.domain.change import Factor
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.learning import FeatureTable, TargetTable
from plaquecast.predict.blend import kind_named
from plaquecast.predict.contract import StoredModel
from plaquecast.predict.intervals import Calibration
from plaquecast.predict.state import files_below, read_state, write_state
from plaquecast.predict.tuning import Classroom, Tuned

CALIBRATION = "calibration.json"


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """Forecasts of n arteries as columns (n,): change per year, the ends of its interval, and the three chances."""

    expected: FloatArray
    lower: FloatArray
    upper: FloatArray
    p_progression: FloatArray
    p_no_detectable_change: FloatArray
    p_regression: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class FactorPredictor:
    """One factor: the model, its members (each never saw one fold) and the calibration of their errors."""

    kind: str
    model: StoredModel
    members: tuple[StoredModel, ...]
    calibration: Calibration

    @staticmethod
    def of(room: Classroom, targets: TargetTable, factor: Factor, best: Tuned) -> "FactorPredictor":
        """Calibrate a chosen model on the errors that its members made on patients they never saw."""
        calibration = Calibration.of(room.features, targets, factor, best.out_of_fold, room.folds.fold)
        return FactorPredictor(best.kind.name, best.model, best.members, calibration)

    def outlook(self, features: FeatureTable, level: float) -> Outlook:
        """Expected change per year of each row with its interval and chances; `features` at the horizon."""
        members = np.column_stack([member.predict(features) for member in self.members])
        values = self.calibration.likely_values(members, features)
        lower, upper = self.calibration.interval(values, features, level)
        expected = np.clip(self.model.predict(features), lower, upper)
        return Outlook(expected, lower, upper, *self.calibration.chances(values, features))

    def as_files(self) -> dict[str, bytes]:
        """The model, its members and their calibration, name to content."""
        files = {CALIBRATION: write_state(kind=self.kind, **self.calibration.as_state())}
        for name, model in zip(_names(len(self.members)), (self.model, *self.members), strict=True):
            files |= {f"{name}/{file}": content for file, content in model.as_files().items()}
        return files

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """The predictor of one factor from its files.

        Raises:
            ModelError: if a file is missing or of a kind that this version does not know.
        """
        state = read_state(files, CALIBRATION)
        kind = kind_named(state.pop("kind"))
        calibration = Calibration.from_state(state)
        names = _names(int(calibration.member.max()) + 1)
        model, *members = (kind.type.from_files(files_below(files, f"{name}/")) for name in names)
        return cls(kind.name, model, tuple(members), calibration)


def _names(n_members: int) -> list[str]:
    return ["all", *(f"without{number}" for number in range(n_members))]
