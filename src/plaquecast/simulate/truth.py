"""The true measurements of a simulated artery, integrated from its geometry with no image between."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from plaquecast.domain.anatomy import COMPONENTS, Side, Tissue
from plaquecast.domain.change import FACTOR_MEASUREMENT, Factor
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.lesion import NEAR_LUMEN_MM
from plaquecast.domain.missing import Measured, Missing, Reason, is_number
from plaquecast.domain.morphology import ArteryMorphology, SliceMorphology, WallMap
from plaquecast.simulate.artery import SimulatedArtery
from plaquecast.simulate.course import COVERAGE_MM, FINE, WallGrid
from plaquecast.simulate.plaque import matter_at
from plaquecast.simulate.tissues import LABEL_OF_MATTER, Matter

SLICE_MM = 2.0
SLICE_POSITIONS_MM = np.arange(-COVERAGE_MM + SLICE_MM / 2, COVERAGE_MM, SLICE_MM)
PLAQUE_THICKNESS_MM = 1.5
MODEL_ID = "simulated truth"


class Integration:
    """The artery on a grid of positions × angles, from which every true number is a sum.

    `lumen_mm`, `outer_mm`, `thickness_mm` are (n, m); `tissue_mm2` maps tissues to area per position and angle (n, m).
    """

    def __init__(self, artery: SimulatedArtery, grid: WallGrid = FINE) -> None:
        self.grid = grid
        self.lumen_mm, self.outer_mm = artery.radii_on(grid)
        self.lumen_mm2 = 0.5 * grid.step_angle * self.lumen_mm**2
        self.wall_mm2 = 0.5 * grid.step_angle * self.outer_mm**2 - self.lumen_mm2
        self.thickness_mm = self._thickness()
        self.arc_mm = self._arc()
        self.is_plaque = self._lasting(self.thickness_mm > PLAQUE_THICKNESS_MM)
        self.near_calcification_mm2 = np.zeros(self.thickness_mm.shape)
        self.tissue_mm2, self.plaque_mm2, self.telling = self._tissues(artery)
        self.cap_mm = self._cap(artery)

    def _thickness(self) -> FloatArray:
        """Thickness across the wall: radial thickness times the cosine of the mean tilt of its two surfaces."""
        slope = np.zeros(self.lumen_mm.shape)
        for radius in (self.lumen_mm, self.outer_mm):
            around = np.concatenate([radius[:, -1:], radius, radius[:, :1]], axis=1)
            slope += (around[:, 2:] - around[:, :-2]) / (4.0 * self.grid.step_angle * radius)
        return (self.outer_mm - self.lumen_mm) / np.sqrt(1.0 + slope * slope)

    def _arc(self) -> FloatArray:
        """Length of the wall's middle line per angle, the weight of thickness in its mean."""
        middle = 0.5 * (self.lumen_mm + self.outer_mm)
        around = np.concatenate([middle[:, -1:], middle, middle[:, :1]], axis=1)
        step = (around[:, 2:] - around[:, :-2]) / 2.0
        return np.hypot(middle * self.grid.step_angle, step)

    def _lasting(self, thick: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Keep thick wall only where the thickening runs over at least two slices."""
        rows = thick.any(axis=1)
        needed = round(2 * SLICE_MM / self.grid.step_mm)
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
        areas = {tissue: np.zeros(shape) for tissue in COMPONENTS}
        rows, columns = np.nonzero(self._holds_component(artery))
        if not len(rows):
            return areas, plaque_mm2, telling
        found = self._component_areas(artery, rows, columns)
        for tissue, area in found.items():
            areas[tissue][rows, columns] = area
        plaque_mm2[rows, columns] = np.maximum(plaque_mm2[rows, columns], sum(found.values()))
        for tissue in (Tissue.LOOSE_MATRIX, Tissue.FIBROUS_CAP, *_TELLING):
            telling[areas[tissue] > 0.02] = tissue
        return areas, plaque_mm2, telling

    def _holds_component(self, artery: SimulatedArtery) -> NDArray[np.bool_]:
        """Cells (n, m) that a component's footprint, widened by one cell, reaches."""
        busy = np.zeros(self.thickness_mm.shape, dtype=bool)
        for plaque in artery.plaques:
            parts = [deposit.footprint for deposit in plaque.deposits] + (
                [plaque.core.footprint] if plaque.core else []
            )
            for part in parts:
                wider = part.widened(self.grid.step_mm, self.grid.step_angle)
                busy |= wider.squared_radius(self.grid.s, self.grid.a) < 1.0
        return busy

    def _component_areas(
        self, artery: SimulatedArtery, rows: NDArray[np.intp], columns: NDArray[np.intp]
    ) -> dict[Tissue, FloatArray]:
        """Area of each component in the given cells (k,), from four rays through each, exact along the ray."""
        s = (self.grid.position_mm[rows][:, None] + _QUARTERS[:, 0] * self.grid.step_mm).ravel()
        angle = (self.grid.angle[columns][:, None] + _QUARTERS[:, 1] * self.grid.step_angle).ravel()
        lumen = np.repeat(self.lumen_mm[rows, columns], len(_QUARTERS))
        wall = np.repeat(self.outer_mm[rows, columns], len(_QUARTERS)) - lumen
        layers = artery.layers(s, angle, wall)
        near = np.full_like(wall, NEAR_LUMEN_MM)
        bounds = [np.zeros_like(wall), near, wall, *(bound for _, *layer in layers for bound in layer)]
        depth = np.sort(np.clip(np.stack(bounds, axis=1), 0.0, wall[:, None]), axis=1)
        matter = matter_at(0.5 * (depth[:, 1:] + depth[:, :-1]), layers)
        area = np.diff((lumen[:, None] + depth) ** 2, axis=1) * (0.5 * self.grid.step_angle / len(_QUARTERS))
        found: dict[Tissue, FloatArray] = {}
        for kind in {layer[0] for layer in layers}:
            of_kind = np.einsum("ij,ij->i", area, matter == kind).reshape(-1, len(_QUARTERS)).sum(axis=1)
            found[LABEL_OF_MATTER[kind]] = found.get(LABEL_OF_MATTER[kind], 0.0) + of_kind
        is_near = (matter == Matter.CALCIFICATION) & (depth[:, 1:] <= NEAR_LUMEN_MM)
        near_mm2 = np.einsum("ij,ij->i", area, is_near).reshape(-1, len(_QUARTERS)).sum(axis=1)
        self.near_calcification_mm2[rows, columns] = near_mm2
        return found

    def _cap(self, artery: SimulatedArtery) -> FloatArray:
        """Thickness of the cap where the lumen faces a core, NaN elsewhere; (n, m)."""
        cap = np.full(self.thickness_mm.shape, np.nan)
        wall = self.outer_mm - self.lumen_mm
        for plaque in artery.plaques:
            if plaque.core is not None:
                (_, _, top), (_, _, bottom), *_ = plaque.core.layers(self.grid.s, self.grid.a, wall)
                cap = np.where(bottom > 0.0, np.fmin(cap, top), cap)
        return cap

    def volume(self, area_mm2: FloatArray) -> float:
        """Integral over positions and angles of an area per position and angle, mm³."""
        return float(area_mm2.sum() * self.grid.step_mm)


_QUARTERS = np.array([(-0.25, -0.25), (-0.25, 0.25), (0.25, -0.25), (0.25, 0.25)])
"""Where four rays pierce a cell, as shares of its length and width from its middle."""

_TELLING = (Tissue.CALCIFICATION, Tissue.LIPID_RICH_NECROTIC_CORE, Tissue.INTRAPLAQUE_HEMORRHAGE)


def true_morphology(artery: SimulatedArtery, grid: WallGrid = FINE, with_slices: bool = True) -> ArteryMorphology:
    """Every measurement of the artery over ±16 mm around the flow divider, by integration of its geometry.

    Stenosis takes the smallest equivalent lumen diameter above −8 mm and, as reference, the mean diameter over the last
    3 mm of the internal carotid. `with_slices` also gives slices and the wall map.
    """
    whole = Integration(artery, grid)
    lumen, wall = whole.lumen_mm2.sum(axis=1), whole.wall_mm2.sum(axis=1)
    tissue = {kind: whole.volume(area) for kind, area in whole.tissue_mm2.items()}
    core = tissue[Tissue.LIPID_RICH_NECROTIC_CORE] + tissue[Tissue.INTRAPLAQUE_HEMORRHAGE]
    lumen_volume, wall_volume = whole.volume(whole.lumen_mm2), whole.volume(whole.wall_mm2)
    plaque_rows = whole.plaque_mm2.sum(axis=1) > 0.0
    cap = whole.cap_mm[np.isfinite(whole.cap_mm)]
    no_core = Missing(Reason.NO_CORE)
    return ArteryMorphology(
        side=artery.side,
        slices=_slices(whole) if with_slices else (),
        covered_length_mm=2.0 * COVERAGE_MM,
        lumen_volume_mm3=lumen_volume,
        vessel_volume_mm3=lumen_volume + wall_volume,
        wall_volume_mm3=wall_volume,
        percent_wall_volume=100.0 * wall_volume / (lumen_volume + wall_volume),
        normalized_wall_index=float((wall / (wall + lumen)).mean()),
        mean_wall_thickness_mm=float(
            ((whole.thickness_mm * whole.arc_mm).sum(axis=1) / whole.arc_mm.sum(axis=1)).mean()
        ),
        max_wall_thickness_mm=float(whole.thickness_mm.max()),
        **_stenosis(grid.position_mm, lumen, lumen + wall),
        plaque_volume_mm3=whole.volume(whole.plaque_mm2),
        plaque_length_mm=float(plaque_rows.sum() * grid.step_mm),
        near_lumen_calcification_volume_mm3=whole.volume(whole.near_calcification_mm2),
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
        wall_map=_wall_map(whole) if with_slices else None,
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


def _slices(whole: Integration) -> tuple[SliceMorphology, ...]:
    rows_per_slice = round(SLICE_MM / whole.grid.step_mm)
    return tuple(
        _slice(whole, position, slice(index * rows_per_slice, (index + 1) * rows_per_slice))
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


def _wall_map(whole: Integration) -> WallMap:
    rows_per_slice = round(SLICE_MM / whole.grid.step_mm)
    n_angles = len(whole.grid.angle)
    thickness = whole.thickness_mm.reshape(-1, rows_per_slice, n_angles).mean(axis=1)
    tissue = whole.telling.reshape(-1, rows_per_slice, n_angles)[:, rows_per_slice // 2]
    return WallMap(SLICE_POSITIONS_MM.copy(), np.degrees(whole.grid.angle), thickness, tissue)


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
