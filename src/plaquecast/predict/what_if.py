"""What patients with another record had: an association among those learned from, never the effect of a treatment."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from plaquecast.domain.change import Factor
from plaquecast.domain.forecast import Forecast
from plaquecast.domain.learning import BaselineArtery
from plaquecast.domain.missing import Measured, is_number
from plaquecast.errors import InputError
from plaquecast.predict.bundle import PredictorBundle

CHANGEABLE = ("statin", "statin_years", "systolic_pressure_mmhg", "diastolic_pressure_mmhg", "smoking_history")
CAUTION = "an association in the patients learned from, not what would happen if this were changed"


@dataclass(frozen=True, slots=True)
class WhatIf:
    """One factor forecast from the record as it is and from the other one; `difference` is other minus this."""

    factor: Factor
    as_is: Forecast
    otherwise: Forecast
    difference: Measured

    def __str__(self) -> str:
        if not is_number(self.difference):
            return f"{self.factor.value}: no answer ({self.difference})"
        return f"{self.factor.value}: {self.difference:+.3g} per year ({CAUTION})"


def what_if(
    bundle: PredictorBundle, artery: BaselineArtery, horizon_years: float, other: Mapping[str, object]
) -> tuple[WhatIf, ...]:
    """Forecast every factor also for the same artery with some entries of the record as `other` says.

    An answer stands only where both records lie inside what was learned.

    Raises:
        InputError: if an entry is not one of `CHANGEABLE`, or the horizon lies outside what was learned.
    """
    unknown = sorted(set(other) - set(CHANGEABLE))
    if unknown:
        raise InputError(
            expected=f"entries among {', '.join(CHANGEABLE)}",
            found=", ".join(unknown),
            where="what if",
            remedy="Ask for one of these.",
            code="what-if",
        )
    changed = replace(artery, clinical=replace(artery.clinical, **other))  # pyright: ignore[reportArgumentType]
    pairs = zip(bundle.forecast(artery, horizon_years), bundle.forecast(changed, horizon_years), strict=True)
    return tuple(WhatIf(before.factor, before, after, _difference(before, after)) for before, after in pairs)


def _difference(before: Forecast, after: Forecast) -> Measured:
    if not is_number(before.value):
        return before.value
    return after.value - before.value if is_number(after.value) else after.value
