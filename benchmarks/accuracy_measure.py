"""How true measurements and change factors are, on simulated arteries: from true masks, and from a segmenter's.

Prints, as tables: error of each measurement against the geometry (bias and SD over arteries and visits), difference
of a repeat scan in a new pose, change per year against true change, and cap status. Run as
`python benchmarks/accuracy_measure.py --patients 20 [--segmenter MODEL]`; all data are simulated.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from plaquecast.change.factors import change_factors
from plaquecast.change.matching import matched_measurements
from plaquecast.domain.anatomy import Side, Weighting
from plaquecast.domain.change import FACTOR_MEASUREMENT
from plaquecast.domain.measurements import PUBLISHED_ERRORS
from plaquecast.domain.missing import Measured, Missing, is_number
from plaquecast.domain.morphology import ArteryMorphology
from plaquecast.domain.protocols import Segmenter
from plaquecast.domain.visit import interval_years
from plaquecast.geometry.along_artery import artery_measurements, shared_lengths
from plaquecast.measure.artery import measure_artery
from plaquecast.measure.lesion import read_lesion
from plaquecast.register.contrasts import align_visit
from plaquecast.segment.network import load_segmenter
from plaquecast.settings import ChangeSettings, MeasureSettings, RegisterSettings, SimulateSettings
from plaquecast.simulate.cohort import FIVE_WEIGHTINGS, simulate_patient, simulate_repeat
from plaquecast.simulate.people import SimulatedVisit

RAW = MeasureSettings(cap_resolution_mm=0.0)
Arteries = Mapping[Side, ArteryMorphology | Missing]
Pairs = dict[str, list[tuple[float, float]]]


@dataclass
class Tables:
    """Pairs (found, true) and (repeat, scan) by measurement, (found, true) of change by factor and of cap status."""

    truth: Pairs = field(default_factory=lambda: defaultdict(list))
    repeat: Pairs = field(default_factory=lambda: defaultdict(list))
    change: Pairs = field(default_factory=lambda: defaultdict(list))
    status: list[tuple[str, str]] = field(default_factory=list)
    not_found: int = 0


def main() -> None:
    """Simulate, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="index of the first patient")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--segmenter", type=Path, help="model folder; without it masks are the true ones")
    options = parser.parse_args()
    segmenter = load_segmenter(options.segmenter) if options.segmenter else None
    tables = Tables()
    for index in range(options.first, options.first + options.patients):
        _add_patient(tables, index, options.seed, segmenter)
    masks = segmenter.model_id if segmenter else "true masks"
    print(f"# Simulated cohort, seed {options.seed}, {options.patients} patients, both arteries, two visits; {masks}\n")
    _print_errors("Error against the geometry", tables.truth)
    _print_errors("Difference of a repeat scan (SD: of one scan)", tables.repeat, np.sqrt(2.0))
    _print_change(tables.change)
    _print_status(tables)


def _add_patient(tables: Tables, index: int, seed: int, segmenter: Segmenter | None) -> None:
    settings = SimulateSettings()
    weightings = FIVE_WEIGHTINGS if segmenter else (Weighting.T1W,)
    patient = simulate_patient(index, seed, settings, weightings)
    visits = (*patient.visits, simulate_repeat(index, seed, settings, 1, weightings))
    baseline, follow_up, repeat = (_measured(visit, segmenter) for visit in visits)
    for visit, arteries in zip(patient.visits, (baseline, follow_up), strict=True):
        for side in Side:
            _add_truth(tables, arteries[side], visit.morphology[side])
    years = interval_years(*(visit.visit.acquired for visit in patient.visits))
    for side in Side:
        before, after = matched_measurements(baseline[side], repeat[side], 6.0)
        for name in PUBLISHED_ERRORS:
            _add(tables.repeat[name], after[name], before[name])
        for change in change_factors(baseline[side], follow_up[side], years, PUBLISHED_ERRORS, ChangeSettings(), side):
            true = patient.true_change[side][change.factor]
            _add(tables.change[change.factor.value], change.absolute_per_year, true)


def _measured(visit: SimulatedVisit, segmenter: Segmenter | None) -> Arteries:
    if segmenter is None:
        return {side: measure_artery(mask, {}, RAW) for side, mask in visit.truth.items()}
    found = segmenter.segment(align_visit(visit.visit, RegisterSettings()))
    return {side: mask if isinstance(mask, Missing) else measure_artery(mask, {}, RAW) for side, mask in found.items()}


def _add_truth(tables: Tables, found: ArteryMorphology | Missing, true: ArteryMorphology) -> None:
    if isinstance(found, Missing):
        tables.not_found += 1
        return
    shared = [
        artery_measurements(each, shared_lengths(each, others), 0.0)
        for each, others in ((found.slices, true.slices), (true.slices, found.slices))
    ]
    for name in PUBLISHED_ERRORS:
        _add(tables.truth[name], shared[0][name], shared[1][name])
    caps = [shared[i]["fibrous_cap_mean_thickness_mm"] for i in (0, 1)]
    if is_number(caps[1]) and caps[1] >= 0.6:
        _add(tables.truth["fibrous_cap_mean_thickness_mm, true caps of 0.6 mm and more"], caps[0], caps[1])
    status = [read_lesion(each.slices, MeasureSettings()).cap_status for each in (found, true)]
    tables.status.append((str(status[0]), str(status[1])))


def _add(pairs: list[tuple[float, float]], found: Measured, true: Measured) -> None:
    if is_number(found) and is_number(true):
        pairs.append((found, true))


def _print_errors(title: str, table: Pairs, divisor: float = 1.0) -> None:
    print(
        f"## {title}\n\n| measurement | n | mean | bias | SD | SD % of mean | largest |\n|---|---|---|---|---|---|---|"
    )
    for name, found, true in _columns(table):
        error = found - true
        spread = error.std(ddof=1) / divisor
        print(
            f"| {name} | {len(true)} | {true.mean():.3f} | {error.mean():.3f} | {spread:.3f}"
            f" | {100 * spread / max(abs(true.mean()), 1e-9):.1f} | {np.abs(error).max():.3f} |"
        )
    print()


def _print_change(table: Pairs) -> None:
    print("## Change per year against true change\n")
    print("| factor | n | true mean | true SD | bias | bias, % of true SD | SD of error | slope | ICC |")
    print("|---|---|---|---|---|---|---|---|---|")
    measurements = {factor.value for factor in FACTOR_MEASUREMENT}
    for name, found, true in _columns({name: pairs for name, pairs in table.items() if name in measurements}):
        error, spread = found - true, true.std(ddof=1)
        slope = np.cov(true, found)[0, 1] / spread**2
        print(
            f"| {name} | {len(true)} | {true.mean():.3f} | {spread:.3f} | {error.mean():.3f}"
            f" | {100 * error.mean() / spread:.1f} ± {196 * error.std(ddof=1) / spread / np.sqrt(len(true)):.1f}"
            f" | {error.std(ddof=1):.3f} | {slope:.2f} | {_icc(found, true):.2f} |"
        )
    print()


def _columns(table: Pairs) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    for name, pairs in table.items():
        if len(pairs) >= 3 and np.ptp([true for _, true in pairs]) > 0.0:
            found, true = np.array(pairs).T
            yield name, found, true


def _icc(found: np.ndarray, true: np.ndarray) -> float:
    """Intraclass correlation for absolute agreement of single values, ICC(2,1) of Shrout and Fleiss."""
    values = np.stack([found, true], axis=1)
    n, k = values.shape
    rows, columns, grand = values.mean(axis=1), values.mean(axis=0), values.mean()
    between_rows = k * ((rows - grand) ** 2).sum() / (n - 1)
    between_columns = n * ((columns - grand) ** 2).sum() / (k - 1)
    rest = ((values - rows[:, None] - columns + grand) ** 2).sum() / ((n - 1) * (k - 1))
    return float((between_rows - rest) / (between_rows + (k - 1) * rest + k * (between_columns - rest) / n))


def _print_status(tables: Tables) -> None:
    kinds = sorted({kind for pair in tables.status for kind in pair})
    table = np.array([[tables.status.count((found, true)) for true in kinds] for found in kinds], dtype=np.float64)
    total = table.sum()
    chance = (table.sum(axis=0) @ table.sum(axis=1)) / total**2
    kappa = (np.trace(table) / total - chance) / max(1.0 - chance, 1e-9)
    print(f"## Cap status, found (rows) by true (columns): kappa {kappa:.2f}\n\n| | " + " | ".join(kinds) + " |")
    print("|---" * (len(kinds) + 1) + "|")
    for kind, row in zip(kinds, table, strict=True):
        print(f"| {kind} | " + " | ".join(f"{count:.0f}" for count in row) + " |")
    print(f"\nArteries that were not found: {tables.not_found}")


if __name__ == "__main__":
    main()
