"""The deep multimodal network beside trees and linear models, and its map of thickening, on simulated walls.

Run `python benchmarks/accuracy_deep.py --patients 1000`; simulated patients with wall maps, three of ten left out.
"""

import argparse
import time
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import spearmanr

from plaquecast.domain.anatomy import Side
from plaquecast.domain.change import Factor
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.learning import BaselineArtery, FeatureTable
from plaquecast.domain.measurements import PUBLISHED_ERRORS
from plaquecast.predict.deep import FACTORS, Recipe, fit_deep
from plaquecast.predict.features import MEASURES, PRESENCE, at_horizon, feature_table
from plaquecast.predict.folds import patient_folds
from plaquecast.predict.models import KINDS
from plaquecast.predict.scores import PatientDraws, estimate, r2_draws
from plaquecast.predict.tuning import Classroom, tune
from plaquecast.predict.wall_inputs import WallInputs, on_grid, wall_inputs
from plaquecast.settings import SimulateSettings
from plaquecast.simulate.people import SimulatedTable
from plaquecast.simulate.table import measured_people, simulate_table

LOCAL_ERROR_MM = 0.15
"""SD of the thickness read at one place of one map (a third of a pixel at either contour), independent over places."""
SCORED = (Factor.WALL_THICKENING, Factor.WALL_VOLUME, Factor.PLAQUE_VOLUME, Factor.STENOSIS,
          Factor.LIPID_RICH_NECROTIC_CORE)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Walls:
    """A simulated cohort with maps: `thickening` as measured and `true_thickening` (n, 16, 36), mm/yr."""

    table: SimulatedTable
    inputs: WallInputs
    thickening: FloatArray
    true_thickening: FloatArray


def main() -> None:
    """Simulate, train and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=7000)
    parser.add_argument("--epochs", type=int, default=Recipe().epochs)
    options = parser.parse_args()
    walls = simulate_walls(options.patients, options.seed)
    features = walls.inputs.features
    fold = patient_folds(features, 10, 0).fold
    train, test = np.flatnonzero(fold >= 3), np.flatnonzero(fold < 3)
    print(f"simulated patients with wall maps: {options.patients}, seed {options.seed}; {len(test)} arteries left out")
    recipe = Recipe(epochs=options.epochs)
    predictions, local = _deep(walls, train, test, recipe)
    predictions |= _plain(walls, train, test)
    _factor_table(walls, test, predictions)
    _map_table(walls, train, test, local)


def simulate_walls(n_patients: int, seed: int) -> Walls:
    """The cohort of `simulate_table` with the maps of both visits, each read with its own error."""
    settings = SimulateSettings()
    table = simulate_table(n_patients, seed, settings, wall_maps=True)
    rng = np.random.default_rng([seed, 1])
    arteries, measured, true = [], [], []
    people = measured_people(n_patients, seed, settings, PUBLISHED_ERRORS, wall_maps=True)
    for index, (person, _) in enumerate(people):
        for offset, side in enumerate(Side):
            before, after = (person.morphology[visit][side].wall_map for visit in (0, 1))
            assert before is not None
            assert after is not None
            noisy = [_misread(wall.wall_thickness_mm, rng) for wall in (before, after)]
            years = person.interval_years
            measured.append(on_grid((noisy[1] - noisy[0]) / years, before))
            true.append(on_grid((after.wall_thickness_mm - before.wall_thickness_mm) / years, before))
            artery = table.arteries[2 * index + offset]
            wall = replace(before, wall_thickness_mm=noisy[0])
            morphology = replace(artery.morphology, wall_map=wall)
            arteries.append(BaselineArtery(artery.patient_id, artery.clinical, morphology))
    features = at_horizon(feature_table(arteries), table.measured.interval_years)
    return Walls(table, wall_inputs(arteries, features), np.stack(measured), np.stack(true))


def _misread(thickness: FloatArray, rng: np.random.Generator) -> FloatArray:
    whole = PUBLISHED_ERRORS["mean_wall_thickness_mm"].absolute * rng.normal()
    return np.maximum(thickness + whole + LOCAL_ERROR_MM * rng.normal(size=thickness.shape), 0.2)


def _deep(
    walls: Walls, train: np.ndarray, test: np.ndarray, recipe: Recipe
) -> tuple[dict[str, dict[Factor, FloatArray]], FloatArray]:
    predictions, local = {}, np.zeros(0)
    ways = {"deep, both": (True, True), "deep, structured": (False, True), "deep, maps": (True, False)}
    measured = _without_measures(walls.inputs)
    for name, (uses_maps, uses_features) in ways.items():
        start = time.process_time()
        inputs = measured if name == "deep, structured" else walls.inputs
        chosen = replace(recipe, uses_maps=uses_maps, uses_features=uses_features)
        model = fit_deep(
            inputs.rows(train), walls.table.measured.rows(train), walls.thickening[train].astype(np.float32), chosen
        )
        told = model.predict(inputs.rows(test))
        predictions[name] = {factor: told.expected[:, FACTORS.index(factor)] for factor in SCORED}
        print(f"{name}: {time.process_time() - start:.0f} s of CPU for {len(train)} arteries, {recipe.epochs} epochs")
        local = told.thickening if name == "deep, both" else local
    return predictions, local


def _without_measures(inputs: WallInputs) -> WallInputs:
    """Structured data only."""
    return WallInputs(inputs.maps, _blanked(inputs.features, of_image=True))


def _blanked(features: FeatureTable, of_image: bool) -> FeatureTable:
    """The table without what comes from the image, or without the structured data (missing for everybody)."""
    image = {*MEASURES, *PRESENCE, "fibrous_cap_below_resolution", *(f"{name}_missing" for name in MEASURES)}
    values = features.values.copy()
    values[:, [(name in image) == of_image and name != "horizon_years" for name in features.columns]] = np.nan
    return FeatureTable(features.patient_ids, features.sides, features.columns, values)


def _plain(walls: Walls, train: np.ndarray, test: np.ndarray) -> dict[str, dict[Factor, FloatArray]]:
    features = walls.inputs.features
    tables = {"both": features, "structured": _blanked(features, True), "measures": _blanked(features, False)}
    predictions: dict[str, dict[Factor, FloatArray]] = {}
    for way, table in tables.items():
        rows = table.rows(train)
        room = Classroom.of(rows, walls.table.measured.rows(train), patient_folds(rows, 3, 0), 0)
        for kind in ("penalized linear", "hurdle", "boosted trees"):
            for factor in SCORED:
                tuned = tune(room, factor, KINDS[kind])
                if tuned is not None:
                    said = tuned.model.predict(table.rows(test))
                    predictions.setdefault(f"{kind}, {way}", {})[factor] = said
    return predictions


def _factor_table(walls: Walls, test: np.ndarray, predictions: dict[str, dict[Factor, FloatArray]]) -> None:
    patients = walls.table.patient_ids[test]
    draws = PatientDraws(patients, 1000, 0)
    print("\nR² on true change as a share of the oracle's: " + ", ".join(factor.value for factor in SCORED))
    r2: dict[tuple[str, Factor], FloatArray] = {}
    for name, by_factor in {**predictions, "oracle": walls.table.expected}.items():
        for factor in SCORED:
            truth = walls.table.true.values[factor][test]
            guess = by_factor[factor][test] if name == "oracle" else by_factor[factor]
            r2[name, factor] = r2_draws(guess, truth, np.full(len(test), truth.mean()), draws.counts)
    for name in predictions:
        print(f"{name:32s} " + " ".join(f"{r2[name, f][0] / r2['oracle', f][0]:.2f}" for f in SCORED))
    print("\nR² of both inputs less that of one alone (95 % by patients)")
    for kind, alone in (("deep", ("structured", "maps")), ("hurdle", ("structured", "measures"))):
        for one in alone:
            cells = (estimate(r2[f"{kind}, both", f] - r2[f"{kind}, {one}", f]) for f in SCORED)
            print(f"{kind}: both - {one:12s} " + " | ".join(str(cell) for cell in cells))
    winner = [max(predictions, key=lambda name, f=f: r2[name, f][0]) for f in SCORED]
    print("best: " + ", ".join(f"{factor.value}: {name}" for factor, name in zip(SCORED, winner, strict=True)))


def _map_table(walls: Walls, train: np.ndarray, test: np.ndarray, local: FloatArray) -> None:
    truth, maps = walls.true_thickening[test], walls.inputs.maps[test]
    mean = walls.thickening[train].mean()
    today = maps[:, 0] + 1.2
    share = walls.thickening[train].sum() / (walls.inputs.maps[train][:, 0] + 1.2).sum()
    rivals = {
        "forecast map": local, "no local change": np.zeros_like(truth), "uniform thickening": np.full_like(truth, mean),
        "in proportion to today's thickness": share * today,
    }  # fmt: skip
    patients = walls.table.patient_ids[test]
    counts = PatientDraws(patients, 1000, 0).counts
    error = {name: np.abs(guess - truth).mean(axis=(1, 2)) for name, guess in rivals.items()}
    print("\nmap of thickening against the true one, mm/yr: MAE, and how much less the forecast map has (95 %)")
    for name in rivals:
        less = estimate(counts @ (error[name] - error["forecast map"]) / counts.sum(axis=1))
        print(f"{name:36s} {error[name].mean():.4f} | {less}")
    ranks = np.array([spearmanr(a.ravel(), b.ravel()).statistic for a, b in zip(local, truth, strict=True)])
    known = np.isfinite(ranks)
    ranked = estimate(counts[:, known] @ ranks[known] / counts[:, known].sum(axis=1))
    print(f"rank correlation inside an artery, mean: {ranked}")


if __name__ == "__main__":
    main()
