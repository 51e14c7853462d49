"""Read the disease of an artery from its measured slices, as a reader would put it."""

from collections.abc import Sequence

import numpy as np

from plaquecast.domain.grid import FloatArray
from plaquecast.domain.lesion import PRESENT_MM3, SEGMENT_MM, CapStatus, HighRiskFeature, Lesion, LesionType
from plaquecast.domain.missing import Measured, Missing, is_number
from plaquecast.domain.morphology import SliceMorphology
from plaquecast.geometry.along_artery import artery_measurements, length_of, lengths_between
from plaquecast.geometry.slice_values import NOT_COVERED
from plaquecast.settings import MeasureSettings

RUPTURED_MM = 0.15
"""A core that comes this near to the lumen has broken through: half a pixel, the error of one contour."""
LARGE_CORE_PERCENT = 40.0
THICK_LESION_MM = 2.0
"""Plaque thicker than this is no mere thickening (cut point of the carotid atherosclerosis score)."""
CALCIFIED_SHARE = 0.25
"""A plaque without a core is calcified if it consists of this much calcification."""


def read_lesion(slices: Sequence[SliceMorphology], settings: MeasureSettings) -> Lesion:
    """Cap status, lesion type, high-risk features and burden by segment from measured slices.

    A cap is ruptured where the core comes to the lumen within `RUPTURED_MM`, else thin where its mean over the arc that
    faces the core is below `cap_resolution_mm`, else thick. The lesion type is the most advanced that the artery shows:
    VI hemorrhage or rupture, IV-V a core, VII calcified, VIII fibrotic, III thickening, I-II near-normal.

    >>> str(read_lesion((), MeasureSettings()).cap_status)
    'not covered'
    """
    lengths = np.array([length_of(section) for section in slices])
    whole = artery_measurements(slices, lengths, cap_resolution_mm=0.0)
    status = _cap_status(whole, settings.cap_resolution_mm)
    largest_core = _largest_core_percent(slices)
    return Lesion(
        cap_status=status,
        lesion_type=_lesion_type(whole, status, settings.plaque_thickness_mm),
        high_risk=tuple(_high_risk(whole, status, largest_core)),
        largest_core_percent=largest_core,
        percent_wall_volume={segment: _burden(slices, ends) for segment, ends in SEGMENT_MM.items()},
    )


def _cap_status(whole: dict[str, Measured], resolution_mm: float) -> CapStatus | Missing:
    thinnest, mean = whole["fibrous_cap_min_thickness_mm"], whole["fibrous_cap_mean_thickness_mm"]
    if isinstance(thinnest, Missing) or isinstance(mean, Missing):
        return thinnest if isinstance(thinnest, Missing) else CapStatus.THICK
    if thinnest < RUPTURED_MM:
        return CapStatus.RUPTURED
    return CapStatus.THIN if mean < resolution_mm else CapStatus.THICK


def _is_present(volume_mm3: Measured) -> bool:
    return is_number(volume_mm3) and volume_mm3 >= PRESENT_MM3


def _lesion_type(
    whole: dict[str, Measured], status: CapStatus | Missing, plaque_thickness_mm: float
) -> LesionType | Missing:
    thickest, plaque = whole["max_wall_thickness_mm"], whole["plaque_volume_mm3"]
    calcification = whole["calcification_volume_mm3"]
    if isinstance(thickest, Missing) or isinstance(plaque, Missing) or isinstance(calcification, Missing):
        return next(value for value in (thickest, plaque, calcification) if isinstance(value, Missing))
    if _is_present(whole["lipid_rich_necrotic_core_volume_mm3"]):
        is_complicated = status is CapStatus.RUPTURED or _is_present(whole["intraplaque_hemorrhage_volume_mm3"])
        return LesionType.COMPLICATED if is_complicated else LesionType.CORE
    if _is_present(calcification):
        return LesionType.CALCIFIED if calcification >= CALCIFIED_SHARE * plaque else LesionType.FIBROTIC
    if thickest >= THICK_LESION_MM:
        return LesionType.FIBROTIC
    return LesionType.THICKENING if thickest > plaque_thickness_mm else LesionType.NEAR_NORMAL


def _high_risk(
    whole: dict[str, Measured], status: CapStatus | Missing, largest_core_percent: Measured
) -> list[HighRiskFeature]:
    has_core = _is_present(whole["lipid_rich_necrotic_core_volume_mm3"])
    found = {
        HighRiskFeature.RUPTURED_CAP: has_core and status is CapStatus.RUPTURED,
        HighRiskFeature.LARGE_CORE: is_number(largest_core_percent) and largest_core_percent > LARGE_CORE_PERCENT,
        HighRiskFeature.HEMORRHAGE: _is_present(whole["intraplaque_hemorrhage_volume_mm3"]),
    }
    return [feature for feature, is_there in found.items() if is_there]


def _largest_core_percent(slices: Sequence[SliceMorphology]) -> Measured:
    shares = []
    for section in slices:
        core, wall = section.lipid_rich_necrotic_core_area_mm2, section.wall_area_mm2
        if isinstance(core, Missing) or isinstance(wall, Missing):
            return core if isinstance(core, Missing) else wall
        shares.append(100.0 * core / wall)
    return max(shares) if shares else NOT_COVERED


def _burden(slices: Sequence[SliceMorphology], ends_mm: tuple[float, float]) -> Measured:
    counted: FloatArray = lengths_between(slices, *ends_mm)
    return artery_measurements(slices, counted, cap_resolution_mm=0.0)["percent_wall_volume"]
