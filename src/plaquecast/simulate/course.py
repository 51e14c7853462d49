"""Where one carotid artery of a person runs: axis, frames across it, healthy radius, external branch and its mouth.

Wall coordinates: position along the axis from the flow divider (mm), angle (radians, 0 faces the flow divider, rising
towards anterior on both sides), distance from the axis (mm). Model space is LPS mm.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import ndimage

from plaquecast.domain.anatomy import Side
from plaquecast.domain.grid import FloatArray

AXIS_STEP_MM = 0.25
AXIS_MM = np.arange(-34.0, 34.0 + AXIS_STEP_MM / 2, AXIS_STEP_MM)
"""Positions at which the axis is known."""
MOUTH_MM = np.arange(-14.0, 2.01, 0.5)
MOUTH_ANGLES = np.radians(np.arange(-90.0, 90.1, 5.0))
"""Where the mouth may lie: position along the axis and angle from the flow divider."""


@dataclass(frozen=True, slots=True)
class ArteryShape:
    """The healthy artery of a person at the first visit: sizes in mm, angles in degrees.

    The internal carotid leaves the common carotid's direction by `internal_angle_degrees` towards
    `azimuth_degrees` (0 lateral, 90 posterior), the external one by `external_angle_degrees` the other way.
    """

    side: Side
    common_radius_mm: float
    bulb_radius_mm: float
    internal_radius_mm: float
    external_radius_mm: float
    internal_angle_degrees: float
    external_angle_degrees: float
    azimuth_degrees: float
    bend_mm: float
    bend_phase: float
    wall_mm: float
    origin_mm: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class WallGrid:
    """Positions (n,) × angles (m,) at the middle of equal cells of the unwrapped wall, in mm and radians."""

    position_mm: FloatArray
    angle: FloatArray

    @staticmethod
    def covering(reach_mm: float, step_mm: float, n_angles: int) -> "WallGrid":
        """Cells of `step_mm` from `reach_mm` below to `reach_mm` above the flow divider, all around."""
        return WallGrid(
            np.arange(-reach_mm + step_mm / 2, reach_mm, step_mm),
            np.linspace(0.0, 2.0 * np.pi, n_angles, endpoint=False),
        )

    @property
    def step_mm(self) -> float:
        """Length of a cell along the artery."""
        return float(self.position_mm[1] - self.position_mm[0])

    @property
    def step_angle(self) -> float:
        """Width of a cell around the artery, radians."""
        return float(self.angle[1] - self.angle[0])

    @property
    def s(self) -> FloatArray:
        """Positions as a column (n, 1)."""
        return self.position_mm[:, None]

    @property
    def a(self) -> FloatArray:
        """Angles as a row (1, m)."""
        return self.angle[None, :]


COVERAGE_MM = 16.0
"""Truth is given from this far below to this far above the flow divider, as a carotid protocol covers it."""
FINE = WallGrid.covering(COVERAGE_MM, 0.5, 72)
COARSE = WallGrid.covering(COVERAGE_MM, 1.0, 36)
"""Grids of integration: for images and maps, and for tables of thousands; volumes differ by less than 2 %."""


class Course:
    """The course of an artery of the given shape; worked out once and shared by all its later states."""

    def __init__(self, shape: ArteryShape) -> None:
        self.shape = shape
        self._on_grids: dict[WallGrid, tuple[FloatArray, FloatArray]] = {}

    def normal_radius(self, s: FloatArray) -> FloatArray:
        """Lumen radius of the healthy artery, mm: common carotid, swelling to the bulb, taper to the internal one."""
        shape = self.shape
        swelling, taper = _smooth_step((s + 12.0) / 15.0), _smooth_step((s - 3.5) / 10.0)
        return (
            shape.common_radius_mm
            + (shape.bulb_radius_mm - shape.common_radius_mm) * swelling
            + (shape.internal_radius_mm - shape.bulb_radius_mm) * taper
        )

    def mouth(self, s: FloatArray, angle: FloatArray) -> FloatArray:
        """How far the wall gives way to the mouth of the external branch, 0–1; shape of `s` and `angle` together."""
        rows = (np.asarray(s, dtype=np.float64) - MOUTH_MM[0]) / (MOUTH_MM[1] - MOUTH_MM[0])
        wrapped = (np.asarray(angle, dtype=np.float64) + np.pi) % (2.0 * np.pi) - np.pi
        columns = (wrapped - MOUTH_ANGLES[0]) / (MOUTH_ANGLES[1] - MOUTH_ANGLES[0])
        places = np.stack(np.broadcast_arrays(rows, columns))
        return ndimage.map_coordinates(self._mouth_table, places, order=1, mode="constant", cval=0.0)

    def on_grid(self, grid: WallGrid) -> tuple[FloatArray, FloatArray]:
        """`normal_radius` (n, 1) and `mouth` (n, m) on a grid; kept, for they never change."""
        if grid not in self._on_grids:
            self._on_grids[grid] = self.normal_radius(grid.s), self.mouth(grid.s, grid.a)
        return self._on_grids[grid]

    def wall_coordinates(self, points_mm: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Position along (mm), angle (radians) and distance from the axis (mm) of points (n, 3)."""
        s = np.interp(points_mm[:, 2], self.axis_mm[:, 2], AXIS_MM)
        for _ in range(6):  # the axis is bent, so that each step leaves up to a third of the error before
            s = s + np.einsum("ij,ij->i", points_mm - _along(self.axis_mm, s), _along(self._tangent, s))
        offset = points_mm - _along(self.axis_mm, s)
        toward, anterior = _along(self._toward, s), _along(self._anterior, s)
        x, y = np.einsum("ij,ij->i", offset, toward), np.einsum("ij,ij->i", offset, anterior)
        return s, np.arctan2(y, x), np.hypot(x, y)

    def point(self, s: FloatArray, angle: FloatArray, radius: FloatArray) -> FloatArray:
        """Points (n, 3) LPS mm at wall coordinates; the inverse of `wall_coordinates`."""
        toward, anterior = _along(self._toward, s), _along(self._anterior, s)
        return (
            _along(self.axis_mm, s)
            + (radius * np.cos(angle))[:, None] * toward
            + (radius * np.sin(angle))[:, None] * anterior
        )

    def external_distance(self, points: FloatArray) -> FloatArray:
        """Distance (n,) of points (n, 3) from the external branch's axis, mm; huge below its beginning."""
        axis = self.external_axis_mm
        z = points[:, 2]
        center = np.stack([np.interp(z, axis[:, 2], axis[:, i]) for i in (0, 1)], axis=1)
        slope = np.interp(z, axis[1:, 2], np.diff(axis[:, 2]) / AXIS_STEP_MM)
        offset = points[:, :2] - center
        along = offset @ self._direction[:2]
        across = offset @ np.array([-self._direction[1], self._direction[0]])
        distance = np.hypot(along * slope, across)  # the horizontal cut through a tilted tube is an ellipse
        return np.where(z < axis[0, 2], 1e3, distance)

    @cached_property
    def axis_mm(self) -> FloatArray:
        """Points of the axis (n, 3) at `AXIS_MM`: the tilt rises at the bifurcation and falls again in the ICA."""
        tilt = np.radians(self.shape.internal_angle_degrees) * _TILT
        tangent = np.cos(tilt)[:, None] * np.array([0.0, 0.0, 1.0]) + np.sin(tilt)[:, None] * self._direction
        points = np.concatenate(
            [np.zeros((1, 3)), np.cumsum(0.5 * (tangent[1:] + tangent[:-1]), axis=0) * AXIS_STEP_MM]
        )
        across = np.array([-self._direction[1], self._direction[0], 0.0])
        wave = self.shape.bend_mm * np.sin(2.0 * np.pi * AXIS_MM / 60.0 + self.shape.bend_phase)
        points = points + wave[:, None] * across
        length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
        length -= length[len(AXIS_MM) // 2]  # the wave made the axis longer; positions count along it
        points = np.stack([np.interp(AXIS_MM, length, coordinate) for coordinate in points.T], axis=1)
        return points - points[len(AXIS_MM) // 2] + np.array(self.shape.origin_mm)

    @cached_property
    def external_axis_mm(self) -> FloatArray:
        """Points of the ECA's axis (m, 3), from inside the CCA; its lumen parts from the ICA's at position 0."""
        tilt = np.radians(self.shape.external_angle_degrees) * _EXTERNAL_TILT
        step = np.cos(tilt)[:, None] * np.array([0.0, 0.0, 1.0]) - np.sin(tilt)[:, None] * self._direction
        path = np.concatenate([np.zeros((1, 3)), np.cumsum(step, axis=0) * AXIS_STEP_MM])
        gap = float(self.normal_radius(np.array(0.0))) + self.shape.external_radius_mm
        tip = _along(self.axis_mm, np.array([0.0]))[0]
        starts = _along(self.axis_mm, np.arange(-20.0, 0.0, AXIS_STEP_MM))
        at_tip = np.stack([np.interp(tip[2] - starts[:, 2], path[:, 2], path[:, i]) for i in (0, 1)], axis=1)
        distance = np.linalg.norm(starts[:, :2] + at_tip - tip[:2], axis=1)
        return path + starts[int(np.argmin(np.abs(distance - gap)))]

    @cached_property
    def _direction(self) -> FloatArray:
        """Horizontal unit vector towards which the ICA leaves."""
        azimuth = np.radians(self.shape.azimuth_degrees)
        return np.array([self.shape.side.sign_x * np.cos(azimuth), np.sin(azimuth), 0.0])

    @cached_property
    def _tangent(self) -> FloatArray:
        return _unit(np.gradient(self.axis_mm, AXIS_STEP_MM, axis=0))

    @cached_property
    def _toward(self) -> FloatArray:
        """Unit vectors across the axis that face the flow divider."""
        return _unit(-self._direction - np.einsum("ij,j->i", self._tangent, -self._direction)[:, None] * self._tangent)

    @cached_property
    def _anterior(self) -> FloatArray:
        """Unit vectors across the axis and across `_toward`, on the anterior side."""
        third = np.cross(self._tangent, self._toward)
        return third * np.where(third[:, 1:2] > 0, -1.0, 1.0)

    @cached_property
    def _mouth_table(self) -> FloatArray:
        """`mouth` on `MOUTH_MM` × `MOUTH_ANGLES`: open where the middle of the wall lies in the external lumen."""
        radius = self.normal_radius(MOUTH_MM) + 0.5 * self.shape.wall_mm
        across = [radius[:, None] * _along(frame, MOUTH_MM) for frame in (self._toward, self._anterior)]
        points = _along(self.axis_mm, MOUTH_MM)[:, None] + (
            np.cos(MOUTH_ANGLES)[:, None] * across[0][:, None] + np.sin(MOUTH_ANGLES)[:, None] * across[1][:, None]
        )
        inside_mm = self.shape.external_radius_mm - self.external_distance(points.reshape(-1, 3))
        is_below = 1.0 / (1.0 + np.exp(np.minimum(8.0 * (MOUTH_MM + 0.5), 50.0)))
        is_open = 1.0 / (1.0 + np.exp(np.clip(-8.0 * inside_mm, -50.0, 50.0)))
        return is_below[:, None] * is_open.reshape(len(MOUTH_MM), -1)


def _smoothed_tilt() -> FloatArray:
    """Course of the tilt along the axis, 0–1, without corners."""
    tilt = np.interp(AXIS_MM, [-34.0, -7.0, 2.0, 12.0, 30.0], [0.0, 0.0, 1.0, 0.7, 0.2])
    return np.convolve(np.pad(tilt, 16, mode="edge"), np.full(33, 1 / 33), mode="valid")


_TILT = _smoothed_tilt()
_EXTERNAL_TILT = np.interp(np.arange(0.0, 40.0, AXIS_STEP_MM), [0.0, 9.0, 20.0, 40.0], [1.0, 1.0, 0.35, 0.2])


def _smooth_step(x: FloatArray) -> FloatArray:
    """3x² − 2x³ between 0 and 1, held beyond."""
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)


def _unit(vectors: FloatArray) -> FloatArray:
    return vectors / np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, None]


def _along(table: FloatArray, s: FloatArray) -> FloatArray:
    """Linear interpolation (n, 3) in a table over `AXIS_MM`, held constant beyond its ends."""
    row = np.clip((s - AXIS_MM[0]) / AXIS_STEP_MM, 0, len(AXIS_MM) - 1.001)
    index = row.astype(np.intp)
    weight = (row - index)[:, None]
    return (1.0 - weight) * table[index] + weight * table[index + 1]
