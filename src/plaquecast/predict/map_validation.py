"""How well the map of thickening is forecast, beside maps that need no learning, on patients never seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from plaquecast.domain.grid import FloatArray
from plaquecast.predict.folds import PatientFolds
from plaquecast.predict.local_growth import LocalGrowth
from plaquecast.predict.scores import Estimate, PatientDraws, estimate
from plaquecast.predict.wall_inputs import WallHistory

FORECAST = "forecast map"
RIVALS = ("no local change", "uniform thickening", "in proportion to today's thickness")
LEAST_ARTERIES = 40
"""With fewer mapped arteries that were followed no map is learned."""


@dataclass(frozen=True, slots=True)
class MapScore:
    """One map's mean absolute error (mm/yr), and by how much the forecast map's is less."""

    name: str
    mae: Estimate
    forecast_gains: Estimate


@dataclass(frozen=True, slots=True)
class MapScores:
    """All maps of n arteries against one kind of change, and the rank correlation inside an artery of the forecast."""

    n_arteries: int
    maps: tuple[MapScore, ...]
    rank_correlation: Estimate


def rival_maps(learned: WallHistory, thickness: FloatArray) -> Mapping[str, FloatArray]:
    """The maps (n, 16, 36) that need no learning, or one mean, for arteries of the given thickness."""
    known = np.isfinite(learned.thickening) & np.isfinite(learned.thickness)
    mean = learned.thickening[known].mean()
    share = learned.thickening[known].sum() / learned.thickness[known].sum()
    flat = np.where(np.isfinite(thickness), 1.0, np.nan)
    return dict(zip(RIVALS, (0.0 * flat, mean * flat, share * thickness), strict=True))


def validate_map(
    walls: WallHistory, years: FloatArray, folds: PatientFolds, growth: FloatArray, inside: Sequence[FloatArray]
) -> dict[str, FloatArray]:
    """The forecast and its rivals for every artery, each by a fold that never saw its patient (n, 16, 36).

    `growth` (n,) is the forecast of mean thickening by the fold that left the artery out; `inside` holds, for each
    fold, that of its training rows by inner folds that left them out: from these the map's law is learned.
    """
    maps = {name: np.full(walls.thickness.shape, np.nan) for name in (FORECAST, *RIVALS)}
    for (train, test), known_growth in zip(folds.splits(), inside, strict=True):
        seen = WallHistory(walls.thickness[train], walls.thickening[train])
        law = LocalGrowth.of(seen.thickness, known_growth, seen.thickening, years[train])
        maps[FORECAST][test] = law.predict(walls.thickness[test], growth[test])
        for name, rival in rival_maps(seen, walls.thickness[test]).items():
            maps[name][test] = rival
    return maps


def score_maps(
    maps: Mapping[str, FloatArray], change: FloatArray, patient_ids: NDArray[np.str_], n_draws: int, seed: int
) -> MapScores:
    """Score maps of n arteries against change (n, 16, 36), over places that all of them know; patients are drawn."""
    known = np.isfinite(np.stack([change, *maps.values()])).all(axis=0)
    rows = np.flatnonzero(known.any(axis=(1, 2)))
    counts = PatientDraws(patient_ids[rows], n_draws, seed).counts
    errors = {
        name: np.array([np.abs(said[row] - change[row])[known[row]].mean() for row in rows])
        for name, said in maps.items()
    }
    ranks = np.array([_rank(maps[FORECAST][row][known[row]], change[row][known[row]]) for row in rows])
    ranked = np.isfinite(ranks)
    return MapScores(
        len(rows),
        tuple(
            MapScore(name, _mean(counts, error), _mean(counts, error - errors[FORECAST]))
            for name, error in errors.items()
        ),
        _mean(counts[:, ranked], ranks[ranked]) if ranked.any() else Estimate.none("no map ranks places"),
    )


def _mean(counts: FloatArray, values: FloatArray) -> Estimate:
    return estimate(counts @ values / counts.sum(axis=1))


def _rank(guess: FloatArray, truth: FloatArray) -> float:
    if np.ptp(guess) == 0.0 or np.ptp(truth) == 0.0:
        return float("nan")
    return float(spearmanr(guess, truth).statistic)
