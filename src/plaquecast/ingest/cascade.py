"""Contours of the CASCADE software (`.QVS`, and `.QVJ` that names them), as the vessel-wall challenges give them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from plaquecast.domain.grid import FloatArray, Grid
from plaquecast.errors import InputError
from plaquecast.ingest.door import open_whole
from plaquecast.ingest.drawn import Drawn, Mask, fill_contour
from plaquecast.settings import IngestSettings

SCALE = 512.0
"""Coordinates run from 0 to 512 whatever the size of the image."""

_SLICE = re.compile(r"I(\d+)$")
_LARGEST_BYTES = 50_000_000


@dataclass(frozen=True, slots=True, eq=False)
class CascadeContour:
    """One contour: its slice counted from 1, what it outlines, and points (n, 2) as x, y on the scale of 512."""

    slice_number: int
    kind: str
    points: FloatArray


def read_qvs(path: Path, settings: IngestSettings) -> tuple[CascadeContour, ...]:
    """Read all contours of a QVS file; slices without any are not in it.

    Raises:
        InputError: if it is no XML of that form, or a contour has fewer than three points.
    """
    root = _xml(path, settings)
    contours = []
    for image in root.iter("QVAS_Image"):
        found = _SLICE.search(image.get("ImageName", ""))
        for contour in image.iter("QVAS_Contour"):
            kind = (contour.findtext("ContourType") or contour.get("ContourType") or "").strip()
            points = _points(contour, path.name)
            if found is None or not kind or len(points) < 3:
                raise _refused(path.name, "slice, kind and at least three points of each contour", "less")
            contours.append(CascadeContour(int(found.group(1)), kind, points))
    if not contours:
        raise _refused(path.name, "contours", "none")
    return tuple(contours)


def read_qvj(path: Path, settings: IngestSettings) -> tuple[str, ...]:
    """Names of the QVS files that a QVJ file loads.

    Raises:
        InputError: if it is no XML, or names none.
    """
    root = _xml(path, settings)
    names = tuple(
        re.split(r"[\\/]", (entry.text or "").strip())[-1]
        for series in root.iter("QVAS_Loaded_Series_List")
        for entry in series.iter("QVASSeriesFileName")
        if entry.text
    )
    if not names:
        raise _refused(path.name, "names of QVS files", "none")
    return names


def draw_contours(
    contours: Sequence[CascadeContour], grid: Grid, padded_to_square: bool, first_slice_is_lowest: bool, where: str
) -> Drawn:
    """Fill the contours on the grid of the axial image on which they were drawn.

    Args:
        contours: of one artery.
        grid: grid of that image, arranged as everywhere; x of the contours runs to the patient's left, y to the back.
        padded_to_square: whether the scale of 512 spans the longer edge on both axes (the 2021 challenge), or each
            edge by itself (2022).
        first_slice_is_lowest: whether slice 1 is the one nearest to the chest.
        where: what to call the annotation in messages.

    Raises:
        InputError: if a slice lies outside the image.
    """
    n_slices, n_rows, n_columns = grid.shape
    longer = max(n_rows, n_columns)
    height, width = (longer, longer) if padded_to_square else (n_rows, n_columns)
    regions: dict[str, Mask] = {}
    for contour in contours:
        mask = regions.setdefault(contour.kind, np.zeros(grid.shape, dtype=np.bool_))
        index = contour.slice_number - 1 if first_slice_is_lowest else n_slices - contour.slice_number
        x, y = contour.points[:, 0] / SCALE * width, contour.points[:, 1] / SCALE * height
        slices = np.full(len(x), float(index))
        # a coordinate of 0 is the edge of the image, half a pixel before the center of its first pixel
        fill_contour(mask, np.stack([slices, y - 0.5, x - 0.5], axis=1), where)
    return Drawn(grid, regions)


def _xml(path: Path, settings: IngestSettings) -> ElementTree.Element:
    content = open_whole(path, min(settings.max_file_bytes, _LARGEST_BYTES)).content
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise _refused(path.name, "XML without entities", "a document type")
    try:
        return ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError, LookupError) as problem:
        raise _refused(path.name, "XML", f"{type(problem).__name__}") from problem


def _points(contour: ElementTree.Element, name: str) -> FloatArray:
    try:
        points = [(float(point.attrib["x"]), float(point.attrib["y"])) for point in contour.iter("Point")]
    except (KeyError, ValueError) as problem:
        raise _refused(name, "x and y of each point", type(problem).__name__) from problem
    kept = [point for number, point in enumerate(points) if number == 0 or point != points[number - 1]]
    return np.array(kept, dtype=np.float64).reshape(-1, 2)


def _refused(name: str, expected: str, found: str) -> InputError:
    remedy = "Export the contours again from CASCADE."
    return InputError(expected=expected, found=found, where=name, remedy=remedy, code="cascade")
