"""How far the surfaces of two segmentations lie apart."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from plaquecast.domain.grid import FloatArray
from plaquecast.domain.missing import Missing, Reason

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SurfaceDistances:
    """Distances between two surfaces, mm: mean over both, 95th percentile and greatest of the worse direction."""

    mean_mm: float
    hausdorff_95_mm: float
    hausdorff_mm: float


def surface_distances(one: Mask, other: Mask, spacing_mm: tuple[float, ...]) -> SurfaceDistances | Missing:
    """Distances between the border voxels of two masks of one shape, in any number of dimensions.

    A border voxel has a face neighbor outside its mask. For each border voxel of either mask the distance to the
    nearest border voxel of the other counts; the 95 % Hausdorff distance is the greater of the two directions' 95th
    percentiles (as MONAI and Maier-Hein et al. 2024 have it). `Missing` if either mask is empty.

    >>> one, other = np.zeros((5, 9), bool), np.zeros((5, 9), bool)
    >>> one[2, 2], other[2, 5] = True, True
    >>> surface_distances(one, other, (1.0, 0.5))
    SurfaceDistances(mean_mm=1.5, hausdorff_95_mm=1.5, hausdorff_mm=1.5)
    """
    if not (one.any() and other.any()):
        return Missing(Reason.NOT_APPLICABLE, "one of the surfaces is not there")
    box = tuple(slice(max(0, int(at.min()) - 1), int(at.max()) + 2) for at in np.nonzero(one | other))
    there, back = _directed(one[box], other[box], spacing_mm), _directed(other[box], one[box], spacing_mm)
    return SurfaceDistances(
        float(np.concatenate([there, back]).mean()),
        float(max(np.percentile(there, 95.0), np.percentile(back, 95.0))),
        float(max(there.max(), back.max())),
    )


def _directed(source: Mask, target: Mask, spacing_mm: tuple[float, ...]) -> FloatArray:
    nearest = np.asarray(ndimage.distance_transform_edt(~_border(target), spacing_mm))
    return nearest[_border(source)]


def _border(mask: Mask) -> Mask:
    return mask & ~np.asarray(ndimage.binary_erosion(mask), dtype=bool)
