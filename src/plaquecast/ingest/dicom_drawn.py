"""Annotations in DICOM: segmentation objects and contours of structure sets, on the grid of the reference image."""

from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from plaquecast.domain.grid import FloatArray, Grid
from plaquecast.errors import InputError
from plaquecast.ingest.dicom_frames import Frame, frames_of, parse_dicom, pixels_of
from plaquecast.ingest.door import open_whole
from plaquecast.ingest.drawn import Drawn, Mask, fill_contour, on_reference
from plaquecast.ingest.reader_process import READER
from plaquecast.settings import IngestSettings

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"

_TOLERANCE_MM = 0.025
_SECONDS = 60.0
_LEAST_FRACTION = 0.5


def read_dicom_drawn(path: Path, reference: Grid, settings: IngestSettings) -> Drawn:
    """Read a DICOM SEG or RTSTRUCT object, in the bounded child process.

    A fractional segmentation counts where at least half of the voxel is the segment.

    Raises:
        InputError: if the object is damaged, of another kind, or does not lie on the reference's grid.
    """
    memory = settings.max_reader_bytes
    return READER.call(read_here, path, reference, settings, memory_bytes=memory, seconds=_SECONDS)


def read_here(path: Path, reference: Grid, settings: IngestSettings) -> Drawn:
    """Read the object; runs in the child."""
    dataset = parse_dicom(open_whole(path, settings.max_file_bytes))
    kind = str(dataset.get("SOPClassUID", ""))
    try:
        if kind == SEGMENTATION:
            return Drawn(reference, _segments(dataset, reference, path.name))
        if kind == STRUCTURE_SET:
            return Drawn(reference, _contours(dataset, reference, path.name))
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as problem:
        if isinstance(problem, InputError):
            raise
        raise _refused(path.name, "a whole annotation", type(problem).__name__, "dicom-unreadable") from problem
    raise _refused(path.name, "a segmentation or structure set", "another kind of object", "not-annotation")


def _segments(dataset: Dataset, reference: Grid, name: str) -> dict[str, Mask]:
    labels = {int(item.SegmentNumber): str(item.SegmentLabel) for item in dataset.SegmentSequence}
    if len(set(labels.values())) != len(labels):
        raise _refused(name, "each segment once", "two segments of one name", "region-twice")
    regions = {label: np.zeros(reference.shape, dtype=np.bool_) for label in labels.values()}
    pixels = pixels_of(dataset, name)
    full = float(dataset.get("MaximumFractionalValue", 1)) if dataset.SegmentationType == "FRACTIONAL" else 1.0
    for frame in frames_of(dataset, name):
        index = on_reference(_pixel_centers_mm(frame), reference, _TOLERANCE_MM, name)
        inside = (pixels[frame.index] >= _LEAST_FRACTION * full).reshape(-1)
        regions[labels[int(frame.get("ReferencedSegmentNumber"))]][tuple(index[inside].T)] = True
    return regions


def _pixel_centers_mm(frame: Frame) -> FloatArray:
    """Centers of all pixels of a frame, LPS mm, float64 (rows x columns, 3)."""
    place, cosines = frame.numbers("ImagePositionPatient", 3), frame.numbers("ImageOrientationPatient", 6)
    spacing = frame.numbers("PixelSpacing", 2)
    if place is None or cosines is None or spacing is None:
        raise _refused(frame.file, "a place for each frame", "none", "no-position")
    rows = np.arange(int(frame.dataset.Rows))[:, None, None] * cosines[3:] * spacing[0]
    columns = np.arange(int(frame.dataset.Columns))[None, :, None] * cosines[:3] * spacing[1]
    return (place + rows + columns).reshape(-1, 3)


def _contours(dataset: Dataset, reference: Grid, name: str) -> dict[str, Mask]:
    labels = {int(item.ROINumber): str(item.ROIName) for item in dataset.StructureSetROISequence}
    if len(set(labels.values())) != len(labels):
        raise _refused(name, "each structure once", "two structures of one name", "region-twice")
    regions: dict[str, Mask] = {}
    for item in dataset.ROIContourSequence:
        mask = regions.setdefault(labels[int(item.ReferencedROINumber)], np.zeros(reference.shape, dtype=np.bool_))
        for contour in item.get("ContourSequence") or ():
            if contour.ContourGeometricType == "CLOSED_PLANAR":
                fill_contour(mask, reference.to_index(_points(contour)), name)
    return regions


def _points(contour: Any) -> FloatArray:
    return np.array(contour.ContourData, dtype=np.float64).reshape(-1, 3)


def _refused(name: str, expected: str, found: str, code: str) -> InputError:
    remedy = "Export the annotation again, drawn on the reference image of this visit."
    return InputError(expected=expected, found=found, where=name, remedy=remedy, code=code)
