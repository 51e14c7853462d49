"""Plaque and its components in wall coordinates: along the artery, around it, and through the wall.

Position `s` is in mm along the axis from the flow divider, `angle` in radians (0 faces the flow divider), depth in mm
below the lumen's surface.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plaquecast.domain.grid import FloatArray
from plaquecast.simulate.tissues import Matter

Layer = tuple[Matter, FloatArray, FloatArray]
"""A kind of matter and the depths in mm between which it lies in the wall; begin ≥ end where it is absent."""

THINNEST_CORE_MM = 0.02
OUTER_FIBROUS_MM = 0.35
"""Fibrous tissue and adventitia that always lie between a core and the outside."""


def angle_between(angle: FloatArray, center: float) -> FloatArray:
    """Signed angle from `center`, wrapped to ±π; same shape.

    >>> import numpy as np
    >>> bool(np.isclose(angle_between(np.array(3.0), -3.0), 6.0 - 2.0 * np.pi))
    True
    """
    difference = angle - center
    return difference - 2.0 * np.pi * np.rint(difference / (2.0 * np.pi))


@dataclass(frozen=True, slots=True)
class Footprint:
    """An ellipse on the lumen's surface: center, half-length along (mm) and half-width around (radians).

    Its downstream half, above the center, may be `stretch` times as long as the other.
    """

    position_mm: float
    angle: float
    half_length_mm: float
    half_width: float
    stretch: float = 1.0

    def squared_radius(self, s: FloatArray, angle: FloatArray) -> FloatArray:
        """Squared elliptic distance from the center: 0 there, 1 on the edge; shape of `s` and `angle` together."""
        along = (s - self.position_mm) / self.half_length_mm
        if self.stretch != 1.0:
            along = np.where(along > 0.0, along / self.stretch, along)
        around = angle_between(angle, self.angle) / self.half_width
        return along**2 + around**2

    def widened(self, length_mm: float, width: float) -> "Footprint":
        """The same place with `length_mm` and `width` (radians) added to the half-axes."""
        return Footprint(
            self.position_mm, self.angle, self.half_length_mm + length_mm, self.half_width + width, self.stretch
        )

    def moved(self, along_mm: float, around: float) -> "Footprint":
        """The same ellipse elsewhere."""
        place = self.position_mm + along_mm, self.angle + around
        return Footprint(*place, self.half_length_mm, self.half_width, self.stretch)

    def scaled(self, factor: float) -> "Footprint":
        """The same place with both half-axes multiplied."""
        half_axes = self.half_length_mm * factor, min(self.half_width * factor, 2.9)
        return Footprint(self.position_mm, self.angle, *half_axes, self.stretch)


@dataclass(frozen=True, slots=True)
class Core:
    """A lipid-rich necrotic core under its cap; part of it may be hemorrhage.

    The cap is `cap_mm` thick and thins to `cap_min_mm` at one spot; 0 there is a rupture. `fill` (0–1) is the share
    of the room between cap and outer fibrous tissue that the core takes at its center. `hemorrhage_share` is the
    share of the core's volume that is hemorrhage, around its center.
    """

    footprint: Footprint
    cap_mm: float
    cap_min_mm: float
    fill: float
    hemorrhage_share: float = 0.0
    hemorrhage_is_recent: bool = False

    def cap_depth(self, s: FloatArray, angle: FloatArray) -> FloatArray:
        """Thickness of the cap over the core, mm."""
        spot = Footprint(
            self.footprint.position_mm - 0.3 * self.footprint.half_length_mm, self.footprint.angle + 0.25, 2.0, 0.35
        )
        return self.cap_mm - (self.cap_mm - self.cap_min_mm) * np.exp(-spot.squared_radius(s, angle))

    def layers(self, s: FloatArray, angle: FloatArray, thickness: FloatArray) -> Iterator[Layer]:
        """Cap and core under each other, and what of the core is hemorrhage; empty where there is no core."""
        squared = self.footprint.squared_radius(s, angle)
        top = self.cap_depth(s, angle)
        room = np.maximum(thickness - top - OUTER_FIBROUS_MM, 0.0)
        height = self.fill * room * np.sqrt(np.maximum(1.0 - squared, 0.0))
        exists = height > THINNEST_CORE_MM
        top, bottom = np.where(exists, top, 0.0), np.where(exists, top + height, 0.0)
        yield Matter.FIBROUS_CAP, np.zeros_like(top), top
        yield Matter.LIPID_RICH_NECROTIC_CORE, top, bottom
        if self.hemorrhage_share > 0.0:
            yield self.hemorrhage_matter, top, np.where(squared < self.hemorrhage_radius**2, bottom, 0.0)

    @property
    def hemorrhage_radius(self) -> float:
        """Elliptic radius that holds `hemorrhage_share` of a half-ellipsoid: 1 − (1 − r²)^(3/2) = share."""
        return float(np.sqrt(1.0 - (1.0 - min(self.hemorrhage_share, 0.97)) ** (2.0 / 3.0)))

    @property
    def hemorrhage_matter(self) -> Matter:
        """Type I is fresh (intracellular methemoglobin), type II recent (extracellular)."""
        return Matter.HEMORRHAGE_TYPE_II if self.hemorrhage_is_recent else Matter.HEMORRHAGE_TYPE_I


@dataclass(frozen=True, slots=True)
class Deposit:
    """Calcification or loose matrix: a lens in the wall around `depth_share` of the thickness.

    `fill` (0–1) is the share of the wall's thickness that it takes at its center.
    """

    matter: Matter
    footprint: Footprint
    depth_share: float
    fill: float

    def bounds(self, s: FloatArray, angle: FloatArray, thickness: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Depths at which it begins and ends, mm; begin ≥ end where it is absent."""
        half = 0.5 * self.fill * thickness * np.sqrt(np.maximum(1.0 - self.footprint.squared_radius(s, angle), 0.0))
        center = self.depth_share * thickness
        return np.maximum(center - half, 0.0), np.minimum(center + half, thickness - 0.05)


@dataclass(frozen=True, slots=True)
class Plaque:
    """Thickening of the wall around a place, with what lies in it; `height_mm` is added to the wall at the center."""

    footprint: Footprint
    height_mm: float
    core: Core | None = None
    deposits: tuple[Deposit, ...] = ()
    ulcer_mm: float = 0.0

    def thickening(self, s: FloatArray, angle: FloatArray) -> FloatArray:
        """Added wall thickness, mm: a smooth hill that is 0 beyond the footprint."""
        inside = np.maximum(1.0 - self.footprint.squared_radius(s, angle), 0.0)
        return self.height_mm * inside * np.sqrt(inside)

    def ulceration(self, s: FloatArray, angle: FloatArray) -> FloatArray:
        """Depth to which the lumen reaches into the plaque, mm."""
        center = self.footprint
        crater = Footprint(center.position_mm - 0.2 * center.half_length_mm, center.angle - 0.2, 1.8, 0.4)
        return self.ulcer_mm * np.maximum(1.0 - crater.squared_radius(s, angle), 0.0)

    def layers(self, s: FloatArray, angle: FloatArray, thickness: FloatArray) -> Iterator[Layer]:
        """What lies in the wall at the given places (n,), each over the one before: matter, begin and end (n,)."""
        for deposit in self.deposits:
            if deposit.matter is Matter.LOOSE_MATRIX:
                yield (Matter.LOOSE_MATRIX, *deposit.bounds(s, angle, thickness))
        if self.core is not None:
            yield from self.core.layers(s, angle, thickness)
        for deposit in self.deposits:
            if deposit.matter is Matter.CALCIFICATION:
                yield (Matter.CALCIFICATION, *deposit.bounds(s, angle, thickness))


def matter_at(depth: FloatArray, layers: Sequence[Layer]) -> NDArray[np.uint8]:
    """Matter codes at depths (n,) or (n, k) in the wall, given the layers at their n places."""
    matter = np.full(depth.shape, Matter.WALL, dtype=np.uint8)
    for kind, begin, end in layers:
        if depth.ndim > begin.ndim:
            begin, end = begin[:, None], end[:, None]
        matter[(depth >= begin) & (depth < end)] = kind
    return matter


def outward_share(burden: FloatArray) -> FloatArray:
    """Share of a plaque's area that goes outward, by its area relative to the healthy lumen's (Glagov's remodeling).

    The vessel gives way to a small plaque and no longer to one that fills its lumen.

    >>> import numpy as np
    >>> np.round(outward_share(np.array([0.0, 0.5, 1.5])), 2).tolist()
    [0.9, 0.29, 0.0]
    """
    return 0.9 / (1.0 + (burden / 0.44) ** 6)
