"""One artery's segmentation as BIDS files (label map, tissue fractions, plaque, sidecar), and back without loss."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from plaquecast.domain.anatomy import NOT_ANNOTATED, Side, Tissue, Weighting
from plaquecast.domain.grid import FloatArray, Grid
from plaquecast.domain.volume import ArterySegmentation, Centerline, LabelMap
from plaquecast.errors import InputError
from plaquecast.store.atomic import write_json, write_text
from plaquecast.store.bids import image_path, visit_folder, visit_stem
from plaquecast.store.spatial import read_nifti_array, write_nifti

_COLORS = {
    Tissue.LUMEN: "#d62728",
    Tissue.WALL: "#9ecae1",
    Tissue.CALCIFICATION: "#ffffff",
    Tissue.LIPID_RICH_NECROTIC_CORE: "#ffd92f",
    Tissue.INTRAPLAQUE_HEMORRHAGE: "#8c2d04",
    Tissue.FIBROUS_CAP: "#41ab5d",
    Tissue.LOOSE_MATRIX: "#807dba",
}


def write_segmentation(
    root: Path, patient_id: str, session_id: str, segmentation: ArterySegmentation, reference: Weighting
) -> Path:
    """Write one artery of one visit below a derivatives folder, and give the path of its label map.

    The sidecar holds all that NIfTI cannot: the exact grid (a NIfTI header keeps it in single precision only),
    axis, positions, confidences, coverage and the model. It is written last: where it stands, all is there.

    Args:
        root: the derivatives folder of one reader or one run.
        patient_id: code without `sub-`.
        session_id: name without `ses-`.
        segmentation: labels and all that belongs to them.
        reference: the weighting on (a crop of) whose grid the label map lies.
    """
    path = segmentation_path(root, patient_id, session_id, segmentation.side, "dseg")
    grid = segmentation.grid
    origin = image_path(Path(), patient_id, session_id, reference).as_posix()
    common = {"SpatialReference": f"bids:raw:{origin}", "ReferenceWeighting": reference.value}
    write_nifti(path, grid, segmentation.labels.array)
    write_text(_beside(path, ".tsv"), _label_table())
    if segmentation.probabilities is not None:
        fractions = segmentation_path(root, patient_id, session_id, segmentation.side, "probseg")
        write_nifti(fractions, grid, np.asarray(segmentation.probabilities, dtype=np.float32))
        write_json(_beside(fractions, ".json"), common | {"LabelMap": [tissue.label for tissue in Tissue]})
    if segmentation.plaque is not None:
        plaque = segmentation_path(root, patient_id, session_id, segmentation.side, "plaque")
        write_nifti(plaque, grid, np.asarray(segmentation.plaque, dtype=np.uint8))
        write_json(_beside(plaque, ".json"), common | {"Type": "Lesion"})
    write_json(_beside(path, ".json"), common | _sidecar(segmentation))
    return path


def read_segmentation(root: Path, patient_id: str, session_id: str, side: Side) -> ArterySegmentation:
    """Read back what `write_segmentation` wrote, equal to the last bit.

    Raises:
        InputError: if a file is missing or damaged, or the files do not belong together.
    """
    path = segmentation_path(root, patient_id, session_id, side, "dseg")
    sidecar = _read_sidecar(_beside(path, ".json"))
    try:
        grid = Grid(tuple(sidecar["Grid"]["Shape"]), np.array(sidecar["Grid"]["IndexToLpsMm"], dtype=np.float64))
        per_slice = sidecar["Slices"]
        fractions = segmentation_path(root, patient_id, session_id, side, "probseg")
        plaque = segmentation_path(root, patient_id, session_id, side, "plaque")
        return ArterySegmentation(
            side=Side(sidecar["Side"]),
            labels=LabelMap(grid, read_nifti_array(path, grid)),
            centerline=_centerline(sidecar),
            slice_position_mm=np.array(per_slice["PositionMm"], dtype=np.float64),
            slice_confidence=np.array(per_slice["Confidence"], dtype=np.float64),
            covered=np.array(per_slice["Covered"], dtype=np.bool_),
            model_id=str(sidecar["ModelId"]),
            probabilities=read_nifti_array(fractions, grid) if sidecar["HasProbabilities"] else None,
            plaque=read_nifti_array(plaque, grid).astype(np.bool_) if sidecar["HasPlaque"] else None,
        )
    except (KeyError, TypeError) as problem:
        raise _unreadable(_beside(path, ".json"), f"no entry {problem}") from problem


def read_centerline(root: Path, patient_id: str, session_id: str, side: Side) -> Centerline:
    """The axis of a stored segmentation, without its voxels.

    Raises:
        InputError: if the sidecar is missing or damaged.
    """
    path = _beside(segmentation_path(root, patient_id, session_id, side, "dseg"), ".json")
    try:
        return _centerline(_read_sidecar(path))
    except (KeyError, TypeError) as problem:
        raise _unreadable(path, f"no entry {problem}") from problem


def read_reference(root: Path, patient_id: str, session_id: str, side: Side) -> Weighting:
    """The weighting on whose grid a stored segmentation lies."""
    path = _beside(segmentation_path(root, patient_id, session_id, side, "dseg"), ".json")
    return Weighting(_read_sidecar(path)["ReferenceWeighting"])


def segmented_sides(root: Path, patient_id: str, session_id: str) -> tuple[Side, ...]:
    """The sides of which a whole segmentation is stored."""
    return tuple(
        side
        for side in Side
        if _beside(segmentation_path(root, patient_id, session_id, side, "dseg"), ".json").is_file()
    )


def segmentation_path(root: Path, patient_id: str, session_id: str, side: Side, kind: str) -> Path:
    """Where the label map (`dseg`), the tissue fractions (`probseg`) or the plaque mask (`plaque`) lies.

    >>> segmentation_path(Path("truth"), "017", "baseline", Side.LEFT, "plaque").name
    'sub-017_ses-baseline_space-orig_label-plaque_desc-carotidL_mask.nii.gz'
    """
    middle, suffix = ("label-plaque_", "mask") if kind == "plaque" else ("", kind)
    name = f"{visit_stem(patient_id, session_id)}_space-orig_{middle}desc-carotid{side.letter}_{suffix}.nii.gz"
    return visit_folder(root, patient_id, session_id) / name


def segmentation_files(root: Path, patient_id: str, session_id: str, side: Side) -> tuple[Path, ...]:
    """Every file of one stored segmentation that is there."""
    images = [segmentation_path(root, patient_id, session_id, side, kind) for kind in ("dseg", "probseg", "plaque")]
    files = [path for image in images for path in (image, _beside(image, ".json"), _beside(image, ".tsv"))]
    return tuple(path for path in files if path.is_file())


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name.removesuffix(".nii.gz") + ending)


def _sidecar(segmentation: ArterySegmentation) -> dict[str, object]:
    grid, axis = segmentation.grid, segmentation.centerline
    return {
        "Side": segmentation.side.value,
        "ModelId": segmentation.model_id,
        "Manual": False,
        "HasProbabilities": segmentation.probabilities is not None,
        "HasPlaque": segmentation.plaque is not None,
        "Grid": {"Shape": list(grid.shape), "IndexToLpsMm": grid.affine.tolist()},
        "Slices": {
            "PositionMm": _numbers(segmentation.slice_position_mm),
            "Confidence": _numbers(segmentation.slice_confidence),
            "Covered": np.asarray(segmentation.covered, dtype=np.bool_).tolist(),
        },
        "Centerline": {
            "PointsMm": [_numbers(point) for point in axis.points_mm],
            "PositionMm": _numbers(axis.position_mm),
            "BifurcationConfidence": axis.bifurcation_confidence,
        },
    }


def _numbers(values: FloatArray) -> list[float | str]:
    """Numbers for JSON to the last bit; JSON has no word for what is not finite, so that is spelled out."""
    return [value if np.isfinite(value) else str(value) for value in np.asarray(values, dtype=np.float64).tolist()]


def _label_table() -> str:
    rows = ["index\tname\tcolor", f"{int(Tissue.BACKGROUND)}\t{Tissue.BACKGROUND.label}\t#000000"]
    rows += [f"{int(tissue)}\t{tissue.label}\t{color}" for tissue, color in _COLORS.items()]
    rows.append(f"{NOT_ANNOTATED}\tnot_annotated\t#7f7f7f")
    return "\n".join(rows) + "\n"


def _centerline(sidecar: dict[str, Any]) -> Centerline:
    axis = sidecar["Centerline"]
    return Centerline(
        np.array(axis["PointsMm"], dtype=np.float64),
        np.array(axis["PositionMm"], dtype=np.float64),
        float(axis["BifurcationConfidence"]),
    )


def _read_sidecar(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise _unreadable(path, f"{type(problem).__name__}: {problem}") from problem


def _unreadable(path: Path, found: str) -> InputError:
    return InputError(
        expected="the sidecar of a stored segmentation",
        found=found,
        where=path.name,
        remedy="Segment this visit again, or fetch the file again from its source.",
        code="segmentation-sidecar",
    )
