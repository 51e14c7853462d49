"""Necks that bend and swallow between two scans: an image moved as a whole, and where its points went."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from plaquecast.domain.anatomy import Side
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.volume import Volume

_REACH_MM = 15.0
"""Scale over which what is around an artery goes with it."""


@dataclass(frozen=True, slots=True, eq=False)
class Bend:
    """A smooth move: a bow of the whole neck within its slices, and a shift around each artery, along it too.

    `bow_per_mm` (2,) is the curvature along x and y, 1/mm; `shifts_mm[side]` (3,) is the shift at the artery whose axis
    runs through `axes_mm[side]` (n, 3), fading over 15 mm.
    """

    bow_per_mm: FloatArray
    shifts_mm: dict[Side, FloatArray]
    axes_mm: dict[Side, FloatArray]
    middle_z_mm: float

    def moved(self, points_mm: FloatArray) -> FloatArray:
        """Points (…, 3) where the bend takes them."""
        moved = np.array(points_mm, dtype=np.float64)
        height = moved[..., 2] - self.middle_z_mm
        push = np.zeros_like(moved)
        push[..., :2] = 0.5 * height[..., None] ** 2 * self.bow_per_mm
        for side, axis in self.axes_mm.items():
            center = np.stack([np.interp(moved[..., 2], axis[:, 2], axis[:, k]) for k in (0, 1)], axis=-1)
            near = np.exp(-((moved[..., :2] - center) ** 2).sum(axis=-1) / (2 * _REACH_MM**2))
            push += near[..., None] * self.shifts_mm[side]
        return moved + push

    def applied_to(self, volume: Volume) -> Volume:
        """The image after the bend, by cubic interpolation; slices are band-limited within, so none is blurred."""
        shape = volume.grid.shape
        # between nodes 3 mm apart a push that varies over 15 mm is linear to within 0.01 mm
        n_nodes = [int(n * mm / 3.0) + 2 for n, mm in zip(shape, volume.grid.spacing_mm, strict=True)]
        lines = [np.linspace(0.0, n - 1.0, nodes) for n, nodes in zip(shape, n_nodes, strict=True)]
        nodes = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1)
        points = volume.grid.to_mm(nodes)
        came_from = points.copy()
        for _ in range(4):  # the push changes by less than 0.1 mm per mm, so each round gains a digit
            came_from += points - self.moved(came_from)
        push = np.moveaxis(volume.grid.to_index(came_from) - nodes, -1, 0)
        zoom = [n / nodes for n, nodes in zip(shape, n_nodes, strict=True)]
        index = np.indices(shape).astype(np.float64)
        for k in range(3):
            index[k] += np.asarray(ndimage.zoom(push[k], zoom, order=1))
        array = np.empty_like(volume.array)
        ndimage.map_coordinates(volume.array, index, output=array, order=3, mode="nearest")
        return Volume(volume.grid, array, volume.weighting)


def draw_bend(rng: np.random.Generator, axes_mm: dict[Side, FloatArray], middle_z_mm: float) -> Bend:
    """A bow of up to some degrees over a slab of 36 mm (SD 3°), and shifts around each artery of SD 0.5 mm an axis."""
    bow = np.deg2rad(rng.normal(0.0, 3.0, 2)) / 36.0
    shifts = {side: np.clip(rng.normal(0.0, 0.5, 3), -1.5, 1.5) for side in axes_mm}
    return Bend(bow, shifts, axes_mm, middle_z_mm)
