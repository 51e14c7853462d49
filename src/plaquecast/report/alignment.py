"""Pictures by which a person judges an alignment: two images as one checkerboard, and one's edges upon the other."""

from collections.abc import Iterable, Mapping

import numpy as np
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray
from scipy import ndimage

from plaquecast.domain.anatomy import Side
from plaquecast.domain.examined import ExaminedPair, ExaminedVisit
from plaquecast.domain.grid import FloatArray, Grid
from plaquecast.domain.missing import Missing
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.volume import ArterySegmentation, Volume
from plaquecast.geometry.resample import resample
from plaquecast.report.figures import TILE_GAP, as_png, mosaic
from plaquecast.report.sections import Figure

_TILE = (120, 180)
"""Rows and columns of a tile, pixels."""
_NECK_MM, _ARTERY_MM = 0.5, 0.2
"""Pixels of a picture of the neck, 90 mm wide, and of one artery, 36 mm wide."""
_FIELD = 20
"""Edge of a field of the checkerboard, pixels."""
_EDGE_SHARE = 0.08
"""This share of the pixels, those where the image changes most, is drawn as edges."""
_EDGE_COLOR = (0.90, 0.62, 0.0)

_CAPTION = (
    "Per row, left: both images in turns as a checkerboard, whose borders should break no outline; right: the edges of"
    " the second image in orange upon the first, which they should follow."
)

Row = tuple[str, NDArray[np.float64], NDArray[np.float64]]
"""Name of an alignment, and both images (rows, columns) in one plane."""


def visit_alignment(examined: ExaminedVisit) -> list[Figure]:
    """The weightings of a visit that are used, each against the reference, in the plane of the bifurcations."""
    aligned = examined.aligned
    plane = _plane(_middle_mm(examined.segmentations, aligned.grid), _NECK_MM)
    fixed, here = aligned.volumes[aligned.reference], RigidTransform.identity()
    rows = [
        (name.value, _sampled(fixed, plane, here), _sampled(volume, plane, here))
        for name, volume in aligned.volumes.items()
        if name is not aligned.reference
    ]
    return _figure(rows, f"Weightings of {aligned.session_id} on {aligned.reference}")


def pair_alignment(pair: ExaminedPair) -> list[Figure]:
    """The follow-up against the baseline: the neck, and each artery by its own transform; nothing if not aligned."""
    baseline, follow_up, alignment = pair.baseline, pair.follow_up, pair.alignment
    weighting = next((name for name in baseline.aligned.volumes if name in follow_up.aligned.volumes), None)
    if isinstance(alignment, Missing) or weighting is None:
        return []
    fixed, moved = (visit.aligned.volumes[weighting] for visit in (baseline, follow_up))
    planes = [("neck", _plane(_middle_mm(baseline.segmentations, fixed.grid), _NECK_MM), alignment.neck)]
    for side, transform in alignment.arteries.items():
        found = baseline.segmentations[side]
        if isinstance(transform, RigidTransform) and isinstance(found, ArterySegmentation):
            planes.append((f"{side.value} artery", _plane(_bifurcation_mm(found), _ARTERY_MM), transform))
    here = RigidTransform.identity()
    rows = [(name, _sampled(fixed, plane, here), _sampled(moved, plane, to)) for name, plane, to in planes]
    return _figure(rows, f"Follow-up on baseline, {weighting}")


def _figure(rows: Iterable[Row], title: str) -> list[Figure]:
    rows = list(rows)
    if not rows:
        return []
    tiles = [[_gray(_checkerboard(one, other)), _with_edges(one, other)] for _, one, other in rows]
    canvas = Canvas(figsize=(5.2, 1.72 * len(rows) + 0.1))
    axes = canvas.add_axes((0.04, 0.01, 0.95, 0.98))
    axes.imshow(mosaic(tiles))
    middles = (np.arange(len(rows)) + 0.5) * (_TILE[0] + TILE_GAP)
    axes.set_yticks(middles, [name for name, *_ in rows], fontsize=8, rotation=90, va="center")
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.set_frame_on(False)
    return [as_png(canvas, f"{title}. {_CAPTION}", f"{title}: checkerboards and edge overlays")]


def _plane(center_mm: FloatArray, pixel_mm: float) -> Grid:
    """The axial plane of a tile around a point."""
    n_rows, n_columns = _TILE
    left, front, height = center_mm - 0.5 * pixel_mm * np.array((n_columns - 1, n_rows - 1, 0))
    return Grid.axis_aligned((1, n_rows, n_columns), (1.0, pixel_mm, pixel_mm), (left, front, height))


def _sampled(volume: Volume, plane: Grid, to_volume: RigidTransform) -> NDArray[np.float64]:
    """An image in a plane (rows, columns), from 0 to 1 at its 99.5th percentile there."""
    image = resample(volume.array, volume.grid, plane, to_volume)[0].astype(np.float64)
    white = float(np.percentile(image, 99.5))
    return np.clip(image / (white if white > 0.0 else 1.0), 0.0, 1.0)


def _checkerboard(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    row, column = np.indices(one.shape) // _FIELD
    return np.where((row + column) % 2 == 0, one, other)


def _with_edges(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    strength = ndimage.gaussian_gradient_magnitude(other, 1.0)
    picture = _gray(one)
    picture[strength > np.quantile(strength, 1.0 - _EDGE_SHARE)] = _EDGE_COLOR
    return picture


def _gray(image: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.repeat(image[..., None], 3, axis=2)


def _middle_mm(segmentations: Mapping[Side, ArterySegmentation | Missing], grid: Grid) -> FloatArray:
    """The middle of the bifurcations that were found, or of the image."""
    found = [_bifurcation_mm(each) for each in segmentations.values() if isinstance(each, ArterySegmentation)]
    return np.mean(found, axis=0) if found else grid.to_mm((np.array(grid.shape) - 1.0) / 2.0)


def _bifurcation_mm(segmentation: ArterySegmentation) -> FloatArray:
    return segmentation.centerline.at_position(np.zeros(1))[0]
