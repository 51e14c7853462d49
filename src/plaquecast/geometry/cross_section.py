"""The plane across an artery at each slice, and where its points lie in the slice's pixels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from plaquecast.domain.anatomy import Side
from plaquecast.domain.grid import FloatArray, Grid
from plaquecast.domain.volume import Centerline

STEEPEST_DEGREES = 60.0
"""A slice that cuts the artery more obliquely than this says too little about its cross-section."""
BELOW_MM = np.linspace(-14.0, -8.0, 7)
ABOVE_MM = np.linspace(0.0, 8.0, 9)
PRIOR_WEIGHT = 0.1
"""Weight of anatomy (the ICA leaves backwards and outwards) beside the bend of the axis, whose size is near 0.5."""

_BOX_VARIANCE = 1.0 / 12.0
_PIXEL_VARIANCE = _BOX_VARIANCE + 1.0 / 6.0  # box of the voxel, and the triangle of linear interpolation


@dataclass(frozen=True, slots=True, eq=False)
class CrossSection:
    """The plane across the artery at one slice, in mm: u towards the flow divider, v towards anterior.

    What the slice shows is projected on that plane along the artery, which is exact for a straight tube: an oblique
    cut through it becomes its cross-section. `matrix` (2, 2) takes (u, v) in mm to (row, column) in pixels.
    `cosine` is that of the angle between the artery and the slice's normal. `blur_mm2` (2, 2) is the covariance of what
    blurs an edge in this plane: the voxel's box, its depth included, and linear interpolation between pixels.
    """

    slice_index: int
    position_mm: float
    matrix: FloatArray
    cosine: float
    blur_mm2: FloatArray

    def index(self, points_mm: ArrayLike, origin_index: FloatArray) -> FloatArray:
        """Take (…, 2) offsets (u, v) in mm from `origin_index` (row, column) to fractional (row, column)."""
        return np.asarray(points_mm, dtype=np.float64) @ self.matrix.T + origin_index


def flow_divider_direction(centerline: Centerline, side: Side) -> FloatArray:
    """Unit vector (3,) LPS that faces the flow divider, seen from the artery.

    The ICA bends away from the ECA, so the flow divider lies opposite to the bend of the axis at the bifurcation. Where
    the axis shows no bend, anatomy decides: forwards and towards the midline.

    >>> straight = Centerline(np.array([[0.0, 0.0, -20.0], [0.0, 0.0, 20.0]]), np.array([-20.0, 20.0]), 1.0)
    >>> flow_divider_direction(straight, Side.LEFT)[:2].round(3).tolist()
    [-0.707, -0.707]
    """
    ends = centerline.position_mm[[0, -1]]
    below, above = (centerline.tangent(np.clip(place, *ends)).mean(axis=0) for place in (BELOW_MM, ABOVE_MM))
    away = above - below + PRIOR_WEIGHT * np.array([side.sign_x, 1.0, 0.0]) / np.sqrt(2.0)
    return -away / np.linalg.norm(away)


def cross_section(
    grid: Grid, slice_index: int, position_mm: float, tangent: FloatArray, divider: FloatArray
) -> CrossSection | None:
    """The plane across the artery at a slice, or None where the slice cuts it too obliquely.

    `tangent` (3,) is the artery's direction there and `divider` (3,) points to the flow divider, both LPS.

    >>> grid = Grid.axis_aligned((4, 8, 8), (2.0, 0.5, 0.5))
    >>> plane = cross_section(grid, 0, 0.0, np.array([0.0, 0.6, 0.8]), np.array([1.0, 0.0, 0.0]))
    >>> round(plane.cosine, 3), np.abs(plane.matrix).round(3).tolist()
    (0.8, [[0.0, 2.5], [2.0, 0.0]])
    """
    normal = grid.affine[:3, 0] / grid.spacing_mm[0]
    cosine = float(abs(tangent @ normal))
    if cosine < np.cos(np.radians(STEEPEST_DEGREES)):
        return None
    toward = divider - (divider @ tangent) * tangent
    toward = toward / np.linalg.norm(toward)
    third = np.cross(tangent, toward)
    anterior = -third if third[1] > 0 else third  # anterior is −y
    across = np.stack([toward, anterior], axis=1)
    in_slice = across - np.outer(tangent, normal @ across) / (tangent @ normal)
    matrix = np.linalg.inv(grid.affine[:3, :3])[1:] @ in_slice
    to_mm = np.linalg.inv(matrix)
    sideways_mm = grid.slice_spacing_mm * (normal @ across)
    blur = _PIXEL_VARIANCE * to_mm @ to_mm.T + _BOX_VARIANCE * np.outer(sideways_mm, sideways_mm)
    return CrossSection(slice_index, position_mm, matrix, cosine, blur)
