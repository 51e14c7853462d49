"""The unwrapped wall on a common grid, and what the deep network sees of an artery: the wall in layers, and a row."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plaquecast.domain.anatomy import Tissue
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.learning import BaselineArtery, FeatureTable
from plaquecast.domain.morphology import WallMap
from plaquecast.errors import InputError

POSITIONS_MM = np.arange(-15.0, 16.0, 2.0)
N_ANGLES = 36
ANGLES_DEGREES = (np.arange(N_ANGLES) + 0.5) * (360.0 / N_ANGLES)
"""The middle of each sector."""
SHAPE = (len(POSITIONS_MM), N_ANGLES)
LAYERS = (
    Tissue.CALCIFICATION, Tissue.LIPID_RICH_NECROTIC_CORE, Tissue.INTRAPLAQUE_HEMORRHAGE, Tissue.FIBROUS_CAP,
)  # fmt: skip
N_LAYERS = 2 + len(LAYERS)
TYPICAL_THICKNESS_MM = 1.2
"""Thickness is given as its difference from this, in mm, so that it lies around zero."""


@dataclass(frozen=True, slots=True, eq=False)
class WallInputs:
    """n arteries: `maps` float32 (n, layers, 16, 36) and `features` at the horizon asked for.

    Layers: thickness, where it is known, and the share of each of `LAYERS` in the cell. Rows run from 15 mm below to
    15 mm above the bifurcation in steps of 2 mm, columns around the wall in steps of 10 degrees from the flow divider.
    """

    maps: NDArray[np.float32]
    features: FeatureTable

    def rows(self, index: NDArray[np.intp]) -> "WallInputs":
        """The given arteries, in the given order."""
        return WallInputs(self.maps[index], self.features.rows(index))


@dataclass(frozen=True, slots=True, eq=False)
class WallHistory:
    """Maps of n arteries on the common grid (n, 16, 36): `thickness` at baseline, mm, measured `thickening`, mm/yr.

    NaN where either visit did not cover the wall.
    """

    thickness: FloatArray
    thickening: FloatArray

    @property
    def n_arteries(self) -> int:
        """Arteries of which some place is known at both visits."""
        return int(np.isfinite(self.thickening).any(axis=(1, 2)).sum())


def wall_inputs(arteries: Sequence[BaselineArtery], features: FeatureTable) -> WallInputs:
    """Lay the wall maps of arteries on the network's own grid; `features` are those of the same arteries.

    Raises:
        InputError: if an artery has no wall map.
    """
    maps = []
    for artery in arteries:
        if artery.morphology.wall_map is None:
            raise InputError(
                expected="a wall map of every artery",
                found="an artery without one",
                where=f"{artery.patient_id} {artery.side}",
                remedy="Measure the arteries from segmentations, or use a model that needs no maps.",
                code="no-wall-map",
            )
        maps.append(_layers(artery.morphology.wall_map))
    return WallInputs(np.stack(maps), features)


def on_grid(values: FloatArray, wall: WallMap) -> FloatArray:
    """Values (n, m) of a wall map on the network's grid (16, 36): the nearest slice within 1.5 mm, mean over 10°.

    NaN where no slice is near. Position and angle of the map may be any regular grid.
    """
    turned = np.mod(wall.angle_degrees + 1e-6, 360.0)  # an angle that rounding put just below its sector belongs to it
    angle = np.floor_divide(turned, 360.0 / N_ANGLES).astype(int)
    result = np.full(SHAPE, np.nan)
    nearest = np.abs(wall.position_mm[None, :] - POSITIONS_MM[:, None]).argmin(axis=1)
    near = np.abs(wall.position_mm[nearest] - POSITIONS_MM) <= 1.5
    for row in np.flatnonzero(near):
        line = values[nearest[row]]
        known = np.isfinite(line)
        count = np.bincount(angle[known], minlength=N_ANGLES)
        total = np.bincount(angle[known], line[known], minlength=N_ANGLES)
        result[row] = np.divide(total, count, out=np.full(N_ANGLES, np.nan), where=count > 0)
    return result


def thickness_grid(wall: WallMap | None) -> FloatArray:
    """Wall thickness (16, 36) mm on the common grid; NaN where not covered, or everywhere without a map."""
    return np.full(SHAPE, np.nan) if wall is None else on_grid(wall.wall_thickness_mm, wall)


def wall_history(
    baselines: Sequence[WallMap | None], follow_ups: Sequence[WallMap | None], years: FloatArray
) -> WallHistory:
    """Maps of n arteries at both visits, each `years` (n,) apart, on the common grid."""
    thickness = np.stack([thickness_grid(wall) for wall in baselines])
    later = np.stack([thickness_grid(wall) for wall in follow_ups])
    return WallHistory(thickness, (later - thickness) / years[:, None, None])


def _layers(wall: WallMap) -> NDArray[np.float32]:
    thickness = on_grid(wall.wall_thickness_mm, wall)
    known = np.isfinite(thickness)
    layers = [np.where(known, thickness - TYPICAL_THICKNESS_MM, 0.0), known.astype(float)]
    layers += [np.nan_to_num(on_grid((wall.tissue == int(tissue)).astype(float), wall)) for tissue in LAYERS]
    return np.stack(layers).astype(np.float32)
