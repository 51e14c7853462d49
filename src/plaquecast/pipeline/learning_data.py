"""What a predictor learns from, read out of the tables of a run: baseline arteries and their change, and the truth."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from plaquecast.domain.anatomy import Side
from plaquecast.domain.change import ChangeFactor, Factor
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.learning import BaselineArtery, TargetTable
from plaquecast.domain.missing import Measured, Missing, Reason
from plaquecast.domain.morphology import ArteryMorphology
from plaquecast.errors import InputError
from plaquecast.predict.wall_inputs import WallHistory, wall_history
from plaquecast.store.change_tables import PatientChange, read_change_factors_table
from plaquecast.store.clinical_table import ClinicalVisit, read_clinical_table
from plaquecast.store.table_files import read_table
from plaquecast.store.tables import read_arteries_tables

TRUTH_TABLES = Path("derivatives") / "truth" / "tables"

Key = tuple[str, Side]
_Visits = list[tuple[ClinicalVisit, ArteryMorphology | Missing]]


@dataclass(frozen=True, slots=True, eq=False)
class LearningData:
    """n arteries with baseline and measured change; of simulated ones also the true change and what was to expect.

    `walls` and, of simulated ones with maps, `true_walls` say where the wall thickened; NaN where it was not mapped.
    """

    arteries: tuple[BaselineArtery, ...]
    measured: TargetTable
    walls: WallHistory
    true: TargetTable | None
    true_walls: WallHistory | None
    expected: Mapping[Factor, FloatArray] | None
    simulated: bool


def read_learning_data(run: Path, dataset: Path | None = None) -> LearningData:
    """Read every artery of a run that was measured at its first visit and whose change was computed.

    The truth is looked for in the run, or in the simulated `dataset` that the run was made of.

    Raises:
        InputError: if a table is missing or damaged, or no artery has a measured change.
    """
    tables = run / "tables"
    visits = _visits(tables)
    baselines = _baselines(visits)
    changes = _by_artery(read_change_factors_table(tables))
    keys = [key for key in baselines if key in changes and _interval(changes[key]) is not None]
    if not keys:
        raise InputError(
            expected="arteries with a measured change per year",
            found=f"none among {len(baselines)} arteries",
            where=f"{run.name}/tables",
            remedy="Give the folder of a run over patients with two dated visits.",
            code="nothing-to-learn",
        )
    intervals = np.array([_interval(changes[key]) for key in keys], dtype=np.float64)
    truth = (dataset or run) / TRUTH_TABLES
    true = _true_changes(truth, keys)
    return LearningData(
        arteries=tuple(baselines[key] for key in keys),
        measured=_measured_targets([changes[key] for key in keys], intervals),
        walls=_walls(visits, keys, intervals),
        true=None if true is None else _true_targets(true["true_per_year"], intervals),
        true_walls=None if true is None else _walls(_visits(truth), keys, intervals),
        expected=None if true is None else true["expected_per_year"],
        simulated=is_simulated(run),
    )


def is_simulated(folder: Path) -> bool:
    """Whether a dataset or run says of itself that it shows simulated people.

    Raises:
        InputError: if its description cannot be read, so that nothing simulated passes as clinical by accident.
    """
    try:
        return bool(json.loads((folder / "dataset_description.json").read_text(encoding="utf-8"))["Simulated"])
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise InputError(
            expected="the description of a run, which says whether it is simulated",
            found=f"{type(problem).__name__}: {problem}",
            where=f"{folder.name}/dataset_description.json",
            remedy="Give the folder of a finished run.",
            code="no-description",
        ) from problem


def _visits(tables: Path) -> dict[Key, _Visits]:
    """Every artery at each of its visits, the first one first."""
    clinical = {(visit.patient_id, visit.session_id): visit for visit in read_clinical_table(tables)}
    found: dict[Key, _Visits] = {}
    for artery in read_arteries_tables(tables):
        visit = clinical.get((artery.patient_id, artery.session_id))
        if visit is not None:
            found.setdefault((artery.patient_id, artery.side), []).append((visit, artery.morphology))
    return {key: sorted(entries, key=lambda entry: _day(entry[0])) for key, entries in found.items()}


def _baselines(visits: Mapping[Key, _Visits]) -> dict[Key, BaselineArtery]:
    """The arteries that were measured at their first visit."""
    found = {}
    for key, ((visit, artery), *_) in visits.items():
        if isinstance(artery, ArteryMorphology):
            found[key] = BaselineArtery(key[0], visit.clinical, artery)
    return found


def _walls(visits: Mapping[Key, _Visits], keys: Sequence[Key], years: FloatArray) -> WallHistory:
    """Maps of each artery at its first and its last visit."""
    found = [[artery for _, artery in visits.get(key, ())] for key in keys]
    first, last = (
        [each[end].wall_map if each and isinstance(each[end], ArteryMorphology) else None for each in found]
        for end in (0, -1)
    )
    return wall_history(first, last, years)


def _day(visit: ClinicalVisit) -> str:
    """Dates as text sort by time; a visit without one keeps its place in the table."""
    return "" if isinstance(visit.acquired, Missing) else visit.acquired.isoformat()


def _by_artery(changes: Sequence[PatientChange]) -> dict[Key, dict[Factor, ChangeFactor]]:
    found: dict[Key, dict[Factor, ChangeFactor]] = {}
    for entry in changes:
        if entry.change.side is not None:
            found.setdefault((entry.patient_id, entry.change.side), {})[entry.change.factor] = entry.change
    return found


def _interval(changes: Mapping[Factor, ChangeFactor]) -> float | None:
    values = [change.interval_years for change in changes.values()]
    return next((value for value in values if isinstance(value, float)), None)


def _measured_targets(changes: Sequence[Mapping[Factor, ChangeFactor]], intervals: FloatArray) -> TargetTable:
    values, errors, censored = {}, {}, {}
    for factor in Factor:
        of_factor = [each.get(factor) for each in changes]
        values[factor] = np.array([_number(each and each.absolute_per_year) for each in of_factor])
        errors[factor] = np.array([_number(each and each.error_per_year) for each in of_factor])
        censored[factor] = np.array([each is not None and _is_censored(each) for each in of_factor])
    return TargetTable(values, errors, intervals, censored)


def _number(value: Measured | None) -> float:
    return float(value) if isinstance(value, float) else float("nan")


def _is_censored(change: ChangeFactor) -> bool:
    return any(
        isinstance(value, Missing) and value.reason is Reason.BELOW_RESOLUTION
        for value in (change.baseline, change.follow_up)
    )


def _true_changes(truth: Path, keys: Sequence[Key]) -> dict[str, dict[Factor, FloatArray]] | None:
    """True and expected change of the arteries, by column and factor; None where there is no truth."""
    if not (truth / "expected_change.parquet").is_file():
        return None
    place = {key: row for row, key in enumerate(keys)}
    columns = {
        name: {factor: np.full(len(keys), np.nan) for factor in Factor}
        for name in ("true_per_year", "expected_per_year")
    }
    for row in read_table(truth, "expected_change").rows():
        index = place.get((row["participant_id"].removeprefix("sub-"), Side(row["side"])))
        if index is not None:
            for name, by_factor in columns.items():
                by_factor[Factor(row["factor"])][index] = np.nan if row[name] is None else row[name]
    return columns


def _true_targets(values: Mapping[Factor, FloatArray], intervals: FloatArray) -> TargetTable:
    zeros = {factor: np.zeros(len(intervals)) for factor in Factor}
    nothing = {factor: np.zeros(len(intervals), dtype=bool) for factor in Factor}
    return TargetTable(values, zeros, intervals, nothing)
