"""Simulated cohorts for the scripts that score prediction, made in pieces of 500 patients and kept if asked to."""

import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from plaquecast.domain.change import Factor
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.learning import TargetTable
from plaquecast.settings import SimulateSettings
from plaquecast.simulate.people import SimulatedTable
from plaquecast.simulate.table import simulate_table

PIECE = 500


def cohort(n_patients: int, seed: int, world: str = "default", keep: Path | None = None) -> SimulatedTable:
    """A cohort of `n_patients` (a multiple of 500, or fewer): piece k has the seed `seed` + k."""
    n_pieces = max(n_patients // PIECE, 1)
    pieces = [_piece(min(n_patients, PIECE), seed + k, world, keep) for k in range(n_pieces)]
    return joined(pieces)


def joined(pieces: Sequence[SimulatedTable]) -> SimulatedTable:
    """Several cohorts as one; patients of different pieces get different codes."""
    arteries = tuple(
        replace(artery, patient_id=f"{k}x{artery.patient_id}")
        for k, piece in enumerate(pieces)
        for artery in piece.arteries
    )
    return SimulatedTable(
        arteries,
        tuple(truth for piece in pieces for truth in piece.true_baseline),
        _joined_targets([piece.measured for piece in pieces]),
        _joined_targets([piece.true for piece in pieces]),
        {factor: np.concatenate([piece.expected[factor] for piece in pieces]) for factor in Factor},
        np.array([artery.patient_id for artery in arteries]),
    )


def rows_of(table: SimulatedTable, rows: np.ndarray) -> SimulatedTable:
    """Some arteries of a cohort."""
    return SimulatedTable(
        tuple(table.arteries[i] for i in rows),
        tuple(table.true_baseline[i] for i in rows),
        table.measured.rows(rows),
        table.true.rows(rows),
        {factor: values[rows] for factor, values in table.expected.items()},
        table.patient_ids[rows],
    )


def _joined_targets(tables: Sequence[TargetTable]) -> TargetTable:
    def each(get: Callable[[TargetTable], Mapping[Factor, np.ndarray]]) -> dict[Factor, FloatArray]:
        return {factor: np.concatenate([get(table)[factor] for table in tables]) for factor in Factor}

    return TargetTable(
        each(lambda table: table.values),
        each(lambda table: table.error_per_year),
        np.concatenate([table.interval_years for table in tables]),
        {f: v.astype(bool) for f, v in each(lambda table: table.censored).items()},
    )


def _piece(n_patients: int, seed: int, world: str, keep: Path | None) -> SimulatedTable:
    path = None if keep is None else keep / f"{world}_{n_patients}_{seed}.pkl"
    if path is not None and path.exists():
        return pickle.loads(path.read_bytes())
    piece = simulate_table(n_patients, seed, SimulateSettings(world=world))
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(piece))
    return piece
