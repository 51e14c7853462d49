"""The card of a predictor: what it was learned from, how well it does, and for whom it is meant."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import numpy as np

from plaquecast.domain.change import Factor
from plaquecast.domain.learning import FeatureTable, TargetTable
from plaquecast.domain.missing import Missing
from plaquecast.predict.lessons import reliability
from plaquecast.predict.map_validation import MapScores
from plaquecast.predict.sample_size import EXPECTED_R2, supported_predictors
from plaquecast.predict.scores import Estimate
from plaquecast.predict.validation import CHOSEN, ScoreRow, Validation
from plaquecast.settings import PredictSettings

FORMAT = "plaquecast predictor 2"
PERCENTILES = tuple(range(0, 101, 5))
PACKAGES = ("numpy", "scipy", "scikit-learn", "lightgbm", "interpret-core")


def make_card(
    features: FeatureTable,
    targets: TargetTable,
    kinds: Mapping[Factor, str],
    settings: PredictSettings,
    origin: str,
    validation: Validation | None,
) -> dict[str, Any]:
    """What a reader needs before trusting the model (TRIPOD+AI items that a program can fill), as plain values."""
    years = targets.interval_years
    return {
        "format": FORMAT,
        "model_id": "",
        "origin": origin,
        "intended_use": "Research use only. Forecast of carotid plaque change from one visit, for patients like these.",
        "data_sha256": _data_hash(features, targets),
        "n_patients": len(np.unique(features.patient_ids)),
        "n_arteries": len(features.patient_ids),
        "interval_years": [float(years.min()), float(np.median(years)), float(years.max())],
        "confidence_level": settings.confidence_level,
        "settings": asdict(settings),
        "columns": list(features.columns),
        "missing_share": _missing_share(features),
        "factors": {factor.value: _factor_card(factor, targets, kind) for factor, kind in kinds.items()},
        "supported_predictors": supported_predictors(len(np.unique(features.patient_ids))),
        "not_learned": [factor.value for factor in Factor if factor not in kinds],
        "validation": [] if validation is None else [_score_card(row) for row in validation.scores],
        "site_validation": [] if validation is None else [_score_card(row) for row in validation.by_site],
        "map_validation": {} if validation is None else {k: _map_card(v) for k, v in validation.maps.items()},
        "validation_protocol": (
            f"nested, {settings.outer_folds} outer and {settings.inner_folds} inner folds by patient,"
            f" seed {settings.seed}; 95 % intervals from {settings.bootstrap_samples} draws of patients"
        ),
        "versions": {name: version(name) for name in PACKAGES},
    }  # fmt: skip


def _data_hash(features: FeatureTable, targets: TargetTable) -> str:
    """SHA-256 of everything that was learned from, so that two predictors can be told to stem from the same data."""
    digest = hashlib.sha256("\n".join([*features.patient_ids, *features.columns]).encode())
    for array in (features.values, targets.interval_years, *(targets.values[factor] for factor in Factor)):
        digest.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
    return digest.hexdigest()


def _missing_share(features: FeatureTable) -> dict[str, float]:
    shares = np.isnan(features.values).mean(axis=0)
    return {name: round(float(share), 4) for name, share in zip(features.columns, shares, strict=True) if share > 0.0}


def _factor_card(factor: Factor, targets: TargetTable, kind: str) -> dict[str, Any]:
    values, error = targets.values[factor], targets.error_per_year[factor]
    known = np.isfinite(values)
    return {
        "model": kind,
        "n_arteries": int(known.sum()),
        "mean_per_year": float(values[known].mean()),
        "sd_per_year": float(np.std(values[known])),
        "percentiles_per_year": np.percentile(values[known], PERCENTILES).tolist(),
        "reachable_r2": max(reliability(values, error), 0.0),
    }


def _score_card(row: ScoreRow) -> dict[str, Any]:
    scores = {
        name: _plain(getattr(row.scores, name))
        for name in ("r2", "mae", "spearman", "calibration_slope", "auc_fastest_quarter")
    }
    counts = {"n_arteries": row.scores.n_arteries, "n_patients": row.scores.n_patients}
    return {"factor": row.factor.value, "model": row.model, "against": row.against, **counts, **scores,
            "r2_gain_over_best_naive": _plain(row.gain)}  # fmt: skip


def _map_card(scores: MapScores) -> dict[str, Any]:
    maps = [
        {"map": row.name, "mae_mm_per_year": _plain(row.mae), "forecast_errs_less_by": _plain(row.forecast_gains)}
        for row in scores.maps
    ]
    return {"n_arteries": scores.n_arteries, "maps": maps, "rank_correlation": _plain(scores.rank_correlation)}


def _plain(estimate: Estimate) -> list[float] | None:
    values = (estimate.value, estimate.low, estimate.high)
    numbers = [float(value) for value in values if not isinstance(value, Missing)]
    return numbers if len(numbers) == len(values) else None


def describe(card: Mapping[str, Any]) -> str:
    """How a forecast was made, in three sentences for the methods text.

    >>> describe({"n_patients": 80, "n_arteries": 160, "origin": "simulated patients", "confidence_level": 0.9,
    ...           "interval_years": [0.5, 1.4, 4.0], "validation_protocol": "nested, 5 outer folds",
    ...           "factors": {"wall_volume_mm3": {"model": "penalized linear"}}, "validation": []})
    'Change was forecast by a model learned from 160 arteries of 80 patients (simulated patients) seen twice, 0.5 to \
4 years apart; per factor: wall_volume_mm3 by penalized linear. Intervals of 90 % are conformal by patient (CV+), \
so they hold for patients like these. Validation: nested, 5 outer folds.'
    """
    shortest, _, longest = card["interval_years"]
    models = ", ".join(f"{name} by {entry['model']}" for name, entry in card["factors"].items())
    lines = [
        f"Change was forecast by a model learned from {card['n_arteries']} arteries of {card['n_patients']} patients"
        f" ({card['origin']}) seen twice, {shortest:.2g} to {longest:.2g} years apart; per factor: {models}.",
        f"Intervals of {100 * card['confidence_level']:.0f} % are conformal by patient (CV+), so they hold for patients"
        " like these.",
        f"Validation: {card['validation_protocol']}.",
    ]
    if "supported_predictors" in card:
        lines.append(
            f"By Riley (2019) this many patients carry {card['supported_predictors']} predictors if they explain R²"
            f" {EXPECTED_R2}; smaller cohorts fall back on plain means."
        )
    best = [_score_sentence(row) for row in card["validation"] if row["model"] == CHOSEN and row["r2"]]
    return " ".join([*lines, *best])


def _score_sentence(row: Mapping[str, Any]) -> str:
    value, low, high = row["r2"]
    return f"{row['factor']} against {row['against']} change: R² {value:.2f} ({low:.2f} to {high:.2f})."
