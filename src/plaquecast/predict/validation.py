"""Nested validation: every prediction is for a patient that neither the model nor its options have seen."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from plaquecast.domain.change import Factor
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.learning import FeatureTable, TargetTable
from plaquecast.predict.features import at_horizon
from plaquecast.predict.folds import PatientFolds, patient_folds
from plaquecast.predict.map_validation import LEAST_ARTERIES, MapScores, score_maps, validate_map
from plaquecast.predict.models import MODELS, ModelKind
from plaquecast.predict.scores import Estimate, PatientDraws, Scores, estimate, r2_draws, score
from plaquecast.predict.tuning import MEAN, Classroom, choose, tune_all
from plaquecast.predict.wall_inputs import WallHistory
from plaquecast.settings import PredictSettings

CHOSEN = "chosen"
ORACLE = "oracle"
LEAST_PATIENTS = 20
"""A factor measured in fewer patients than this is not learned."""


@dataclass(frozen=True, slots=True, eq=False)
class FactorValidation:
    """One factor: predictions (n,) by model name, `chosen` among them, and the kind chosen in each outer fold.

    `chosen_inside` are, for each outer fold, what the chosen kind predicts for its training rows when its inner folds
    leave them out.
    """

    factor: Factor
    predictions: Mapping[str, FloatArray]
    chosen_kinds: tuple[str, ...]
    chosen_inside: tuple[FloatArray, ...]


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """Scores of one model for one factor against `measured` or `true` change; `gain` is in r2 over the best naive."""

    factor: Factor
    model: str
    against: str
    scores: Scores
    gain: Estimate


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """The result: out-of-fold predictions and scores, with the outer fold of each row and the seed that makes it.

    `maps` scores the map of thickening against `measured` and `true` change, where walls were mapped. `by_site` scores
    the forecasts of sites that were left out as a whole.
    """

    factors: Mapping[Factor, FactorValidation]
    scores: tuple[ScoreRow, ...]
    folds: PatientFolds
    seed: int
    maps: Mapping[str, MapScores] = field(default_factory=dict)
    by_site: tuple[ScoreRow, ...] = ()

    def row(self, factor: Factor, model: str = CHOSEN, against: str = "measured") -> ScoreRow:
        """The scores of one model for one factor."""
        return next(r for r in self.scores if (r.factor, r.model, r.against) == (factor, model, against))


def nested_validation(
    features: FeatureTable,
    targets: TargetTable,
    settings: PredictSettings,
    truth: TargetTable | None = None,
    oracle: Mapping[Factor, FloatArray] | None = None,
    factors: Iterable[Factor] = Factor,
    kinds: Sequence[ModelKind] = MODELS,
    walls: Mapping[str, WallHistory] | None = None,
    folds: PatientFolds | None = None,
) -> Validation:
    """Predict every artery's change by models that never saw its patient, and score that beside naive models.

    The horizon of each row is its own interval. Simulated cohorts can give the true change and the oracle, against and
    beside which everything is scored too; no model ever sees them. `walls` holds the maps of the same arteries as
    `measured` and, if known, as `true`. Other outer folds than those of the settings, as by site, can be given.

    Raises:
        InputError: if there are fewer patients than folds.
    """
    timed = at_horizon(features, targets.interval_years)
    folds = patient_folds(features, settings.outer_folds, settings.seed) if folds is None else folds
    learned = [factor for factor in factors if _n_patients(features, targets.values[factor]) >= LEAST_PATIENTS]
    results = validate_factors(timed, targets, learned, folds, settings, kinds)
    draws = PatientDraws(features.patient_ids, settings.bootstrap_samples, settings.seed)
    constant = {kind.name for kind in kinds if kind.is_constant}
    naive = {kind.name for kind in kinds if kind.is_naive}
    scores: list[ScoreRow] = []
    for factor, result in results.items():
        predictions = dict(result.predictions)
        if oracle is not None:
            predictions[ORACLE] = oracle[factor]
        changes = {"measured": targets} if truth is None else {"measured": targets, "true": truth}
        for against, table in changes.items():
            contest = _Contest(features.patient_ids, factor, against, table.values[factor], predictions, draws)
            scores += [contest.row(model, naive, model in constant) for model in predictions]
    maps = _map_scores(walls or {}, targets.interval_years, results.get(Factor.WALL_THICKENING), folds, settings)
    return Validation(results, tuple(scores), folds, settings.seed, maps)


def _map_scores(
    walls: Mapping[str, WallHistory],
    years: FloatArray,
    thickening: FactorValidation | None,
    folds: PatientFolds,
    settings: PredictSettings,
) -> dict[str, MapScores]:
    if thickening is None or "measured" not in walls or walls["measured"].n_arteries < LEAST_ARTERIES:
        return {}
    said = validate_map(walls["measured"], years, folds, thickening.predictions[CHOSEN], thickening.chosen_inside)
    return {
        against: score_maps(said, wall.thickening, folds.patient_ids, settings.bootstrap_samples, settings.seed)
        for against, wall in walls.items()
    }


def validate_factors(
    features: FeatureTable,
    targets: TargetTable,
    factors: Sequence[Factor],
    folds: PatientFolds,
    settings: PredictSettings,
    kinds: Sequence[ModelKind],
) -> dict[Factor, FactorValidation]:
    """Out-of-fold predictions of each factor; `features` are at each row's horizon."""
    predictions: dict[Factor, dict[str, FloatArray]] = {factor: {} for factor in factors}
    chosen: dict[Factor, list[str]] = {factor: [] for factor in factors}
    inside: dict[Factor, list[FloatArray]] = {factor: [] for factor in factors}
    for number, (train, test) in enumerate(folds.splits()):
        rows, unseen = features.rows(train), features.rows(test)
        inner = patient_folds(rows, settings.inner_folds, settings.seed + 1 + number)
        room = Classroom.of(rows, targets.rows(train), inner, settings.seed)
        for factor in factors:
            tuned = tune_all(room, factor, kinds)
            best = choose(room, factor, tuned)
            chosen[factor].append(best.kind.name)
            inside[factor].append(best.out_of_fold)
            said = {entry.kind.name: entry.model for entry in tuned} | {CHOSEN: best.model}
            for name, model in said.items():
                into = predictions[factor].setdefault(name, np.full(len(features.values), np.nan))
                into[test] = model.predict(unseen)
    return {
        factor: FactorValidation(factor, predictions[factor], tuple(chosen[factor]), tuple(inside[factor]))
        for factor in factors
    }


@dataclass(frozen=True, slots=True, eq=False)
class _Contest:
    """All predictions of one factor against one kind of change, on the same draws of patients."""

    patient_ids: NDArray[np.str_]
    factor: Factor
    against: str
    change: FloatArray
    predictions: Mapping[str, FloatArray]
    draws: PatientDraws

    def row(self, model: str, naive: Iterable[str], is_constant: bool) -> ScoreRow:
        thins = self.factor is Factor.FIBROUS_CAP_THICKNESS
        reference = self.predictions[MEAN]
        scores = score(
            self.predictions[model], self.change, reference, self.patient_ids, self.draws, thins, is_constant
        )
        return ScoreRow(self.factor, model, self.against, scores, self._gain(model, naive))

    def _gain(self, model: str, naive: Iterable[str]) -> Estimate:
        """Gain in r2 over the naive model that is best here, so that no naive model is left out by luck."""
        known = np.isfinite(self.change) & np.isfinite(self.predictions[model])
        if model in naive or not known.any():
            return Estimate.none("a naive model")
        counts = self.draws.of(known)
        reference, truth = self.predictions[MEAN][known], self.change[known]
        r2 = {name: r2_draws(self.predictions[name][known], truth, reference, counts) for name in (*naive, model)}
        best = max(naive, key=lambda name: r2[name][0])
        return estimate(r2[model] - r2[best])


def _n_patients(features: FeatureTable, values: FloatArray) -> int:
    return len(np.unique(features.patient_ids[np.isfinite(values)]))
