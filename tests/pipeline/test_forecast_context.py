"""What stands beside a forecast: the map, the way to the horizon, the place in the cohort, and other records."""

from dataclasses import replace

import numpy as np
import pytest

from plaquecast.domain.anatomy import Side
from plaquecast.domain.change import Factor
from plaquecast.domain.clinical import SmokingHistory
from plaquecast.domain.forecast import ForecastContext
from plaquecast.domain.learning import BaselineArtery
from plaquecast.domain.missing import Missing, is_number
from plaquecast.pipeline.forecast import forecast_context
from plaquecast.predict.bundle import PredictorBundle, fit_bundle
from plaquecast.predict.models import KINDS
from plaquecast.predict.wall_inputs import wall_history
from plaquecast.report.forecast import forecast_table
from plaquecast.report.forecast_figures import forecast_fan, forecast_maps
from plaquecast.report.predictor import map_tables, predictor_report
from plaquecast.settings import PredictSettings, SimulateSettings
from plaquecast.simulate.table import measured_people, simulate_table

HORIZON = 1.5


@pytest.fixture(scope="module")
def bundle() -> PredictorBundle:
    table = simulate_table(24, 3, SimulateSettings(), wall_maps=True)
    people = measured_people(24, 3, SimulateSettings(), wall_maps=True)
    later = [visits[1][side].wall_map for _, visits in people for side in Side]
    walls = wall_history(
        [artery.morphology.wall_map for artery in table.arteries], later, table.measured.interval_years
    )
    kinds = [KINDS[name] for name in ("no change", "population mean", "stratum mean", "penalized linear")]
    quick = PredictSettings(outer_folds=3, inner_folds=2)
    return fit_bundle(table.arteries, table.measured, quick, "simulated patients", kinds=kinds, walls=walls)


@pytest.fixture(scope="module")
def arteries(bundle: PredictorBundle) -> tuple[BaselineArtery, ...]:
    """Both arteries of a patient like those learned from, who smokes and takes no statin."""
    table = simulate_table(24, 3, SimulateSettings(), wall_maps=True)
    for left, right in zip(table.arteries[::2], table.arteries[1::2], strict=True):
        clinical = replace(left.clinical, statin=False, statin_years=0.0, smoking_history=SmokingHistory.CURRENT)
        pair = (replace(left, clinical=clinical), replace(right, clinical=clinical))
        if not any(isinstance(bundle.forecast_map(artery, HORIZON), Missing) for artery in pair):
            return pair
    pytest.fail("no usual patient among those learned from")


@pytest.fixture(scope="module")
def context(bundle: PredictorBundle, arteries: tuple[BaselineArtery, ...]) -> ForecastContext:
    forecasts = [row for artery in arteries for row in bundle.forecast(artery, HORIZON)]
    return forecast_context(arteries, forecasts, bundle, HORIZON)


def test_the_way_ends_at_the_horizon_and_each_number_has_its_place(
    bundle: PredictorBundle, arteries: tuple[BaselineArtery, ...], context: ForecastContext
) -> None:
    forecasts = [row for artery in arteries for row in bundle.forecast(artery, HORIZON)]
    ends = {(row.side, row.factor): row.value for row in context.fan if row.horizon_years == HORIZON}
    assert ends == {(row.side, row.factor): row.value for row in forecasts}
    assert set(context.percentiles) == {(row.side, row.factor) for row in forecasts if is_number(row.value)}
    assert all(0.0 <= place <= 100.0 for place in context.percentiles.values())
    table = forecast_table(forecasts, context.percentiles)
    assert all(len(row) == len(table.columns) for row in table.rows)


def test_other_records_are_asked_only_where_the_entry_is_known(
    bundle: PredictorBundle, arteries: tuple[BaselineArtery, ...], context: ForecastContext
) -> None:
    assert {"with a statin begun now", "smoking given up"} <= set(context.alternatives)
    for rows in context.alternatives.values():
        assert {row.factor for row in rows} == set(Factor)
    bare = [replace(artery, clinical=type(artery.clinical)()) for artery in arteries]
    assert forecast_context(bare, [], bundle, HORIZON).alternatives == {}


def test_figures_show_what_there_is(context: ForecastContext) -> None:
    assert forecast_fan(()) is None
    assert forecast_maps({}) is None
    fan, maps = forecast_fan(context.fan), forecast_maps(context.maps)
    assert fan is not None
    assert fan.data.startswith(b"<?xml")
    assert maps is not None
    assert maps.data.startswith(b"\x89PNG")


def test_the_page_of_a_predictor_says_where_the_wall_thickens_or_why_not(bundle: PredictorBundle) -> None:
    assert "too few arteries have maps" in predictor_report(bundle.card, simulated=True)
    of_map = {"map": "forecast map", "mae_mm_per_year": [0.04, 0.03, 0.05], "forecast_errs_less_by": None}
    scored = {"n_arteries": 48, "rank_correlation": [0.2, 0.1, 0.3], "maps": [of_map]}
    table = map_tables({"measured": scored})[0]
    assert table.rows == (("forecast map", "0.0400 (0.0300 to 0.0500)", "–"),)
    assert np.isfinite(bundle.card["interval_years"]).all()
