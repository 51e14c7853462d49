"""Where the body lies in an image, how deep each place is under the skin, and how brightly the coil lights it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from plaquecast.domain.grid import FloatArray, Grid
from plaquecast.domain.volume import Volume

_PIXEL_MM = 2.0
_AIR_SHARE = 0.1
"""Below this share of the mean intensity, weighted by itself, lies air; twice as much takes the skull for air."""

_SHADING_MM = 40.0
"""Scale of the coil's shading within a slice; at 20 mm already, what is divided out is anatomy and not the coil."""


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """Two maps of an image on a coarse grid, float64: depth under the skin in mm (0 in air), and shading."""

    grid: Grid
    depth_mm: FloatArray
    shading: FloatArray

    def on(self, target: Grid) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Depth and shading at the voxels of a grid with the same axes, interpolated."""
        first = self.grid.to_index(target.to_mm((0, 0, 0)))
        step = np.array(target.spacing_mm) / np.array(self.grid.spacing_mm)
        depth, shading = (
            ndimage.affine_transform(of, step, first.tolist(), target.shape, order=1, mode="nearest").astype(np.float32)
            for of in (self.depth_mm, self.shading)
        )
        return depth, shading


def body_of(volume: Volume) -> Body:
    """Find the body in an upright image.

    The ends of the slab are no skin. Shading is the mean of the tissue around each place of a slice, by a Gaussian of
    40 mm; each slice has its own, since slabs of inflow angiography fade from slice to slice.
    """
    coarse = thinned(volume, _PIXEL_MM)
    # every voxel counts by its own intensity, so that air around the body changes nothing
    usual = float(np.square(coarse.array, dtype=np.float64).sum()) / max(
        float(coarse.array.sum(dtype=np.float64)), 1e-9
    )
    threshold = _AIR_SHARE * usual if usual > 0.0 else np.inf
    tissue = np.zeros((coarse.grid.shape[0], coarse.grid.shape[1] + 2, coarse.grid.shape[2] + 2), dtype=bool)
    for k, layer in enumerate(coarse.array > threshold):
        tissue[k, 1:-1, 1:-1] = ndimage.binary_fill_holes(ndimage.binary_opening(layer, iterations=2))
    depth = np.zeros(tissue.shape)
    ndimage.distance_transform_edt(tissue, sampling=coarse.grid.spacing_mm, distances=depth)
    tissue, depth = tissue[:, 1:-1, 1:-1], depth[:, 1:-1, 1:-1]
    sigma = (0.0, _SHADING_MM / coarse.grid.spacing_mm[1], _SHADING_MM / coarse.grid.spacing_mm[2])
    brightness = ndimage.gaussian_filter(np.where(tissue, coarse.array, 0.0), sigma, mode="constant")
    share = ndimage.gaussian_filter(tissue.astype(np.float64), sigma, mode="constant")
    typical = float(brightness.sum() / max(share.sum(), 1e-9)) or 1.0
    # in air, where there is no tissue to average, the shading tends to the typical one
    return Body(coarse.grid, depth, (brightness + 0.01 * typical) / (share + 0.01))


def thinned(volume: Volume, pixel_mm: float) -> Volume:
    """Means over blocks of as many voxels along each axis as fit into `pixel_mm`; an unfilled block is left out.

    >>> grid = Grid.axis_aligned((1, 2, 3), (2.0, 0.5, 0.5))
    >>> thin = thinned(Volume(grid, np.arange(6, dtype=np.float32).reshape(1, 2, 3), "T1W"), 1.0)
    >>> thin.array.tolist(), thin.grid.spacing_mm, thin.grid.to_mm([0, 0, 0]).tolist()
    ([[[2.0]]], (2.0, 1.0, 1.0), [0.25, 0.25, 0.0])
    """
    factors = np.array([max(1, int(pixel_mm / spacing + 1e-6)) for spacing in volume.grid.spacing_mm])
    array = volume.array
    for axis, factor in enumerate(factors.tolist()):
        n = array.shape[axis] // factor
        kept = array[(slice(None),) * axis + (slice(0, n * factor),)]
        array = kept.reshape(*kept.shape[:axis], n, factor, *kept.shape[axis + 1 :]).mean(axis=axis + 1)
    affine = volume.grid.affine.copy()
    affine[:3, 3] = volume.grid.to_mm((factors - 1) / 2)
    affine[:3, :3] *= factors
    return Volume(Grid((array.shape[0], array.shape[1], array.shape[2]), affine), array, volume.weighting)
