"""Hypothesis strategies: things of the domain as the store has to keep them, with every kind of missing."""

import string
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from plaquecast.domain.anatomy import N_TISSUES, Side, Weighting
from plaquecast.domain.change import ChangeFactor, Factor, Verdict
from plaquecast.domain.clinical import ClinicalRecord, DrinkingHistory, Sex, SmokingHistory
from plaquecast.domain.clinical_columns import CLINICAL_CATALOGUE, MISSING_MARKS, YES_NO, ClinicalColumn
from plaquecast.domain.grid import Grid
from plaquecast.domain.missing import Measured, Missing, Reason
from plaquecast.domain.morphology import ArteryMorphology, SliceMorphology, WallMap
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.volume import ArterySegmentation, Centerline, LabelMap

codes = st.text(string.ascii_letters + string.digits, min_size=1, max_size=12)
details = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=20)
missing = st.builds(Missing, st.sampled_from(Reason), details)
numbers = st.floats(allow_nan=False, allow_infinity=False)
measured = st.one_of(numbers, missing)
shares = st.floats(0.0, 1.0)


@st.composite
def rigid_transforms(draw: Callable[..., Any]) -> RigidTransform:
    """Any rotation with a shift within a neck."""
    angles = draw(st.tuples(*[st.floats(-180.0, 180.0)] * 3))
    return RigidTransform.from_euler(angles, draw(st.tuples(*[st.floats(-300.0, 300.0)] * 3)))


@st.composite
def grids(draw: Callable[..., Any]) -> Grid:
    """Any orientation, mirrored or not, with spacings of real scans."""
    shape = draw(st.tuples(*[st.integers(1, 6)] * 3))
    affine = np.eye(4)
    affine[:3, :3] = draw(rigid_transforms()).matrix_mm[:3, :3] @ np.diag(draw(st.tuples(*[st.floats(0.1, 6.0)] * 3)))
    affine[:3, :3] = affine[:3, draw(st.permutations(range(3)))]
    affine[:3, 3] = draw(st.tuples(*[st.floats(-300.0, 300.0)] * 3))
    return Grid(shape, affine)


@st.composite
def centerlines(draw: Callable[..., Any]) -> Centerline:
    """An axis of two to eight points."""
    n_points = draw(st.integers(2, 8))
    steps = draw(hnp.arrays(np.float64, n_points, elements=st.floats(0.1, 3.0)))
    points = draw(hnp.arrays(np.float64, (n_points, 3), elements=st.floats(-300.0, 300.0)))
    return Centerline(points, np.cumsum(steps) - 10.0, draw(shares))


@st.composite
def segmentations(draw: Callable[..., Any]) -> ArterySegmentation:
    """One artery with or without fractions and plaque mask, positions that may be unknown included."""
    grid = draw(grids())
    labels = draw(hnp.arrays(np.uint8, grid.shape, elements=st.sampled_from([*range(N_TISSUES), 255])))
    unit = st.floats(0.0, 1.0, width=32)
    fractions = draw(st.none() | hnp.arrays(np.float32, (N_TISSUES, *grid.shape), elements=unit))
    return ArterySegmentation(
        side=draw(st.sampled_from(Side)),
        labels=LabelMap(grid, labels),
        centerline=draw(centerlines()),
        slice_position_mm=draw(hnp.arrays(np.float64, grid.shape[0], elements=st.floats(-50, 50) | st.just(np.nan))),
        slice_confidence=draw(hnp.arrays(np.float64, grid.shape[0], elements=st.floats(0.0, 1.0))),
        covered=draw(hnp.arrays(np.bool_, grid.shape[0])),
        model_id=draw(details),
        probabilities=fractions,
        plaque=draw(st.none() | hnp.arrays(np.bool_, grid.shape)),
    )


def _of_measured(kind: type, **other: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    entries = {entry.name: measured for entry in fields(kind) if entry.type == Measured}
    return st.builds(kind, **(entries | other))


@st.composite
def wall_maps(draw: Callable[..., Any]) -> WallMap:
    """An unwrapped wall with slices that were not covered."""
    shape = draw(st.tuples(st.integers(1, 4), st.integers(1, 5)))
    thickness = st.floats(0.0, 10.0) | st.just(np.nan)
    shown = draw(st.sets(st.sampled_from(Weighting), max_size=3))
    bright = hnp.arrays(np.float64, shape, elements=st.floats(0.0, 4e3))
    return WallMap(
        position_mm=np.cumsum(draw(hnp.arrays(np.float64, shape[0], elements=st.floats(0.5, 3.0)))) - 5.0,
        angle_degrees=np.arange(shape[1]) * 360.0 / shape[1],
        wall_thickness_mm=draw(hnp.arrays(np.float64, shape, elements=thickness)),
        tissue=draw(hnp.arrays(np.uint8, shape, elements=st.integers(0, N_TISSUES - 1))),
        intensity={weighting: draw(bright) for weighting in Weighting if weighting in shown},
    )


sections = _of_measured(SliceMorphology, position_mm=numbers, confidence=shares)


def arteries(side: Side) -> st.SearchStrategy[ArteryMorphology]:
    """Measurements of one artery of the given side."""
    return _of_measured(
        ArteryMorphology,
        side=st.just(side),
        slices=st.lists(sections, max_size=3).map(tuple),
        confidence=shares,
        model_id=details,
        wall_map=st.none() | wall_maps(),
    )


changes = _of_measured(
    ChangeFactor,
    factor=st.sampled_from(Factor),
    side=st.none() | st.sampled_from(Side),
    verdict=st.none() | st.sampled_from(Verdict),
)


def _clinical_values(column: ClinicalColumn) -> st.SearchStrategy[Any]:
    if column.is_number:
        return st.floats(column.low, column.high)
    if column.words == YES_NO:
        return st.booleans()
    words = {"sex": Sex, "smoking_history": SmokingHistory, "drinking_history": DrinkingHistory}
    return (
        st.sampled_from(words[column.name]) if column.words else codes.filter(lambda c: c.lower() not in MISSING_MARKS)
    )


absent = st.just(Missing(Reason.ABSENT))


def _goes_together(record: ClinicalRecord) -> ClinicalRecord:
    """The record without what a reader rightly doubts: a diastolic pressure above the systolic, a body of no human."""
    high, low = record.systolic_pressure_mmhg, record.diastolic_pressure_mmhg
    if not isinstance(high, Missing) and not isinstance(low, Missing) and high <= low:
        record = replace(record, diastolic_pressure_mmhg=Missing(Reason.ABSENT))
    index = record.body_mass_index
    if not isinstance(index, Missing) and not 15.0 <= index <= 50.0:
        record = replace(record, height_cm=Missing(Reason.ABSENT))
    return record


records = st.builds(
    ClinicalRecord, **{name: absent | _clinical_values(column) for name, column in CLINICAL_CATALOGUE.items()}
).map(_goes_together)
dates = st.dates(date(1900, 1, 2), date(2024, 12, 31))
