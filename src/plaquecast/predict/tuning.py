"""Choosing: the candidate within a kind, and the kind, by folds that never split a patient."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plaquecast.domain.change import Factor
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.learning import FeatureTable, TargetTable
from plaquecast.predict.contract import StoredModel
from plaquecast.predict.folds import PatientFolds
from plaquecast.predict.models import ModelKind
from plaquecast.predict.targets import Lesson, lesson


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
    """What every kind is tuned on: one factor, its rows, its folds, and the lesson of each training part."""

    factor: Factor
    features: FeatureTable
    folds: PatientFolds
    whole: Lesson
    parts: tuple[Lesson, ...]
    seed: int

    @staticmethod
    def of(features: FeatureTable, targets: TargetTable, factor: Factor, folds: PatientFolds, seed: int) -> "Classroom":
        """Prepare the lessons; each fold's from its training rows alone."""
        parts = tuple(lesson(features.rows(train), targets.rows(train), factor) for train, _ in folds.splits())
        return Classroom(factor, features, folds, lesson(features, targets, factor), parts, seed)


def tune(room: Classroom, kind: ModelKind) -> Tuned:
    """Fit every candidate without each fold, and take the one with the least weighted squared error."""
    candidates = kind.candidates(room.factor, room.seed)
    trials = [_cross_fit(room, kind, candidate) for candidate in candidates]
    errors = [squared_errors(room, out_of_fold).sum() for _, out_of_fold in trials]
    best = int(np.argmin(errors))
    model = _fit(candidates[best], room.features, room.whole, kind)
    return Tuned(kind, model, trials[best][0], trials[best][1])


def squared_errors(room: Classroom, predicted: FloatArray) -> FloatArray:
    """Weighted squared error of each row (n,) against the corrected change; 0 where nothing was measured."""
    known = np.isfinite(room.whole.corrected)
    return np.where(known, room.whole.weights * (predicted - np.where(known, room.whole.corrected, 0.0)) ** 2, 0.0)


def choose(room: Classroom, tuned: Sequence[Tuned]) -> Tuned:
    """The kind with the least error; bold kinds must beat the best naive one by a standard error over patients.

    Small cohorts so fall back on what is plain, and the report says so.
    """
    errors = [squared_errors(room, entry.out_of_fold) for entry in tuned]
    naive = [index for index, entry in enumerate(tuned) if entry.kind.is_naive]
    bold = [index for index, entry in enumerate(tuned) if not entry.kind.is_naive]
    plain = min(naive or bold, key=lambda index: errors[index].sum())
    if not bold:
        return tuned[plain]
    best = min(bold, key=lambda index: errors[index].sum())
    _, group = np.unique(room.features.patient_ids, return_inverse=True)
    gain = np.bincount(group, errors[plain] - errors[best])
    is_clear = gain.sum() > np.std(gain) * np.sqrt(len(gain))
    return tuned[best] if is_clear else tuned[plain]


def _cross_fit(room: Classroom, kind: ModelKind, candidate: StoredModel) -> tuple[tuple[StoredModel, ...], FloatArray]:
    out_of_fold = np.empty(len(room.features.values))
    members = []
    for (train, test), part in zip(room.folds.splits(), room.parts, strict=True):
        member = _fit(candidate, room.features.rows(train), part, kind)
        out_of_fold[test] = member.predict(room.features.rows(test))
        members.append(member)
    return tuple(members), out_of_fold


def _fit(candidate: StoredModel, features: FeatureTable, part: Lesson, kind: ModelKind) -> StoredModel:
    return candidate.fit(features, part.raw if kind.is_naive else part.corrected, part.weights)
