"""What the networks see: square regions around an artery, and whole slices made coarse, in every weighting."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from plaquecast.domain.anatomy import Side, Tissue, Weighting
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
    """An aligned visit and what an annotator (or the simulator) says of its arteries.

    A `helper`, such as a simulated patient of random contrast, is learned from and never validated on.
    """

    visit: AlignedVisit
    annotations: Mapping[Side, ArterySegmentation]
    helper: bool = False


@dataclass(frozen=True, slots=True)
class Region:
    """A square of `n_pixels` × `n_pixels` of `pixel_mm` around a point of one slice of a grid.

    The point is given in mm from the center of the grid's first pixel. The square may be turned by `angle` (radians),
    enlarged by `scale` and mirrored.
    """

    slice_index: int
    row_mm: float
    column_mm: float
    n_pixels: int
    pixel_mm: float
    angle: float = 0.0
    scale: float = 1.0
    flip: bool = False

    def coordinates(self, spacing_mm: tuple[float, float]) -> tuple[Array, Array]:
        """Row and column indices of its pixels on a grid of that (row, column) spacing, float32 (n, n) each."""
        steps = (np.arange(self.n_pixels) - 0.5 * (self.n_pixels - 1)) * self.pixel_mm * self.scale
        across = -steps if self.flip else steps
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        rows = self.row_mm + cos * steps[:, None] - sin * across[None, :]
        columns = self.column_mm + sin * steps[:, None] + cos * across[None, :]
        return (rows / spacing_mm[0]).astype(np.float32), (columns / spacing_mm[1]).astype(np.float32)


def sample(planes: Tensor, rows: Array, columns: Array, padding: str, mode: str = "bilinear") -> Tensor:
    """Values of planes (channels, rows, columns) at the given indices, (channels, *shape of the indices).

    `padding` is "border" (the nearest pixel) or "zeros" beyond the planes; `mode` is "bilinear" or "bicubic".
    """
    places = np.stack([_unit(columns, planes.shape[2]), _unit(rows, planes.shape[1])], axis=-1)
    values = functional.grid_sample(
        planes[None].float(), torch.from_numpy(places)[None], mode=mode, padding_mode=padding, align_corners=True
    )
    return values[0]


def _unit(index: Array, size: int) -> Array:
    return index * np.float32(2.0 / max(size - 1, 1)) - np.float32(1.0)


def sample_images(stack: Tensor, spacing_mm: tuple[float, float], region: Region) -> Tensor:
    """Normalized weightings of a region and its neighbor slices, float32 (weightings, len(NEIGHBORS), n, n).

    `stack` is (slices, weightings, rows, columns); `region` counts from its corner. Each weighting is centered on its
    median and divided by its 10–90 % range inside the region, which takes out gain and most of the coil's shading.
    """
    last = stack.shape[0] - 1
    around = [min(max(region.slice_index + offset, 0), last) for offset in NEIGHBORS]
    planes = stack[around].transpose(0, 1).flatten(0, 1)
    images = sample(planes, *region.coordinates(spacing_mm), padding="border").unflatten(0, (-1, len(NEIGHBORS)))
    # every second pixel is enough for three percentiles, in a third of the time
    low, middle, high = np.percentile(images[:, :, ::2, ::2].flatten(1).numpy(), (10.0, 50.0, 90.0), axis=1)
    center, width = (torch.from_numpy(value)[:, None, None, None].float() for value in (middle, high - low))
    return ((images - center) / width.clamp_min(1e-6)).clamp(-3.0, 6.0)


def stack_of(volumes: Mapping[Weighting, Volume]) -> tuple[Tensor, list[int]]:
    """Images of the weightings that are there, (slices, weightings, rows, columns), and their places in `CHANNELS`."""
    present = [channel for channel, weighting in enumerate(CHANNELS) if weighting in volumes]
    return torch.from_numpy(np.stack([volumes[CHANNELS[channel]].array for channel in present], axis=1)), present


def spread(images: Tensor, present: list[int]) -> Tensor:
    """Images (weightings there, neighbors, n, n) as a network's input (len(CHANNELS) · neighbors, n, n), else zero."""
    every = images.new_zeros((len(CHANNELS), *images.shape[1:]))
    every[present] = images
    return every.flatten(0, 1)


def presence(volumes: Mapping[Weighting, Volume]) -> Array:
    """Flags of the weightings that are there, float32 (len(CHANNELS),)."""
    return np.array([weighting in volumes for weighting in CHANNELS], dtype=np.float32)


def corner_of(annotation: ArterySegmentation, grid: Grid) -> tuple[int, int, int]:
    """Index (slice, row, column) in a visit's grid at which the crop of an annotation begins."""
    slice_index, row, column = np.rint(grid.to_index(annotation.grid.to_mm(np.zeros(3)))).astype(int)
    return int(slice_index), int(row), int(column)


def annotated_slices(annotation: ArterySegmentation, grid: Grid) -> dict[int, tuple[float, float, float]]:
    """Slices of the visit's grid that are annotated → center of the lumen (row mm, column mm) and its position."""
    first, first_row, first_column = corner_of(annotation, grid)
    _, row_spacing, column_spacing = grid.spacing_mm
    found = {}
    for index in np.flatnonzero(annotation.covered):
        rows, columns = np.nonzero(annotation.labels.array[index] == Tissue.LUMEN)
        if len(rows):
            center = (rows.mean() + first_row) * row_spacing, (columns.mean() + first_column) * column_spacing
            found[int(index) + first] = (*center, float(annotation.slice_position_mm[index]))
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
            smooth = volume.array
            for axis, size in enumerate(block, start=1):
                smooth = ndimage.uniform_filter1d(smooth, size, axis)
            coarse = smooth[:, block[0] // 2 :: block[0], block[1] // 2 :: block[1]]
            bright = float(np.percentile(coarse, 90.0)) or 1.0
            slices[:, channel] = centered(np.clip(coarse / np.float32(bright), 0.0, 4.0), shape)
    return slices


def coarse_block(grid: Grid, pixel_mm: float) -> tuple[int, int]:
    """Pixels of the grid (rows, columns) that make one coarse pixel."""
    _, row_spacing, column_spacing = grid.spacing_mm
    return max(1, round(pixel_mm / row_spacing)), max(1, round(pixel_mm / column_spacing))


def coarse_counts(grid: Grid, block: tuple[int, int]) -> tuple[int, int]:
    """Coarse pixels (rows, columns) of a slice."""
    rows, columns = (len(range(size // 2, grid.shape[axis + 1], size)) for axis, size in enumerate(block))
    return rows, columns


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
    """Index in a centered image of the pixel that was first before: positive after padding, negative after cropping.

    >>> center_shift(10, 16), center_shift(16, 10)
    (3, -3)
    """
    return (wanted - size) // 2 if size < wanted else -((size - wanted) // 2)
