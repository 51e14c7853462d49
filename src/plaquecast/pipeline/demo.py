"""The whole road on simulated patients: a cohort, a segmenter, a run, a predictor, a forecast, and how each did."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from plaquecast.domain.measurements import MeasurementError
from plaquecast.errors import InputError
from plaquecast.pipeline.cohort import run_cohort
from plaquecast.pipeline.forecast import ForecastResult, forecast_patient
from plaquecast.pipeline.methods import methods_text
from plaquecast.pipeline.models import open_segmenter
from plaquecast.pipeline.progress import Costs, Listener
from plaquecast.pipeline.repeatability import keep_repeatability
from plaquecast.pipeline.scoreboard import DemoFolders, Scoreboard, make_scoreboard
from plaquecast.pipeline.simulate import write_simulated_cohort, write_simulated_tables
from plaquecast.pipeline.train_predictor import train_predictor_on
from plaquecast.pipeline.train_segmenter import train_segmenter_on
from plaquecast.report.scoreboard import scoreboard_report
from plaquecast.settings import Settings
from plaquecast.store.atomic import write_json, write_text
from plaquecast.store.run_folder import refuse_used_folder


@dataclass(frozen=True, slots=True)
class DemoSize:
    """How many patients teach the segmenter, walk the road unseen, and, as tables, teach and test the predictor."""

    n_annotated: int
    n_unseen: int
    n_tabular: int
    n_fresh: int
    train_minutes: float


SIZES: Mapping[str, DemoSize] = {"small": DemoSize(10, 6, 300, 100, 4.0), "full": DemoSize(60, 40, 2000, 500, 60.0)}

HORIZON_YEARS = 2.0


def run_demo(out: Path, size: str, seed: int, settings: Settings, listen: Listener) -> Scoreboard:
    """Walk the whole road in a new folder and score every stage against the known truth.

    Raises:
        InputError: if the size is not known, or `out` holds files.
    """
    chosen = _size(size)
    refuse_used_folder(out, "the demo")
    folders, costs = DemoFolders(out), Costs()
    settings = replace(
        settings,
        segment=replace(settings.segment, max_minutes=min(settings.segment.max_minutes, chosen.train_minutes)),
    )
    with costs.of("simulate"):
        write_simulated_cohort(folders.annotated, chosen.n_annotated, seed, settings, listen)
        write_simulated_cohort(
            folders.unseen, chosen.n_unseen, seed + 1, settings, listen, repeat_scans=chosen.n_unseen
        )
    with costs.of("train segmenter"):
        train_segmenter_on(folders.annotated, "truth", "both", folders.segmenter, settings, listen)
    with costs.of("run"):
        errors = _examine_unseen(folders, settings, listen)
    with costs.of("simulate tables"):
        write_simulated_tables(folders.tabular, chosen.n_tabular, seed + 2, settings, errors=errors)
        write_simulated_tables(folders.fresh, chosen.n_fresh, seed + 3, settings, errors=errors)
    with costs.of("train predictor"):
        train_predictor_on(folders.tabular, folders.predictor, settings)
    with costs.of("predict"):
        result = _forecast_one(folders, settings)
    board = make_scoreboard(folders, chosen, seed, errors, costs, settings)
    _write_pages(folders, board, result, settings)
    return board


def _size(name: str) -> DemoSize:
    if name not in SIZES:
        raise InputError(
            expected=f"one of {', '.join(SIZES)}", found=name, where="--size", remedy="Choose one of these.",
            code="unknown-size",
        )  # fmt: skip
    return SIZES[name]


def _examine_unseen(folders: DemoFolders, settings: Settings, listen: Listener) -> dict[str, MeasurementError]:
    """Run over the unseen, learn the error from their repeat scans, and state every change again with that error."""
    run_cohort(folders.unseen, folders.segmenter, folders.run, settings, listen)
    errors = keep_repeatability(folders.segmenter, folders.run)
    run_cohort(folders.unseen, folders.segmenter, folders.run, settings, listen)
    return dict(open_segmenter(folders.segmenter).errors) | errors


def _forecast_one(folders: DemoFolders, settings: Settings) -> ForecastResult:
    """The forecast for the first unseen patient, from his baseline alone."""
    return forecast_patient(
        folders.unseen, "sim0001", "baseline", folders.segmenter, folders.predictor, HORIZON_YEARS, folders.forecast,
        settings,
    )  # fmt: skip


def _write_pages(folders: DemoFolders, board: Scoreboard, result: ForecastResult, settings: Settings) -> None:
    write_json(folders.root / "scoreboard.json", board.as_dict())
    pages = {
        "the forecast of this patient": "forecast/report.html",
        "the run over the unseen patients, with a page for each": "run/report.html",
        "the predictor and its scores": "predictor/report.html",
    }
    methods = methods_text(open_segmenter(folders.segmenter).sentence, settings)
    page = scoreboard_report(result.examined, result.forecasts, board.tables, pages, methods)
    write_text(board.report, page)
