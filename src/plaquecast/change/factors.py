"""The change factors between two visits, for one artery and for the patient."""

from collections.abc import Mapping, Sequence

import numpy as np

from plaquecast.change.matching import matched_measurements
from plaquecast.change.rate import annual_change, is_censored
from plaquecast.domain.anatomy import Side
from plaquecast.domain.change import FACTOR_MEASUREMENT, ChangeFactor, Factor
from plaquecast.domain.measurements import MeasurementError
from plaquecast.domain.missing import Measured, Missing, Reason, is_number
from plaquecast.domain.morphology import ArteryMorphology
from plaquecast.settings import ChangeSettings

LARGEST_OF_BOTH = (Factor.MAX_WALL_THICKENING, Factor.STENOSIS)
"""Factors whose value for the patient is that of the worse artery."""
MEAN_OF_BOTH = (Factor.WALL_THICKENING, Factor.NORMALIZED_WALL_INDEX, Factor.FIBROUS_CAP_THICKNESS)
"""Factors whose value for the patient is the mean over both arteries; all others add up."""


def change_factors(
    baseline: ArteryMorphology | Missing,
    follow_up: ArteryMorphology | Missing,
    interval_years: Measured,
    errors: Mapping[str, MeasurementError],
    settings: ChangeSettings,
    side: Side | None = None,
    ahead_mm: float = 0.0,
) -> tuple[ChangeFactor, ...]:
    """Change per year of every factor of one artery, over the coverage common to both visits.

    `errors` is the error of one scan by the name of the measurement (field of `ArteryMorphology`). `side` need only be
    given where both visits may lack the artery; the factors are then there with their reason. `ahead_mm` is by how much
    more the follow-up's positions count at the same place of the artery.

    >>> from plaquecast.domain.measurements import PUBLISHED_ERRORS
    >>> absent = Missing(Reason.NOT_COVERED)
    >>> change = change_factors(absent, absent, 1.5, PUBLISHED_ERRORS, ChangeSettings(), Side.LEFT)[0]
    >>> change.factor.value, str(change.absolute_per_year), change.verdict
    ('wall_thickening_mm', 'not covered', None)
    """
    before, after = matched_measurements(baseline, follow_up, settings.shortest_common_mm, ahead_mm)
    whose = next((visit.side for visit in (baseline, follow_up) if not isinstance(visit, Missing)), side)
    factors = []
    for factor, name in FACTOR_MEASUREMENT.items():
        values = before[name], after[name]
        limit = _limit(factor, before, after)
        error = _error_of_difference(values, errors.get(name), limit)
        factors.append(annual_change(factor, whose, values, error, interval_years, settings, limit))
    return tuple(factors)


def patient_change_factors(
    arteries: Sequence[Sequence[ChangeFactor]], settings: ChangeSettings
) -> tuple[ChangeFactor, ...]:
    """Change per year of the patient (`side` None) from the factors of both arteries, each as `change_factors` gives.

    Volumes add up, mean thickness, NWI and cap are means, maximum thickness and stenosis are those of the worse artery.
    Where one artery has no core, the other's cap stands for the patient; where any other value is missing, the
    patient's is, too.
    """
    by_factor = [{change.factor: change for change in artery} for artery in arteries]
    return tuple(_of_patient(factor, [artery[factor] for artery in by_factor], settings) for factor in Factor)


def describe(settings: ChangeSettings) -> str:
    """How change was computed, in sentences for the methods text."""
    return (
        "Change is follow-up minus baseline, divided by the years between the visits, over the stretch of artery that"
        f" both visits cover; visits less than {settings.shortest_interval_years:g} years apart were not compared. A"
        f" change is detectable beyond {settings.detection_z:g} standard deviations of its error, which is √2 times"
        f" that of one scan. Components under {settings.smallest_component_mm3:g} mm³ count as absent."
    )


def _limit(factor: Factor, before: Mapping[str, Measured], after: Mapping[str, Measured]) -> Measured:
    """What images resolve of this factor at the coarser of both visits; 0 where nothing is censored."""
    if factor is not Factor.FIBROUS_CAP_THICKNESS:
        return 0.0
    limits = [visit["fibrous_cap_resolution_mm"] for visit in (before, after)]
    return max((limit for limit in limits if is_number(limit)), default=0.0)


def _error_of_difference(
    values: tuple[Measured, Measured], error: MeasurementError | None, limit: Measured
) -> Measured:
    """One SD of (follow-up − baseline): √2 × the error of one scan at the mean of both values."""
    if error is None:
        return Missing(Reason.ABSENT, "no error of repeat scans is known for this measurement")
    readings = [limit if is_censored(value) else value for value in values]
    missing = next((value for value in readings if isinstance(value, Missing)), None)
    mean = np.mean([value for value in readings if is_number(value)]) if missing is None else 0.0
    return missing or float(np.sqrt(2.0) * error.sd(np.array(mean)))


def _of_patient(factor: Factor, sides: Sequence[ChangeFactor], settings: ChangeSettings) -> ChangeFactor:
    with_core = [change for change in sides if not _has_no_core(change)]
    used = with_core or sides
    values = tuple(_together(factor, [getattr(change, name) for change in used]) for name in ("baseline", "follow_up"))
    interval = used[0].interval_years
    error = interval if isinstance(interval, Missing) else _error_together(factor, used, interval)
    return annual_change(factor, None, (values[0], values[1]), error, interval, settings)


def _has_no_core(change: ChangeFactor) -> bool:
    values = (change.baseline, change.follow_up)
    return any(isinstance(value, Missing) and value.reason is Reason.NO_CORE for value in values)


def _together(factor: Factor, values: Sequence[Measured]) -> Measured:
    missing = next((value for value in values if isinstance(value, Missing)), None)
    if missing is not None:
        return missing
    numbers = np.array(values, dtype=np.float64)
    if factor in LARGEST_OF_BOTH:
        return float(numbers.max())
    return float(numbers.mean() if factor in MEAN_OF_BOTH else numbers.sum())


def _error_together(factor: Factor, sides: Sequence[ChangeFactor], years: float) -> Measured:
    """One SD of the patient's difference from those of the arteries, whose errors are independent."""
    missing = next((change.error_per_year for change in sides if isinstance(change.error_per_year, Missing)), None)
    if missing is not None:
        return missing
    errors = years * np.array([change.error_per_year for change in sides], dtype=np.float64)
    if factor in LARGEST_OF_BOTH:
        return float(errors.max())
    total = float(np.sqrt((errors**2).sum()))
    return total / len(errors) if factor in MEAN_OF_BOTH else total
