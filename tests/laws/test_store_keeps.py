"""Law of the store: what is written and read again is the same thing, to the last bit."""

import tempfile
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests import strategies_store as known

from plaquecast.domain.anatomy import Side, Weighting
from plaquecast.domain.change import ChangeFactor
from plaquecast.domain.clinical import ClinicalRecord
from plaquecast.domain.missing import Missing
from plaquecast.domain.morphology import ArteryMorphology
from plaquecast.domain.volume import ArterySegmentation
from plaquecast.store.change_tables import PatientChange, read_change_factors_table, write_change_factors_table
from plaquecast.store.json_values import from_json_value, to_json_value
from plaquecast.store.morphology_files import read_arteries, read_changes, write_arteries, write_changes
from plaquecast.store.segmentations import (
    read_centerline,
    read_reference,
    read_segmentation,
    segmented_sides,
    write_segmentation,
)
from plaquecast.store.spatial import ras_of_lps, read_nifti_array, write_nifti
from plaquecast.store.tables import (
    MeasuredArtery,
    read_arteries_tables,
    write_arteries_table,
    write_slices_table,
    write_wall_maps_table,
)


def same(one: Any, other: Any) -> bool:
    """Equal to the last bit, arrays, their number types and NaN included."""
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    if is_dataclass(one):
        return type(one) is type(other) and all(
            same(getattr(one, entry.name), getattr(other, entry.name)) for entry in fields(one)
        )
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    return type(one) is type(other) and bool(one == other)


@given(known.grids())
def test_left_right_and_axis_order_of_an_affine_come_back(grid):
    assert (ras_of_lps(ras_of_lps(grid.affine)) == grid.affine).all()


@given(known.grids(), st.integers(0, 2**32 - 1))
def test_voxels_come_back(grid, seed):
    array = np.random.default_rng(seed).normal(size=grid.shape).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.nii.gz"
        write_nifti(path, grid, array)
        assert same(array, read_nifti_array(path, grid))


@given(known.segmentations(), known.codes, st.sampled_from(Weighting))
def test_a_segmentation_comes_back(segmentation: ArterySegmentation, code, reference):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_segmentation(root, code, "baseline", segmentation, reference)
        assert segmented_sides(root, code, "baseline") == (segmentation.side,)
        assert read_reference(root, code, "baseline", segmentation.side) is reference
        assert same(segmentation, read_segmentation(root, code, "baseline", segmentation.side))
        assert same(segmentation.centerline, read_centerline(root, code, "baseline", segmentation.side))


@given(known.arteries(Side.LEFT), known.missing)
def test_measurements_come_back_from_their_file(left: ArteryMorphology, right: Missing):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "arteries.json.gz"
        write_arteries(path, {Side.LEFT: left, Side.RIGHT: right})
        assert same({Side.LEFT: left, Side.RIGHT: right}, read_arteries(path))


@given(st.lists(known.changes, max_size=4))
def test_changes_come_back_from_their_file(changes: list[ChangeFactor]):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "changes.json"
        write_changes(path, changes)
        assert same(tuple(changes), read_changes(path))


@given(known.records)
def test_structured_data_come_back_from_json(record: ClinicalRecord):
    assert same(record, from_json_value(ClinicalRecord, to_json_value(record)))


@given(known.arteries(Side.LEFT), st.one_of(known.missing, known.arteries(Side.RIGHT)), known.codes)
def test_measurements_come_back_from_tables(left, right, code):
    entries = (
        MeasuredArtery(code, "baseline", Side.LEFT, left),
        MeasuredArtery(code, "baseline", Side.RIGHT, right),
    )
    with tempfile.TemporaryDirectory() as folder:
        for write in (write_arteries_table, write_slices_table, write_wall_maps_table):
            write(Path(folder), entries)
        assert same(entries, read_arteries_tables(Path(folder)))


@given(st.lists(known.changes, max_size=4), known.codes)
def test_changes_come_back_from_their_table(changes, code):
    entries = tuple(PatientChange(code, change) for change in changes)
    with tempfile.TemporaryDirectory() as folder:
        write_change_factors_table(Path(folder), entries)
        assert same(entries, read_change_factors_table(Path(folder)))
