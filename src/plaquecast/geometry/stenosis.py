"""Narrowing of the lumen by NASCET, ECST and area, with the slices it was read at."""

from collections.abc import Sequence

import numpy as np

from plaquecast.domain.grid import FloatArray
from plaquecast.domain.missing import Measured, Missing, Reason, is_number
from plaquecast.domain.morphology import SliceMorphology
from plaquecast.geometry.slice_values import ratio, values_of

NARROWEST_ABOVE_MM = -8.0
"""Stenosis is looked for above this position: in the bulb and the internal carotid."""
DISTAL_FROM_MM = 10.0
"""The internal carotid that NASCET compares with begins here at the earliest, beyond the bulb."""
COMMON_BELOW_MM = -8.0
"""The common carotid that remodeling is compared with lies below this position."""
REFERENCE_MM = 4.0
"""A reference is read over this length."""
PARALLEL_SHARE = 0.1
"""Walls are parallel if the diameters of the reference differ by no more than this share of their mean."""
DISEASED_MM = 1.5
"""A reference whose wall is thicker than this on average is diseased itself."""
LONGEST_FIT_MM = 6.0
"""Neighbors further apart than this say nothing of the narrowest point between them."""
NEAR_OCCLUSION_MM = (1.3, 3.5)
"""Diameters of stenosis and distal internal carotid up to which the artery has collapsed beyond it (Bartlett 2006)."""

NAMES = (
    "stenosis_nascet_percent", "stenosis_ecst_percent", "stenosis_area_percent", "remodeling_index",
    "narrowest_position_mm", "distal_reference_position_mm",
)  # fmt: skip
Reference = Sequence[SliceMorphology] | Missing


def stenosis(slices: Sequence[SliceMorphology], reference_mm: Measured) -> dict[str, Measured]:
    """Narrowing at the narrowest slice of bulb and internal carotid, by diameters equivalent to areas.

    NASCET compares with the internal carotid around `reference_mm`, or else the uppermost stretch, if it lies beyond
    the bulb, is free of disease and has parallel walls. It is not clipped: where the bulb is wider than the artery
    beyond it and nothing narrows it, the narrowest slice lies in the reference and NASCET is near 0. It does not apply
    to a near-occlusion.
    """
    sought = [section for section in slices if section.position_mm > NARROWEST_ABOVE_MM]
    lumen = values_of(sought, "lumen_area_mm2")
    if isinstance(lumen, Missing):
        return dict.fromkeys(NAMES, lumen)
    place = int(np.argmin(lumen))
    narrowest, lumen_mm2 = sought[place], _smallest_area(sought, 2.0 * np.sqrt(lumen / np.pi), place)
    vessel_mm2 = narrowest.vessel_area_mm2
    distal = _distal_reference(slices, reference_mm)
    left = ratio(lumen_mm2, vessel_mm2)
    return {
        "stenosis_nascet_percent": _nascet(lumen_mm2, _mean_area(distal, "lumen_area_mm2")),
        "stenosis_ecst_percent": 100.0 * (1.0 - np.sqrt(left)) if is_number(left) else left,
        "stenosis_area_percent": 100.0 * (1.0 - left) if is_number(left) else left,
        "remodeling_index": ratio(vessel_mm2, _mean_area(_common_reference(slices), "vessel_area_mm2")),
        "narrowest_position_mm": narrowest.position_mm,
        "distal_reference_position_mm": _middle(distal),
    }


def _smallest_area(slices: Sequence[SliceMorphology], diameter_mm: FloatArray, place: int) -> float:
    """Area at the bottom of the parabola through the diameters of the narrowest slice and its two neighbors.

    The narrowest point seldom lies in the middle of a slice; without this, stenosis depends on where the slices fell.
    """
    bottom = float(diameter_mm[place])
    if 0 < place < len(slices) - 1:
        near = slice(place - 1, place + 2)
        offset = np.array([section.position_mm for section in slices[near]]) - slices[place].position_mm
        curve, slope, _ = np.polyfit(offset, diameter_mm[near], 2)
        if curve > 0.0 and np.ptp(offset) <= LONGEST_FIT_MM:
            bottom -= float(slope**2 / (4.0 * curve))
    return float(np.pi / 4.0 * max(bottom, 0.0) ** 2)


def _nascet(lumen_mm2: float, distal_mm2: Measured) -> Measured:
    if isinstance(distal_mm2, Missing):
        return distal_mm2
    narrowest, distal = (2.0 * np.sqrt(area / np.pi) for area in (lumen_mm2, distal_mm2))
    if narrowest <= NEAR_OCCLUSION_MM[0] and distal <= NEAR_OCCLUSION_MM[1]:
        return Missing(Reason.NOT_APPLICABLE, "near-occlusion: the artery beyond the stenosis has collapsed")
    return float(100.0 * (1.0 - narrowest / distal))


def _distal_reference(slices: Sequence[SliceMorphology], reference_mm: Measured) -> Reference:
    named = [] if isinstance(reference_mm, Missing) else _around(slices, reference_mm)
    if named:
        return named
    top = max(section.position_mm for section in slices)
    distal = [section for section in slices if section.position_mm > top - REFERENCE_MM]
    if min(section.position_mm for section in distal) < DISTAL_FROM_MM:
        return Missing(Reason.NOT_COVERED, f"the internal carotid {DISTAL_FROM_MM:g} mm above the bifurcation")
    areas = values_of(distal, "lumen_area_mm2")
    if isinstance(areas, Missing):
        return areas
    if any(is_number(wall) and wall > DISEASED_MM for wall in (section.mean_wall_thickness_mm for section in distal)):
        return Missing(Reason.NOT_COVERED, "no internal carotid free of disease")
    width = np.sqrt(areas)  # as diameters but for a factor
    if np.ptp(width) > PARALLEL_SHARE * width.mean():
        return Missing(Reason.NOT_COVERED, "no internal carotid with parallel walls")
    return distal


def _around(slices: Sequence[SliceMorphology], position_mm: float) -> list[SliceMorphology]:
    return [section for section in slices if abs(section.position_mm - position_mm) <= 0.5 * REFERENCE_MM]


def _common_reference(slices: Sequence[SliceMorphology]) -> Reference:
    """The lowest slices, if they lie in the common carotid."""
    bottom = min(section.position_mm for section in slices)
    common = [section for section in slices if section.position_mm < bottom + REFERENCE_MM]
    if max(section.position_mm for section in common) > COMMON_BELOW_MM:
        return Missing(Reason.NOT_COVERED, f"the common carotid {-COMMON_BELOW_MM:g} mm below the bifurcation")
    return common


def _mean_area(reference: Reference, name: str) -> Measured:
    """The area whose diameter is the mean diameter of the reference."""
    areas = reference if isinstance(reference, Missing) else values_of(reference, name)
    return areas if isinstance(areas, Missing) else float(np.sqrt(areas).mean() ** 2)


def _middle(reference: Reference) -> Measured:
    if isinstance(reference, Missing):
        return reference
    return float(np.mean([section.position_mm for section in reference]))
