"""What the networks see: square regions around an artery, and whole slices made coarse, in every weighting."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from plaquecast.domain.anatomy import N_TISSUES, Side, Tissue, Weighting
from plaquecast.domain.grid import Grid
from plaquecast.domain.visit import AlignedVisit
from plaquecast.domain.volume import ArterySegmentation, Volume

CHANNELS = (
    Weighting.T1W,
    Weighting.T2W,
    Weighting.PDW,
    Weighting.TOF,
    Weighting.MPRAGE,
    Weighting.SNAP,
    Weighting.CE_T1W,
)
"""Order of the weightings in every network input; an absent one is all zero, and a flag says so."""

NEIGHBORS = (-1, 0, 1)
"""Slices seen beside the one that is labeled."""

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class TrainingCase:
    """An aligned visit and what an annotator (or the simulator) says of its arteries."""

    visit: AlignedVisit
    annotations: Mapping[Side, ArterySegmentation]


@dataclass(frozen=True, slots=True)
class Region:
    """A square of `n_pixels` × `n_pixels` of `pixel_mm` around a point (row, column in mm) of one slice of a grid."""

    slice_index: int
    row_mm: float
    column_mm: float
    n_pixels: int
    pixel_mm: float
    angle: float = 0.0
    scale: float = 1.0
    flip: bool = False

    def coordinates(self, grid: Grid) -> tuple[Array, Array]:
        """Row and column indices of its pixels on a grid, float32 (n, n) each."""
        _, row_spacing, column_spacing = grid.spacing_mm
        steps = (np.arange(self.n_pixels) - 0.5 * (self.n_pixels - 1)) * self.pixel_mm * self.scale
        across = -steps if self.flip else steps
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        rows = self.row_mm + cos * steps[:, None] - sin * across[None, :]
        columns = self.column_mm + sin * steps[:, None] + cos * across[None, :]
        return (rows / row_spacing).astype(np.float32), (columns / column_spacing).astype(np.float32)


def sample_images(volumes: Mapping[Weighting, Volume], region: Region) -> Array:
    """Normalized weightings of a region and its neighbor slices, float32 (len(CHANNELS) · 3, n, n).

    Each weighting is centered on its median and divided by its 10–90 % range inside the region, which takes out gain
    and most of the coil's shading. An absent weighting is zero.
    """
    n = region.n_pixels
    images = np.zeros((len(CHANNELS), len(NEIGHBORS), n, n), dtype=np.float32)
    for channel, weighting in enumerate(CHANNELS):
        volume = volumes.get(weighting)
        if volume is None:
            continue
        rows, columns = region.coordinates(volume.grid)
        for place, offset in enumerate(NEIGHBORS):
            index = int(np.clip(region.slice_index + offset, 0, volume.grid.shape[0] - 1))
            images[channel, place] = ndimage.map_coordinates(
                volume.array[index], (rows, columns), order=1, mode="nearest"
            )
        images[channel] = _normalized(images[channel])
    return images.reshape(-1, n, n)


def _normalized(image: Array) -> Array:
    low, middle, high = np.percentile(image, (10.0, 50.0, 90.0))
    return np.clip((image - middle) / max(float(high - low), 1e-6), -3.0, 6.0)


def presence(volumes: Mapping[Weighting, Volume]) -> Array:
    """Flags of the weightings that are there, float32 (len(CHANNELS),)."""
    return np.array([weighting in volumes for weighting in CHANNELS], dtype=np.float32)


def sample_fractions(annotation: ArterySegmentation, grid: Grid, region: Region) -> Array:
    """Tissue fractions in a region of the visit's grid, float32 (N_TISSUES, n, n); background where not annotated."""
    offset = np.rint(grid.to_index(annotation.grid.to_mm(np.zeros(3)))).astype(int)
    n = region.n_pixels
    fractions = np.zeros((N_TISSUES, n, n), dtype=np.float32)
    index = region.slice_index - int(offset[0])
    if 0 <= index < annotation.grid.shape[0]:
        rows, columns = region.coordinates(grid)
        places = (rows - offset[1], columns - offset[2])
        for tissue in Tissue:
            source = _fraction(annotation, tissue, index)
            if tissue is not Tissue.BACKGROUND and source.any():
                fractions[tissue] = ndimage.map_coordinates(source, places, order=1, mode="constant")
    fractions[Tissue.BACKGROUND] = np.clip(1.0 - fractions.sum(axis=0), 0.0, 1.0)
    return fractions


def _fraction(annotation: ArterySegmentation, tissue: Tissue, index: int) -> Array:
    if annotation.probabilities is not None:
        return annotation.probabilities[tissue, index]
    return (annotation.labels.array[index] == tissue).astype(np.float32)


def annotated_slices(annotation: ArterySegmentation, grid: Grid) -> dict[int, tuple[float, float, float]]:
    """Slices of the visit's grid that are annotated → center of the vessel (row mm, column mm) and its position."""
    offset = np.rint(grid.to_index(annotation.grid.to_mm(np.zeros(3)))).astype(int)
    _, row_spacing, column_spacing = grid.spacing_mm
    found = {}
    for index in np.flatnonzero(annotation.covered):
        rows, columns = np.nonzero(annotation.labels.array[index] == Tissue.LUMEN)
        if len(rows):
            center = ((rows.mean() + offset[1]) * row_spacing, (columns.mean() + offset[2]) * column_spacing)
            found[int(index + offset[0])] = (*center, float(annotation.slice_position_mm[index]))
    return found


def coarse_slices(volumes: Mapping[Weighting, Volume], pixel_mm: float, shape: tuple[int, int]) -> Array:
    """Whole slices at about `pixel_mm`, centered, float32 (slices, len(CHANNELS), rows, columns), normalized by volume.

    Averaging over blocks, so that a vessel keeps its mean signal; slices are padded with zeros or cropped to `shape`.
    """
    grid = next(iter(volumes.values())).grid
    block = coarse_block(grid, pixel_mm)
    slices = np.zeros((grid.shape[0], len(CHANNELS), *shape), dtype=np.float32)
    for channel, weighting in enumerate(CHANNELS):
        volume = volumes.get(weighting)
        if volume is not None:
            smooth = ndimage.uniform_filter(volume.array, (0, *block))
            coarse = smooth[:, block[0] // 2 :: block[0], block[1] // 2 :: block[1]]
            bright = float(np.percentile(coarse, 90.0)) or 1.0
            slices[:, channel] = centered(np.clip(coarse / bright, 0.0, 4.0), shape)
    return slices


def coarse_block(grid: Grid, pixel_mm: float) -> tuple[int, int]:
    """Pixels of the grid (rows, columns) that make one coarse pixel."""
    _, row_spacing, column_spacing = grid.spacing_mm
    return max(1, round(pixel_mm / row_spacing)), max(1, round(pixel_mm / column_spacing))


def centered(images: Array, shape: tuple[int, int]) -> Array:
    """Images (…, rows, columns) zero-padded or cropped to `shape` around their middle."""
    for axis, wanted in zip((-2, -1), shape, strict=True):
        size = images.shape[axis]
        if size < wanted:
            before = (wanted - size) // 2
            width: list[tuple[int, int]] = [(0, 0)] * images.ndim
            width[axis] = (before, wanted - size - before)
            images = np.pad(images, width)
        elif size > wanted:
            start = (size - wanted) // 2
            images = np.take(images, np.arange(start, start + wanted), axis=axis)
    return images


def center_shift(size: int, wanted: int) -> int:
    """Index in a centered image of the pixel that was first before: positive after padding, negative after cropping."""
    return (wanted - size) // 2 if size < wanted else -((size - wanted) // 2)
