"""Folds that never split a patient: both arteries, and every row of a patient, are on one side."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plaquecast.domain.grid import FloatArray
from plaquecast.domain.learning import BaselineArtery, FeatureTable
from plaquecast.domain.missing import Missing
from plaquecast.domain.protocols import Rows
from plaquecast.errors import InputError
from plaquecast.predict.features import column

STRATIFIED_BY = "has_hemorrhage"


@dataclass(frozen=True, slots=True, eq=False)
class PatientFolds:
    """The fold of each row, int (n,), made from patients; the only thing that the validation takes for a split.

    Raises:
        InputError: if the rows of a patient lie in two folds, or there are fewer than two folds.
    """

    patient_ids: NDArray[np.str_]
    fold: NDArray[np.intp]

    def __post_init__(self) -> None:
        seen: dict[str, int] = {}
        split = [
            patient for patient, fold in zip(self.patient_ids, self.fold, strict=True)
            if seen.setdefault(str(patient), int(fold)) != fold
        ]  # fmt: skip
        if split or len(np.unique(self.fold)) < 2:
            raise InputError(
                expected="at least two folds with every patient in one of them",
                found=f"patient {split[0]} in two folds" if split else "a single fold",
                where="folds",
                remedy="Make the folds with `patient_folds`.",
                code="patient-split",
            )

    @property
    def n_folds(self) -> int:
        """How many folds there are."""
        return int(self.fold.max()) + 1

    def splits(self) -> Iterator[tuple[Rows, Rows]]:
        """Training and test rows of each fold."""
        for fold in range(self.n_folds):
            yield np.flatnonzero(self.fold != fold), np.flatnonzero(self.fold == fold)


def patient_folds(
    features: FeatureTable, n_folds: int, seed: int, marked_rows: FloatArray | None = None
) -> PatientFolds:
    """Deal the patients into folds, those with a marked row (n,) evenly; intraplaque hemorrhage if left out.

    >>> from plaquecast.simulate.table import simulate_table
    >>> from plaquecast.settings import SimulateSettings
    >>> from plaquecast.predict.features import feature_table
    >>> features = feature_table(simulate_table(7, 0, SimulateSettings()).arteries)
    >>> folds = patient_folds(features, 3, seed=1)
    >>> sorted(np.bincount(folds.fold).tolist())
    [4, 4, 6]

    Raises:
        InputError: if there are fewer patients than folds.
    """
    patients, first, group = np.unique(features.patient_ids, return_index=True, return_inverse=True)
    if len(patients) < n_folds:
        raise InputError(
            expected=f"at least {n_folds} patients for {n_folds} folds",
            found=f"{len(patients)} patients",
            where="folds",
            remedy="Bring more patients, or set predict.outer_folds and predict.inner_folds lower.",
            code="too-few-patients",
        )
    rng = np.random.default_rng(seed)
    marked = np.zeros(len(patients))
    marks = column(features, STRATIFIED_BY) if marked_rows is None else marked_rows
    np.maximum.at(marked, group, np.nan_to_num(marks))
    order = np.lexsort((rng.random(len(first)), marked))
    dealt = np.empty(len(patients), dtype=np.intp)
    dealt[order] = np.arange(len(patients)) % n_folds
    return PatientFolds(features.patient_ids, dealt[group])


LEAST_OF_SITE = 20
"""A site with fewer patients says little about how a forecast travels; such sites are left out together."""


def site_folds(arteries: Sequence[BaselineArtery]) -> PatientFolds | None:
    """One fold per site, so that each is forecast from the others; None unless two sites have patients enough.

    Small sites, and patients whose site is not known, make one more fold.

    >>> from plaquecast.simulate.table import simulate_table
    >>> from plaquecast.settings import SimulateSettings
    >>> site_folds(simulate_table(4, 0, SimulateSettings()).arteries) is None
    True
    """
    site_of = {
        artery.patient_id: "" if isinstance(artery.clinical.site, Missing) else artery.clinical.site
        for artery in arteries
    }
    names, count = np.unique(list(site_of.values()), return_counts=True)
    large = [str(name) for name, n in zip(names, count, strict=True) if name and n >= LEAST_OF_SITE]
    if len(large) < 2:
        return None
    place = {name: index for index, name in enumerate(large)}
    patient_ids = np.array([artery.patient_id for artery in arteries])
    return PatientFolds(patient_ids, np.array([place.get(site_of[patient], len(large)) for patient in patient_ids]))
