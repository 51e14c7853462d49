"""From cross-sections to an artery: volumes, means, extremes and stenosis over a stretch of it.

Measurement takes the whole coverage, change takes what both visits share; so both hand in how many millimeters of
each slice count.
"""

from collections.abc import Callable, Sequence

import numpy as np

from plaquecast.domain.grid import FloatArray
from plaquecast.domain.missing import Measured, Missing, Reason, is_number
from plaquecast.domain.morphology import SliceMorphology
from plaquecast.geometry.slice_values import NOT_COVERED, ratio, values_of
from plaquecast.geometry.stenosis import stenosis

LEAST_PLAQUE_MM2 = 1.0
"""A slice with less plaque than this does not add to the plaque's length."""

_SUMS = {
    "lumen_volume_mm3": "lumen_area_mm2",
    "vessel_volume_mm3": "vessel_area_mm2",
    "wall_volume_mm3": "wall_area_mm2",
    "plaque_volume_mm3": "plaque_area_mm2",
    "calcification_volume_mm3": "calcification_area_mm2",
    "lipid_rich_necrotic_core_volume_mm3": "lipid_rich_necrotic_core_area_mm2",
    "non_hemorrhagic_core_volume_mm3": "non_hemorrhagic_core_area_mm2",
    "intraplaque_hemorrhage_volume_mm3": "intraplaque_hemorrhage_area_mm2",
    "loose_matrix_volume_mm3": "loose_matrix_area_mm2",
    "near_lumen_calcification_volume_mm3": "near_lumen_calcification_area_mm2",
}
"""Volumes and the areas they are sums of."""

AUTOMATIC = Missing(Reason.ABSENT)
"""No position was named."""


def length_of(section: SliceMorphology) -> float:
    """Length of artery under a slice, mm; 0 where it is not known."""
    return section.length_mm if is_number(section.length_mm) else 0.0


def shared_lengths(slices: Sequence[SliceMorphology], others: Sequence[SliceMorphology]) -> FloatArray:
    """How many mm of each of `slices` (n,) lie under any of `others`, by position along the artery."""
    if not slices or not others:
        return np.zeros(len(slices))
    begin, end = _ends(slices)
    other_begin, other_end = _ends(others)
    overlap = np.minimum(end[:, None], other_end) - np.maximum(begin[:, None], other_begin)
    return np.minimum(np.maximum(overlap, 0.0).sum(axis=1), end - begin)


def lengths_between(slices: Sequence[SliceMorphology], low_mm: float, high_mm: float) -> FloatArray:
    """How many mm of each slice (n,) lie between two positions."""
    if not slices:
        return np.zeros(0)
    begin, end = _ends(slices)
    return np.maximum(np.minimum(end, high_mm) - np.maximum(begin, low_mm), 0.0)


def artery_measurements(
    slices: Sequence[SliceMorphology],
    counted_mm: FloatArray,
    cap_resolution_mm: float,
    reference_mm: Measured = AUTOMATIC,
) -> dict[str, Measured]:
    """Measurements of an artery by their names in `ArteryMorphology`, over `counted_mm` (n,) of each slice.

    A measurement that any counted slice lacks is missing for that slice's reason. Extremes (thickest, narrowest) and
    references look at slices of which at least half counts. `reference_mm` is the position of the internal carotid
    that NASCET compares with; without it, and where it does not count, it is chosen.
    """
    used = [(section, mm) for section, mm in zip(slices, counted_mm, strict=True) if mm > 0.0]
    whole = [section for section, mm in used if mm >= 0.5 * length_of(section)]
    found: dict[str, Measured] = {name: _total(used, area) for name, area in _SUMS.items()}
    found |= {
        "covered_length_mm": float(sum(mm for _, mm in used)) if used else NOT_COVERED,
        "percent_wall_volume": ratio(found["wall_volume_mm3"], found["vessel_volume_mm3"], 100.0),
        "normalized_wall_index": _mean(used, "normalized_wall_index"),
        "mean_wall_thickness_mm": _mean(used, "mean_wall_thickness_mm"),
        "max_wall_thickness_mm": _extreme(whole, "max_wall_thickness_mm", max),
        "plaque_length_mm": _plaque_length(used),
    }
    return found | stenosis(whole, reference_mm) | _cap(used, cap_resolution_mm)


def _ends(slices: Sequence[SliceMorphology]) -> tuple[FloatArray, FloatArray]:
    middle = np.array([section.position_mm for section in slices])
    half = 0.5 * np.array([length_of(section) for section in slices])
    return middle - half, middle + half


Used = Sequence[tuple[SliceMorphology, float]]


def _total(used: Used, name: str) -> Measured:
    values = values_of([section for section, _ in used], name)
    return values if isinstance(values, Missing) else float(values @ np.array([mm for _, mm in used]))


def _mean(used: Used, name: str) -> Measured:
    total = _total(used, name)
    return total / sum(mm for _, mm in used) if is_number(total) else total


def _extreme(slices: Sequence[SliceMorphology], name: str, of: Callable[[FloatArray], float]) -> Measured:
    values = values_of(slices, name)
    return values if isinstance(values, Missing) else float(of(values))


def _plaque_length(used: Used) -> Measured:
    areas = values_of([section for section, _ in used], "plaque_area_mm2")
    if isinstance(areas, Missing):
        return areas
    return float(sum(mm for (_, mm), area in zip(used, areas, strict=True) if area >= LEAST_PLAQUE_MM2))


def _cap(used: Used, resolution_mm: float) -> dict[str, Measured]:
    """Smallest and mean thickness over the arc that faces a core; below resolution it is a censored value."""
    arcs = values_of([section for section, _ in used], "fibrous_cap_arc_degrees")
    found: dict[str, Measured] = {"fibrous_cap_resolution_mm": resolution_mm}
    if isinstance(arcs, Missing):
        return found | dict.fromkeys(_CAP, arcs)
    facing = [(section, mm * arc) for (section, mm), arc in zip(used, arcs, strict=True) if arc > 0.0]
    if not facing:
        return found | dict.fromkeys(_CAP, Missing(Reason.NO_CORE))
    thinnest = _extreme([section for section, _ in facing], "fibrous_cap_min_thickness_mm", min)
    mean = _mean(facing, "fibrous_cap_mean_thickness_mm")
    return found | {name: censored(value, resolution_mm) for name, value in zip(_CAP, (thinnest, mean), strict=True)}


_CAP = ("fibrous_cap_min_thickness_mm", "fibrous_cap_mean_thickness_mm")


def censored(value: Measured, resolution_mm: float) -> Measured:
    """The thickness of a cap, or `Missing` as below resolution where it is less than images resolve."""
    if is_number(value) and value < resolution_mm:
        return Missing(Reason.BELOW_RESOLUTION)
    return value
