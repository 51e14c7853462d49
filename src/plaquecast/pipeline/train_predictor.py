"""The main path of training a predictor: change is learned from a run, validated without its patients, and stored."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from plaquecast.pipeline.learning_data import LearningData, read_learning_data
from plaquecast.predict.bundle import fit_bundle
from plaquecast.predict.features import feature_table
from plaquecast.predict.folds import site_folds
from plaquecast.predict.validation import ScoreRow, Validation, nested_validation
from plaquecast.report.predictor import predictor_report
from plaquecast.settings import Settings
from plaquecast.store.model_files import verify_model, write_model
from plaquecast.store.run_folder import refuse_used_folder

REPORT = "report.html"


def train_predictor_on(run: Path, out: Path, settings: Settings) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Validate every model on the arteries of a run, fit the chosen ones on all, and save them with their card.

    Gives lines for people, and facts for machines.

    Raises:
        InputError: if the run's tables cannot be read, there are too few patients, or `out` holds files.
    """
    refuse_used_folder(out, "the model")
    data = read_learning_data(run)
    validation = validate(data, settings)
    origin = "simulated patients" if data.simulated else f"patients of the run {run.name}"
    bundle = fit_bundle(data.arteries, data.measured, settings.predict, origin, validation, walls=data.walls)
    write_model(out, bundle.as_files() | {REPORT: predictor_report(bundle.card, data.simulated).encode()})
    facts = {
        "model_id": bundle.model_id,
        "model_sha256": verify_model(out),
        "n_patients": bundle.card["n_patients"],
        "n_arteries": bundle.card["n_arteries"],
        "scores": bundle.card["validation"],
    }
    return tuple(_line(row) for row in chosen_rows(validation)), facts


def validate(data: LearningData, settings: Settings) -> Validation:
    """Nested validation of every model, against measured change and, of simulated patients, against true change.

    Where patients come from several sites, each site is also left out as a whole.
    """
    features = feature_table(data.arteries)
    walls = {"measured": data.walls} | ({} if data.true_walls is None else {"true": data.true_walls})
    validation = nested_validation(features, data.measured, settings.predict, data.true, data.expected, walls=walls)
    sites = site_folds(data.arteries)
    if sites is None:
        return validation
    left_out = nested_validation(features, data.measured, settings.predict, data.true, data.expected, folds=sites)
    return replace(validation, by_site=left_out.scores)


def chosen_rows(validation: Validation) -> list[ScoreRow]:
    """The scores of the chosen model, against measured change."""
    return [validation.row(factor) for factor in validation.factors]


def _line(row: ScoreRow) -> str:
    scores = row.scores
    return f"{row.factor.value}: R² {scores.r2} of measured change, gain over the best naive model {row.gain}"
