"""The tables of change and of forecasts: one row per patient, side and factor, and back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from plaquecast.domain.anatomy import Side
from plaquecast.domain.change import ChangeFactor, Factor, FactorSummary, Verdict
from plaquecast.domain.forecast import Forecast, ForecastMap
from plaquecast.domain.missing import Measured, Missing
from plaquecast.store.columns import REASON_ENDING
from plaquecast.store.table_files import read_frame, read_table
from plaquecast.store.table_rows import (
    cells_of,
    columns_of,
    measured_cells,
    measured_columns,
    measured_fields,
    read_measured,
    write_rows,
)

_PATIENT_SIDE = {"participant_id": pa.string(), "side": pa.string()}
_BOTH = "both"

CHANGE_MEASUREMENTS = measured_fields(ChangeFactor)
FORECAST_MEASUREMENTS = measured_fields(Forecast)


@dataclass(frozen=True, slots=True)
class PatientChange:
    """One change factor and whose it is."""

    patient_id: str
    change: ChangeFactor


@dataclass(frozen=True, slots=True)
class PatientForecast:
    """One forecast and whose it is."""

    patient_id: str
    forecast: Forecast


def write_change_factors_table(folder: Path, changes: Iterable[PatientChange]) -> None:
    """Write the table `change_factors`: one row per patient, side (left, right or both) and factor."""
    rows = []
    for entry in changes:
        change = entry.change
        row: dict[str, Any] = {"participant_id": f"sub-{entry.patient_id}", "side": change.side or _BOTH}
        row |= {"factor": change.factor.value, "verdict": change.verdict} | measured_cells(change, CHANGE_MEASUREMENTS)
        absent = [getattr(change, name) for name in ("absolute_per_year", *CHANGE_MEASUREMENTS)]
        row["missing_reason"] = next((str(value) for value in absent if isinstance(value, Missing)), None)
        rows.append(row)
    schema = _PATIENT_SIDE | {"factor": pa.string()} | columns_of(pa.float64(), *CHANGE_MEASUREMENTS)
    schema |= {"verdict": pa.string(), "missing_reason": pa.string()}
    schema |= columns_of(pa.string(), *[name + REASON_ENDING for name in CHANGE_MEASUREMENTS])
    write_rows(folder, "change_factors", rows, schema)


def read_change_factors_table(folder: Path) -> tuple[PatientChange, ...]:
    """Read the table `change_factors` back.

    Raises:
        InputError: if the table is missing or damaged.
    """
    changes = []
    for row in read_table(folder, "change_factors").rows():
        side = None if row["side"] == _BOTH else Side(row["side"])
        verdict = None if row["verdict"] is None else Verdict(row["verdict"])
        values = read_measured(row, CHANGE_MEASUREMENTS)
        change = ChangeFactor(factor=Factor(row["factor"]), side=side, verdict=verdict, **values)
        changes.append(PatientChange(row["participant_id"].removeprefix("sub-"), change))
    return tuple(changes)


def read_change_summary(folder: Path) -> tuple[FactorSummary, ...]:
    """Each factor over all arteries, read from the columns of `change_factors`: quick also for a large registry.

    Raises:
        InputError: if the table is missing or damaged.
    """
    found = read_frame(folder, "change_factors", ["side", "factor", "verdict", "absolute_per_year"])
    arteries = found.loc[found.side != _BOTH]
    summaries = []
    for factor in Factor:
        of_factor = arteries.loc[arteries.factor == factor.value]
        counts = of_factor.verdict.value_counts()
        values = of_factor.absolute_per_year.dropna().to_numpy(dtype=np.float64)
        summaries.append(FactorSummary(factor, values, {each: int(counts.get(each.value, 0)) for each in Verdict}))
    return tuple(summaries)


def write_forecast_table(folder: Path, forecasts: Iterable[PatientForecast]) -> None:
    """Write the table `forecast`: one row per patient, side and factor."""
    rows = []
    for entry in forecasts:
        forecast = entry.forecast
        row: dict[str, Any] = {"participant_id": f"sub-{entry.patient_id}"}
        row |= {name: getattr(forecast, name) for name in _FORECAST_PLAIN} | measured_cells(
            forecast, FORECAST_MEASUREMENTS
        )
        row |= {"side": forecast.side.value, "factor": forecast.factor.value, "reasons": list(forecast.reasons)}
        rows.append(row)
    schema = _PATIENT_SIDE | {"factor": pa.string()} | _FORECAST_PLAIN | measured_columns(FORECAST_MEASUREMENTS)
    write_rows(folder, "forecast", rows, schema | {"reasons": pa.list_(pa.string())})


_FORECAST_PLAIN: dict[str, pa.DataType] = {
    "horizon_years": pa.float64(),
    "confidence_level": pa.float64(),
    "in_cohort": pa.bool_(),
    "calibration_size": pa.int64(),
    "model_id": pa.string(),
}


def write_forecast_map_table(folder: Path, patient_id: str, maps: Iterable[ForecastMap]) -> None:
    """Write the table `forecast_map`: one row per place of each wall, empty where it was not covered."""
    rows = []
    for each in maps:
        ids = {"participant_id": f"sub-{patient_id}", "side": each.side.value, "horizon_years": each.horizon_years}
        for (i, j), value in np.ndenumerate(each.value):
            place = {"position_mm": float(each.position_mm[i]), "angle_degrees": float(each.angle_degrees[j])}
            ends = (float(value), float(each.lower[i, j]), float(each.upper[i, j]))
            numbers = dict(zip(_MAP_NUMBERS, ends if np.isfinite(value) else (None, None, None), strict=True))
            rows.append(ids | place | numbers)
    places = columns_of(pa.float64(), "horizon_years", "position_mm", "angle_degrees", *_MAP_NUMBERS)
    write_rows(folder, "forecast_map", rows, _PATIENT_SIDE | places)


_MAP_NUMBERS = ("wall_thickening_mm_per_year", "lower_mm_per_year", "upper_mm_per_year")


def read_forecast_table(folder: Path) -> tuple[PatientForecast, ...]:
    """Read the table `forecast` back.

    Raises:
        InputError: if the table is missing or damaged.
    """
    forecasts = []
    for row in read_table(folder, "forecast").rows():
        plain = {name: row[name] for name in _FORECAST_PLAIN}
        forecast = Forecast(
            factor=Factor(row["factor"]),
            side=Side(row["side"]),
            reasons=tuple(row["reasons"]),
            **plain,
            **read_measured(row, FORECAST_MEASUREMENTS),
        )
        forecasts.append(PatientForecast(row["participant_id"].removeprefix("sub-"), forecast))
    return tuple(forecasts)


ChangeOfSides = Mapping[Side, Mapping[Factor, Measured]]


def write_expected_change_table(
    folder: Path, expected: Mapping[str, ChangeOfSides], true: Mapping[str, ChangeOfSides]
) -> None:
    """Write the table `expected_change` of a simulated dataset: patient → side → factor, expected and true per year."""
    names = ("expected_per_year", "true_per_year")
    rows = []
    for patient_id, sides in expected.items():
        for side, factors in sides.items():
            for factor, value in factors.items():
                row = {"participant_id": f"sub-{patient_id}", "side": side.value, "factor": factor.value}
                row |= cells_of(dict(zip(names, (value, true[patient_id][side][factor]), strict=True)))
                rows.append(row)
    write_rows(folder, "expected_change", rows, _PATIENT_SIDE | {"factor": pa.string()} | measured_columns(names))
