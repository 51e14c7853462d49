"""A small dataset on disk, written by our own writers: clean as it is made, to be broken by a test in one way."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from plaquecast.domain.anatomy import Side, Weighting
from plaquecast.domain.clinical import ClinicalRecord, DrinkingHistory, Sex, SmokingHistory
from plaquecast.domain.grid import Grid
from plaquecast.domain.visit import Visit
from plaquecast.domain.volume import ArterySegmentation, Centerline, LabelMap, Volume
from plaquecast.settings import IngestSettings
from plaquecast.store.bids import write_dataset_description, write_image, write_participants, write_sessions

GRID = Grid.axis_aligned((4, 12, 10), (2.0, 0.6, 0.5), (-3.0, 5.0, 40.0))
SMALL_IMAGES = IngestSettings(min_signal_to_noise=0.1, min_coverage_mm=1.0, min_field_of_view_mm=1.0)
"""Settings under which images of a few voxels of noise pass the gate of image quality."""

PATIENTS = ("01", "02", "03")
WEIGHTINGS = (Weighting.T1W, Weighting.T2W, Weighting.TOF)
DAYS = {"baseline": date(2019, 3, 1), "followup": date(2021, 3, 1)}
SEXES = dict(zip(PATIENTS, (Sex.FEMALE, Sex.MALE, Sex.FEMALE), strict=True))

RECORD = ClinicalRecord(
    sex=Sex.FEMALE,
    age_years=64.25,
    weight_kg=80.5,
    height_cm=171.0,
    smoking_history=SmokingHistory.FORMER,
    drinking_history=DrinkingHistory.MODERATE,
    systolic_pressure_mmhg=141.0,
    glucose_mmol_per_l=5.7,
    statin=True,
    antiplatelet=False,
    site="A1",
)


def random_volume(weighting: Weighting, seed: int, grid: Grid = GRID) -> Volume:
    """Intensities that no other seed gives."""
    return Volume(grid, np.random.default_rng(seed).normal(100.0, 20.0, grid.shape).astype(np.float32), weighting)


def visits_of(patient_id: str, days: Mapping[str, date] = DAYS) -> tuple[Visit, ...]:
    """Two visits with three weightings each; the record's age follows the dates."""
    visits = []
    for n_visit, (session_id, day) in enumerate(days.items()):
        seeds = [1000 * int(patient_id) + 10 * n_visit + n for n in range(len(WEIGHTINGS))]
        volumes = {w: random_volume(w, seed) for w, seed in zip(WEIGHTINGS, seeds, strict=True)}
        record = replace(RECORD, sex=SEXES[patient_id], age_years=64.25 + (day - DAYS["baseline"]).days / 365.25)
        visits.append(Visit(patient_id, session_id, day, volumes, record))
    return tuple(visits)


def write_small_dataset(root: Path) -> Path:
    """Three patients, two visits each."""
    write_dataset_description(root, "small", simulated=True)
    write_participants(root, SEXES)
    for patient_id in PATIENTS:
        visits = visits_of(patient_id)
        write_sessions(root, patient_id, visits)
        for visit in visits:
            for volume in visit.volumes.values():
                write_image(root, patient_id, visit.session_id, volume)
    return root


def random_segmentation(side: Side, seed: int) -> ArterySegmentation:
    """Labels, fractions and plaque without any likeness to an artery, on a crop of the grid."""
    rng = np.random.default_rng(seed)
    grid = GRID.crop((1, 2, 1), (2, 6, 7))
    labels = rng.integers(0, 8, grid.shape).astype(np.uint8)
    return ArterySegmentation(
        side=side,
        labels=LabelMap(grid, labels),
        centerline=Centerline(rng.normal(size=(5, 3)), np.linspace(-8.0, 8.0, 5), 0.75),
        slice_position_mm=np.array([-1.0, 1.0]),
        slice_confidence=np.array([0.5, 0.9]),
        covered=np.array([True, False]),
        model_id="made by hand",
        probabilities=rng.dirichlet(np.ones(8), grid.shape).astype(np.float32).transpose(3, 0, 1, 2),
        plaque=labels > 2,
    )
