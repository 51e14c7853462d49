"""How good a run is: its repeat scans against each other and, of simulated patients, everything against the truth."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from plaquecast.domain.measurements import MeasurementError
from plaquecast.errors import InputError
from plaquecast.pipeline.learning_data import TRUTH_TABLES, is_simulated
from plaquecast.pipeline.repeatability import keep_repeatability, repeatability_of
from plaquecast.pipeline.score_tables import agreement_table, error_table, overlap_table
from plaquecast.pipeline.scores import changes_against_truth, measurements_against_truth, overlap_with_truth
from plaquecast.report.scoreboard import ScoreTable, evaluation_report
from plaquecast.settings import Settings
from plaquecast.store.atomic import write_json, write_text

EVALUATION = "evaluation"


def evaluate_run(
    run: Path, dataset: Path | None, segmenter: Path | None, settings: Settings
) -> tuple[tuple[ScoreTable, ...], Path]:
    """Score a run, write the scores beside it as JSON and page, and give the tables and the page.

    With `dataset`, a simulated one that the run was made of, masks, measurements and change are compared with the
    truth. With `segmenter`, the error of one scan is kept in its card.

    Raises:
        InputError: if the run's tables cannot be read, there is no truth, or there is nothing to score.
    """
    tables: list[ScoreTable] = []
    facts: dict[str, Any] = {}
    data = "simulated patients" if is_simulated(run) else f"patients of {run.name}"
    errors = _errors(run, segmenter, settings)
    if errors:
        tables.append(error_table(errors, f"repeat scans of {data}"))
        facts["error_of_one_scan"] = {name: asdict(error) for name, error in errors.items()}
    if dataset is not None:
        found, numbers = _against_truth(run, dataset, data)
        tables += found
        facts |= numbers
    if not tables:
        raise InputError(
            expected="repeat scans in the run, or --truth with a simulated dataset",
            found="neither",
            where=run.name,
            remedy="Name the simulated dataset of this run with --truth, or run over patients who were scanned twice"
            " within half a year.",
            code="nothing-to-score",
        )
    page = run / EVALUATION / "report.html"
    write_json(run / EVALUATION / "scores.json", {"data": data, **facts})
    write_text(page, evaluation_report(run.name, tables, is_simulated(run)))
    return tuple(tables), page


def _errors(run: Path, segmenter: Path | None, settings: Settings) -> dict[str, MeasurementError]:
    if segmenter is None:
        return repeatability_of(run)
    return keep_repeatability(segmenter, run)


def _against_truth(run: Path, dataset: Path, data: str) -> tuple[list[ScoreTable], dict[str, Any]]:
    if not (dataset / TRUTH_TABLES).is_dir():
        raise InputError(
            expected="a simulated dataset with its truth in derivatives/truth",
            found="none there",
            where=dataset.name,
            remedy="Name the dataset that `plaquecast simulate` wrote and the run was made of.",
            code="no-truth",
        )
    dice = overlap_with_truth(run, dataset)
    measured = measurements_against_truth(run, dataset)
    changed = {factor.value: found for factor, found in changes_against_truth(run, dataset).items()}
    tables = [
        overlap_table(dice, data),
        agreement_table("Measured against true", measured, data),
        agreement_table("Measured against true change per year", changed, data),
    ]
    facts = {
        "dice": {name: {"mean": mean, "n_arteries": n} for name, (mean, n) in dice.items()},
        "measured_against_true": {name: found.as_dict() for name, found in measured.items()},
        "change_against_true": {name: found.as_dict() for name, found in changed.items()},
    }
    return tables, facts
