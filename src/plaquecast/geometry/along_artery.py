"""From cross-sections to an artery: volumes, means, extremes and stenosis over a stretch of it.

Measurement takes the whole coverage, change takes what both visits share; so both hand in how many millimeters of
each slice count.
"""

from collections.abc import Callable, Sequence

import numpy as np

from plaquecast.domain.grid import FloatArray
from plaquecast.domain.missing import Measured, Missing, Reason, is_number
from plaquecast.domain.morphology import SliceMorphology

NARROWEST_ABOVE_MM = -8.0
"""Stenosis is looked for above this position: in the bulb and the internal carotid."""
DISTAL_FROM_MM = 10.0
"""The internal carotid that NASCET compares with begins here at the earliest, beyond the bulb."""
COMMON_BELOW_MM = -8.0
"""The common carotid that remodeling is compared with lies below this position."""
REFERENCE_MM = 4.0
"""A reference is read over this length at the end of the coverage."""
PARALLEL_SHARE = 0.1
"""Walls are parallel if the diameters of the reference differ by no more than this share of their mean."""
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
}
"""Volumes and the areas they are sums of."""

NOT_COVERED = Missing(Reason.NOT_COVERED)


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


def artery_measurements(
    slices: Sequence[SliceMorphology], counted_mm: FloatArray, cap_resolution_mm: float
) -> dict[str, Measured]:
    """Every measurement of an artery by its name in `ArteryMorphology`, over `counted_mm` (n,) of each slice.

    A measurement that any counted slice lacks is missing for that slice's reason. Extremes (thickest, narrowest) and
    references look at slices of which at least half counts.
    """
    used = [(section, mm) for section, mm in zip(slices, counted_mm, strict=True) if mm > 0.0]
    whole = [section for section, mm in used if mm >= 0.5 * length_of(section)]
    found: dict[str, Measured] = {name: _total(used, area) for name, area in _SUMS.items()}
    found |= {
        "covered_length_mm": float(sum(mm for _, mm in used)) if used else NOT_COVERED,
        "percent_wall_volume": _ratio(found["wall_volume_mm3"], found["vessel_volume_mm3"], 100.0),
        "normalized_wall_index": _mean(used, "normalized_wall_index"),
        "mean_wall_thickness_mm": _mean(used, "mean_wall_thickness_mm"),
        "max_wall_thickness_mm": _extreme(whole, "max_wall_thickness_mm", max),
        "plaque_length_mm": _plaque_length(used),
    }
    return found | _stenosis(whole) | _cap(used, whole, cap_resolution_mm)


def _ends(slices: Sequence[SliceMorphology]) -> tuple[FloatArray, FloatArray]:
    middle = np.array([section.position_mm for section in slices])
    half = 0.5 * np.array([length_of(section) for section in slices])
    return middle - half, middle + half


Used = Sequence[tuple[SliceMorphology, float]]


def _values(slices: Sequence[SliceMorphology], name: str) -> FloatArray | Missing:
    """A measurement of every slice, or the first reason why one has none."""
    values = [getattr(section, name) for section in slices]
    missing = next((value for value in values if isinstance(value, Missing)), None)
    return missing or (np.array(values, dtype=np.float64) if values else NOT_COVERED)


def _total(used: Used, name: str) -> Measured:
    values = _values([section for section, _ in used], name)
    return values if isinstance(values, Missing) else float(values @ np.array([mm for _, mm in used]))


def _mean(used: Used, name: str) -> Measured:
    total = _total(used, name)
    return total / sum(mm for _, mm in used) if is_number(total) else total


def _ratio(part: Measured, whole: Measured, scale: float) -> Measured:
    if isinstance(part, Missing) or isinstance(whole, Missing):
        return part if isinstance(part, Missing) else whole
    return scale * part / whole if whole > 0.0 else NOT_COVERED


def _extreme(slices: Sequence[SliceMorphology], name: str, of: Callable[[FloatArray], float]) -> Measured:
    values = _values(slices, name)
    return values if isinstance(values, Missing) else float(of(values))


def _plaque_length(used: Used) -> Measured:
    areas = _values([section for section, _ in used], "plaque_area_mm2")
    if isinstance(areas, Missing):
        return areas
    return float(sum(mm for (_, mm), area in zip(used, areas, strict=True) if area >= LEAST_PLAQUE_MM2))


def _stenosis(slices: Sequence[SliceMorphology]) -> dict[str, Measured]:
    """Narrowing at the narrowest slice of bulb and internal carotid, by diameters equivalent to areas."""
    bulb_and_above = [section for section in slices if section.position_mm > NARROWEST_ABOVE_MM]
    lumen = _values(bulb_and_above, "lumen_area_mm2")
    if isinstance(lumen, Missing):
        return dict.fromkeys(_STENOSIS, lumen)
    narrowest = bulb_and_above[int(np.argmin(lumen))]
    distal = _distal_reference(slices)
    lumen_mm2, vessel_mm2 = float(lumen.min()), narrowest.vessel_area_mm2
    shares = [_ratio(lumen_mm2, whole, 1.0) for whole in (_mean_area(distal, "lumen_area_mm2"), vessel_mm2)]
    nascet, ecst = (share if isinstance(share, Missing) else float(np.sqrt(share)) for share in shares)
    return {
        "stenosis_nascet_percent": _lost(nascet),
        "stenosis_ecst_percent": _lost(ecst),
        "stenosis_area_percent": _lost(shares[1]),
        "remodeling_index": _ratio(vessel_mm2, _mean_area(_common_reference(slices), "vessel_area_mm2"), 1.0),
        "narrowest_position_mm": narrowest.position_mm,
        "distal_reference_position_mm": distal
        if isinstance(distal, Missing)
        else float(np.mean([section.position_mm for section in distal])),
    }


_STENOSIS = (
    "stenosis_nascet_percent", "stenosis_ecst_percent", "stenosis_area_percent", "remodeling_index",
    "narrowest_position_mm", "distal_reference_position_mm",
)  # fmt: skip


def _lost(share_left: Measured) -> Measured:
    return share_left if isinstance(share_left, Missing) else 100.0 * (1.0 - share_left)


Reference = Sequence[SliceMorphology] | Missing


def _distal_reference(slices: Sequence[SliceMorphology]) -> Reference:
    """The uppermost slices, if they lie beyond the bulb and their walls are parallel."""
    top = max(section.position_mm for section in slices)
    distal = [section for section in slices if section.position_mm > top - REFERENCE_MM]
    if min(section.position_mm for section in distal) < DISTAL_FROM_MM:
        return Missing(Reason.NOT_COVERED, f"the internal carotid {DISTAL_FROM_MM:g} mm above the bifurcation")
    areas = _values(distal, "lumen_area_mm2")
    if isinstance(areas, Missing):
        return areas
    diameter = 2.0 * np.sqrt(areas / np.pi)
    if np.ptp(diameter) > PARALLEL_SHARE * diameter.mean():
        return Missing(Reason.NOT_COVERED, "no internal carotid with parallel walls")
    return distal


def _common_reference(slices: Sequence[SliceMorphology]) -> Reference:
    """The lowest slices, if they lie in the common carotid."""
    bottom = min(section.position_mm for section in slices)
    common = [section for section in slices if section.position_mm < bottom + REFERENCE_MM]
    if max(section.position_mm for section in common) > COMMON_BELOW_MM:
        return Missing(Reason.NOT_COVERED, f"the common carotid {-COMMON_BELOW_MM:g} mm below the bifurcation")
    return common


def _mean_area(reference: Reference, name: str) -> Measured:
    """The area whose diameter is the mean diameter of the reference."""
    areas = reference if isinstance(reference, Missing) else _values(reference, name)
    return areas if isinstance(areas, Missing) else float(np.sqrt(areas).mean() ** 2)


def _cap(used: Used, whole: Sequence[SliceMorphology], resolution_mm: float) -> dict[str, Measured]:
    """Smallest and mean thickness over the arc that faces a core; below resolution it is a censored value."""
    arcs = _values([section for section, _ in used], "fibrous_cap_arc_degrees")
    found: dict[str, Measured] = {"fibrous_cap_resolution_mm": resolution_mm}
    if isinstance(arcs, Missing):
        return found | dict.fromkeys(_CAP, arcs)
    facing = [
        (section, mm * arc) for (section, mm), arc in zip(used, arcs, strict=True) if arc > 0.0 and section in whole
    ]
    if not facing:
        return found | dict.fromkeys(_CAP, Missing(Reason.NO_CORE))
    thinnest = _extreme([section for section, _ in facing], "fibrous_cap_min_thickness_mm", min)
    mean = _mean(facing, "fibrous_cap_mean_thickness_mm")
    return found | {name: _censored(value, resolution_mm) for name, value in zip(_CAP, (thinnest, mean), strict=True)}


_CAP = ("fibrous_cap_min_thickness_mm", "fibrous_cap_mean_thickness_mm")


def _censored(value: Measured, resolution_mm: float) -> Measured:
    if is_number(value) and value < resolution_mm:
        return Missing(Reason.BELOW_RESOLUTION)
    return value
