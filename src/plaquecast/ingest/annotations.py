"""Annotated label maps of a visit, one folder in `derivatives` per reader, on the grid of its reference image."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plaquecast.domain.anatomy import N_TISSUES, NOT_ANNOTATED, Side, Tissue
from plaquecast.domain.grid import FloatArray, Grid
from plaquecast.domain.visit import AlignedVisit
from plaquecast.domain.volume import ArterySegmentation, Centerline, LabelMap
from plaquecast.errors import InputError
from plaquecast.ingest.annotation_axis import axis_of_labels
from plaquecast.ingest.annotation_checks import GRID_TOLERANCE_MM, check_grid, check_lumen, check_side
from plaquecast.ingest.door import read_json_object
from plaquecast.ingest.nifti import read_nifti_array
from plaquecast.ingest.text_table import read_text_table
from plaquecast.settings import IngestSettings


def read_annotations(
    root: Path, name: str, visit: AlignedVisit, settings: IngestSettings
) -> dict[Side, ArterySegmentation]:
    """Read what a reader annotated of one visit; a side without a label map is left out.

    The label map lies on the grid of the visit's reference weighting or on a box of whole voxels of it. In it, 255 is
    "not judged", and a slice counts as annotated where it has lumen. Beside it, each optional: a label table `.tsv`
    (`index`, `name`), if the values are not the project's; a sidecar `.json` with `BifurcationLpsMm`, the tip of the
    flow divider, or with the axis as the project itself writes it; tissue fractions; a plaque mask.

    Args:
        root: folder of the dataset.
        name: folder of the reader in `derivatives`.
        visit: the aligned visit; its grid is that of the reference weighting.
        settings: the largest file and image.

    Raises:
        InputError: if a label map is damaged, lies elsewhere, has labels of unknown meaning, has no lumen or an open
            one, or lies on the other side of the neck than its name says.
    """
    found = {}
    for side in Side:
        path = annotation_path(root / "derivatives" / name, visit.patient_id, visit.session_id, side, "dseg")
        if path.is_file():
            found[side] = _read_side(path, side, visit, settings)
    centers = {side: float(artery.centerline.points_mm[:, 0].mean()) for side, artery in found.items()}
    if len(centers) == 2 and centers[Side.LEFT] <= centers[Side.RIGHT]:
        where = f"sub-{visit.patient_id} ses-{visit.session_id}"
        expected, answer = "the left artery on the patient's left (+x)", "left and right the other way round"
        raise _refused(where, expected, answer, "Swap the names of the two label maps.", "side-swapped")
    return found


def annotation_path(root: Path, patient_id: str, session_id: str, side: Side, kind: str) -> Path:
    """Where the label map (`dseg`), the tissue fractions (`probseg`) or the plaque mask (`plaque`) is looked for.

    >>> annotation_path(Path("reader1"), "017", "baseline", Side.LEFT, "dseg").name
    'sub-017_ses-baseline_space-orig_desc-carotidL_dseg.nii.gz'
    """
    stem = f"sub-{patient_id}_ses-{session_id}_space-orig"
    middle, suffix = ("label-plaque_", "mask") if kind == "plaque" else ("", kind)
    folder = root / f"sub-{patient_id}" / f"ses-{session_id}" / "anat"
    return folder / f"{stem}_{middle}desc-carotid{side.letter}_{suffix}.nii.gz"


def artery_of_labels(
    labels: LabelMap, side: Side, reference: Grid, bifurcation_mm: FloatArray | None, reader: str, where: str
) -> ArterySegmentation:
    """One annotated artery from its label map alone, checked like those of a dataset.

    Args:
        labels: on the reference grid, or on a box of whole voxels of it.
        side: the patient's own side.
        reference: grid of the visit's reference image.
        bifurcation_mm: the tip of the flow divider, LPS mm, or None if it is not known.
        reader: who annotated.
        where: what to call the annotation in messages.

    Raises:
        InputError: as `read_annotations`.
    """
    check_grid(labels.grid, reference, where)
    covered = _covered(labels, where)
    axis, positions = axis_of_labels(labels, covered, bifurcation_mm)
    check_side(side, axis, reference, where)
    return ArterySegmentation(
        side, labels, axis, positions, covered.astype(np.float64), covered, f"annotation {reader}"
    )


def _covered(labels: LabelMap, where: str, judged: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
    """Slices that were annotated: those with a lumen; the lumen has to lie in a wall."""
    covered = np.array([(plane == Tissue.LUMEN).any() for plane in labels.array])
    if judged is not None:
        covered &= judged
    if not covered.any():
        raise _refused(where, "a lumen", "none", "Annotate the lumen, or remove the file.", "empty-annotation")
    check_lumen(labels, where)
    return covered


def _read_side(path: Path, side: Side, visit: AlignedVisit, settings: IngestSettings) -> ArterySegmentation:
    sidecar = read_json_object(_beside(path))
    labels = read_label_map(path, settings)
    check_grid(labels.grid, visit.grid, path.name)
    n_slices = labels.grid.shape[0]
    covered = _covered(labels, path.name, np.array(_per_slice(sidecar, "Covered", [True] * n_slices, path), dtype=bool))
    centerline, positions = _axis(labels, covered, sidecar, path)
    check_side(side, centerline, visit.grid, path.name)
    confidence = _per_slice(sidecar, "Confidence", covered.astype(float).tolist(), path)
    return ArterySegmentation(
        side=side,
        labels=labels,
        centerline=centerline,
        slice_position_mm=positions,
        slice_confidence=np.array(confidence, dtype=np.float64),
        covered=covered,
        model_id=str(sidecar.get("ModelId", f"annotation {path.parents[3].name}")),
        probabilities=_fractions(path, labels.grid, settings),
        plaque=_plaque(path, labels.grid, settings),
    )


def read_label_map(path: Path, settings: IngestSettings) -> LabelMap:
    """Read a NIfTI label map; its label table `.tsv`, if it lies beside it, says what the values mean.

    Raises:
        InputError: if the file is damaged, or a label has no known meaning.
    """
    array, affine = read_nifti_array(path, settings, path.name)
    remedy = "Mend the labels, or describe them in the label table beside the file (columns index and name)."
    whole = np.rint(array)
    if (whole != array).any() or (whole < 0).any() or (whole > NOT_ANNOTATED).any():
        found = f"values from {array.min():g} to {array.max():g}"
        raise _refused(path.name, "whole labels from 0 to 255", found, remedy, "unknown-label")
    values = whole.astype(np.uint8)
    meaning = _label_table(path.with_name(path.name.removesuffix(".nii.gz") + ".tsv"))
    unnamed = sorted(set(np.unique(values).tolist()) - meaning.keys())
    if unnamed:
        raise _refused(path.name, f"labels {sorted(meaning)}", f"labels {unnamed}", remedy, "unknown-label")
    for label, tissue in meaning.items():
        values[whole == label] = tissue
    try:
        labels = LabelMap(Grid((array.shape[0], array.shape[1], array.shape[2]), affine), values)
    except InputError as problem:
        raise _refused(path.name, problem.expected, problem.found, remedy, problem.code) from problem
    return labels


def _label_table(path: Path) -> dict[int, int]:
    """From the labels of the file to ours: by the names in its table, or as they are if there is no table."""
    names = {tissue.label: int(tissue) for tissue in Tissue} | {"not_annotated": NOT_ANNOTATED}
    if not path.is_file():
        return {label: label for label in names.values()}
    meaning = {0: int(Tissue.BACKGROUND)}
    for number, row in read_text_table(path).rows:
        name, index = row.get("name", "").strip().casefold().replace(" ", "_"), row.get("index", "")
        if name not in names or not index.isdecimal() or int(index) > NOT_ANNOTATED:
            expected = f"index 0 to 255 and name, one of {', '.join(names)}"
            found = f"{row.get('index', '')[:8]!r}, {row.get('name', '')[:40]!r}"
            raise _refused(f"row {number} of {path.name}", expected, found, "Mend the row.", "label-table")
        meaning[int(index)] = names[name]
    return meaning


def _axis(
    labels: LabelMap, covered: NDArray[np.bool_], sidecar: Mapping[str, Any], path: Path
) -> tuple[Centerline, FloatArray]:
    try:
        if "Centerline" in sidecar:
            axis = sidecar["Centerline"]
            points, along = np.array(axis["PointsMm"], dtype=float), np.array(axis["PositionMm"], dtype=float)
            line = Centerline(points, along, float(axis["BifurcationConfidence"]))
            unknown = [float("nan")] * len(covered)
            return line, np.array(_per_slice(sidecar, "PositionMm", unknown, path), dtype=np.float64)
        bifurcation = sidecar.get("BifurcationLpsMm")
        point = None if bifurcation is None else np.array(bifurcation, dtype=np.float64).reshape(3)
    except (KeyError, TypeError, ValueError) as problem:
        found = f"{type(problem).__name__}: {problem}"[:80]
        remedy = "Mend the sidecar; BifurcationLpsMm holds three numbers."
        raise _refused(_beside(path).name, "an axis or a bifurcation", found, remedy, "sidecar-unreadable") from problem
    return axis_of_labels(labels, covered, point)


def _per_slice(sidecar: Mapping[str, Any], key: str, default: list[Any], path: Path) -> list[Any]:
    slices = sidecar.get("Slices")
    values = slices.get(key, default) if isinstance(slices, Mapping) else default
    if not isinstance(values, list) or len(values) != len(default):
        found = f"{len(values) if isinstance(values, list) else 'no'} values"
        where = f"{key} of {_beside(path).name}"
        remedy = "Make the sidecar again; it belongs to another label map."
        raise _refused(where, f"one value for each of {len(default)} slices", found, remedy, "sidecar-unreadable")
    return values


def _fractions(path: Path, grid: Grid, settings: IngestSettings) -> NDArray[np.float32] | None:
    beside = path.with_name(path.name.replace("_dseg.nii.gz", "_probseg.nii.gz"))
    if not beside.is_file():
        return None
    array, affine = read_nifti_array(beside, settings, beside.name, N_TISSUES)
    _check_same_grid(array.shape[1:], affine, grid, beside.name)
    total = array.sum(axis=0, dtype=np.float64)
    if not (array.min() >= 0 and np.abs(total - 1).max() <= 1e-3):  # single precision keeps 1e-6; also refuses NaN
        found = f"values from {array.min():g} with sums from {total.min():g} to {total.max():g}"
        raise _refused(beside.name, "fractions that sum to 1", found, "Make the file again.", "fractions")
    return array.astype(np.float32)


def _plaque(path: Path, grid: Grid, settings: IngestSettings) -> NDArray[np.bool_] | None:
    name = path.name.replace("_desc-carotid", "_label-plaque_desc-carotid").replace("_dseg.", "_mask.")
    beside = path.with_name(name)
    if not beside.is_file():
        return None
    array, affine = read_nifti_array(beside, settings, name)
    _check_same_grid(array.shape, affine, grid, name)
    if not np.isin(array, (0, 1)).all():
        found = f"values from {array.min():g} to {array.max():g}"
        raise _refused(name, "a mask of 0 and 1", found, "Make the mask again.", "unknown-label")
    return array.astype(np.bool_)


def _check_same_grid(shape: tuple[int, ...], affine: FloatArray, grid: Grid, name: str) -> None:
    if shape != grid.shape or not Grid(grid.shape, affine).matches(grid, GRID_TOLERANCE_MM):
        found = f"shape {shape} or another place"
        raise _refused(name, "the grid of the label map beside it", found, "Make the file again.", "annotation-grid")


def _beside(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(".nii.gz") + ".json")


def _refused(where: str, expected: str, found: str, remedy: str, code: str) -> InputError:
    return InputError(expected=expected, found=found, where=where, remedy=remedy, code=code)
