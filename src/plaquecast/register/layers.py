"""An image made ready to be compared: turned upright, thinned, blurred, cut into bins, and weighed voxel by voxel."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from plaquecast.domain.grid import FloatArray, Grid
from plaquecast.domain.volume import Volume
from plaquecast.register.body import Body, thinned

RIM_MM = 8.0
"""Tissue less deep than this under the skin is not asked: it slides and folds, and chemical shift displaces its fat."""

FULL_DEPTH_MM = 18.0
"""From this depth on tissue has its full say."""

_DULL_SHARE = 0.02
"""Say of uniform tissue, which tells little about where an image lies, relative to that of a clear border."""


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """An image at one sharpness on `grid`: intensities as fractions of `n_bins` bins, and how much each voxel can tell.

    `image` and `weight` are float32 (slices, rows, columns); `index_from_mm` (4, 4) takes LPS mm to indices.
    """

    grid: Grid
    image: NDArray[np.float32]
    weight: NDArray[np.float32]
    index_from_mm: FloatArray
    n_bins: int


def as_layer(volume: Volume, body: Body, pixel_mm: float, sigma_mm: float, n_bins: int) -> Layer:
    """Thin an upright image to pixels of `pixel_mm` or less, blur it by a Gaussian, cut it into bins, weigh its voxels.

    The coil's shading is divided out. The bins span the 1st to the 99th percentile of the tissue, so that the scale of
    the intensities does not matter. A voxel weighs by the square of the local change of intensity, cut at its 95th
    percentile, and by its depth under the skin; air weighs nothing.
    """
    thin = thinned(volume, pixel_mm)
    spacing = np.array(thin.grid.spacing_mm)
    depth, shading = body.on(thin.grid)
    image = ndimage.gaussian_filter(thin.array / shading, sigma_mm / spacing, mode="nearest", truncate=3.0)
    tissue = depth > 0
    low, high = np.percentile(image[tissue], (1.0, 99.0)) if tissue.any() else (0.0, 1.0)
    bins = np.clip((image - low) * ((n_bins - 1) / max(float(high - low), 1e-9)), 0.0, n_bins - 1).astype(np.float32)
    weight = _clearness(bins, spacing, tissue) * np.clip((depth - RIM_MM) / (FULL_DEPTH_MM - RIM_MM), 0.0, 1.0)
    index_from_mm = np.linalg.inv(thin.grid.affine).astype(np.float64)
    return Layer(thin.grid, bins, weight.astype(np.float32), index_from_mm, n_bins)


def _clearness(bins: NDArray[np.float32], spacing_mm: FloatArray, tissue: NDArray[np.bool_]) -> NDArray[np.float32]:
    """How much a voxel tells of where the image lies: 1 at clear borders, little in uniform tissue."""
    long_axes = [axis for axis, size in enumerate(bins.shape) if size > 1]
    change = np.sqrt(sum(np.square(np.gradient(bins, spacing_mm[axis], axis=axis)) for axis in long_axes))
    clear = float(np.percentile(change[tissue], 95)) if tissue.any() else 0.0
    return (change / max(clear, 1e-9)).clip(0.0, 1.0) ** 2 + np.float32(_DULL_SHARE)


def upright(volume: Volume) -> Volume:
    """The same image with slices towards the head, rows to the back and columns to the left, as nearly as its axes lie.

    Nothing is interpolated; what follows does not depend on the order in which the scanner stored the axes.

    >>> grid = Grid((2, 1, 3), [[0, 0, 1, 0], [0, 1, 0, 0], [-2, 0, 0, 2], [0, 0, 0, 1]])
    >>> turned = upright(Volume(grid, np.arange(6, dtype=np.float32).reshape(2, 1, 3), "T1W"))
    >>> turned.array[:, 0].tolist(), turned.grid.to_mm([0, 0, 0]).tolist()
    ([[3.0, 4.0, 5.0], [0.0, 1.0, 2.0]], [0.0, 0.0, 0.0])
    """
    grid = volume.grid
    directions = grid.affine[:3, :3] / np.array(grid.spacing_mm)
    axes: list[int] = []
    for world in (2, 1, 0):
        free = [axis for axis in range(3) if axis not in axes]
        axes.append(max(free, key=lambda axis: abs(directions[world, axis])))
    is_ahead = [directions[world, axis] > 0 for world, axis in zip((2, 1, 0), axes, strict=True)]
    array = volume.array.transpose(axes)[tuple(slice(None, None, 1 if ahead else -1) for ahead in is_ahead)]
    corner = np.zeros(3)
    affine = np.eye(4)
    for new, (axis, ahead) in enumerate(zip(axes, is_ahead, strict=True)):
        affine[:3, new] = grid.affine[:3, axis] if ahead else -grid.affine[:3, axis]
        corner[axis] = 0 if ahead else grid.shape[axis] - 1
    affine[:3, 3] = grid.to_mm(corner)
    return Volume(Grid((array.shape[0], array.shape[1], array.shape[2]), affine), array, volume.weighting)
