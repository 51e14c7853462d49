"""Cross-sections with known numbers, from which an artery is put together by hand."""

from dataclasses import replace

from plaquecast.domain.missing import Measured, Missing, Reason
from plaquecast.domain.morphology import SliceMorphology

HEALTHY = SliceMorphology(
    position_mm=0.0, length_mm=2.0, lumen_area_mm2=30.0, vessel_area_mm2=50.0, wall_area_mm2=20.0,
    normalized_wall_index=0.4, mean_wall_thickness_mm=0.9, max_wall_thickness_mm=1.2, eccentricity_index=0.3,
    calcification_area_mm2=0.0, near_lumen_calcification_area_mm2=0.0, lipid_rich_necrotic_core_area_mm2=0.0,
    non_hemorrhagic_core_area_mm2=0.0, intraplaque_hemorrhage_area_mm2=0.0, fibrous_cap_area_mm2=0.0,
    loose_matrix_area_mm2=0.0, plaque_area_mm2=0.0, fibrous_cap_min_thickness_mm=Missing(Reason.NO_CORE),
    fibrous_cap_mean_thickness_mm=Missing(Reason.NO_CORE), fibrous_cap_arc_degrees=0.0, confidence=1.0,
)  # fmt: skip


def section(position_mm: float, **values: Measured) -> SliceMorphology:
    """A healthy cross-section at a position, but for the given values."""
    return replace(HEALTHY, position_mm=position_mm, **values)
