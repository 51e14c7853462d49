"""Bring an image onto another grid through a rigid transform, in one interpolation."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from plaquecast.domain.grid import FloatArray, Grid
from plaquecast.domain.transform import RigidTransform


def index_map(source: Grid, target: Grid, target_to_source: RigidTransform) -> FloatArray:
    """The 3×4 matrix that takes an index (slice, row, column) of `target` to an index of `source`."""
    matrix = np.linalg.inv(source.affine) @ target_to_source.matrix_mm @ target.affine
    return matrix[:3]


def resample(
    array: NDArray[np.float32], source: Grid, target: Grid, target_to_source: RigidTransform, order: int = 1
) -> NDArray[np.float32]:
    """Values of `array` (on `source`) at the voxels of `target`, float32 of the target's shape; 0 outside the source.

    `target_to_source` takes points of the target's space to points of the source's space (mm). Linear (`order` 1)
    interpolation keeps values within their range; a linear ramp is reproduced exactly.

    >>> ramp = np.arange(4, dtype=np.float32)[None, None, :] * np.ones((2, 3, 1), dtype=np.float32)
    >>> grid = Grid.axis_aligned((2, 3, 4), (1.0, 1.0, 1.0))
    >>> shift = RigidTransform.from_euler((0, 0, 0), (0.5, 0, 0))
    >>> resample(ramp, grid, grid, shift)[0, 0, :3].tolist()
    [0.5, 1.5, 2.5]
    """
    matrix = index_map(source, target, target_to_source)
    # a point exactly on the border must not fall outside because of rounding
    return ndimage.affine_transform(
        array,
        matrix[:, :3],
        offset=matrix[:, 3],  # pyright: ignore[reportArgumentType]  # the stub knows a number only
        output_shape=target.shape,
        order=order,
        mode="grid-constant",
    ).astype(np.float32)


def share_inside(source: Grid, target: Grid, target_to_source: RigidTransform) -> float:
    """Share of the target's slices whose middle lies within the source, 0–1."""
    n_slices, n_rows, n_columns = target.shape
    index = np.arange(n_slices)
    middles = np.stack([index, np.full(n_slices, (n_rows - 1) / 2), np.full(n_slices, (n_columns - 1) / 2)], axis=1)
    found = source.to_index(target_to_source.apply(target.to_mm(middles)))
    inside = np.all((found >= -0.5) & (found <= np.array(source.shape) - 0.5), axis=1)
    return float(inside.mean())
