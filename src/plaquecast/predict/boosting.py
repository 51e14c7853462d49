"""Boosted shallow trees, for what is not a straight line."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import lightgbm
import numpy as np

from plaquecast.domain.change import Factor
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.learning import FeatureTable, Lesson
from plaquecast.predict.state import STATE, broken_model, read_state, write_state

TREES = "trees.txt"


@dataclass(frozen=True, slots=True, eq=False)
class BoostedTrees:
    """LightGBM with few leaves; a missing value takes the branch that fits better. `trees` is LightGBM's own text."""

    factor: Factor
    n_leaves: int
    n_rounds: int
    seed: int
    trees: str = ""

    @property
    def name(self) -> str:
        """Name in tables."""
        return "boosted trees"

    def fit(self, features: FeatureTable, lesson: Lesson) -> Self:
        """Weighted least squares over the rows that have a target, on one thread: the same data give the same trees."""
        targets, weights = lesson.corrected, lesson.weights
        known = np.isfinite(targets)
        n_known = int(known.sum())
        options = {
            "objective": "regression", "num_leaves": self.n_leaves, "learning_rate": 0.05, "seed": self.seed,
            "min_data_in_leaf": max(min(20, n_known // 5), 2), "lambda_l2": 5.0, "max_bin": 63,
            "feature_fraction": 0.5, "bagging_fraction": 0.8, "bagging_freq": 1, "verbosity": -1, "num_threads": 1,
            "deterministic": True, "force_row_wise": True,
        }  # fmt: skip
        weight = weights[known] / weights[known].mean()
        data = lightgbm.Dataset(features.values[known], targets[known], weight=weight, params={"verbosity": -1})
        return replace(self, trees=lightgbm.train(options, data, self.n_rounds).model_to_string())

    def predict(self, features: FeatureTable) -> FloatArray:
        """The sum of the trees at each row (n,)."""
        return np.asarray(self._booster().predict(features.values, num_threads=1), dtype=np.float64)

    def contributions(self, features: FeatureTable) -> FloatArray:
        """Shapley values along the trees, and the mean prediction (n, p + 1)."""
        parts = self._booster().predict(features.values, pred_contrib=True, num_threads=1)
        return np.asarray(parts, dtype=np.float64)

    def _booster(self) -> lightgbm.Booster:
        return lightgbm.Booster(model_str=self.trees)

    def as_files(self) -> Mapping[str, bytes]:
        """Its trees as LightGBM writes them, and how they were grown."""
        state = write_state(factor=self.factor, n_leaves=self.n_leaves, n_rounds=self.n_rounds, seed=self.seed)
        return {STATE: state, TREES: self.trees.encode()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """The model from its files."""
        state = read_state(files)
        if TREES not in files:
            raise broken_model(TREES, "no such file")
        trees = files[TREES].decode("utf-8")
        try:
            lightgbm.Booster(model_str=trees)
        except lightgbm.basic.LightGBMError as problem:
            raise broken_model(TREES, str(problem)) from problem
        return cls(Factor(state["factor"]), state["n_leaves"], state["n_rounds"], state["seed"], trees)
