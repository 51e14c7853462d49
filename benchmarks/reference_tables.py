"""The tables of the reference cohort, kept beside the code, and what they say about measurement and change.

`make reference-cohort` makes the cohort and the run (hours) and calls `keep`;
`python -m benchmarks.reference_tables show` prints the tables of the documentation from what was kept (seconds).
"""

import argparse
import json
import shutil
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from scipy import stats

import plaquecast
from plaquecast.change.factors import change_factors
from plaquecast.domain.anatomy import Side
from plaquecast.domain.change import FACTOR_MEASUREMENT, ChangeFactor, Factor, Verdict
from plaquecast.domain.measurements import PUBLISHED_ERRORS, MeasurementError
from plaquecast.domain.missing import Measured, is_number
from plaquecast.pipeline.agreement import agreement
from plaquecast.pipeline.learning_data import TRUTH_TABLES
from plaquecast.pipeline.repeatability import errors_from_repeats, repeatability_of, repeated_measurements
from plaquecast.pipeline.scores import true_changes
from plaquecast.settings import ChangeSettings
from plaquecast.store.atomic import sha256_of_bytes, write_json
from plaquecast.store.change_tables import read_change_factors_table
from plaquecast.store.repeat_table import read_repeat_scans_table
from plaquecast.store.tables import read_arteries_tables

KEPT = Path(__file__).parent / "reference_cohort"
TABLES = KEPT / "tables"
RUN_TABLES = ("arteries", "slices", "wall_maps", "change_factors", "clinical", "repeat_scans")
TRUE_TABLES = ("expected_change",)
NEXT_TO_NONE = 0.1
"""A true change of this many SDs of its error adds half a percent to the variance of what is measured."""


def keep(run: Path, cohort: Path) -> None:
    """Copy the tables of a finished run and the true changes, as small as Parquet makes them, with their origin.

    Of the walls' maps only the columns stay: their rows are most of the bytes.
    """
    shutil.rmtree(KEPT, ignore_errors=True)
    for source, target, names in (
        (run / "tables", KEPT / "tables", RUN_TABLES),
        (cohort / TRUTH_TABLES, KEPT / TRUTH_TABLES, TRUE_TABLES),
    ):
        target.mkdir(parents=True)
        for name in names:
            table = pq.read_table(source / f"{name}.parquet")
            kept = table.slice(0, 0) if name == "wall_maps" else table
            pq.write_table(kept, target / f"{name}.parquet", compression="zstd", compression_level=19)
    for name in ("dataset_description.json", "evaluation/scores.json"):
        (KEPT / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(run / name, KEPT / name)
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    write_json(
        KEPT / "origin.json",
        {
            "command": "make reference-cohort",
            "version": plaquecast.__version__,
            "models": record["models"],
            "counts": record["counts"],
            "images_sha256": sha256_of_bytes(json.dumps(record["input_sha256"], sort_keys=True).encode()),
        },
    )


def show() -> None:
    """Print every table."""
    scores = json.loads((KEPT / "evaluation" / "scores.json").read_text(encoding="utf-8"))
    _show_dice(scores)
    _show_measured(scores)
    pairs = _repeats()
    _show_repeats(pairs)
    _show_common()
    _show_change()
    _show_verdicts()


def _show_dice(scores: dict[str, dict[str, dict[str, float]]]) -> None:
    print("## Overlap with the true masks\n\n| structure | Dice | arteries |\n|---|---|---|")
    for name, found in scores["dice"].items():
        print(f"| {name.replace('_', ' ')} | {found['mean']:.3f} | {found['n_arteries']} |")


def _show_measured(scores: dict[str, dict[str, dict[str, float]]]) -> None:
    print("\n## Measured against true\n\n| measurement | n | bias | SD | ICC |\n|---|---|---|---|---|")
    for name, found in scores["measured_against_true"].items():
        if found["icc"] is not None:
            print(f"| {name} | {found['n']} | {found['bias']:+.3f} | {found['sd']:.3f} | {found['icc']:.2f} |")


def _repeats() -> dict[str, np.ndarray]:
    """Pairs of one measurement in a scan and its repeat, over the artery that both cover."""
    found: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for first, second in repeated_measurements(KEPT):
        for name in PUBLISHED_ERRORS:
            values = first[name], second[name]
            if isinstance(values[0], float) and isinstance(values[1], float):
                found[name].append((values[0], values[1]))
    return {name: np.array(values) for name, values in found.items()}


def _show_repeats(pairs: dict[str, np.ndarray]) -> None:
    print("\n## Error of one scan, from repeat scans through the whole pipeline\n")
    print("| measurement | arteries | mean | error (SD) | % of mean | typical, % of mean |\n|---|---|---|---|---|---|")
    for name, values in pairs.items():
        difference, mean = values[:, 0] - values[:, 1], abs(values.mean()) or 1.0
        error = np.sqrt(np.mean(difference**2) / 2.0)
        typical = np.median(np.abs(difference)) / 0.6745 / np.sqrt(2.0)
        print(
            f"| {name} | {len(values)} | {values.mean():.3f} | {error:.3f} | {100 * error / mean:.1f}"
            f" | {100 * typical / mean:.1f} |"
        )


def _error_per_year(change: ChangeFactor, errors: Mapping[str, MeasurementError]) -> float:
    """One SD of the error of a rate, as the repeat scans of this cohort have it; NaN where there is none."""
    values = change.baseline, change.follow_up, change.interval_years
    error = errors.get(FACTOR_MEASUREMENT[change.factor])
    if error is None or not all(is_number(value) for value in values):
        return np.nan
    before, after, years = np.array(values, dtype=np.float64)
    return float(np.sqrt(2.0) * error.sd(np.array(0.5 * (before + after))) / years)


def _show_common() -> None:
    """How much of the error of one scan its slices share, and both arteries of a scan."""
    found = {(each.patient_id, each.session_id, each.side): each.morphology for each in read_arteries_tables(TABLES)}
    print("\n## What the slices of a scan err by together\n")
    print("| measurement | error, % | were slices independent, % | correlation of left and right |\n|---|---|---|---|")
    for name in ("lumen_area_mm2", "vessel_area_mm2", "normalized_wall_index"):
        mean: dict[str, dict[Side, float]] = defaultdict(dict)
        alone = []
        for scan in read_repeat_scans_table(TABLES):
            if is_number(scan.ahead_mm):
                one, two = (
                    found[scan.patient_id, each, scan.side].slices for each in (scan.session_id, scan.repeat_session_id)
                )
                places = [np.array([each.position_mm for each in slices]) for slices in (one, two)]
                values = [np.array([getattr(each, name) for each in slices]) for slices in (one, two)]
                places[1] = places[1] - scan.ahead_mm
                is_shared = (places[0] > places[1][0]) & (places[0] < places[1][-1])
                difference = (np.interp(places[0], places[1], values[1]) - values[0])[is_shared] / values[0].mean()
                mean[scan.patient_id][scan.side] = difference.mean()
                alone.append(difference.var(ddof=1) / len(difference))
        of_all = np.array([value for sides in mean.values() for value in sides.values()])
        both = np.array([list(sides.values()) for sides in mean.values() if len(sides) == 2])
        print(
            f"| {name} | {100 * np.sqrt(np.mean(of_all**2) / 2):.2f} | {100 * np.sqrt(np.mean(alone) / 2):.2f}"
            f" | {np.corrcoef(both.T)[0, 1]:.2f} |"
        )


def _show_change() -> None:
    true, errors = true_changes(KEPT), repeatability_of(KEPT)
    rows: defaultdict[Factor, list[tuple[float, float, float, Measured]]] = defaultdict(list)
    for entry in read_change_factors_table(TABLES):
        change = entry.change
        if change.side is None:
            continue
        wanted = true[entry.patient_id, change.side, change.factor]
        measured = change.absolute_per_year
        if np.isfinite(wanted) and is_number(measured):
            rows[change.factor].append((measured, wanted, _error_per_year(change, errors), change.interval_years))
    print("\n## Change per year against true change\n")
    titles = (
        "factor",
        "n",
        "true mean",
        "true SD",
        "bias",
        "bias, % of SD",
        "SD of error",
        "slope",
        "ICC",
        "by its error",
    )
    print(f"| {' | '.join(titles)} | 1 year or more |\n" + "|---" * (len(titles) + 1) + "|")
    for factor, values in rows.items():
        found, wanted, error, years = np.array(values, dtype=np.float64).T
        difference, spread = found - wanted, wanted.std(ddof=1)
        slope = np.cov(wanted, found)[0, 1] / spread**2
        implied = spread**2 / (spread**2 + np.nanmean(error**2))
        margin = 196.0 * difference.std(ddof=1) / spread / np.sqrt(len(found))
        print(
            f"| {factor.value} | {len(found)} | {wanted.mean():.3f} | {spread:.3f} | {difference.mean():+.3f}"
            f" | {100 * difference.mean() / spread:.0f} ± {margin:.0f} | {difference.std(ddof=1):.3f} | {slope:.2f}"
            f" | {agreement(found, wanted).icc:.2f} | {implied:.2f}"
            f" | {agreement(found[years >= 1.0], wanted[years >= 1.0]).icc:.2f} |"
        )


def _show_verdicts() -> None:
    """How often pairs without change are called changed: repeat scans, and visits whose true change is next to none.

    The errors that judge a patient's repeat scans come from those of the others.
    """
    found = {(each.patient_id, each.session_id, each.side): each.morphology for each in read_arteries_tables(TABLES)}
    scans = [scan for scan in read_repeat_scans_table(TABLES) if is_number(scan.ahead_mm)]
    called: dict[Factor, tuple[list[bool], list[bool]]] = {factor: ([], []) for factor in Factor}
    measured = list(zip(scans, repeated_measurements(KEPT), strict=True))
    for scan in scans:
        errors = errors_from_repeats(pair for other, pair in measured if other.patient_id != scan.patient_id)
        one, two = (found[scan.patient_id, name, scan.side] for name in (scan.session_id, scan.repeat_session_id))
        for change in change_factors(one, two, 1.0, errors, ChangeSettings(), scan.side, scan.ahead_mm):
            if change.verdict is not None and any((change.baseline, change.follow_up)):
                called[change.factor][0].append(change.verdict is not Verdict.NO_DETECTABLE_CHANGE)
    true, errors = true_changes(KEPT), repeatability_of(KEPT)
    for entry in read_change_factors_table(TABLES):
        change, error = entry.change, _error_per_year(entry.change, errors)
        if change.side is None or not is_number(change.absolute_per_year) or not (change.baseline or change.follow_up):
            continue
        if abs(true[entry.patient_id, change.side, change.factor]) <= NEXT_TO_NONE * error:
            called[change.factor][1].append(abs(change.absolute_per_year) > ChangeSettings().detection_z * error)
    print("\n## Pairs without change that are called changed\n")
    print("| factor | repeat scans | called changed | visits | called changed | together | 95 % band of 5 % |")
    print("|---|---|---|---|---|---|---|")
    for factor, (repeats, visits) in called.items():
        both = repeats + visits
        low, high = (100.0 * count / len(both) for count in stats.binom.interval(0.95, len(both), 0.05))
        print(
            f"| {factor.value} | {len(repeats)} | {100 * np.mean(repeats):.0f} % | {len(visits)}"
            f" | {100 * np.mean(visits):.0f} % | {100 * np.mean(both):.1f} % of {len(both)} | {low:.1f}-{high:.1f} % |"
        )


def main() -> None:
    """Keep or show."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    keeping = commands.add_parser("keep")
    keeping.add_argument("run", type=Path)
    keeping.add_argument("cohort", type=Path)
    commands.add_parser("show")
    given = parser.parse_args()
    if given.command == "keep":
        keep(given.run, given.cohort)
    else:
        show()


if __name__ == "__main__":
    main()
