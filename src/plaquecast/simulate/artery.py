"""One carotid artery of a simulated person: axis, branches, wall, and what lies at any point of it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from scipy.interpolate import PchipInterpolator

from plaquecast.domain.anatomy import Side
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.volume import Centerline
from plaquecast.simulate.plaque import Core, Plaque, outward_share
from plaquecast.simulate.tissues import Matter

AXIS_STEP_MM = 0.25
AXIS_MM = np.arange(-34.0, 34.0 + AXIS_STEP_MM / 2, AXIS_STEP_MM)
"""Positions at which the axis is known."""
N_ANGLES = 120
"""Angles at which the wall's radii are tabulated for `classify`."""
ECA_WALL_MM = 0.7
SEPTUM_MM = 0.15
"""The outline runs on across the mouth of the ECA as a line of this thickness, which no image resolves."""
MOUTH_MM = np.arange(-14.0, 2.01, 0.5)
MOUTH_ANGLES = np.radians(np.arange(-90.0, 90.1, 5.0))
"""Where the mouth may lie: position along the axis and angle from the flow divider."""


@dataclass(frozen=True, slots=True)
class ArteryShape:
    """The healthy artery of a person at an age: sizes in mm, angles in degrees.

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
class SimulatedArtery:
    """CCA and ICA as a tube with plaque, in wall coordinates, and the ECA that leaves it.

    Model space is LPS mm. The tube's outline runs on across the mouth of the ECA.
    """

    shape: ArteryShape
    plaques: tuple[Plaque, ...]

    def with_plaques(self, plaques: tuple[Plaque, ...]) -> "SimulatedArtery":
        """The same artery with other plaque; what depends on the shape alone is not worked out again."""
        other = SimulatedArtery(self.shape, plaques)
        for name in _OF_THE_SHAPE:
            if name in self.__dict__:
                other.__dict__[name] = self.__dict__[name]
        return other

    @property
    def side(self) -> Side:
        """The side of the artery."""
        return self.shape.side

    @property
    def centerline(self) -> Centerline:
        """The axis with its position from the tip of the flow divider."""
        return Centerline(self._axis, AXIS_MM, 1.0)

    def normal_radius(self, s: FloatArray) -> FloatArray:
        """Lumen radius of the healthy artery along the axis, mm: CCA, bulb, taper to the distal ICA."""
        return self._radius_curve(s)

    @cached_property
    def _radius_curve(self) -> PchipInterpolator:
        shape = self.shape
        knots = [-34.0, -12.0, -3.0, 3.0, 12.0, 34.0]
        neck = 0.5 * (shape.common_radius_mm + shape.bulb_radius_mm)
        radii = [
            shape.common_radius_mm, shape.common_radius_mm, neck, shape.bulb_radius_mm, shape.internal_radius_mm,
            shape.internal_radius_mm,
        ]  # fmt: skip
        return PchipInterpolator(knots, radii)

    def radii(self, s: FloatArray, angle: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Distance of the lumen's surface and of the outer wall from the axis, mm, at positions and angles."""
        normal = self.normal_radius(s)
        shape = np.broadcast_shapes(np.shape(s), np.shape(angle))
        thickening, crater = np.zeros(shape), np.zeros(shape)
        for plaque in self.plaques:
            thickening = thickening + plaque.thickening(s, angle)
            crater = crater + plaque.ulceration(s, angle)
        outward = thickening * outward_share(thickening)
        outer = normal + self.shape.wall_mm + outward
        lumen = np.minimum(np.maximum(normal - (thickening - outward), 0.6) + crater, outer - 0.5)
        closed = 1.0 - self._mouth(s, angle)
        return outer - SEPTUM_MM - (outer - lumen - SEPTUM_MM) * closed, outer

    def _mouth(self, s: FloatArray, angle: FloatArray) -> FloatArray:
        """How far the wall gives way to the mouth of the ECA, 0–1; shape of `s` and `angle` together."""
        rows = (np.asarray(s, dtype=np.float64) - MOUTH_MM[0]) / (MOUTH_MM[1] - MOUTH_MM[0])
        wrapped = (np.asarray(angle, dtype=np.float64) + np.pi) % (2.0 * np.pi) - np.pi
        columns = (wrapped - MOUTH_ANGLES[0]) / (MOUTH_ANGLES[1] - MOUTH_ANGLES[0])
        places = np.stack(np.broadcast_arrays(rows, columns))
        return ndimage.map_coordinates(self._mouth_table, places, order=1, mode="constant", cval=0.0)

    @cached_property
    def _mouth_table(self) -> FloatArray:
        """`_mouth` on the grid `MOUTH_MM` × `MOUTH_ANGLES`: open where the middle of the wall is in the ECA's lumen."""
        s, angle = (grid.ravel() for grid in np.meshgrid(MOUTH_MM, MOUTH_ANGLES, indexing="ij"))
        points = self.point(s, angle, self.normal_radius(s) + 0.5 * self.shape.wall_mm)
        inside_mm = self.shape.external_radius_mm - self._external_distance(points)
        is_below = 1.0 / (1.0 + np.exp(np.minimum(8.0 * (s + 0.5), 50.0)))
        return (is_below / (1.0 + np.exp(np.clip(-8.0 * inside_mm, -50.0, 50.0)))).reshape(len(MOUTH_MM), -1)

    def matter_in_wall(
        self, s: FloatArray, angle: FloatArray, depth: FloatArray, thickness: FloatArray
    ) -> NDArray[np.uint8]:
        """Matter codes (uint8) at depths below the lumen's surface inside the wall; arrays of one shape (n,)."""
        matter = np.full(s.shape, Matter.WALL, dtype=np.uint8)
        for plaque in self.plaques:
            near = plaque.footprint.scaled(1.3).squared_radius(s, angle) < 1.0
            if near.any():
                matter[near] = _components(plaque, s[near], angle[near], depth[near], thickness[near], matter[near])
        return matter

    def classify(self, points_mm: ArrayLike) -> NDArray[np.uint8]:
        """Matter codes (n,) at points (n, 3) of model space; `Matter.OUTSIDE` where neither artery is."""
        points = np.asarray(points_mm, dtype=np.float64)
        matter = np.zeros(len(points), dtype=np.uint8)
        self._mark_external(points, matter)
        near = np.flatnonzero(self._is_near(points))
        s, angle, radius = self.wall_coordinates(points[near])
        lumen, outer = self._tabulated_radii(s, angle)
        inside = (radius < outer) & (s > AXIS_MM[0]) & (s < AXIS_MM[-1])
        in_lumen, in_wall = inside & (radius < lumen), inside & (radius >= lumen)
        matter[near[in_lumen]] = Matter.LUMEN
        depth, thickness = (radius - lumen)[in_wall], (outer - lumen)[in_wall]
        matter[near[in_wall]] = self.matter_in_wall(s[in_wall], angle[in_wall], depth, thickness)
        return matter

    def wall_coordinates(self, points_mm: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Position along (mm), angle (radians) and distance from the axis (mm) of points (n, 3)."""
        s = np.interp(points_mm[:, 2], self._axis[:, 2], AXIS_MM)
        for _ in range(2):  # the axis is gently bent, so two steps reach a micrometre
            s = s + np.einsum("ij,ij->i", points_mm - _along(self._axis, s), _along(self._tangent, s))
        offset = points_mm - _along(self._axis, s)
        toward, anterior = _along(self._toward, s), _along(self._anterior, s)
        x, y = np.einsum("ij,ij->i", offset, toward), np.einsum("ij,ij->i", offset, anterior)
        return s, np.arctan2(y, x), np.hypot(x, y)

    def point(self, s: FloatArray, angle: FloatArray, radius: FloatArray) -> FloatArray:
        """Points (n, 3) LPS mm at wall coordinates; the inverse of `wall_coordinates`."""
        toward, anterior = _along(self._toward, s), _along(self._anterior, s)
        return (
            _along(self._axis, s)
            + (radius * np.cos(angle))[:, None] * toward
            + (radius * np.sin(angle))[:, None] * anterior
        )

    @cached_property
    def _direction(self) -> FloatArray:
        """Horizontal unit vector towards which the ICA leaves."""
        azimuth = np.radians(self.shape.azimuth_degrees)
        return np.array([self.side.sign_x * np.cos(azimuth), np.sin(azimuth), 0.0])

    @cached_property
    def _axis(self) -> FloatArray:
        """Points of the axis (n, 3): the tangent's tilt rises at the bifurcation and falls again in the ICA."""
        tilt = np.radians(self.shape.internal_angle_degrees) * np.interp(
            AXIS_MM, [-34.0, -7.0, 2.0, 12.0, 30.0], [0.0, 0.0, 1.0, 0.7, 0.2]
        )
        tilt = np.convolve(np.pad(tilt, 16, mode="edge"), np.full(33, 1 / 33), mode="valid")
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
    def _tangent(self) -> FloatArray:
        tangent = np.gradient(self._axis, AXIS_STEP_MM, axis=0)
        return tangent / np.linalg.norm(tangent, axis=1, keepdims=True)

    @cached_property
    def _toward(self) -> FloatArray:
        """Unit vectors across the axis that face the flow divider."""
        across = -self._direction - np.einsum("ij,j->i", self._tangent, -self._direction)[:, None] * self._tangent
        return across / np.linalg.norm(across, axis=1, keepdims=True)

    @cached_property
    def _anterior(self) -> FloatArray:
        """Unit vectors across the axis and across `_toward`, on the anterior side."""
        third = np.cross(self._tangent, self._toward)
        return third * np.where(third[:, 1:2] > 0, -1.0, 1.0)

    @cached_property
    def _radius_table(self) -> tuple[FloatArray, FloatArray]:
        angle = np.linspace(-np.pi, np.pi, N_ANGLES + 1)
        lumen, outer = self.radii(AXIS_MM[:, None], angle[None, :])
        return lumen, outer

    def _tabulated_radii(self, s: FloatArray, angle: FloatArray) -> tuple[FloatArray, FloatArray]:
        row = np.clip((s - AXIS_MM[0]) / AXIS_STEP_MM, 0, len(AXIS_MM) - 1.001)
        column = np.clip((angle + np.pi) / (2.0 * np.pi) * N_ANGLES, 0, N_ANGLES - 0.001)
        i, j = row.astype(np.intp), column.astype(np.intp)
        u, v = row - i, column - j
        corners = ((0, 0, (1 - u) * (1 - v)), (1, 0, u * (1 - v)), (0, 1, (1 - u) * v), (1, 1, u * v))
        lumen, outer = (
            sum(weight * table[i + di, j + dj] for di, dj, weight in corners) for table in self._radius_table
        )
        return np.asarray(lumen, dtype=np.float64), np.asarray(outer, dtype=np.float64)

    def _is_near(self, points: FloatArray) -> NDArray[np.bool_]:
        """Whether a point may lie in the tube: a cheap test that spares the exact one for most points."""
        z = points[:, 2]
        axis_x = np.interp(z, self._axis[:, 2], self._axis[:, 0])
        axis_y = np.interp(z, self._axis[:, 2], self._axis[:, 1])
        reach = 1.25 * float(self._radius_table[1].max()) + 0.5
        return (points[:, 0] - axis_x) ** 2 + (points[:, 1] - axis_y) ** 2 < reach**2

    @cached_property
    def _external_axis(self) -> FloatArray:
        """Points of the ECA's axis (m, 3), from inside the CCA; its lumen parts from the ICA's at position 0."""
        tilt = np.radians(self.shape.external_angle_degrees) * np.interp(
            np.arange(0.0, 40.0, AXIS_STEP_MM), [0.0, 9.0, 20.0, 40.0], [1.0, 1.0, 0.35, 0.2]
        )
        step = np.cos(tilt)[:, None] * np.array([0.0, 0.0, 1.0]) - np.sin(tilt)[:, None] * self._direction
        path = np.concatenate([np.zeros((1, 3)), np.cumsum(step, axis=0) * AXIS_STEP_MM])
        gap = float(self.normal_radius(np.array(0.0))) + self.shape.external_radius_mm
        tip = _along(self._axis, np.array([0.0]))[0]
        starts = _along(self._axis, np.arange(-20.0, 0.0, AXIS_STEP_MM))
        at_tip = np.stack([np.interp(tip[2] - starts[:, 2], path[:, 2], path[:, i]) for i in (0, 1)], axis=1)
        distance = np.linalg.norm(starts[:, :2] + at_tip - tip[:2], axis=1)
        return path + starts[int(np.argmin(np.abs(distance - gap)))]

    def _mark_external(self, points: FloatArray, matter: NDArray[np.uint8]) -> None:
        axis, radius = self._external_axis, self.shape.external_radius_mm
        z = points[:, 2]
        near = np.flatnonzero((z > axis[0, 2]) & (z < axis[-1, 2]))
        distance = self._external_distance(points[near])
        matter[near[distance < radius + ECA_WALL_MM]] = Matter.ECA_WALL
        matter[near[distance < radius]] = Matter.ECA_LUMEN

    def _external_distance(self, points: FloatArray) -> FloatArray:
        """Distance (n,) of points (n, 3) from the ECA's axis, mm; huge below its beginning."""
        axis = self._external_axis
        z = points[:, 2]
        center = np.stack([np.interp(z, axis[:, 2], axis[:, i]) for i in (0, 1)], axis=1)
        slope = np.interp(z, axis[1:, 2], np.diff(axis[:, 2]) / AXIS_STEP_MM)
        offset = points[:, :2] - center
        along = offset @ self._direction[:2]
        across = offset @ np.array([-self._direction[1], self._direction[0]])
        distance = np.hypot(along * slope, across)  # the horizontal cut through a tilted tube is an ellipse
        return np.where(z < axis[0, 2], 1e3, distance)


_OF_THE_SHAPE = (
    "_direction", "_axis", "_tangent", "_toward", "_anterior", "_external_axis", "_mouth_table",
    "_radius_curve",
)  # fmt: skip


def _along(table: FloatArray, s: FloatArray) -> FloatArray:
    """Linear interpolation (n, 3) in a table over `AXIS_MM`, held constant beyond its ends."""
    row = np.clip((s - AXIS_MM[0]) / AXIS_STEP_MM, 0, len(AXIS_MM) - 1.001)
    index = row.astype(np.intp)
    weight = (row - index)[:, None]
    return (1.0 - weight) * table[index] + weight * table[index + 1]


def _components(
    plaque: Plaque,
    s: FloatArray,
    angle: FloatArray,
    depth: FloatArray,
    thickness: FloatArray,
    matter: NDArray[np.uint8],
) -> NDArray[np.uint8]:
    """Matter of a plaque's neighborhood; calcification lies over core, core over cap, cap over loose matrix."""
    matter = matter.copy()
    for deposit in plaque.deposits:
        if deposit.matter is Matter.LOOSE_MATRIX:
            begin, end = deposit.bounds(s, angle, thickness)
            matter[(depth >= begin) & (depth < end)] = Matter.LOOSE_MATRIX
    if plaque.core is not None:
        _mark_core(plaque.core, s, angle, depth, thickness, matter)
    for deposit in plaque.deposits:
        if deposit.matter is Matter.CALCIFICATION:
            begin, end = deposit.bounds(s, angle, thickness)
            matter[(depth >= begin) & (depth < end)] = Matter.CALCIFICATION
    return matter


def _mark_core(
    core: Core, s: FloatArray, angle: FloatArray, depth: FloatArray, thickness: FloatArray, matter: NDArray[np.uint8]
) -> None:
    squared = core.footprint.squared_radius(s, angle)
    top = core.cap_depth(s, angle)
    bottom = core.bottom_depth(s, angle, thickness)
    under_cap = (squared < 1.0) & (bottom > top + 0.02)
    matter[under_cap & (depth < top)] = Matter.FIBROUS_CAP
    inside = under_cap & (depth >= top) & (depth < bottom)
    matter[inside] = Matter.LIPID_RICH_NECROTIC_CORE
    if core.hemorrhage_share > 0.0:
        matter[inside & (squared < core.hemorrhage_radius**2)] = core.hemorrhage_matter
