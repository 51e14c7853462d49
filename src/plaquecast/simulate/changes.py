"""Change per year as a study would state it that measured two visits of a simulated artery with known errors."""

from collections.abc import Mapping

import numpy as np

from plaquecast.domain.change import FACTOR_MEASUREMENT, ChangeFactor, Factor, Verdict
from plaquecast.domain.measurements import MeasurementError
from plaquecast.domain.missing import Measured, Missing, Reason, is_number
from plaquecast.domain.morphology import ArteryMorphology
from plaquecast.settings import ChangeSettings

NO_ERROR = MeasurementError(0.0, 0.0, "truth")


def stated_changes(
    baseline: ArteryMorphology,
    follow_up: ArteryMorphology,
    interval_years: float,
    errors: Mapping[str, MeasurementError],
    settings: ChangeSettings,
) -> tuple[ChangeFactor, ...]:
    """Every change factor of one artery; measurements that `errors` leaves out are taken to have none (the truth)."""
    changes = []
    for factor, name in FACTOR_MEASUREMENT.items():
        before, after = getattr(baseline, name), getattr(follow_up, name)
        change, sd, log_percent, verdict = (
            _missing(before, after),
            _missing(before, after),
            _missing(before, after),
            None,
        )
        if is_number(before) and is_number(after):
            change = (after - before) / interval_years
            error = errors.get(name, NO_ERROR).sd(np.array(0.5 * (before + after)))
            sd = float(np.sqrt(2.0) * error / interval_years)
            log_percent = _log_percent(before, after, interval_years)
            verdict = _verdict(factor, change, settings.detection_z * sd)
        detectable = settings.detection_z * sd if is_number(sd) else sd
        changes.append(
            ChangeFactor(
                factor, baseline.side, before, after, interval_years, change, log_percent, sd, detectable, verdict
            )
        )
    return tuple(changes)


def _missing(before: Measured, after: Measured) -> Measured:
    """The reason of the visit that has no number; where both have one, it is never read."""
    return after if is_number(before) else before


def _log_percent(before: float, after: float, years: float) -> Measured:
    if before <= 0.0 or after <= 0.0:
        return Missing(Reason.NOT_APPLICABLE, "no percentage of nothing")
    return float(100.0 * np.log(after / before) / years)


def _verdict(factor: Factor, change: float, detectable: float) -> Verdict:
    if abs(change) <= detectable:
        return Verdict.NO_DETECTABLE_CHANGE
    is_cap = factor is Factor.FIBROUS_CAP_THICKNESS
    return Verdict.REGRESSION if (change > 0.0) is is_cap else Verdict.PROGRESSION
