"""The models that come with the package fit this version of it, and say what taught them."""

import json

from plaquecast.cli.options import PACKAGE
from plaquecast.domain.forecast import Forecast
from plaquecast.domain.missing import is_number
from plaquecast.pipeline.forecast import open_predictor
from plaquecast.pipeline.models import open_segmenter
from plaquecast.settings import SimulateSettings
from plaquecast.simulate.table import simulate_table

LARGEST_BYTES = 15_000_000


def test_both_are_taught_by_simulated_patients_and_small() -> None:
    folders = [PACKAGE / step / "reference" for step in ("segment", "predict")]
    origins = [json.loads((folder / "card.json").read_text())["origin"] for folder in folders]
    assert all("simulated patients" in origin for origin in origins)
    assert sum(path.stat().st_size for folder in folders for path in folder.rglob("*")) <= LARGEST_BYTES


def test_the_predictor_was_taught_with_the_error_of_the_segmenter() -> None:
    errors = open_segmenter(PACKAGE / "segment/reference").errors
    assert "repeat scans" in errors["wall_volume_mm3"].origin


def test_the_predictor_forecasts_an_artery_like_those_it_learned_from() -> None:
    bundle, _ = open_predictor(PACKAGE / "predict/reference")
    arteries = simulate_table(6, 12, SimulateSettings()).arteries
    told = [_n_numbers(bundle.forecast(artery, 2.0)) for artery in arteries]
    # some one artery in forty is refused as unlike; of twelve, four would be another population
    assert sum(count >= 5 for count in told) >= 9


def _n_numbers(forecasts: tuple[Forecast, ...]) -> int:
    return sum(is_number(forecast.value) for forecast in forecasts)
