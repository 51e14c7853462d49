"""Where the cross-sections of an artery lie: the crop of the grid around its course, and each slice's position."""

import numpy as np
from numpy.typing import NDArray

from plaquecast.domain.grid import FloatArray, Grid
from plaquecast.domain.volume import Centerline

Indices = NDArray[np.intp]


def crop_around(grid: Grid, centers: FloatArray, half_mm: float) -> tuple[Grid, Indices, Indices]:
    """The part of the grid that holds every region, and its row and column indices in the whole grid."""
    bounds = []
    for axis in (0, 1):
        spacing = grid.spacing_mm[axis + 1]
        low = max(0, int((centers[:, axis].min() - half_mm) / spacing))
        high = min(grid.shape[axis + 1], int((centers[:, axis].max() + half_mm) / spacing) + 1)
        bounds.append((low, high))
    shape = (grid.shape[0], bounds[0][1] - bounds[0][0], bounds[1][1] - bounds[1][0])
    return grid.crop((0, bounds[0][0], bounds[1][0]), shape), np.arange(*bounds[0]), np.arange(*bounds[1])


def slice_positions(grid: Grid, axis: Centerline) -> FloatArray:
    """Position of every slice of the grid along the artery, carried on straight beyond the axis' ends."""
    heights = grid.to_mm(
        np.stack([np.arange(grid.shape[0]), np.zeros(grid.shape[0]), np.zeros(grid.shape[0])], axis=1)
    )[:, 2]
    inside = np.interp(heights, axis.points_mm[:, 2], axis.position_mm)
    below, above = axis.points_mm[0, 2] - heights, heights - axis.points_mm[-1, 2]
    return inside - np.maximum(below, 0.0) + np.maximum(above, 0.0)
