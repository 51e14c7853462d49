"""One carotid artery of a simulated person at one time: its wall, its plaque, and what lies at any point of it."""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from plaquecast.domain.anatomy import Side
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.volume import Centerline
from plaquecast.simulate.course import AXIS_MM, AXIS_STEP_MM, Course, WallGrid
from plaquecast.simulate.plaque import Layer, Plaque, matter_at, outward_share
from plaquecast.simulate.tissues import Matter

N_ANGLES = 120
"""Angles at which the wall's radii are tabulated for `classify`."""
EXTERNAL_WALL_MM = 0.7
SEPTUM_MM = 0.15
"""The outline runs on across the mouth of the ECA as a line of this thickness, which no image resolves."""
NARROWEST_MM = 0.45
"""No plaque narrows the lumen's radius below this; an occluded artery has no stenosis to measure."""
BULGE = 0.12
"""How far the lumen's surface follows the plaque under it, so that a lumen beside a plaque is not quite round."""
Radii = tuple[FloatArray, FloatArray]
"""Distance of the lumen's surface and of the outer wall from the axis, mm."""
RING = np.linspace(0.0, 2.0 * np.pi, 24, endpoint=False)[None, :]


@dataclass(frozen=True, eq=False)
class SimulatedArtery:
    """CCA and ICA as a tube with plaque, in wall coordinates, and the ECA that leaves it.

    `wall_mm` is the thickness of the wall where there is no plaque. At the first visit plaque narrows the lumen by
    Glagov's law; later, when it has `grown` to so many times its volume, the lumen has lost `lost` times the area. The
    tube's outline runs on across the mouth of the ECA.
    """

    course: Course
    wall_mm: float
    plaques: tuple[Plaque, ...]
    grown: float = 1.0
    lost: float = 1.0
    _known_radii: dict[WallGrid, Radii] = field(default_factory=dict, repr=False)

    def with_plaques(self, plaques: tuple[Plaque, ...]) -> "SimulatedArtery":
        """The same artery with other plaque."""
        return replace(self, plaques=plaques, _known_radii={})

    def with_components(self, plaques: tuple[Plaque, ...]) -> "SimulatedArtery":
        """The same artery with plaques of the same shape but other content, so that its radii stay known."""
        return replace(self, plaques=plaques)

    @property
    def side(self) -> Side:
        """The side of the artery."""
        return self.course.shape.side

    @property
    def centerline(self) -> Centerline:
        """The axis with its position from the tip of the flow divider."""
        return Centerline(self.course.axis_mm, AXIS_MM, 1.0)

    def radii(self, s: FloatArray, angle: FloatArray) -> Radii:
        """Distance of the lumen's surface and of the outer wall from the axis, mm, at positions and angles."""
        return self._radii(s, angle, self.course.normal_radius(s), self.course.mouth(s, angle))

    def radii_on(self, grid: WallGrid) -> Radii:
        """`radii` on a grid, each (n, m); kept, for they never change."""
        if grid not in self._known_radii:
            self._known_radii[grid] = self._radii(grid.s, grid.a, *self.course.on_grid(grid))
        return self._known_radii[grid]

    def _radii(self, s: FloatArray, angle: FloatArray, normal: FloatArray, mouth: FloatArray) -> Radii:
        thickening = self._thickening(s, angle)
        lumen, mean_thickening = self._narrowed(s, normal)
        bulge = BULGE * (thickening - mean_thickening)
        lumen = lumen - np.maximum(np.minimum(bulge, 0.35 * lumen), -0.35 * lumen)
        outer = lumen + self.wall_mm + thickening
        for plaque in self.plaques:
            if plaque.ulcer_mm > 0.0:
                lumen = np.minimum(lumen + plaque.ulceration(s, angle), outer - 0.5)
        return outer - SEPTUM_MM - (outer - lumen - SEPTUM_MM) * (1.0 - mouth), outer

    def _thickening(self, s: FloatArray, angle: FloatArray) -> FloatArray:
        """Thickness of the wall beyond `wall_mm`, shape of `s` and `angle` together."""
        thickening = np.zeros(np.broadcast_shapes(s.shape, angle.shape))
        for plaque in self.plaques:
            thickening += plaque.thickening(s, angle)
        return thickening

    def _narrowed(self, s: FloatArray, normal: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean lumen radius under plaque, and mean thickening, at positions (n, 1).

        Wall area goes outward by `outward_share` and narrows the lumen by the rest. With the lumen's radius r, the
        wall's thickness t around it and the share o, lumen area + (1 − o) · added wall area = healthy lumen area, where
        wall area = ∫ r·t + t²/2: a quadratic equation in r. What is added later goes outward as the vessel remodels:
        o is that of the plaque before it had grown, and 1 − o falls as it grows, but for `lost`.
        """
        if not self.plaques:
            return normal, np.zeros_like(normal)
        around, half_square = self._around(s)
        healthy_lumen, healthy_wall = np.pi * normal**2, self._bare_mm2(normal)
        burden = np.maximum(normal * around + half_square - healthy_wall, 0.0) / healthy_lumen
        inward = np.minimum(self.lost / self.grown * (1.0 - outward_share(burden / self.grown)), 1.0)
        b, c = inward * around, inward * (half_square - healthy_wall) - healthy_lumen
        radius = (np.sqrt(np.maximum(b * b - 4.0 * np.pi * c, 0.0)) - b) / (2.0 * np.pi)
        return np.maximum(radius, NARROWEST_MM), around / (2.0 * np.pi) - self.wall_mm

    def _around(self, s: FloatArray) -> Radii:
        """∫ t and ∫ t²/2 of the wall's thickness around the artery, at positions (n, 1)."""
        thickness = self.wall_mm + self._thickening(s, RING)
        step = 2.0 * np.pi / RING.size
        return step * thickness.sum(axis=1, keepdims=True), 0.5 * step * (thickness**2).sum(axis=1, keepdims=True)

    def _bare_mm2(self, normal: FloatArray) -> FloatArray:
        return np.pi * self.wall_mm * (2.0 * normal + self.wall_mm)

    def added_wall_mm3(self, grid: WallGrid) -> float:
        """Volume of the wall beyond that of the artery without plaque, over the grid's length, apart from the mouth."""
        normal, _ = self.course.on_grid(grid)
        around, half_square = self._around(grid.s)
        area = self._narrowed(grid.s, normal)[0] * around + half_square - self._bare_mm2(normal)
        return float(area.sum() * grid.step_mm)

    def layers(self, s: FloatArray, angle: FloatArray, thickness: FloatArray) -> list[Layer]:
        """What lies in the wall at the given places (n,), each over the one before."""
        return [layer for plaque in self.plaques for layer in plaque.layers(s, angle, thickness)]

    def classify(self, points_mm: ArrayLike) -> NDArray[np.uint8]:
        """Matter codes (n,) at points (n, 3) of model space; `Matter.OUTSIDE` where neither artery is."""
        points = np.asarray(points_mm, dtype=np.float64)
        matter = np.zeros(len(points), dtype=np.uint8)
        self._mark_external(points, matter)
        near = np.flatnonzero(self._is_near(points))
        s, angle, radius = self.course.wall_coordinates(points[near])
        lumen, outer = self._tabulated_radii(s, angle)
        inside = (radius < outer) & (s > AXIS_MM[0]) & (s < AXIS_MM[-1])
        in_lumen, in_wall = inside & (radius < lumen), inside & (radius >= lumen)
        matter[near[in_lumen]] = Matter.LUMEN
        layers = self.layers(s[in_wall], angle[in_wall], (outer - lumen)[in_wall])
        matter[near[in_wall]] = matter_at((radius - lumen)[in_wall], layers)
        return matter

    @cached_property
    def _radius_table(self) -> Radii:
        angle = np.linspace(-np.pi, np.pi, N_ANGLES + 1)
        return self.radii(AXIS_MM[:, None], angle[None, :])

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
        z, axis = points[:, 2], self.course.axis_mm
        x, y = (np.interp(z, axis[:, 2], axis[:, k]) for k in (0, 1))
        reach = 1.25 * float(self._radius_table[1].max()) + 0.5
        return (points[:, 0] - x) ** 2 + (points[:, 1] - y) ** 2 < reach**2

    def _mark_external(self, points: FloatArray, matter: NDArray[np.uint8]) -> None:
        axis, radius = self.course.external_axis_mm, self.course.shape.external_radius_mm
        near = np.flatnonzero((points[:, 2] > axis[0, 2]) & (points[:, 2] < axis[-1, 2]))
        distance = self.course.external_distance(points[near])
        matter[near[distance < radius + EXTERNAL_WALL_MM]] = Matter.ECA_WALL
        matter[near[distance < radius]] = Matter.ECA_LUMEN
