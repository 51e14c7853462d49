"""Change per year between two visits, with its error and whether it can be told from noise."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from plaquecast.domain.anatomy import Side
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.missing import Measured


class Factor(StrEnum):
    """The change factors; the unit of the underlying measurement is part of the name."""

    WALL_THICKENING = "wall_thickening_mm"
    MAX_WALL_THICKENING = "max_wall_thickening_mm"
    STENOSIS = "stenosis_percent"
    LIPID_RICH_NECROTIC_CORE = "lipid_rich_necrotic_core_mm3"
    INTRAPLAQUE_HEMORRHAGE = "intraplaque_hemorrhage_mm3"
    FIBROUS_CAP_THICKNESS = "fibrous_cap_thickness_mm"
    PLAQUE_VOLUME = "plaque_volume_mm3"
    WALL_VOLUME = "wall_volume_mm3"
    NORMALIZED_WALL_INDEX = "normalized_wall_index"
    CALCIFICATION = "calcification_mm3"


FACTOR_MEASUREMENT: dict[Factor, str] = {
    Factor.WALL_THICKENING: "mean_wall_thickness_mm",
    Factor.MAX_WALL_THICKENING: "max_wall_thickness_mm",
    Factor.STENOSIS: "stenosis_nascet_percent",
    Factor.LIPID_RICH_NECROTIC_CORE: "lipid_rich_necrotic_core_volume_mm3",
    Factor.INTRAPLAQUE_HEMORRHAGE: "intraplaque_hemorrhage_volume_mm3",
    Factor.FIBROUS_CAP_THICKNESS: "fibrous_cap_mean_thickness_mm",
    Factor.PLAQUE_VOLUME: "plaque_volume_mm3",
    Factor.WALL_VOLUME: "wall_volume_mm3",
    Factor.NORMALIZED_WALL_INDEX: "normalized_wall_index",
    Factor.CALCIFICATION: "calcification_volume_mm3",
}
"""The field of `ArteryMorphology` whose change each factor is."""


class Verdict(StrEnum):
    """What a change amounts to, given its error. For the cap, thinning is progression."""

    PROGRESSION = "progression"
    NO_DETECTABLE_CHANGE = "no_detectable_change"
    REGRESSION = "regression"


class Evolution(StrEnum):
    """What became of a component between two visits."""

    ABSENT = "absent"
    NEW = "new"
    GONE = "gone"
    GROWING = "growing"
    SHRINKING = "shrinking"
    STABLE = "stable"


@dataclass(frozen=True, slots=True)
class ChangeFactor:
    """One change factor of one artery (`side`), or of the patient (`side` is None: both arteries).

    `absolute_per_year` is (follow-up − baseline) / interval in the unit of the factor's name per year;
    `log_percent_per_year` is 100·ln(follow-up / baseline) / interval. `error_per_year` is one SD
    (√2·SEM / interval); `smallest_detectable_per_year` is 1.96 times that.
    """

    factor: Factor
    side: Side | None
    baseline: Measured
    follow_up: Measured
    interval_years: Measured
    absolute_per_year: Measured
    log_percent_per_year: Measured
    error_per_year: Measured
    smallest_detectable_per_year: Measured
    verdict: Verdict | None


@dataclass(frozen=True, slots=True, eq=False)
class ThickeningMap:
    """Where the wall of one artery thickened: position along it × angle around it, as in a `WallMap`.

    `thickening_mm_per_year` is float64 (n, m), NaN where either visit did not cover the wall.
    """

    position_mm: FloatArray
    angle_degrees: FloatArray
    thickening_mm_per_year: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class FactorSummary:
    """One factor over all arteries of a cohort: its numbers per year (NaN-free), and how often each verdict fell."""

    factor: Factor
    per_year: FloatArray
    verdicts: Mapping[Verdict, int]


def summarize(changes: Iterable[ChangeFactor]) -> tuple[FactorSummary, ...]:
    """Each factor over all arteries; what is said of a whole patient is left out."""
    values: dict[Factor, list[float]] = {factor: [] for factor in Factor}
    verdicts: dict[Factor, Counter[Verdict | None]] = {factor: Counter() for factor in Factor}
    for change in changes:
        if change.side is not None:
            verdicts[change.factor][change.verdict] += 1
            if isinstance(change.absolute_per_year, float):
                values[change.factor].append(change.absolute_per_year)
    return tuple(
        FactorSummary(factor, np.array(values[factor]), {each: verdicts[factor][each] for each in Verdict})
        for factor in Factor
    )
