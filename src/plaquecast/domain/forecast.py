"""The forecast for one factor of one artery, which cannot exist without its interval and its verdict on the domain."""

from dataclasses import dataclass

from plaquecast.domain.anatomy import Side
from plaquecast.domain.change import Factor
from plaquecast.domain.missing import Measured, Missing
from plaquecast.errors import InputError


@dataclass(frozen=True, slots=True)
class Forecast:
    """Expected change per year of one factor of one artery over the horizon.

    `value`, `lower` and `upper` are in the factor's unit per year, or `Missing` when the patient is unlike
    what was learned (`in_cohort` is False) or the factor does not apply. The three probabilities sum to 1.

    Raises:
        InputError: if a number stands there although the patient is out of the cohort, the interval does not
            hold the value, or the probabilities do not sum to 1.
    """

    factor: Factor
    side: Side
    horizon_years: float
    value: Measured
    lower: Measured
    upper: Measured
    confidence_level: float
    p_progression: Measured
    p_no_detectable_change: Measured
    p_regression: Measured
    in_cohort: bool
    calibration_size: int
    model_id: str
    reasons: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        value, lower, upper = self.value, self.lower, self.upper
        chances = (self.p_progression, self.p_no_detectable_change, self.p_regression)
        if isinstance(value, Missing) or isinstance(lower, Missing) or isinstance(upper, Missing):
            return
        consistent = self.in_cohort and lower <= value <= upper
        if not any(isinstance(chance, Missing) for chance in chances):
            consistent = consistent and abs(sum(c for c in chances if not isinstance(c, Missing)) - 1.0) < 1e-6
        if not consistent:
            raise InputError(
                expected="an in-cohort patient, lower ≤ value ≤ upper and chances that sum to 1",
                found=f"in_cohort={self.in_cohort}, {lower} ≤ {value} ≤ {upper}, {chances}",
                where=f"forecast of {self.factor} {self.side}",
                remedy="Report this to the developers.",
                code="forecast-invalid",
            )
