"""Arteries with a map of their wall at two visits: simulated with published error, or those of a run."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from plaquecast.domain.anatomy import Side
from plaquecast.domain.change import Factor
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.learning import BaselineArtery, TargetTable
from plaquecast.domain.measurements import PUBLISHED_ERRORS
from plaquecast.errors import InputError
from plaquecast.pipeline.learning_data import read_learning_data
from plaquecast.predict.features import at_horizon, feature_table
from plaquecast.predict.validation import LEAST_PATIENTS
from plaquecast.predict.wall_inputs import WallHistory, WallInputs, wall_history, wall_inputs
from plaquecast.settings import SimulateSettings
from plaquecast.simulate.table import measured_people, simulate_table

SCORED = (Factor.WALL_THICKENING, Factor.WALL_VOLUME, Factor.PLAQUE_VOLUME, Factor.STENOSIS,
          Factor.LIPID_RICH_NECROTIC_CORE)  # fmt: skip
LOCAL_ERROR_MM = 0.15
"""SD of the thickness read at one place of one map (a third of a pixel at either contour), independent over places."""


@dataclass(frozen=True, slots=True, eq=False)
class Walls:
    """n mapped arteries: inputs, measured change of factors and of places; of simulated ones also the true change."""

    inputs: WallInputs
    measured: TargetTable
    walls: WallHistory
    true: TargetTable | None
    true_walls: WallHistory | None
    expected: Mapping[Factor, FloatArray] | None

    @property
    def scored(self) -> tuple[Factor, ...]:
        """The factors that were measured in patients enough for folds of them."""
        patients = self.inputs.features.patient_ids
        n_patients = {
            factor: len(np.unique(patients[np.isfinite(values)])) for factor, values in self.measured.values.items()
        }
        return tuple(factor for factor in SCORED if n_patients[factor] >= 2 * LEAST_PATIENTS)


def walls_of_run(run: Path, dataset: Path | None) -> Walls:
    """The mapped arteries of a run.

    Raises:
        InputError: if the run cannot be read, or holds no maps.
    """
    data = read_learning_data(run, dataset)
    rows = np.flatnonzero([artery.morphology.wall_map is not None for artery in data.arteries])
    if len(rows) == 0:
        raise InputError(
            expected="arteries with a map of their wall",
            found="none",
            where=run.name,
            remedy="Give a run over images, or simulate tables with --wall-maps.",
            code="no-maps",
        )
    arteries = [data.arteries[row] for row in rows]
    measured = data.measured.rows(rows)
    features = at_horizon(feature_table(arteries), measured.interval_years)
    known = data.true is not None and data.true_walls is not None
    return Walls(
        wall_inputs(arteries, features),
        measured,
        wall_rows(data.walls, rows),
        data.true.rows(rows) if data.true is not None else None,
        wall_rows(data.true_walls, rows) if known and data.true_walls is not None else None,
        None if data.expected is None else {factor: values[rows] for factor, values in data.expected.items()},
    )


def simulate_walls(n_patients: int, seed: int) -> Walls:
    """The cohort of `simulate_table` with the maps of both visits, each read with its own error."""
    settings = SimulateSettings()
    table = simulate_table(n_patients, seed, settings, wall_maps=True)
    rng = np.random.default_rng([seed, 1])
    arteries, read, true = [], ([], []), ([], [])
    people = measured_people(n_patients, seed, settings, PUBLISHED_ERRORS, wall_maps=True)
    for index, (person, _) in enumerate(people):
        for offset, side in enumerate(Side):
            for visit in (0, 1):
                wall = person.morphology[visit][side].wall_map
                assert wall is not None
                true[visit].append(wall)
                read[visit].append(replace(wall, wall_thickness_mm=_misread(wall.wall_thickness_mm, rng)))
            artery = table.arteries[2 * index + offset]
            morphology = replace(artery.morphology, wall_map=read[0][-1])
            arteries.append(BaselineArtery(artery.patient_id, artery.clinical, morphology))
    years = table.measured.interval_years
    features = at_horizon(feature_table(arteries), years)
    return Walls(
        wall_inputs(arteries, features), table.measured, wall_history(*read, years), table.true,
        wall_history(*true, years), table.expected,
    )  # fmt: skip


def _misread(thickness: FloatArray, rng: np.random.Generator) -> FloatArray:
    whole = PUBLISHED_ERRORS["mean_wall_thickness_mm"].absolute * rng.normal()
    return np.maximum(thickness + whole + LOCAL_ERROR_MM * rng.normal(size=thickness.shape), 0.2)


def wall_rows(walls: WallHistory, rows: np.ndarray) -> WallHistory:
    """The maps of some arteries."""
    return WallHistory(walls.thickness[rows], walls.thickening[rows])
