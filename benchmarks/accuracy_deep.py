"""The deep multimodal network beside trees and linear models, and the map of thickening, on walls that were mapped.

Run `python benchmarks/accuracy_deep.py --patients 1000` for simulated patients with wall maps, three of ten left out;
or `python benchmarks/accuracy_deep.py --run RUN --truth COHORT` for the arteries of a run, each left out once.
"""

import argparse
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from benchmarks.mapped_walls import Walls, simulate_walls, wall_rows, walls_of_run

from plaquecast.domain.change import Factor
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.learning import FeatureTable, TargetTable
from plaquecast.predict.deep import FACTORS, Recipe, fit_deep
from plaquecast.predict.features import OF_IMAGE
from plaquecast.predict.folds import patient_folds
from plaquecast.predict.local_growth import LocalGrowth
from plaquecast.predict.map_validation import FORECAST, RIVALS, rival_maps, score_maps
from plaquecast.predict.models import MODELS
from plaquecast.predict.scores import PatientDraws, estimate, r2_draws
from plaquecast.predict.tuning import Classroom, choose, tune_all
from plaquecast.predict.wall_inputs import WallHistory, WallInputs

DEEP = {"deep, both": (True, True), "deep, structured": (False, True), "deep, maps": (True, False)}
DEEP_MAP = "map of the deep network"
PLAIN = ("penalized linear", "hurdle", "explainable boosting", "boosted trees")

Predictions = dict[tuple[str, Factor], FloatArray]


def main() -> None:
    """Read or simulate, train, and print both tables against each kind of change."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=7000)
    parser.add_argument("--epochs", type=int, default=Recipe().epochs)
    parser.add_argument("--run", type=Path, default=None, help="a finished run instead of simulated maps")
    parser.add_argument("--truth", type=Path, default=None, help="the simulated dataset that the run was made of")
    parser.add_argument("--folds", type=int, default=5, help="folds by patient for a run")
    options = parser.parse_args()
    if options.run is None:
        told = f"simulated patients with wall maps: {options.patients}, seed {options.seed}"
        imaged(simulate_walls(options.patients, options.seed), 10, 3, Recipe(epochs=options.epochs), told)
    else:
        imaged(walls_of_run(options.run, options.truth), options.folds, options.folds, Recipe(epochs=options.epochs),
               f"arteries of the run {options.run.name}")  # fmt: skip


def imaged(walls: Walls, n_folds: int, n_left_out: int, recipe: Recipe, told: str) -> None:
    """Leave out `n_left_out` of the folds: all at once, or each in its turn if those are all; print the tables."""
    features = walls.inputs.features
    fold = patient_folds(features, n_folds, 0).fold
    parts = [[number] for number in range(n_folds)] if n_left_out == n_folds else [list(range(n_left_out))]
    predictions: Predictions = {}
    maps = {name: np.full(walls.walls.thickness.shape, np.nan) for name in (FORECAST, DEEP_MAP, *RIVALS)}
    for part in parts:
        train, test = np.flatnonzero(~np.isin(fold, part)), np.flatnonzero(np.isin(fold, part))
        _deep(walls, train, test, recipe, predictions, maps[DEEP_MAP])
        growth = _plain(walls, train, test, predictions)
        _lay_out(walls, train, test, growth, maps)
    rows = np.flatnonzero(fold < n_left_out)
    print(f"{told}; {len(np.unique(features.patient_ids))} patients, {len(rows)} arteries left out")
    changes = {"measured": (walls.measured, walls.walls)}
    if walls.true is not None and walls.true_walls is not None and walls.true_walls.n_arteries > 0:
        changes["true"] = (walls.true, walls.true_walls)
    for against, (targets, wall) in changes.items():
        _factor_table(walls, rows, predictions, targets, against)
        _map_table(features, rows, maps, wall, against)


def _deep(
    walls: Walls, train: np.ndarray, test: np.ndarray, recipe: Recipe, predictions: Predictions, local: FloatArray
) -> None:
    """Predictions of the network from both inputs and from each alone, written into the rows left out."""
    structured = WallInputs(walls.inputs.maps, _blanked(walls.inputs.features, of_image=True))
    for name, (uses_maps, uses_features) in DEEP.items():
        start = time.process_time()
        inputs = structured if name == "deep, structured" else walls.inputs
        chosen = replace(recipe, uses_maps=uses_maps, uses_features=uses_features)
        thickening = walls.walls.thickening[train].astype(np.float32)
        model = fit_deep(inputs.rows(train), walls.measured.rows(train), thickening, chosen)
        told = model.predict(inputs.rows(test))
        for factor in walls.scored:
            _keep(predictions, (name, factor), len(local), test, told.expected[:, FACTORS.index(factor)])
        print(f"{name}: {time.process_time() - start:.0f} s of CPU for {len(train)} arteries, {recipe.epochs} epochs")
        if name == "deep, both":
            local[test] = told.thickening


def _blanked(features: FeatureTable, of_image: bool) -> FeatureTable:
    """The table without what comes from the image, or without the structured data (missing for everybody)."""
    values = features.values.copy()
    values[:, [(name in OF_IMAGE) == of_image and name != "horizon_years" for name in features.columns]] = np.nan
    return FeatureTable(features.patient_ids, features.sides, features.columns, values)


def _plain(
    walls: Walls, train: np.ndarray, test: np.ndarray, predictions: Predictions
) -> tuple[FloatArray, FloatArray]:
    """Predictions of the plain models; gives the chosen forecast of mean thickening, out of fold and for `test`."""
    features = walls.inputs.features
    tables = {"both": features, "structured": _blanked(features, True), "image": _blanked(features, False)}
    growth = np.zeros(0), np.zeros(0)
    for way, table in tables.items():
        rows = table.rows(train)
        room = Classroom.of(rows, walls.measured.rows(train), patient_folds(rows, 3, 0), 0)
        for factor in walls.scored:
            tuned = tune_all(room, factor, MODELS)
            best = choose(room, factor, tuned)
            models = {entry.kind.name: entry.model for entry in tuned if entry.kind.name in PLAIN}
            for kind, model in (models | {"chosen": best.model}).items():
                said = model.predict(table.rows(test))
                _keep(predictions, (f"{kind}, {way}", factor), len(features.values), test, said)
            if way == "both" and factor is Factor.WALL_THICKENING:
                growth = best.out_of_fold, best.model.predict(table.rows(test))
    return growth


def _keep(predictions: Predictions, key: tuple[str, Factor], n_rows: int, test: np.ndarray, said: FloatArray) -> None:
    predictions.setdefault(key, np.full(n_rows, np.nan))[test] = said


def _lay_out(
    walls: Walls,
    train: np.ndarray,
    test: np.ndarray,
    growth: tuple[FloatArray, FloatArray],
    maps: Mapping[str, FloatArray],
) -> None:
    """The forecast map and its rivals, written into the rows left out."""
    seen, thickness = wall_rows(walls.walls, train), walls.walls.thickness[test]
    law = LocalGrowth.of(seen.thickness, growth[0], seen.thickening, walls.measured.interval_years[train])
    maps[FORECAST][test] = law.predict(thickness, growth[1])
    for name, rival in rival_maps(seen, thickness).items():
        maps[name][test] = rival


def _factor_table(walls: Walls, rows: np.ndarray, predictions: Predictions, targets: TargetTable, against: str) -> None:
    names = list(dict.fromkeys(name for name, _ in predictions))
    r2: dict[tuple[str, Factor], FloatArray] = {}
    for factor in walls.scored:
        known = rows[np.isfinite(targets.values[factor][rows])]
        counts = PatientDraws(walls.inputs.features.patient_ids[known], 1000, 0).counts
        truth = targets.values[factor][known]
        for name in names:
            if (name, factor) in predictions:
                guess = predictions[name, factor][known]
                r2[name, factor] = r2_draws(guess, truth, np.full(len(known), truth.mean()), counts)
        if walls.expected is not None:
            guess = np.nan_to_num(walls.expected[factor][known])
            r2["oracle", factor] = r2_draws(guess, truth, np.full(len(known), truth.mean()), counts)
    print(f"\nR² on {against} change (95 % by patients): " + ", ".join(factor.value for factor in walls.scored))
    for name in [*names, *(["oracle"] if walls.expected is not None else [])]:
        print(f"{name:32s} " + " | ".join(_cell(r2, name, factor) for factor in walls.scored))
    print("\nR² of both inputs less that of one alone")
    for kind in ("deep", "chosen", "penalized linear", "boosted trees"):
        alone = ("structured", "maps" if kind == "deep" else "image")
        for one in alone:
            gains = (estimate(r2[f"{kind}, both", f] - r2[f"{kind}, {one}", f]) for f in walls.scored)
            print(f"{kind}: both - {one:12s} " + " | ".join(str(gain) for gain in gains))
    winner = [max(_scored(r2, names, f), key=lambda name, f=f: r2[name, f][0]) for f in walls.scored]
    print("best: " + ", ".join(f"{f.value}: {name}" for f, name in zip(walls.scored, winner, strict=True)))


def _scored(r2: Mapping[tuple[str, Factor], FloatArray], names: Iterable[str], factor: Factor) -> list[str]:
    return [name for name in names if (name, factor) in r2]


def _cell(r2: Mapping[tuple[str, Factor], FloatArray], name: str, factor: Factor) -> str:
    return str(estimate(r2[name, factor])) if (name, factor) in r2 else "–"


def _map_table(
    features: FeatureTable, rows: np.ndarray, maps: Mapping[str, FloatArray], wall: WallHistory, against: str
) -> None:
    of_rows = {name: said[rows] for name, said in maps.items()}
    scores = score_maps(of_rows, wall.thickening[rows], features.patient_ids[rows], 1000, 0)
    print(f"\nmap of thickening against {against} change, mm/yr, {scores.n_arteries} arteries: MAE, and how much less"
          " the forecast map errs (95 %)")  # fmt: skip
    for row in scores.maps:
        print(f"{row.name:36s} {row.mae.value:.4f} | {_fine(row.forecast_gains)}")
    print(f"rank correlation inside an artery, mean: {scores.rank_correlation}")


def _fine(gain: object) -> str:
    value, low, high = (float(getattr(gain, end)) for end in ("value", "low", "high"))
    return f"{value:.5f} ({low:.5f} to {high:.5f})"


if __name__ == "__main__":
    main()
