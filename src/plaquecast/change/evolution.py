"""What became of each component, and of each place of the wall, between two visits."""

import numpy as np

from plaquecast.change.rate import MAY_BE_ABSENT, usable_interval
from plaquecast.domain.change import ChangeFactor, Evolution, ThickeningMap, Verdict
from plaquecast.domain.missing import Measured, Missing, Reason
from plaquecast.domain.morphology import WallMap
from plaquecast.settings import ChangeSettings

_OF_VERDICT = {
    Verdict.PROGRESSION: Evolution.GROWING,
    Verdict.REGRESSION: Evolution.SHRINKING,
    Verdict.NO_DETECTABLE_CHANGE: Evolution.STABLE,
}


def evolution_of(change: ChangeFactor, settings: ChangeSettings) -> Evolution | Missing:
    """What became of a component or of plaque: new, gone, growing, shrinking, stable, or absent at both visits.

    It is there from `smallest_component_mm3` on. It grows or shrinks if its change is detectable. Other factors have
    no evolution: not applicable.

    >>> from plaquecast.change.rate import annual_change
    >>> from plaquecast.domain.change import Factor
    >>> change = annual_change(Factor.CALCIFICATION, None, (0.0, 12.0), 2.0, 1.0, ChangeSettings())
    >>> evolution_of(change, ChangeSettings()).value
    'new'
    """
    if change.factor not in MAY_BE_ABSENT:
        return Missing(Reason.NOT_APPLICABLE)
    before, after = change.baseline, change.follow_up
    if isinstance(before, Missing):
        return before
    if isinstance(after, Missing):
        return after
    was, is_there = before >= settings.smallest_component_mm3, after >= settings.smallest_component_mm3
    if not was and not is_there:
        return Evolution.ABSENT
    if was != is_there:
        return Evolution.NEW if is_there else Evolution.GONE
    return Missing(Reason.ABSENT, "no verdict") if change.verdict is None else _OF_VERDICT[change.verdict]


def thickening_map(
    baseline: WallMap | None, follow_up: WallMap | None, interval_years: Measured, settings: ChangeSettings
) -> ThickeningMap | Missing:
    """Change of wall thickness per year at every place that both visits cover, on the baseline's positions and angles.

    The follow-up is read at the same position from the bifurcation and the same angle from the flow divider, linearly
    between its slices.
    """
    years = usable_interval(interval_years, settings.shortest_interval_years)
    if isinstance(years, Missing):
        return years
    if baseline is None or follow_up is None:
        return Missing(Reason.NOT_COVERED, "no unwrapped wall at one of the visits")
    turned = np.stack(
        [
            np.interp(baseline.angle_degrees, follow_up.angle_degrees, row, period=360.0)
            for row in follow_up.wall_thickness_mm
        ]
    )
    later = np.stack(
        [
            np.interp(baseline.position_mm, follow_up.position_mm, column, left=np.nan, right=np.nan)
            for column in turned.T
        ],
        axis=1,
    )
    change = (later - baseline.wall_thickness_mm) / years
    return ThickeningMap(baseline.position_mm, baseline.angle_degrees, change)
