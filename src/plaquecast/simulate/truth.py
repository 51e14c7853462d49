"""The true measurements of a simulated artery, integrated from its geometry with no image between."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from plaquecast.domain.anatomy import Side, Tissue
from plaquecast.domain.change import FACTOR_MEASUREMENT, Factor
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.lesion import NEAR_LUMEN_MM
from plaquecast.domain.missing import Measured, Missing, Reason, is_number
from plaquecast.domain.morphology import ArteryMorphology, SliceMorphology, WallMap
from plaquecast.simulate.artery import SimulatedArtery
from plaquecast.simulate.tissues import LABEL_OF_MATTER, Matter

COVERAGE_MM = 16.0
"""Truth is given from this far below to this far above the flow divider, as a carotid protocol covers it."""
SLICE_MM = 2.0
SLICE_POSITIONS_MM = np.arange(-COVERAGE_MM + SLICE_MM / 2, COVERAGE_MM, SLICE_MM)
PLAQUE_THICKNESS_MM = 1.5
N_DEPTHS = 24
MODEL_ID = "simulated truth"


class Integration:
    """The artery on a grid of positions × angles × depths, from which every true number is a sum.

    `lumen_mm`, `outer_mm`, `thickness_mm` are (n, m); `tissue_mm2` maps tissues to area per position and angle (n, m).
    """

    def __init__(self, artery: SimulatedArtery, step_mm: float = 0.5, n_angles: int = 72) -> None:
        self.position_mm = np.arange(-COVERAGE_MM + step_mm / 2, COVERAGE_MM, step_mm)
        self.angle = np.linspace(0.0, 2.0 * np.pi, n_angles, endpoint=False)
        self.lumen_mm, self.outer_mm = artery.radii(self.position_mm[:, None], self.angle[None, :])
        self.step_mm = step_mm
        d_angle = 2.0 * np.pi / n_angles
        self.lumen_mm2 = 0.5 * d_angle * self.lumen_mm**2
        self.wall_mm2 = 0.5 * d_angle * self.outer_mm**2 - self.lumen_mm2
        self.thickness_mm = self._thickness(d_angle)
        self.arc_mm = self._arc(d_angle)
        self.is_plaque = self._lasting(self.thickness_mm > PLAQUE_THICKNESS_MM)
        self.near_calcification_mm2 = np.zeros(self.thickness_mm.shape)
        self.tissue_mm2, self.plaque_mm2, self.telling = self._tissues(artery)
        self.cap_mm = self._cap(artery)

    def _thickness(self, d_angle: float) -> FloatArray:
        """Thickness across the wall: radial thickness times the cosine of the mean tilt of its two surfaces."""
        tilts = [
            (np.roll(radius, -1, axis=1) - np.roll(radius, 1, axis=1)) / (2.0 * d_angle * radius)
            for radius in (self.lumen_mm, self.outer_mm)
        ]
        return (self.outer_mm - self.lumen_mm) * np.cos(np.arctan(0.5 * (tilts[0] + tilts[1])))

    def _arc(self, d_angle: float) -> FloatArray:
        """Length of the wall's middle line per angle, the weight of thickness in its mean."""
        middle = 0.5 * (self.lumen_mm + self.outer_mm)
        step = (np.roll(middle, -1, axis=1) - np.roll(middle, 1, axis=1)) / 2.0
        return np.hypot(middle * d_angle, step)

    def _lasting(self, thick: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Keep thick wall only where the thickening runs over at least two slices."""
        rows = thick.any(axis=1)
        needed = round(2 * SLICE_MM / self.step_mm)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], rows.astype(np.int8), [0]])))
        lasting = np.zeros_like(rows)
        for begin, end in zip(edges[::2], edges[1::2], strict=True):
            lasting[begin:end] = end - begin >= needed
        return thick & lasting[:, None]

    def _tissues(self, artery: SimulatedArtery) -> tuple[dict[Tissue, FloatArray], FloatArray, NDArray[np.uint8]]:
        """Area of each component, area of plaque, and the most telling tissue, each (n, m)."""
        shape = self.thickness_mm.shape
        telling = np.full(shape, Tissue.WALL, dtype=np.uint8)
        plaque_mm2 = np.where(self.is_plaque, self.wall_mm2, 0.0)
        areas = {tissue: np.zeros(shape) for tissue in Tissue if tissue > Tissue.WALL}
        busy = np.zeros(shape, dtype=bool)
        for plaque in artery.plaques:
            busy |= plaque.footprint.scaled(1.3).squared_radius(self.position_mm[:, None], self.angle[None, :]) < 1.0
        rows, columns = np.nonzero(busy)
        if not len(rows):
            return areas, plaque_mm2, telling
        share = (np.arange(N_DEPTHS) + 0.5) / N_DEPTHS
        wall = (self.outer_mm - self.lumen_mm)[rows, columns]
        depth = wall[:, None] * share
        s, angle = np.repeat(self.position_mm[rows], N_DEPTHS), np.repeat(self.angle[columns], N_DEPTHS)
        matter = artery.matter_in_wall(s, angle, depth.ravel(), np.repeat(wall, N_DEPTHS)).reshape(-1, N_DEPTHS)
        radius = self.lumen_mm[rows, columns][:, None] + depth
        element = radius * (wall / N_DEPTHS)[:, None] * (self.angle[1] - self.angle[0])
        component = np.zeros(len(rows))
        near = np.where((matter == Matter.CALCIFICATION) & (depth <= NEAR_LUMEN_MM), element, 0.0)
        self.near_calcification_mm2[rows, columns] = near.sum(axis=1)
        for kind, tissue in LABEL_OF_MATTER.items():
            if tissue > Tissue.WALL and (matter == kind).any():
                area = np.where(matter == kind, element, 0.0).sum(axis=1)
                areas[tissue][rows, columns] += area
                component += area
        plaque_mm2[rows, columns] = np.maximum(plaque_mm2[rows, columns], component)
        for tissue in (Tissue.LOOSE_MATRIX, Tissue.FIBROUS_CAP, *_TELLING):
            telling[areas[tissue] > 0.02] = tissue
        return areas, plaque_mm2, telling

    def _cap(self, artery: SimulatedArtery) -> FloatArray:
        """Thickness of the cap where the lumen faces a core, NaN elsewhere; (n, m)."""
        cap = np.full(self.thickness_mm.shape, np.nan)
        s, angle = self.position_mm[:, None], self.angle[None, :]
        for plaque in artery.plaques:
            if plaque.core is not None:
                top = plaque.core.cap_depth(s, angle)
                bottom = plaque.core.bottom_depth(s, angle, self.outer_mm - self.lumen_mm)
                facing = (plaque.core.footprint.squared_radius(s, angle) < 1.0) & (bottom > top + 0.02)
                cap = np.where(facing, np.fmin(cap, top), cap)
        return cap

    def volume(self, area_mm2: FloatArray) -> float:
        """Integral over positions and angles of an area per position and angle, mm³."""
        return float(area_mm2.sum() * self.step_mm)


_TELLING = (Tissue.CALCIFICATION, Tissue.LIPID_RICH_NECROTIC_CORE, Tissue.INTRAPLAQUE_HEMORRHAGE)


def true_morphology(
    artery: SimulatedArtery, step_mm: float = 0.5, n_angles: int = 72, with_slices: bool = True
) -> ArteryMorphology:
    """Every measurement of the artery over ±16 mm around the flow divider, by integration of its geometry.

    Stenosis takes the smallest equivalent lumen diameter above −8 mm and, as reference, the mean diameter over the last
    3 mm of the internal carotid. `with_slices` also gives slices and the wall map.
    """
    grid = Integration(artery, step_mm, n_angles)
    lumen, wall = grid.lumen_mm2.sum(axis=1), grid.wall_mm2.sum(axis=1)
    tissue = {kind: grid.volume(area) for kind, area in grid.tissue_mm2.items()}
    core = tissue[Tissue.LIPID_RICH_NECROTIC_CORE] + tissue[Tissue.INTRAPLAQUE_HEMORRHAGE]
    lumen_volume, wall_volume = grid.volume(grid.lumen_mm2), grid.volume(grid.wall_mm2)
    plaque_rows = grid.plaque_mm2.sum(axis=1) > 0.0
    cap = grid.cap_mm[np.isfinite(grid.cap_mm)]
    no_core = Missing(Reason.NO_CORE)
    return ArteryMorphology(
        side=artery.side,
        slices=_slices(grid) if with_slices else (),
        covered_length_mm=2.0 * COVERAGE_MM,
        lumen_volume_mm3=lumen_volume,
        vessel_volume_mm3=lumen_volume + wall_volume,
        wall_volume_mm3=wall_volume,
        percent_wall_volume=100.0 * wall_volume / (lumen_volume + wall_volume),
        normalized_wall_index=float((wall / (wall + lumen)).mean()),
        mean_wall_thickness_mm=float(np.average(grid.thickness_mm, axis=1, weights=grid.arc_mm).mean()),
        max_wall_thickness_mm=float(grid.thickness_mm.max()),
        **_stenosis(grid.position_mm, lumen, lumen + wall),
        plaque_volume_mm3=grid.volume(grid.plaque_mm2),
        plaque_length_mm=float(plaque_rows.sum() * step_mm),
        near_lumen_calcification_volume_mm3=grid.volume(grid.near_calcification_mm2),
        calcification_volume_mm3=tissue[Tissue.CALCIFICATION],
        lipid_rich_necrotic_core_volume_mm3=core,
        non_hemorrhagic_core_volume_mm3=tissue[Tissue.LIPID_RICH_NECROTIC_CORE],
        intraplaque_hemorrhage_volume_mm3=tissue[Tissue.INTRAPLAQUE_HEMORRHAGE],
        loose_matrix_volume_mm3=tissue[Tissue.LOOSE_MATRIX],
        fibrous_cap_min_thickness_mm=float(cap.min()) if len(cap) else no_core,
        fibrous_cap_percentile5_thickness_mm=float(np.percentile(cap, 5.0)) if len(cap) else no_core,
        fibrous_cap_mean_thickness_mm=float(cap.mean()) if len(cap) else no_core,
        fibrous_cap_resolution_mm=0.0,
        confidence=1.0,
        model_id=MODEL_ID,
        wall_map=_wall_map(grid) if with_slices else None,
        lesion=None,
    )


def _stenosis(position_mm: FloatArray, lumen_mm2: FloatArray, vessel_mm2: FloatArray) -> dict[str, float]:
    diameter = 2.0 * np.sqrt(lumen_mm2 / np.pi)
    above = position_mm > -8.0
    narrowest = int(np.flatnonzero(above)[np.argmin(diameter[above])])
    distal = float(diameter[position_mm > COVERAGE_MM - 3.0].mean())
    common = vessel_mm2[position_mm < -COVERAGE_MM + 3.0].mean()
    original = 2.0 * np.sqrt(vessel_mm2[narrowest] / np.pi)
    return {
        "stenosis_nascet_percent": float(100.0 * (1.0 - diameter[narrowest] / distal)),
        "stenosis_ecst_percent": float(100.0 * (1.0 - diameter[narrowest] / original)),
        "stenosis_area_percent": float(100.0 * (1.0 - lumen_mm2[narrowest] / vessel_mm2[narrowest])),
        "remodeling_index": float(vessel_mm2[narrowest] / common),
        "narrowest_position_mm": float(position_mm[narrowest]),
        "distal_reference_position_mm": COVERAGE_MM - 1.5,
    }


def _slices(grid: Integration) -> tuple[SliceMorphology, ...]:
    rows_per_slice = round(SLICE_MM / grid.step_mm)
    return tuple(
        _slice(grid, position, slice(index * rows_per_slice, (index + 1) * rows_per_slice))
        for index, position in enumerate(SLICE_POSITIONS_MM)
    )


def _slice(grid: Integration, position_mm: float, rows: slice) -> SliceMorphology:
    lumen = float(grid.lumen_mm2[rows].sum(axis=1).mean())
    wall = float(grid.wall_mm2[rows].sum(axis=1).mean())
    area = {kind: float(values[rows].sum(axis=1).mean()) for kind, values in grid.tissue_mm2.items()}
    thickness = grid.thickness_mm[rows].mean(axis=0)
    arc = grid.arc_mm[rows].mean(axis=0)
    cap = grid.cap_mm[rows][np.isfinite(grid.cap_mm[rows])]
    no_core = Missing(Reason.NO_CORE)
    return SliceMorphology(
        position_mm=float(position_mm),
        length_mm=SLICE_MM,
        lumen_area_mm2=lumen,
        vessel_area_mm2=lumen + wall,
        wall_area_mm2=wall,
        normalized_wall_index=wall / (lumen + wall),
        mean_wall_thickness_mm=float(np.average(thickness, weights=arc)),
        max_wall_thickness_mm=float(thickness.max()),
        eccentricity_index=float((thickness.max() - thickness.min()) / thickness.max()),
        near_lumen_calcification_area_mm2=float(grid.near_calcification_mm2[rows].sum(axis=1).mean()),
        calcification_area_mm2=area[Tissue.CALCIFICATION],
        lipid_rich_necrotic_core_area_mm2=area[Tissue.LIPID_RICH_NECROTIC_CORE] + area[Tissue.INTRAPLAQUE_HEMORRHAGE],
        non_hemorrhagic_core_area_mm2=area[Tissue.LIPID_RICH_NECROTIC_CORE],
        intraplaque_hemorrhage_area_mm2=area[Tissue.INTRAPLAQUE_HEMORRHAGE],
        fibrous_cap_area_mm2=area[Tissue.FIBROUS_CAP],
        loose_matrix_area_mm2=area[Tissue.LOOSE_MATRIX],
        plaque_area_mm2=float(grid.plaque_mm2[rows].sum(axis=1).mean()),
        fibrous_cap_min_thickness_mm=float(cap.min()) if len(cap) else no_core,
        fibrous_cap_mean_thickness_mm=float(cap.mean()) if len(cap) else no_core,
        fibrous_cap_arc_degrees=360.0 * len(cap) / grid.cap_mm[rows].size,
        confidence=1.0,
    )


def _wall_map(grid: Integration) -> WallMap:
    rows_per_slice = round(SLICE_MM / grid.step_mm)
    n_angles = len(grid.angle)
    thickness = grid.thickness_mm.reshape(-1, rows_per_slice, n_angles).mean(axis=1)
    tissue = grid.telling.reshape(-1, rows_per_slice, n_angles)[:, rows_per_slice // 2]
    return WallMap(SLICE_POSITIONS_MM.copy(), np.degrees(grid.angle), thickness, tissue)


def true_change(
    baseline: ArteryMorphology, follow_up: ArteryMorphology, interval_years: float
) -> Mapping[Factor, Measured]:
    """True change per year of every factor; missing where it exists at one visit only (a cap without a core)."""
    changes: dict[Factor, Measured] = {}
    for factor, name in FACTOR_MEASUREMENT.items():
        before, after = getattr(baseline, name), getattr(follow_up, name)
        if is_number(before) and is_number(after):
            changes[factor] = (after - before) / interval_years
        else:
            changes[factor] = Missing(Reason.NO_CORE)
    return changes


TrueChange = Mapping[Side, Mapping[Factor, Measured]]
