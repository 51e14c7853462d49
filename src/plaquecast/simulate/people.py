"""What a simulated patient is: two visits with images, and everything that is true about them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plaquecast.domain.anatomy import Side, Weighting
from plaquecast.domain.change import Factor
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.learning import BaselineArtery, TargetTable
from plaquecast.domain.missing import Measured
from plaquecast.domain.morphology import ArteryMorphology
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.visit import Visit
from plaquecast.domain.volume import ArterySegmentation


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedVisit:
    """One visit as a scanner would give it, and its truth.

    `visit` holds each weighting on its own grid, shifted as patients move between weightings.
    `truth[side]` lies on a crop of the reference weighting's grid; its probabilities are the true tissue
    fractions of each voxel. `transforms[w]` takes reference points to points of weighting `w`;
    `neck_from_model` takes points of the patient's own anatomical space to scanner points of the reference.
    """

    visit: Visit
    reference: Weighting
    truth: Mapping[Side, ArterySegmentation]
    morphology: Mapping[Side, ArteryMorphology]
    transforms: Mapping[Weighting, RigidTransform]
    neck_from_model: RigidTransform


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedPatient:
    """One patient: visits by date, true change per year, and the change to be expected from the inputs (oracle).

    `true_change[side][factor]` and `expected_change[side][factor]` are per year, in the factor's unit.
    """

    patient_id: str
    visits: tuple[SimulatedVisit, ...]
    true_change: Mapping[Side, Mapping[Factor, Measured]]
    expected_change: Mapping[Side, Mapping[Factor, Measured]]


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedTable:
    """A cohort as tables: n arteries with measured baselines, and their change measured, true and expected."""

    arteries: tuple[BaselineArtery, ...]
    true_baseline: tuple[ArteryMorphology, ...]
    measured: TargetTable
    true: TargetTable
    expected: Mapping[Factor, FloatArray]
    patient_ids: NDArray[np.str_]
