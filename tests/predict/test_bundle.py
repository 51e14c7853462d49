"""A predictor forecasts with interval, chances and reasons, refuses what it did not learn, and can be stored."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.small_cohort import cohort

from plaquecast.domain.change import Factor
from plaquecast.domain.forecast import Forecast
from plaquecast.domain.missing import Missing, Reason, is_number
from plaquecast.errors import InputError, ModelError
from plaquecast.predict.bundle import PredictorBundle, fit_bundle, load_bundle
from plaquecast.predict.card import describe
from plaquecast.predict.features import at_horizon, feature_table
from plaquecast.predict.validation import nested_validation
from plaquecast.settings import PredictSettings

QUICK = PredictSettings(outer_folds=3, inner_folds=2, bootstrap_samples=50)


@pytest.fixture(scope="module")
def bundle() -> PredictorBundle:
    table = cohort(40)
    features = feature_table(table.arteries)
    validation = nested_validation(features, table.measured, QUICK, factors=[Factor.WALL_VOLUME])
    return fit_bundle(table.arteries, table.measured, QUICK, "simulated patients", validation)


def _by_factor(forecasts: tuple[Forecast, ...]) -> dict[Factor, Forecast]:
    return {forecast.factor: forecast for forecast in forecasts}


def test_every_factor_gets_a_forecast_or_a_reason(bundle: PredictorBundle) -> None:
    forecasts = _by_factor(bundle.forecast(cohort(40).arteries[0], 1.5))
    assert set(forecasts) == set(Factor)
    wall = forecasts[Factor.WALL_VOLUME]
    assert is_number(wall.value)
    assert is_number(wall.lower)
    assert is_number(wall.upper)
    assert wall.lower < wall.value < wall.upper
    assert wall.model_id == bundle.model_id
    assert wall.calibration_size == 40
    for forecast in forecasts.values():
        assert is_number(forecast.value) or forecast.value.reason in (
            Reason.NOT_APPLICABLE, Reason.NO_CORE, Reason.BELOW_RESOLUTION,
        )  # fmt: skip


def test_a_higher_level_gives_a_wider_interval(bundle: PredictorBundle) -> None:
    calibration = bundle.factors[Factor.WALL_VOLUME].calibration
    one = at_horizon(feature_table(cohort(40).arteries[:1]), np.array([1.5]))
    values = np.random.default_rng(0).normal(size=(1, len(calibration.residuals)))
    low80, high80 = calibration.interval(values, one, 0.8)
    low90, high90 = calibration.interval(values, one, 0.9)
    assert low90[0] < low80[0] < high80[0] < high90[0]


def test_a_missing_baseline_gets_its_own_reason(bundle: PredictorBundle) -> None:
    artery = cohort(40).arteries[0]
    gap = Missing(Reason.NOT_COVERED)
    forecasts = _by_factor(bundle.forecast(replace(artery, morphology=replace(
        artery.morphology, stenosis_nascet_percent=gap)), 1.5))  # fmt: skip
    assert forecasts[Factor.STENOSIS].value == gap
    assert is_number(forecasts[Factor.WALL_VOLUME].value)


@pytest.mark.parametrize("years", [0.1, 20.0])
def test_a_horizon_beyond_what_was_learned_is_refused(bundle: PredictorBundle, years: float) -> None:
    with pytest.raises(InputError, match="intervals that were learned from"):
        bundle.forecast(cohort(40).arteries[0], years)


def test_a_patient_unlike_the_cohort_gets_no_number_but_why(bundle: PredictorBundle) -> None:
    artery = cohort(40).arteries[0]
    odd = replace(artery, morphology=replace(artery.morphology, wall_volume_mm3=9000.0))
    for forecast in bundle.forecast(odd, 1.5):
        assert isinstance(forecast.value, Missing)
        assert forecast.value.reason is Reason.OUT_OF_COHORT
        assert not forecast.in_cohort
        assert "wall_volume_mm3 is 9000" in forecast.reasons[0]


def test_a_fresh_process_forecasts_the_very_same_bits(bundle: PredictorBundle, tmp_path: Path) -> None:
    for name, content in bundle.as_files().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from plaquecast.predict.bundle import load_bundle\n"
        "from plaquecast.settings import SimulateSettings\n"
        "from plaquecast.simulate.table import simulate_table\n"
        "root = Path(sys.argv[1])\n"
        "files = {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob('*') if p.is_file()}\n"
        "bundle = load_bundle(files)\n"
        "for artery in simulate_table(3, 7, SimulateSettings()).arteries:\n"
        "    for forecast in bundle.forecast(artery, 1.3):\n"
        "        print(repr(forecast))\n"
    )
    printed = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    here = [repr(forecast) for artery in cohort(40).arteries[:6] for forecast in bundle.forecast(artery, 1.3)]
    assert printed.stdout.splitlines() == here


def test_files_that_were_changed_or_lost_are_refused(bundle: PredictorBundle) -> None:
    files = bundle.as_files()
    for broken in (
        {},
        {**files, "card.json": b'{"format": "other"}'},
        {**files, "card.json": b"\x80\x04 no text"},
        {name: content for name, content in files.items() if name != "novelty.json"},
        {name: content for name, content in files.items() if "without1" not in name},
        {**files, "factors/wall_volume_mm3/calibration.json": b'{"kind": "boosted trees"}'},
    ):
        with pytest.raises(ModelError):
            load_bundle(broken)


def test_the_name_of_a_model_follows_its_content(bundle: PredictorBundle) -> None:
    table = cohort(40)
    again = fit_bundle(table.arteries, table.measured, QUICK, "simulated patients")
    other = fit_bundle(table.arteries, table.measured, replace(QUICK, seed=1), "simulated patients")
    assert load_bundle(bundle.as_files()).model_id == bundle.model_id
    assert len({bundle.model_id, again.model_id, other.model_id}) == 3
    assert again.as_files()["novelty.json"] == bundle.as_files()["novelty.json"]


def test_too_few_patients_are_refused() -> None:
    table = cohort(40)
    few = np.arange(20)
    with pytest.raises(InputError, match="at least 20 patients"):
        fit_bundle(table.arteries[:20], table.measured.rows(few), QUICK, "simulated patients")


def test_the_card_says_what_was_learned_and_how_well(bundle: PredictorBundle) -> None:
    card = bundle.card
    assert (card["n_patients"], card["n_arteries"], card["origin"]) == (40, 80, "simulated patients")
    assert len(card["data_sha256"]) == 64
    assert 0.0 <= card["factors"]["wall_volume_mm3"]["reachable_r2"] < 1.0
    models = {row["model"] for row in card["validation"]}
    assert {"no change", "population mean", "chosen"} <= models
    text = describe(card)
    assert "80 arteries of 40 patients (simulated patients)" in text
    assert "wall_volume_mm3 against measured change: R²" in text
