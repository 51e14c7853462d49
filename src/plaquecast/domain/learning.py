"""What a progression model learns from: arteries grouped by patient, with nothing of the follow-up in the features."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plaquecast.domain.anatomy import Side
from plaquecast.domain.change import Factor
from plaquecast.domain.clinical import ClinicalRecord
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.morphology import ArteryMorphology
from plaquecast.errors import InputError


@dataclass(frozen=True, slots=True, eq=False)
class BaselineArtery:
    """All that a forecast may look at: one artery at the first visit and the structured data of that visit."""

    patient_id: str
    clinical: ClinicalRecord
    morphology: ArteryMorphology

    @property
    def side(self) -> Side:
        """The side of the artery."""
        return self.morphology.side


@dataclass(frozen=True, slots=True, eq=False)
class FeatureTable:
    """Features of n arteries: `values` float64 (n, p), NaN where a feature is missing in that row.

    `patient_ids` (n,) is the group of each row: every split keeps the rows of one patient together.
    """

    patient_ids: NDArray[np.str_]
    sides: tuple[Side, ...]
    columns: tuple[str, ...]
    values: FloatArray

    def __post_init__(self) -> None:
        n_rows = len(self.patient_ids)
        if self.values.shape != (n_rows, len(self.columns)) or len(self.sides) != n_rows:
            raise InputError(
                expected=f"{n_rows} rows and {len(self.columns)} columns",
                found=f"values of shape {self.values.shape}",
                where="feature table",
                remedy="Give one patient, one side and one row of values per artery.",
                code="feature-shape",
            )

    def rows(self, index: NDArray[np.intp]) -> "FeatureTable":
        """The table of the given rows, in the given order."""
        return FeatureTable(
            self.patient_ids[index], tuple(self.sides[i] for i in index), self.columns, self.values[index]
        )


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """What a model of one factor learns from, for n arteries; NaN where the change was not measured.

    `measured` (n,) is change per year as it was measured, `corrected` (n,) the same freed of regression to the mean.
    `shared` (n,) is the growth of the wall that several factors show at once, in SDs: less noisy than any of them.
    `weights` (n,) are relative precisions. `reliability` is the share of the variance of measured change that is not
    its error, which no forecast of measured change can pass; it may be below 0 when there is nothing but error.
    """

    measured: FloatArray
    corrected: FloatArray
    shared: FloatArray
    weights: FloatArray
    reliability: float


@dataclass(frozen=True, slots=True, eq=False)
class TargetTable:
    """Change per year of the same n arteries: `values[factor]` float64 (n,), NaN where not measured.

    `error_per_year[factor]` (n,) is one SD of each value; `interval_years` (n,) the time between the visits.
    `censored[factor]` bool (n,): a value known only as "below resolution".
    """

    values: Mapping[Factor, FloatArray]
    error_per_year: Mapping[Factor, FloatArray]
    interval_years: FloatArray
    censored: Mapping[Factor, NDArray[np.bool_]]

    def rows(self, index: NDArray[np.intp]) -> "TargetTable":
        """The table of the given rows, in the given order."""
        return TargetTable(
            {factor: values[index] for factor, values in self.values.items()},
            {factor: values[index] for factor, values in self.error_per_year.items()},
            self.interval_years[index],
            {factor: values[index] for factor, values in self.censored.items()},
        )
