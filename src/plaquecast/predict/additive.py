"""Explainable boosting: a sum of one step function per feature, each readable by itself (Lou 2012, Nori 2019)."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from plaquecast.domain.change import Factor
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.learning import FeatureTable, Lesson
from plaquecast.predict.state import STATE, broken_model, read_state, write_state

LEFT_OUT = 0.15
"""Share of patients on whom boosting finds out when to stop."""


@dataclass(frozen=True, slots=True, eq=False)
class ExplainableBoosting:
    """`intercept` plus one value per column and step: `steps[j][0]` if missing, else `steps[j][1 + cuts below]`.

    `cuts[j]` are where column j's steps end, rising. A column without steps adds nothing. InterpretML learns the
    steps; kept as plain numbers they need no library to predict with.
    """

    factor: Factor
    learning_rate: float
    seed: int
    intercept: float = 0.0
    cuts: tuple[FloatArray, ...] = field(default_factory=tuple)
    steps: tuple[FloatArray, ...] = field(default_factory=tuple)

    @property
    def name(self) -> str:
        """Name in tables."""
        return "explainable boosting"

    def fit(self, features: FeatureTable, lesson: Lesson) -> Self:
        """Boost over the rows that have a target, one column after the other, until patients left out gain no more."""
        known = np.isfinite(lesson.corrected)
        values, weights = features.values[known], lesson.weights[known] / lesson.weights[known].mean()
        varies = np.array([len(np.unique(column[~np.isnan(column)])) > 1 for column in values.T])
        none = tuple(np.zeros(0) for _ in varies)
        if not varies.any():
            mean = float(np.average(lesson.corrected[known], weights=weights))
            return replace(self, intercept=mean, cuts=none, steps=none)
        patients = features.patient_ids[known]
        rng = np.random.default_rng(self.seed)
        names = np.unique(patients)
        n_left_out = max(round(LEFT_OUT * len(names)), 1)
        left_out = np.isin(patients, rng.permutation(names)[:n_left_out])
        bag = np.where(left_out, -1, 1).astype(np.int8)[:, None]
        cuts, steps, intercept = _boosted(
            values[:, varies], lesson.corrected[known], weights, bag, self.learning_rate, self.seed
        )
        place = dict(zip(np.flatnonzero(varies).tolist(), zip(cuts, steps, strict=True), strict=True))
        found = [place.get(column, (np.zeros(0), np.zeros(0))) for column in range(len(varies))]
        return replace(
            self, intercept=intercept, cuts=tuple(each for each, _ in found), steps=tuple(each for _, each in found)
        )

    def predict(self, features: FeatureTable) -> FloatArray:
        """The sum of the steps at each row (n,)."""
        return self.contributions(features).sum(axis=1)

    def contributions(self, features: FeatureTable) -> FloatArray:
        """The step of each column at each row, and the intercept (n, p + 1)."""
        parts = np.zeros((len(features.values), len(features.columns) + 1))
        parts[:, -1] = self.intercept
        for column, (cuts, steps) in enumerate(zip(self.cuts, self.steps, strict=True)):
            if len(steps):
                values = features.values[:, column]
                parts[:, column] = steps[np.where(np.isnan(values), 0, 1 + np.searchsorted(cuts, values, side="right"))]
        return parts

    def as_files(self) -> Mapping[str, bytes]:
        """Its steps."""
        state = write_state(
            factor=self.factor, learning_rate=self.learning_rate, seed=self.seed, intercept=self.intercept,
            cuts=[each.tolist() for each in self.cuts], steps=[each.tolist() for each in self.steps],
        )  # fmt: skip
        return {STATE: state}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """The model from its files."""
        state = read_state(files)
        cuts, steps = ([np.array(each, float) for each in state[name]] for name in ("cuts", "steps"))
        for own, each in zip(cuts, steps, strict=True):
            if len(each) not in (0, len(own) + 2):
                raise broken_model(STATE, f"{len(each)} steps for {len(own)} cuts")
        plain = (state[name] for name in ("learning_rate", "seed", "intercept"))
        return cls(Factor(state["factor"]), *plain, tuple(cuts), tuple(steps))


def _boosted(
    values: FloatArray, targets: FloatArray, weights: FloatArray, bag: np.ndarray, learning_rate: float, seed: int
) -> tuple[list[FloatArray], list[FloatArray], float]:
    """Cuts and steps of each column, and the intercept."""
    from interpret.glassbox import ExplainableBoostingRegressor  # a second to load, needed only to learn

    machine = ExplainableBoostingRegressor(
        interactions=0, outer_bags=1, max_bins=32, max_rounds=300, learning_rate=learning_rate, smoothing_rounds=50,
        min_samples_leaf=max(min(20, len(targets) // 10), 2), n_jobs=1, random_state=seed,
        feature_types=["continuous"] * values.shape[1],
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that plots do not show what is missing; nothing is plotted
        machine.fit(values, targets, sample_weight=weights, bags=bag)
    of_column = {
        features[0]: scores for features, scores in zip(machine.term_features_, machine.term_scores_, strict=True)
    }
    cuts = [np.asarray(bins[0], float) for bins in machine.bins_]
    # the last score is for values of no known kind, which numbers never are
    steps = [np.asarray(of_column[column], float)[:-1] for column in range(len(cuts))]
    return cuts, steps, float(np.ravel(machine.intercept_)[0])
