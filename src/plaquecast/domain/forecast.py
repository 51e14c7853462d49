"""Forecasts for one artery: of each factor, never without interval and verdict on the domain, and of its wall."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from plaquecast.domain.anatomy import Side
from plaquecast.domain.change import Factor
from plaquecast.domain.grid import FloatArray
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


@dataclass(frozen=True, slots=True, eq=False)
class ForecastMap:
    """Expected thickening of one artery's wall over the horizon, unwrapped as in `WallMap`, in mm per year.

    `position_mm` (n,) × `angle_degrees` (m,); `value`, `lower` and `upper` (n, m), NaN where the wall was not covered.
    The interval holds what would be measured at one place.
    """

    side: Side
    horizon_years: float
    confidence_level: float
    position_mm: FloatArray
    angle_degrees: FloatArray
    value: FloatArray
    lower: FloatArray
    upper: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class ForecastContext:
    """What a reader needs beside the forecasts themselves.

    `maps` says where each wall will thicken, or why that is not known; `fan` holds forecasts over several horizons;
    `percentiles` are the places of the forecasts among changes measured in training, 0 to 100; `alternatives` are
    forecasts for the same arteries with another entry in the record, by what would be other.
    """

    maps: Mapping[Side, "ForecastMap | Missing"] = field(default_factory=dict)
    fan: tuple[Forecast, ...] = ()
    percentiles: Mapping[tuple[Side, Factor], float] = field(default_factory=dict)
    alternatives: Mapping[str, tuple[Forecast, ...]] = field(default_factory=dict)
