"""Two shapes a neck is built of: bent columns of elliptical cross-section, and arcs."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from plaquecast.simulate.tissues import Matter

Coordinates = NDArray[np.float32]


class Shape(Protocol):
    """Something that can be painted over points."""

    def paint(self, x: Coordinates, y: Coordinates, z: Coordinates, found: NDArray[np.uint8]) -> None:
        """Write the shape's matter into `found` (n,) wherever a point (x, y, z) in mm lies inside."""
        ...


@dataclass(frozen=True, slots=True)
class Column:
    """A column of (super)elliptical cross-section around the straight line `center_mm` + `slope` · z.

    `half_mm` are the half axes across and along the direction turned by `angle_degrees`; `rounded` shrinks the
    cross-section towards both ends like an ellipsoid; a `rim` of thickness `rim_mm` may be of other matter.
    """

    matter: Matter
    center_mm: tuple[float, float]
    half_mm: tuple[float, float]
    z_range_mm: tuple[float, float] = (-1000.0, 1000.0)
    angle_degrees: float = 0.0
    slope: tuple[float, float] = (0.0, 0.0)
    power: float = 2.0
    rounded: bool = False
    rim: Matter | None = None
    rim_mm: float = 0.0

    def paint(self, x: Coordinates, y: Coordinates, z: Coordinates, found: NDArray[np.uint8]) -> None:
        """Write the column's matter into `found` (n,) wherever a point (x, y, z) in mm lies inside."""
        low, high = self.z_range_mm
        across = x - np.float32(self.center_mm[0]) - np.float32(self.slope[0]) * z
        along = y - np.float32(self.center_mm[1]) - np.float32(self.slope[1]) * z
        reach = np.float32(max(self.half_mm) * 1.05)
        near = np.flatnonzero((np.abs(across) < reach) & (np.abs(along) < reach) & (z > low) & (z < high))
        if not len(near):
            return
        turn = np.deg2rad(self.angle_degrees)
        cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
        u, v, height = across[near], along[near], z[near]
        first = np.abs(cos * u + sin * v) / np.float32(self.half_mm[0])
        second = np.abs(cos * v - sin * u) / np.float32(self.half_mm[1])
        radius = (first**self.power + second**self.power) ** np.float32(1.0 / self.power)
        if self.rounded:
            relative = (height - np.float32((low + high) / 2)) / np.float32((high - low) / 2)
            radius /= np.sqrt(np.maximum(1 - relative**2, np.float32(1e-6)))
        inside = radius < 1
        found[near[inside]] = self.matter
        if self.rim is not None:
            to_end = np.minimum(height - np.float32(low), np.float32(high) - height)
            in_rim = inside & (((1 - radius) * np.float32(min(self.half_mm)) < self.rim_mm) | (to_end < self.rim_mm))
            found[near[in_rim]] = self.rim


@dataclass(frozen=True, slots=True)
class Arc:
    """A band of constant thickness along part of an ellipse in the axial plane.

    Angles are those of (x, y) seen from the center, in degrees: −90 anterior, 90 posterior, 0 to the left.
    """

    matter: Matter
    center_mm: tuple[float, float]
    half_mm: tuple[float, float]
    thickness_mm: float
    angle_degrees: float
    half_width_degrees: float
    z_range_mm: tuple[float, float] = (-1000.0, 1000.0)
    slope: tuple[float, float] = (0.0, 0.0)

    def paint(self, x: Coordinates, y: Coordinates, z: Coordinates, found: NDArray[np.uint8]) -> None:
        """Write the band's matter into `found` (n,) wherever a point (x, y, z) in mm lies inside."""
        low, high = self.z_range_mm
        across = (x - np.float32(self.center_mm[0]) - np.float32(self.slope[0]) * z) / np.float32(self.half_mm[0])
        along = (y - np.float32(self.center_mm[1]) - np.float32(self.slope[1]) * z) / np.float32(self.half_mm[1])
        radius = np.hypot(across, along)
        half_band = np.float32(self.thickness_mm / 2 / min(self.half_mm))
        near = np.flatnonzero((np.abs(radius - 1) < half_band) & (z > low) & (z < high))
        if not len(near):
            return
        middle = np.deg2rad(self.angle_degrees)
        # The cosine to the middle of the band spares the arctangent and its jump.
        cosine = (across[near] * np.float32(np.cos(middle)) + along[near] * np.float32(np.sin(middle))) / radius[near]
        found[near[cosine > np.cos(np.deg2rad(self.half_width_degrees))]] = self.matter
