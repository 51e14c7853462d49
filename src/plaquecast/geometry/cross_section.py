"""Wall coordinates of an artery, and the plane across it at each slice."""

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
LEAST_BEND = 0.15
"""An axis that bends less than this (difference of unit tangents; near 0.5 in most people) does not tell the side."""
N_STEPS = 5
"""Steps in which the position of a point is found; each leaves distance from the axis × curvature of the error."""

_BOX_VARIANCE = 1.0 / 12.0
_PIXEL_VARIANCE = _BOX_VARIANCE + 1.0 / 6.0  # box of the voxel, and the triangle of linear interpolation


@dataclass(frozen=True, slots=True, eq=False)
class WallFrame:
    """Coordinates of one artery: position s along its axis (mm), and (u, v) in the plane across it there (mm).

    u points towards the flow divider, whose direction from the artery is `divider` (3,) LPS, and v from there towards
    anterior. The axis goes on straight beyond its ends.
    """

    centerline: Centerline
    divider: FloatArray
    side: Side

    @staticmethod
    def of(centerline: Centerline, side: Side) -> "WallFrame":
        """The coordinates of the artery with this axis."""
        return WallFrame(centerline, flow_divider_direction(centerline, side), side)

    def axis(self, position_mm: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Points of the axis and unit tangents towards the head, (n, 3) each."""
        known = np.clip(position_mm, *self.centerline.position_mm[[0, -1]])
        tangent = self.centerline.tangent(known)
        return self.centerline.at_position(known) + (position_mm - known)[:, None] * tangent, tangent

    def across(self, tangent: FloatArray) -> FloatArray:
        """Unit vectors along u and v as columns, (n, 3, 2), for tangents (n, 3).

        The flow divider lies on the midline's side of the ICA; seen from below, anterior follows it clockwise on the
        left and counterclockwise on the right.
        """
        toward = self.divider - (tangent @ self.divider)[:, None] * tangent
        toward = toward / np.linalg.norm(toward, axis=1, keepdims=True)
        third = np.asarray(np.cross(tangent, toward), dtype=np.float64)
        return np.stack([toward, self.side.sign_x * third], axis=2)

    def coordinates(self, points_mm: FloatArray, near_mm: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Positions (n,) and (u, v) (n, 2) of points (n, 3) LPS mm, sought from the positions `near_mm` (n,)."""
        position = near_mm
        for _ in range(N_STEPS):
            middle, tangent = self.axis(position)
            position = position + np.einsum("ij,ij->i", points_mm - middle, tangent)
        middle, tangent = self.axis(position)
        return position, np.einsum("ij,ijk->ik", points_mm - middle, self.across(tangent))


@dataclass(frozen=True, slots=True, eq=False)
class CrossSection:
    """The plane across the artery where its axis passes a slice, with (u, v) of `WallFrame` as its coordinates.

    What the slice shows is projected on the plane along the artery: (u, v) is seen at the pixel `matrix` (2, 2) @
    (u, v) + `axis_index`, and lies in space at `axis_mm` + `in_slice` (3, 2) @ (u, v), which is not in the plane itself
    if the artery leans. `length_mm` of the artery lie under the slice. `blur_mm2` (2, 2) is the covariance of what
    blurs an edge in this plane: the voxel's box, its depth included, and linear interpolation between pixels.
    """

    slice_index: int
    position_mm: float
    axis_mm: FloatArray
    across: FloatArray
    in_slice: FloatArray
    axis_index: FloatArray
    matrix: FloatArray
    length_mm: float
    blur_mm2: FloatArray

    @property
    def pixel_mm2(self) -> float:
        """Area of a pixel of the slice, seen along the artery."""
        return 1.0 / abs(float(np.linalg.det(self.matrix)))

    def index(self, points: ArrayLike) -> FloatArray:
        """Take (…, 2) points (u, v) in mm to the fractional (row, column) at which the slice shows them."""
        return np.asarray(points, dtype=np.float64) @ self.matrix.T + self.axis_index

    def to_mm(self, points: ArrayLike) -> FloatArray:
        """Take (…, 2) points (u, v) of the plane to LPS mm (…, 3)."""
        return np.asarray(points, dtype=np.float64) @ self.across.T + self.axis_mm

    def shown_mm(self, points: ArrayLike) -> FloatArray:
        """Take (…, 2) points (u, v) to where the slice shows them, LPS mm (…, 3)."""
        return np.asarray(points, dtype=np.float64) @ self.in_slice.T + self.axis_mm


def flow_divider_direction(centerline: Centerline, side: Side) -> FloatArray:
    """Unit vector (3,) LPS that faces the flow divider, seen from the artery.

    The ICA bends away from the ECA, so the flow divider lies opposite to the bend of the axis at the bifurcation. The
    less the axis bends, the more anatomy decides: forwards and towards the midline.

    >>> straight = Centerline(np.array([[0.0, 0.0, -20.0], [0.0, 0.0, 20.0]]), np.array([-20.0, 20.0]), 1.0)
    >>> flow_divider_direction(straight, Side.LEFT)[:2].round(3).tolist()
    [-0.707, -0.707]
    """
    ends = centerline.position_mm[[0, -1]]
    below, above = (centerline.tangent(np.clip(place, *ends)).mean(axis=0) for place in (BELOW_MM, ABOVE_MM))
    bend = above - below
    doubt = max(LEAST_BEND - float(np.linalg.norm(bend)), 0.0)
    away = bend + doubt * np.array([side.sign_x, 1.0, 0.0]) / np.sqrt(2.0)
    return -away / np.linalg.norm(away)


def cross_section(grid: Grid, slice_index: int, position_mm: float, frame: WallFrame) -> CrossSection | None:
    """The plane across the artery at a slice, or None where the slice cuts it too obliquely.

    `position_mm` is where the axis passes the slice.

    >>> grid = Grid.axis_aligned((4, 8, 8), (2.0, 0.5, 0.5))
    >>> leaning = Centerline(np.array([[2.0, -6.0, -8.0], [2.0, 6.0, 8.0]]), np.array([-10.0, 10.0]), 1.0)
    >>> plane = cross_section(grid, 0, 0.0, WallFrame(leaning, np.array([-1.0, 0.0, 0.0]), Side.LEFT))
    >>> round(plane.length_mm, 3), round(plane.pixel_mm2, 3), np.abs(plane.matrix).round(3).tolist()
    (2.5, 0.2, [[0.0, 2.5], [2.0, 0.0]])
    """
    (axis_mm,), (tangent,) = frame.axis(np.array([position_mm]))
    normal = grid.affine[:3, 0] / grid.spacing_mm[0]
    if abs(tangent @ normal) < np.cos(np.radians(STEEPEST_DEGREES)):
        return None
    across = frame.across(tangent[None])[0]
    in_slice = across - np.outer(tangent, normal @ across) / (tangent @ normal)
    matrix = np.linalg.inv(grid.affine[:3, :3])[1:] @ in_slice
    to_plane = np.linalg.inv(matrix)
    sideways_mm = grid.slice_spacing_mm * (normal @ across)
    return CrossSection(
        slice_index=slice_index,
        position_mm=position_mm,
        axis_mm=axis_mm,
        across=across,
        in_slice=in_slice,
        axis_index=grid.to_index(axis_mm)[1:],
        matrix=matrix,
        length_mm=grid.slice_spacing_mm / abs(float(tangent @ normal)),
        blur_mm2=_PIXEL_VARIANCE * to_plane @ to_plane.T + _BOX_VARIANCE * np.outer(sideways_mm, sideways_mm),
    )
