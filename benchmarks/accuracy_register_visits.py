"""Two visits of simulated arteries face to face: `python -m benchmarks.accuracy_register_visits --patients N`."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from benchmarks.accuracy_register import SEED, SETTINGS, print_spread
from benchmarks.register_truth import true_transform, walls_of
from threadpoolctl import threadpool_limits

from plaquecast.change.matching import matched_measurements
from plaquecast.domain.anatomy import Side, Weighting
from plaquecast.domain.missing import is_number
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.visit import AlignedVisit, VisitAlignment
from plaquecast.domain.volume import ArterySegmentation
from plaquecast.measure.artery import measure_artery
from plaquecast.register.contrasts import align_visit
from plaquecast.register.visits import align_visits
from plaquecast.settings import MeasureSettings, SimulateSettings
from plaquecast.simulate.cohort import simulate_patient, simulate_repeat
from plaquecast.simulate.people import SimulatedVisit

Misplaced = dict[Side, ArterySegmentation]


def visits(n_patients: int) -> None:
    """Baseline and follow-up, whose arteries changed, and baseline and repeat scan, which show no change.

    Walls are carried by the transform found for their artery. The bifurcation of the later scan is placed wrongly, as a
    segmenter does; slices must face each other all the same.
    """
    rows, thickness = [], []
    for index in range(n_patients):
        rng = np.random.default_rng([SEED, index])
        pair = simulate_patient(index, SEED, SimulateSettings(), (Weighting.T1W,)).visits
        repeat = simulate_repeat(index, SEED, SimulateSettings(), weightings=(Weighting.T1W,))
        later = [_misplaced(visit, rng) for visit in (pair[1], repeat)]
        aligned = [align_visit(visit.visit, SETTINGS) for visit in (*pair, repeat)]
        rows += _carried(pair, aligned[:2], *later[0])
        thickness += _no_change(pair[0], (aligned[0], aligned[2]), later[1][0])
        print(index, *(f"{value:.3f}" for value in (*rows[-1], *thickness[-2:])), flush=True)
    table = np.array(rows, dtype=float)
    print(f"{len(table)} arteries at two visits; {int(table[:, 4].sum())} let pass by the gate; errors in mm:")
    print_spread(("across, median", "across, 95th", "along, median", "slices that face each other"), table)
    change = np.array(thickness)
    print(
        f"\n{len(change)} arteries scanned twice: mean wall thickness differs by {change.mean():+.4f} mm on average"
        f" (standard error {change.std(ddof=1) / np.sqrt(len(change)):.4f}), SD {change.std(ddof=1):.3f}"
    )


def _misplaced(visit: SimulatedVisit, rng: np.random.Generator) -> tuple[Misplaced, dict[Side, float]]:
    """The true masks with positions counted from wrong bifurcations, and by how many mm they count too much."""
    errors = {side: float(rng.normal(0.0, 3.5)) for side in Side}
    masks = {
        side: replace(
            mask,
            centerline=replace(mask.centerline, position_mm=mask.centerline.position_mm + errors[side]),
            slice_position_mm=mask.slice_position_mm + errors[side],
        )
        for side, mask in visit.truth.items()
    }
    return masks, errors


def _face_to_face(baseline: SimulatedVisit, aligned: Sequence[AlignedVisit], later: Misplaced) -> VisitAlignment:
    axes = {side: (baseline.truth[side].centerline, later[side].centerline) for side in Side}
    return align_visits(aligned[0], aligned[1], axes, SETTINGS)


def _carried(
    pair: Sequence[SimulatedVisit], aligned: Sequence[AlignedVisit], later: Misplaced, errors: dict[Side, float]
) -> Iterator[tuple[float, ...]]:
    """Per artery: errors across (median, 95th) and along, and of the slices that face each other; whether it passed."""
    found = _face_to_face(pair[0], aligned, later)
    true = true_transform(pair[0], Weighting.T1W, pair[1], Weighting.T1W)
    for side, transform in found.arteries.items():
        ahead = found.ahead_mm[side]
        if isinstance(transform, RigidTransform) and is_number(ahead):
            across, along = walls_of(pair[0], side).errors_mm(transform, true)
            miss = abs(ahead - errors[side])
            yield np.median(across), np.percentile(across, 95), np.median(along), miss, found.quality.passed


def _no_change(baseline: SimulatedVisit, aligned: Sequence[AlignedVisit], later: Misplaced) -> Iterator[float]:
    """Difference of the mean wall thickness per artery, from true masks, over what both scans cover."""
    found = _face_to_face(baseline, aligned, later)
    for side, mask in baseline.truth.items():
        before, after = (measure_artery(each, {}, MeasureSettings()) for each in (mask, later[side]))
        ahead = found.ahead_mm[side]
        if is_number(ahead):
            values = matched_measurements(before, after, 6.0, ahead)
            one, other = (value["mean_wall_thickness_mm"] for value in values)
            if is_number(one) and is_number(other):
                yield other - one


def main() -> None:
    """Run the trial over so many patients."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=50)
    options = parser.parse_args()
    with threadpool_limits(1):
        visits(options.patients)


if __name__ == "__main__":
    main()
