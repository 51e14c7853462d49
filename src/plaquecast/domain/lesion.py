"""What a reader would call the disease of an artery: cap status, AHA type, high-risk features, burden by segment."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from plaquecast.domain.missing import Measured, Missing

PRESENT_MM3 = 5.0
"""A component smaller than this cannot be told from none (a floor in use in the field)."""
NEAR_LUMEN_MM = 0.5
"""Calcification no deeper than this below the lumen's surface lies near it: about a pixel."""


class CapStatus(StrEnum):
    """State of the fibrous cap, as MR reads it (Hatsukami 2000)."""

    THICK = "thick"
    THIN = "thin"
    RUPTURED = "ruptured"


class LesionType(StrEnum):
    """AHA lesion types, modified for MR (Cai 2002)."""

    NEAR_NORMAL = "I-II"
    THICKENING = "III"
    CORE = "IV-V"
    COMPLICATED = "VI"
    CALCIFIED = "VII"
    FIBROTIC = "VIII"


class HighRiskFeature(StrEnum):
    """What makes a plaque high-risk (CARE-II)."""

    RUPTURED_CAP = "ruptured cap"
    LARGE_CORE = "core over 40 % of the wall"
    HEMORRHAGE = "intraplaque hemorrhage"


class Segment(StrEnum):
    """Stretches of the artery, by position from the bifurcation."""

    COMMON = "common carotid"
    BULB = "bulb"
    INTERNAL = "internal carotid"


SEGMENT_MM: Mapping[Segment, tuple[float, float]] = {
    Segment.COMMON: (-1000.0, -10.0),
    Segment.BULB: (-10.0, 0.0),
    Segment.INTERNAL: (0.0, 1000.0),
}
"""Where segments begin and end: the bulb is the last centimeter below the flow divider (ARIC)."""


@dataclass(frozen=True, slots=True, eq=False)
class Lesion:
    """The disease of one artery, in a reader's words.

    `largest_core_percent` is the largest share of a slice's wall that is core. `percent_wall_volume` is the plaque
    burden of each segment, missing where it is not covered.
    """

    cap_status: CapStatus | Missing
    lesion_type: LesionType | Missing
    high_risk: tuple[HighRiskFeature, ...]
    largest_core_percent: Measured
    percent_wall_volume: Mapping[Segment, Measured]
