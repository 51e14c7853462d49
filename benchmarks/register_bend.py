"""Necks that bend and swallow between two scans: an image moved within its slices, and where its points went."""

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
    """A smooth move of points within their slice: a bow of the whole neck, and a shift around each artery.

    `bow_per_mm` (2,) is the curvature along x and y, 1/mm; `shifts_mm[side]` (2,) is the shift in x and y at the
    artery whose axis runs through `axes_mm[side]` (n, 3), fading over 15 mm.
    """

    bow_per_mm: FloatArray
    shifts_mm: dict[Side, FloatArray]
    axes_mm: dict[Side, FloatArray]
    middle_z_mm: float

    def moved(self, points_mm: FloatArray) -> FloatArray:
        """Points (…, 3) where the bend takes them."""
        moved = np.array(points_mm, dtype=np.float64)
        height = moved[..., 2] - self.middle_z_mm
        push = 0.5 * height[..., None] ** 2 * self.bow_per_mm
        for side, axis in self.axes_mm.items():
            center = np.stack([np.interp(moved[..., 2], axis[:, 2], axis[:, k]) for k in (0, 1)], axis=-1)
            near = np.exp(-((moved[..., :2] - center) ** 2).sum(axis=-1) / (2 * _REACH_MM**2))
            push = push + near[..., None] * self.shifts_mm[side]
        moved[..., :2] += push
        return moved

    def applied_to(self, volume: Volume) -> Volume:
        """The axial image after the bend; slices are band-limited within, so cubic interpolation adds no blur."""
        points = volume.grid.to_mm(np.moveaxis(np.indices(volume.grid.shape), 0, -1))
        came_from = points.copy()
        for _ in range(4):  # the push changes by less than 0.1 mm per mm, so each round gains a digit
            came_from += points - self.moved(came_from)
        index = np.moveaxis(volume.grid.to_index(came_from), -1, 0)
        array = np.empty_like(volume.array)
        for k, layer in enumerate(volume.array):
            array[k] = ndimage.map_coordinates(layer, index[1:, k], order=3, mode="nearest")
        return Volume(volume.grid, array, volume.weighting)


def draw_bend(rng: np.random.Generator, axes_mm: dict[Side, FloatArray], middle_z_mm: float) -> Bend:
    """A bow of up to some degrees over a slab of 36 mm (SD 3°), and shifts around each artery of SD 0.5 mm."""
    bow = np.deg2rad(rng.normal(0.0, 3.0, 2)) / 36.0
    shifts = {side: np.clip(rng.normal(0.0, 0.5, 2), -1.5, 1.5) for side in axes_mm}
    return Bend(bow, shifts, axes_mm, middle_z_mm)
