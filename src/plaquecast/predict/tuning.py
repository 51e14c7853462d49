"""Choosing: the candidate within a kind, and how much each kind counts, by folds that never split a patient."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from plaquecast.domain.change import Factor
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.learning import FeatureTable, Lesson, TargetTable
from plaquecast.predict.blend import BLEND, Blend, sum_weighted
from plaquecast.predict.contract import StoredModel
from plaquecast.predict.folds import PatientFolds
from plaquecast.predict.lessons import lessons
from plaquecast.predict.models import ENOUGH_PATIENTS, ModelKind

MEAN = "population mean"


@dataclass(frozen=True, slots=True, eq=False)
class Tuned:
    """The best candidate of one kind: fitted on all rows (`model`) and without each fold (`members`).

    `out_of_fold` (n,) is each row's prediction by the member that never saw its patient.
    """

    kind: ModelKind
    model: StoredModel
    members: tuple[StoredModel, ...]
    out_of_fold: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Classroom:
    """What every kind is tuned on: rows, folds, and the lessons of all rows and of each fold's training rows alone."""

    features: FeatureTable
    folds: PatientFolds
    whole: Mapping[Factor, Lesson]
    parts: tuple[Mapping[Factor, Lesson], ...]
    seed: int

    @staticmethod
    def of(features: FeatureTable, targets: TargetTable, folds: PatientFolds, seed: int) -> "Classroom":
        """Prepare the lessons of every factor."""
        parts = tuple(lessons(features.rows(train), targets.rows(train)) for train, _ in folds.splits())
        return Classroom(features, folds, lessons(features, targets), parts, seed)


def tune_all(room: Classroom, factor: Factor, kinds: Sequence[ModelKind]) -> list[Tuned]:
    """Tune every kind that has candidates for this factor, and patients enough."""
    n_patients = len(np.unique(room.features.patient_ids))
    tuned = (tune(room, factor, kind) for kind in kinds if n_patients >= kind.least_patients)
    return [entry for entry in tuned if entry is not None]


def tune(room: Classroom, factor: Factor, kind: ModelKind) -> Tuned | None:
    """Fit every candidate without each fold, and take the one with the least weighted squared error."""
    candidates = kind.candidates(factor, room.seed)
    if not candidates:
        return None
    trials = [_cross_fit(room, factor, candidate) for candidate in candidates]
    errors = [_total(room, factor, out_of_fold, power=2) for _, out_of_fold in trials]
    best = int(np.argmin(errors))
    model = candidates[best].fit(room.features, room.whole[factor])
    return Tuned(kind, model, *trials[best])


def weighted_errors(room: Classroom, factor: Factor, predicted: FloatArray, power: int) -> FloatArray:
    """Weighted |error| ** power of each patient, summed over arteries, against the corrected change (patients,)."""
    lesson = room.whole[factor]
    known = np.isfinite(lesson.corrected)
    error = np.abs(predicted - np.where(known, lesson.corrected, 0.0)) * np.sqrt(lesson.weights)
    _, group = np.unique(room.features.patient_ids, return_inverse=True)
    return np.bincount(group, np.where(known, error**power, 0.0)).astype(np.float64)


def choose(room: Classroom, factor: Factor, tuned: Sequence[Tuned]) -> Tuned:
    """The blend of all bold kinds, if it clearly beats the plain ones on patients left out; else the better plain one.

    Clearly is one standard error over patients in squared error. Below `ENOUGH_PATIENTS` it is two, and absolute error
    must be less too: a few large changes otherwise decide. Small cohorts so fall back on what is plain. Where measured
    change is mostly error nothing can be learned from it, and no change is the forecast.
    """
    by_name = {entry.kind.name: entry for entry in tuned}
    if room.whole[factor].reliability < LEAST_RELIABILITY:
        return by_name[PLAIN[0]]
    bold = [entry for entry in tuned if not (entry.kind.is_naive or entry.kind.is_partial)]
    plain = min((by_name[name] for name in PLAIN), key=lambda entry: _total(room, factor, entry.out_of_fold, power=1))
    if not bold:
        return plain
    mixed = blend(room, factor, by_name[MEAN], bold)
    before, after = (weighted_errors(room, factor, entry.out_of_fold, power=2) for entry in (plain, mixed))
    gain = before - after
    is_small = int((before > 0.0).sum()) < ENOUGH_PATIENTS
    is_clear = gain.sum() > (2.0 if is_small else 1.0) * np.std(gain) * np.sqrt(len(gain))
    if is_small:
        absolute = (_total(room, factor, entry.out_of_fold, power=1) for entry in (mixed, plain))
        is_clear = is_clear and next(absolute) < next(absolute)
    return mixed if is_clear else plain


PLAIN = ("no change", "stratum mean")
"""What a forecast falls back on."""
LEAST_RELIABILITY = 0.2
"""Below this what is left of regression to the mean outweighs what can be learned."""


def _total(room: Classroom, factor: Factor, predicted: FloatArray, power: int) -> float:
    return float(weighted_errors(room, factor, predicted, power).sum())


def blend(room: Classroom, factor: Factor, mean: Tuned, bold: Sequence[Tuned]) -> Tuned:
    """Mix models with the weights, none negative, that fit best out of fold (Breiman 1996, stacked regressions).

    What the models add to the population mean is weighed, so that weights below 1 in sum draw towards the mean. The
    weights are drawn towards equal shares of the kinds that are as good as the best one, within a standard error.
    """
    lesson = room.whole[factor]
    known = np.isfinite(lesson.corrected)
    root = np.sqrt(lesson.weights[known])
    gains = np.column_stack([(entry.out_of_fold - mean.out_of_fold)[known] * root for entry in bold])
    wanted = (lesson.corrected - mean.out_of_fold)[known] * root
    pull = np.sqrt(PULL_TO_EQUAL * np.mean((gains**2).sum(axis=0)))
    rows = np.vstack([gains, pull * np.eye(len(bold))])
    weights = nnls(rows, np.concatenate([wanted, pull * _equal_shares(room, factor, bold)]))[0]
    used = [(entry, float(weight)) for entry, weight in zip(bold, weights, strict=True) if weight > 0.0]
    entries = [mean, *(entry for entry, _ in used)]
    shares = (1.0 - sum(weight for _, weight in used), *(weight for _, weight in used))
    kinds = tuple(entry.kind.name for entry in entries)
    members = tuple(Blend(parts, kinds, shares) for parts in zip(*(entry.members for entry in entries), strict=True))
    out_of_fold = sum_weighted([entry.out_of_fold for entry in entries], shares)
    return Tuned(BLEND, Blend(tuple(entry.model for entry in entries), kinds, shares), members, out_of_fold)


PULL_TO_EQUAL = 0.3


def _equal_shares(room: Classroom, factor: Factor, bold: Sequence[Tuned]) -> FloatArray:
    errors = [weighted_errors(room, factor, entry.out_of_fold, power=2) for entry in bold]
    best = min(errors, key=lambda error: error.sum())
    is_as_good = [(error - best).sum() <= np.std(error - best) * np.sqrt(len(best)) for error in errors]
    return np.array(is_as_good) / np.sum(is_as_good)


def _cross_fit(room: Classroom, factor: Factor, candidate: StoredModel) -> tuple[tuple[StoredModel, ...], FloatArray]:
    out_of_fold = np.empty(len(room.features.values))
    members = []
    for (train, test), part in zip(room.folds.splits(), room.parts, strict=True):
        member = candidate.fit(room.features.rows(train), part[factor])
        out_of_fold[test] = member.predict(room.features.rows(test))
        members.append(member)
    return tuple(members), out_of_fold
