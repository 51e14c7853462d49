"""A file of any annotation tool as one label map on the grid of the image on which it was drawn."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from plaquecast.domain.anatomy import Tissue
from plaquecast.domain.grid import Grid
from plaquecast.domain.volume import LabelMap
from plaquecast.errors import InputError
from plaquecast.ingest.annotations import read_label_map
from plaquecast.ingest.cascade import draw_contours, read_qvs
from plaquecast.ingest.dicom_drawn import read_dicom_drawn
from plaquecast.ingest.drawn import labels_of
from plaquecast.ingest.seg_nrrd import read_seg_nrrd
from plaquecast.settings import IngestSettings


@dataclass(frozen=True, slots=True)
class CascadeHabits:
    """What a QVS file does not say: see `cascade.draw_contours`."""

    padded_to_square: bool
    first_slice_is_lowest: bool


def read_annotation_file(
    path: Path,
    reference: Grid,
    names: Mapping[str, Tissue],
    cascade: CascadeHabits | None,
    settings: IngestSettings,
) -> LabelMap:
    """Read a NIfTI label map, a `.seg.nrrd`, a `.QVS`, or a DICOM SEG or RTSTRUCT object (any other name).

    Args:
        path: the file.
        reference: grid of the image on which it was drawn.
        names: what names of regions mean that are not known by themselves.
        cascade: how the contours of a `.QVS` lie; needed for these alone.
        settings: the largest file and image.

    Raises:
        InputError: if the file is damaged, does not lie on the grid, or names a region that is not known.
    """
    name = path.name.lower()
    if name.endswith((".nii", ".nii.gz")):
        return read_label_map(path, settings)
    if name.endswith(".seg.nrrd"):
        drawn = read_seg_nrrd(path, settings)
    elif name.endswith(".qvs"):
        if cascade is None:
            raise InputError(
                expected="how the contours lie",
                found="nothing said of it",
                where=path.name,
                remedy="Say --padded or --own-edges, and --from-chest or --from-head.",
                code="cascade",
            )
        contours = read_qvs(path, settings)
        drawn = draw_contours(contours, reference, cascade.padded_to_square, cascade.first_slice_is_lowest, path.name)
    else:
        drawn = read_dicom_drawn(path, reference, settings)
    return labels_of(drawn, names, path.name)
