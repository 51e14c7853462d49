"""One change per year, with its error, what can be told from noise, and what the change amounts to."""

import numpy as np

from plaquecast.domain.anatomy import Side
from plaquecast.domain.change import ChangeFactor, Factor, Verdict
from plaquecast.domain.missing import Measured, Missing, Reason, is_number
from plaquecast.settings import ChangeSettings

COMPONENTS = (Factor.LIPID_RICH_NECROTIC_CORE, Factor.INTRAPLAQUE_HEMORRHAGE, Factor.CALCIFICATION)
"""Factors of volumes that may be absent at a visit; plaque as a whole may be, too."""
MAY_BE_ABSENT = (*COMPONENTS, Factor.PLAQUE_VOLUME)


def annual_change(
    factor: Factor,
    side: Side | None,
    values: tuple[Measured, Measured],
    error: Measured,
    interval_years: Measured,
    settings: ChangeSettings,
    resolution: Measured = 0.0,
) -> ChangeFactor:
    """Change per year of one factor from its values at both visits.

    `error` is one SD of (follow-up − baseline) in the factor's unit. A value below `resolution` is censored: the rate
    is then `Missing` as below resolution, with the bound that is known, and the verdict is that of the bound, the least
    that happened. A component below `smallest_component_mm3` at a visit has no percent per year: it is new, vanished,
    or absent at both.

    >>> change = annual_change(
    ...     Factor.WALL_VOLUME, Side.LEFT, (800.0, 880.0), 40.0, 2.0, ChangeSettings())
    >>> change.absolute_per_year, change.smallest_detectable_per_year, change.verdict.value
    (40.0, 39.2, 'progression')
    """
    years = usable_interval(interval_years, settings.shortest_interval_years)
    before, after = (_reading(value, resolution) for value in values)
    bound = _per_year(_difference(before, after), years)
    error_per_year = bound if isinstance(bound, Missing) else _per_year(error, years)
    detectable = error_per_year if isinstance(error_per_year, Missing) else settings.detection_z * error_per_year
    return ChangeFactor(
        factor=factor,
        side=side,
        baseline=values[0],
        follow_up=values[1],
        interval_years=interval_years,
        absolute_per_year=_absolute(values, bound, years),
        log_percent_per_year=_log_percent(factor, values, years, settings),
        error_per_year=error_per_year,
        smallest_detectable_per_year=detectable,
        verdict=verdict_of(factor, bound, detectable),
    )


def usable_interval(interval_years: Measured, shortest_years: float) -> Measured:
    """The interval, or why no annual rate can be made of it."""
    if isinstance(interval_years, Missing) or interval_years >= shortest_years:
        return interval_years
    return Missing(
        Reason.NOT_APPLICABLE, f"visits {interval_years:.2f} years apart, annual rates need {shortest_years:g}"
    )


def verdict_of(factor: Factor, change: Measured, detectable: Measured) -> Verdict | None:
    """What a change amounts to, or None where it or its error is missing.

    >>> verdict_of(Factor.FIBROUS_CAP_THICKNESS, -0.4, 0.3)
    <Verdict.PROGRESSION: 'progression'>
    """
    if isinstance(change, Missing) or isinstance(detectable, Missing):
        return None
    if abs(change) <= detectable:
        return Verdict.NO_DETECTABLE_CHANGE
    worse = change < 0.0 if factor is Factor.FIBROUS_CAP_THICKNESS else change > 0.0
    return Verdict.PROGRESSION if worse else Verdict.REGRESSION


def is_censored(value: Measured) -> bool:
    """Whether a value is known only to be below what images resolve."""
    return isinstance(value, Missing) and value.reason is Reason.BELOW_RESOLUTION


def _reading(value: Measured, resolution: Measured) -> Measured:
    """The value; a censored one at its limit, so that a change found with it is the least that happened."""
    return resolution if is_censored(value) else value


def _difference(before: Measured, after: Measured) -> Measured:
    if isinstance(before, Missing):
        return before
    return after if isinstance(after, Missing) else after - before


def _per_year(change: Measured, years: Measured) -> Measured:
    if isinstance(years, Missing):
        return years
    return change if isinstance(change, Missing) else change / years


def _absolute(values: tuple[Measured, Measured], bound: Measured, years: Measured) -> Measured:
    censored = [is_censored(value) for value in values]
    if isinstance(years, Missing) or not any(censored) or isinstance(bound, Missing):
        return bound
    if all(censored):
        return Missing(Reason.BELOW_RESOLUTION, "at both visits")
    thinned = censored[1]
    if (bound < 0.0) != thinned:
        return Missing(Reason.BELOW_RESOLUTION, "at one visit")
    return Missing(
        Reason.BELOW_RESOLUTION, f"at least {abs(bound):.2f} mm per year {'thinner' if thinned else 'thicker'}"
    )


def _log_percent(
    factor: Factor, values: tuple[Measured, Measured], years: Measured, settings: ChangeSettings
) -> Measured:
    """100 × ln(follow-up / baseline) per year; never a percent of nothing."""
    missing = next((value for value in (*values, years) if isinstance(value, Missing)), None)
    if missing is not None:
        return missing
    before, after = (value for value in values if is_number(value))
    if factor is Factor.STENOSIS:
        return Missing(Reason.NOT_APPLICABLE, "stenosis changes in points")
    least = settings.smallest_component_mm3 if factor in MAY_BE_ABSENT else 0.0
    present = before > least, after > least
    if not all(present):
        words = {(False, True): "new", (True, False): "vanished", (False, False): "absent at both visits"}
        return Missing(Reason.NOT_APPLICABLE, words[present])
    return _per_year(float(100.0 * np.log(after / before)), years)
