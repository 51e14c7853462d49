"""The main path of an annotation: a file of any tool becomes a reader's label map beside the dataset."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from plaquecast.domain.anatomy import WALL_WEIGHTINGS, Side, Weighting
from plaquecast.domain.dataset import VisitSource
from plaquecast.errors import InputError
from plaquecast.ingest.annotation_files import CascadeHabits, read_annotation_file
from plaquecast.ingest.annotations import artery_of_labels
from plaquecast.ingest.dataset import read_dataset
from plaquecast.ingest.drawn import drawn_names
from plaquecast.ingest.nifti import read_nifti
from plaquecast.settings import Settings
from plaquecast.store.bids import checked_code, write_dataset_description
from plaquecast.store.segmentations import write_segmentation


def import_annotation(
    dataset: Path,
    file: Path,
    patient_id: str,
    session_id: str,
    side: Side,
    reader: str,
    names: Sequence[str],
    bifurcation_mm: Sequence[float] | None,
    cascade: CascadeHabits | None,
    settings: Settings,
) -> Path:
    """Read one artery of one visit as a reader annotated it, check it, and write it as BIDS; give the label map's path.

    Args:
        dataset: folder of the BIDS dataset; the label map goes to `derivatives/<reader>` in it.
        file: NIfTI labels, `.seg.nrrd`, `.QVS`, DICOM SEG or RTSTRUCT, drawn on the visit's reference image.
        patient_id: the patient's code.
        session_id: the visit.
        side: the patient's own side.
        reader: who annotated; letters and digits.
        names: what names of regions mean, as `NAME=TISSUE`.
        bifurcation_mm: the tip of the flow divider, LPS mm; without it positions along the artery are not known.
        cascade: how the contours of a `.QVS` lie.
        settings: all settings.

    Raises:
        InputError: if patient or visit are not there, or the annotation cannot be read or does not fit.
    """
    found = read_dataset(dataset)
    patient = found.patient(patient_id)
    visit = patient.visit(session_id)
    reference = _reference(visit)
    grid = read_nifti(visit.images[reference], reference, settings.ingest).grid
    labels = read_annotation_file(file, grid, drawn_names(names), cascade, settings.ingest)
    point = None if bifurcation_mm is None else np.array(bifurcation_mm, dtype=np.float64)
    artery = artery_of_labels(labels, side, grid, point, reader, file.name)
    root = dataset / "derivatives" / checked_code(reader)
    if not (root / "dataset_description.json").exists():
        write_dataset_description(root, f"Annotations of {reader}", found.simulated, "../..")
    return write_segmentation(root, patient.patient_id, visit.session_id, artery, reference)


def _reference(visit: VisitSource) -> Weighting:
    reference = next((weighting for weighting in WALL_WEIGHTINGS if weighting in visit.images), None)
    if reference is None:
        raise InputError(
            expected=f"an image that shows the wall ({', '.join(WALL_WEIGHTINGS)})",
            found=", ".join(visit.images),
            where=f"ses-{visit.session_id}",
            remedy="Annotations lie on such an image; add it to the dataset.",
            code="no-reference",
        )
    return reference
