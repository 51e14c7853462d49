"""One examined visit as files of a run, and back."""

from pathlib import Path

from plaquecast.domain.examined import ExaminedVisit
from plaquecast.domain.missing import Missing
from plaquecast.domain.visit import Visit
from plaquecast.register.contrasts import lay_on_reference
from plaquecast.store.alignment_files import VisitTransforms, read_visit_transforms, write_visit_transforms
from plaquecast.store.bids import visit_stem
from plaquecast.store.morphology_files import read_arteries, write_arteries
from plaquecast.store.segmentations import read_segmentation, segmentation_files, segmented_sides, write_segmentation

CASES = "cases"
"""Folder of a run that holds what belongs to one case and loses nothing; the tables are made from it."""


def arteries_path(run: Path, patient_id: str, session_id: str) -> Path:
    """Where the measurements of one visit lie."""
    return run / CASES / f"{visit_stem(patient_id, session_id)}_arteries.json.gz"


def changes_path(run: Path, patient_id: str) -> Path:
    """Where the change factors of one patient lie."""
    return run / CASES / f"sub-{patient_id}_changes.json.gz"


def repeat_path(run: Path, patient_id: str, session_id: str) -> Path:
    """Where it lies how a repeat scan faces the scan before it."""
    return run / CASES / f"{visit_stem(patient_id, session_id)}_repeat.json.gz"


def write_examined(run: Path, examined: ExaminedVisit) -> tuple[Path, ...]:
    """Write masks, transforms and measurements of a visit; give the paths of all files."""
    aligned = examined.aligned
    patient_id, session_id = aligned.patient_id, aligned.session_id
    transforms = VisitTransforms(aligned.reference, aligned.transforms, aligned.quality, aligned.arteries)
    paths = list(write_visit_transforms(run, patient_id, session_id, transforms))
    for side, segmentation in examined.segmentations.items():
        if not isinstance(segmentation, Missing):
            write_segmentation(run, patient_id, session_id, segmentation, aligned.reference)
            paths.extend(segmentation_files(run, patient_id, session_id, side))
    path = arteries_path(run, patient_id, session_id)
    write_arteries(path, examined.arteries)
    return (*paths, path)


def read_examined(run: Path, visit: Visit) -> ExaminedVisit:
    """Rebuild an examined visit from its images and from what `write_examined` wrote.

    Raises:
        InputError: if a file is missing or damaged.
    """
    patient_id, session_id = visit.patient_id, visit.session_id
    found = read_visit_transforms(run, patient_id, session_id)
    arteries = read_arteries(arteries_path(run, patient_id, session_id))
    stored = segmented_sides(run, patient_id, session_id)
    segmentations = {
        side: read_segmentation(run, patient_id, session_id, side) if side in stored else _reason(artery)
        for side, artery in arteries.items()
    }
    aligned = lay_on_reference(visit, found.reference, found.transforms, found.quality, found.arteries)
    return ExaminedVisit(aligned, segmentations, arteries)


def _reason(artery: object) -> Missing:
    """A side without a segmentation has no measurement either, and both for the same reason."""
    assert isinstance(artery, Missing)
    return artery
