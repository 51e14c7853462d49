"""The main path for one new patient: one visit is examined, and every change factor is forecast from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plaquecast.domain.clinical import ClinicalRecord, SmokingHistory
from plaquecast.domain.examined import ExaminedVisit
from plaquecast.domain.forecast import Forecast, ForecastContext
from plaquecast.domain.learning import BaselineArtery
from plaquecast.domain.missing import Missing, is_number
from plaquecast.errors import ModelError, QualityError
from plaquecast.pipeline.case_files import write_examined
from plaquecast.pipeline.cohort import TABLES
from plaquecast.pipeline.examine import examine_visit
from plaquecast.pipeline.methods import methods_text
from plaquecast.pipeline.models import segmenter_for
from plaquecast.pipeline.visit import ReadVisit, read_one, write_visit_tables
from plaquecast.predict.bundle import PredictorBundle, load_bundle
from plaquecast.predict.card import describe
from plaquecast.predict.what_if import what_if
from plaquecast.report.forecast import forecast_report, forecast_sentences
from plaquecast.settings import Settings, deciding_origins, deciding_settings
from plaquecast.store.atomic import write_json, write_text
from plaquecast.store.bids import write_dataset_description
from plaquecast.store.change_tables import PatientForecast, write_forecast_map_table, write_forecast_table
from plaquecast.store.journal import Journal
from plaquecast.store.json_values import to_json_value
from plaquecast.store.manifest import CaseOutcome, RunManifest, measured_stage, write_run_manifest
from plaquecast.store.model_files import MANIFEST, read_model_file, verify_model


@dataclass(frozen=True, slots=True, eq=False)
class ForecastResult:
    """A forecast with what it rests on, sentences for people, and where it was written."""

    examined: ExaminedVisit
    forecasts: tuple[Forecast, ...]
    lines: tuple[str, ...]
    report: Path
    table: Path


def forecast_patient(
    dataset: Path,
    patient_id: str,
    session_id: str,
    segmenter: Path,
    predictor: Path,
    horizon_years: float,
    out: Path,
    settings: Settings,
) -> ForecastResult:
    """Examine one visit of a patient and forecast change from it; later visits are never opened.

    Raises:
        InputError: if the visit cannot be read, the horizon lies outside what was learned, or `out` holds another run.
        QualityError: if neither artery could be measured.
        ModelError: if a model cannot be used.
    """
    bundle, predictor_hash = open_predictor(predictor)
    bundle.refuse_horizon(horizon_years)
    identity = {"command": "predict", "source": str(dataset.resolve()), "visit": f"{patient_id} {session_id}"}
    with Journal(out, identity):
        read = read_one(dataset, patient_id, session_id, (), settings)
        visit = read.visit
        opened = segmenter_for(visit, segmenter)
        with measured_stage("predict", f"{visit.patient_id} {visit.session_id}") as cost:
            examined = examine_visit(visit, opened.segmenter, settings)
            arteries = baseline_arteries(examined, visit.clinical)
            forecasts = tuple(row for artery in arteries for row in bundle.forecast(artery, horizon_years))
            context = forecast_context(arteries, forecasts, bundle, horizon_years)
        methods = (*methods_text(opened.sentence, settings, two_visits=False), describe(bundle.card))
        simulated = read.simulated or "simulated" in str(bundle.card["origin"])
        _write(out, examined, forecasts, context, methods, simulated)
        models = {opened.segmenter.model_id: opened.model_hash, bundle.model_id: predictor_hash}
        write_run_manifest(out, _manifest(read, models, settings, horizon_years, simulated, [cost]))
    lines = tuple(forecast_sentences(forecasts))
    return ForecastResult(examined, forecasts, lines, out / "report.html", out / "forecast.json")


def open_predictor(folder: Path) -> tuple[PredictorBundle, str]:
    """Open a trained predictor after comparing each of its files with its manifest; also gives the manifest's hash.

    Raises:
        ModelError: if the folder holds no predictor, or not the files that were saved.
    """
    model_hash = verify_model(folder)
    names = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]
    files = {name: read_model_file(folder, name) for name in names if name != MANIFEST and name not in _PAGES}
    if "card.json" not in files:
        raise ModelError(
            expected="a folder that `plaquecast train-predictor` wrote",
            found="no card.json in it",
            where=folder.name,
            remedy="Name the folder of a predictor with --predictor.",
            code="no-predictor",
        )
    return load_bundle(files), model_hash


_PAGES = ("report.html",)


def baseline_arteries(examined: ExaminedVisit, clinical: ClinicalRecord) -> tuple[BaselineArtery, ...]:
    """The arteries of a visit that were measured, as a forecast may see them.

    Raises:
        QualityError: if neither artery was measured.
    """
    patient_id = examined.aligned.patient_id
    measured = [artery for artery in examined.arteries.values() if not isinstance(artery, Missing)]
    if not measured:
        reasons = "; ".join(f"{side.value}: {artery}" for side, artery in examined.arteries.items())
        raise QualityError(
            expected="at least one measured carotid artery",
            found=reasons,
            where=f"sub-{patient_id} ses-{examined.aligned.session_id}",
            remedy="Look at the images of this visit; without an artery there is nothing to forecast.",
            code="no-artery",
        )
    return tuple(BaselineArtery(patient_id, clinical, artery) for artery in measured)


def forecast_context(
    arteries: Sequence[BaselineArtery], forecasts: Sequence[Forecast], bundle: PredictorBundle, horizon_years: float
) -> ForecastContext:
    """What stands beside the forecasts: maps, the way to the horizon, places in the cohort, and other records.

    Raises:
        InputError: if the horizon lies outside what was learned.
    """
    way = np.linspace(float(bundle.card["interval_years"][0]), horizon_years, N_HORIZONS)
    return ForecastContext(
        maps={artery.side: bundle.forecast_map(artery, horizon_years) for artery in arteries},
        fan=tuple(row for artery in arteries for years in way for row in bundle.forecast(artery, float(years))),
        percentiles={
            (row.side, row.factor): bundle.percentile(row.factor, row.value)
            for row in forecasts
            if is_number(row.value)
        },
        alternatives={
            words: tuple(row.otherwise for artery in arteries for row in what_if(bundle, artery, horizon_years, other))
            for words, other in _other_records(arteries[0].clinical).items()
        },
    )


N_HORIZONS = 5


def _other_records(clinical: ClinicalRecord) -> dict[str, dict[str, object]]:
    """Other entries that a reader will ask about, by words; only where the entry itself is known."""
    others: dict[str, dict[str, object]] = {}
    if clinical.statin is True:
        others["without a statin"] = {"statin": False, "statin_years": 0.0}
    elif clinical.statin is False:
        others["with a statin begun now"] = {"statin": True, "statin_years": 0.0}
    if is_number(clinical.systolic_pressure_mmhg):
        lower = float(clinical.systolic_pressure_mmhg) - 10.0
        others["systolic pressure 10 mmHg lower"] = {"systolic_pressure_mmhg": lower}
    if clinical.smoking_history is SmokingHistory.CURRENT:
        others["smoking given up"] = {"smoking_history": SmokingHistory.FORMER}
    return others


def _write(
    out: Path,
    examined: ExaminedVisit,
    forecasts: tuple[Forecast, ...],
    context: ForecastContext,
    methods: tuple[str, ...],
    simulated: bool,
) -> None:
    patient_id = examined.aligned.patient_id
    write_dataset_description(out, f"{patient_id}, forecast", simulated, "source")
    write_examined(out, examined)
    write_visit_tables(out, examined)
    write_forecast_table(out / TABLES, [PatientForecast(patient_id, row) for row in forecasts])
    maps = [each for each in context.maps.values() if not isinstance(each, Missing)]
    if maps:
        write_forecast_map_table(out / TABLES, patient_id, maps)
    entries: list[Any] = [to_json_value(row) for row in forecasts]
    write_json(out / "forecast.json", {"patient_id": patient_id, "simulated": simulated, "forecasts": entries})
    write_text(out / "report.html", forecast_report(examined, forecasts, context, methods, simulated))


def _manifest(
    read: ReadVisit, models: dict[str, str], settings: Settings, horizon_years: float, simulated: bool, costs: list
) -> RunManifest:
    name = f"{read.visit.patient_id} {read.visit.session_id}"
    return RunManifest(
        command="predict",
        simulated=simulated,
        settings=deciding_settings(settings),
        settings_from=deciding_origins(settings),
        seeds={"register": settings.register.seed},
        input_sha256=read.input_sha256,
        outcomes=(CaseOutcome(name, "flagged" if read.findings else "done", read.findings),),
        models=models,
        notes={"horizon_years": horizon_years},
        costs=costs,
    )
