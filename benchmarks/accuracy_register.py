"""How exactly simulated necks are aligned: `python -m benchmarks.accuracy_register walls|gate|loops|same`."""

import argparse
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache
from itertools import combinations, combinations_with_replacement
from multiprocessing import get_context

import numpy as np
from benchmarks.register_bend import draw_bend
from benchmarks.register_truth import true_transform, walls_of
from threadpoolctl import threadpool_limits

from plaquecast.domain.anatomy import Side, Weighting
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.visit import RegistrationQuality
from plaquecast.domain.volume import Volume
from plaquecast.register.carotids import bent_sides
from plaquecast.register.contrasts import align_visit
from plaquecast.register.loops import check_loops
from plaquecast.register.quality import judge
from plaquecast.register.rigid import Prepared, prepare
from plaquecast.register.search import find_neck
from plaquecast.register.visits import align_visits
from plaquecast.settings import RegisterSettings, SimulateSettings
from plaquecast.simulate.cohort import FIVE_WEIGHTINGS, simulate_patient, simulate_repeat
from plaquecast.simulate.people import SimulatedVisit

SEED = 77
SETTINGS = RegisterSettings()
WIDE = replace(SETTINGS, max_shift_mm=100.0, max_rotation_degrees=180.0)
"""The gate without its limits on size, so that only the evidence is tried."""

PAIRS = tuple(combinations(FIVE_WEIGHTINGS, 2))


def _whole(_: RigidTransform) -> float:
    """The images' overlap as if it were whole, so that only the evidence is tried."""
    return 1.0


@cache
def two_scans(index: int) -> tuple[SimulatedVisit, SimulatedVisit]:
    """The baseline of a patient, and the same neck scanned once more in another pose (up to about 14° and 10 mm)."""
    baseline = simulate_repeat(index, SEED, SimulateSettings(), repeat=0)
    return baseline, simulate_repeat(index, SEED, SimulateSettings(), repeat=1)


def walls(n_patients: int) -> None:
    """All pairs of weightings over two poses, the second bent; errors at the walls, and what the gate let pass."""
    rows, pooled = [], []
    for index in range(n_patients):
        first, second = two_scans(index)
        for number, (one, other) in enumerate(PAIRS):
            row, errors = _bent_pair(first, one, second, other, np.random.default_rng([SEED, index, number]))
            rows.append(row)
            pooled += [errors] if row[-1] else []
            print(index, one, other, *(f"{value:.3f}" for value in row), flush=True)
    table = np.array(rows)
    passed = table[:, 6] > 0
    print(f"\n{len(table)} pairs, of which the gate let {int(passed.sum())} pass; errors in mm:")
    print_spread(
        ("across, neck alone, median", "across, neck alone, 95th", "across, median", "across, 95th", "along, median",
         "worst artery"), table,
    )  # fmt: skip
    across, along = np.concatenate(pooled, axis=1)
    print(
        f"all points of the pairs that passed: across, median {np.median(across):.3f}, 95th"
        f" {np.percentile(across, 95):.3f}; along, median {np.median(along):.3f}"
    )
    print(f"pairs above 1 mm that passed: {int((table[passed, 5] > 1.0).sum())}")


def _bent_pair(
    first: SimulatedVisit, one: Weighting, second: SimulatedVisit, other: Weighting, rng: np.random.Generator
) -> tuple[tuple[float, ...], FloatArray]:
    true = true_transform(first, one, second, other)
    to_one, to_other = first.transforms[one], true @ first.transforms[one]
    axes = {side: to_other.apply(truth.centerline.points_mm) for side, truth in first.truth.items()}
    bend = draw_bend(rng, axes, float(np.mean([axis[:, 2].mean() for axis in axes.values()])))
    own = prepare(first.visit.volumes[one], SETTINGS)
    moved = prepare(bend.applied_to(second.visit.volumes[other]), SETTINGS)
    neck, verdict = find_neck((own, moved), _whole, WIDE)
    local = bent_sides(own, moved, neck, SETTINGS)
    errors: list[list[FloatArray]] = [[], [], [], []]
    for side in Side:
        there = walls_of(first, side)
        points = to_one.apply(there.points_mm)
        target = bend.moved(true.apply(points))
        frame = (true @ to_one).matrix_mm[:3, :3]
        for slot, found in ((0, neck), (2, local.get(side, neck))):
            miss = (found.apply(points) - target) @ frame
            errors[slot].append(np.abs((miss * there.normals).sum(axis=1)))
            errors[slot + 1].append(np.abs((miss * there.axes).sum(axis=1)))
    across_neck, _, across, along = (np.concatenate(part) for part in errors)
    worst = max(float(np.median(part)) for part in (*errors[2], *errors[3]))
    return (
        float(np.median(across_neck)), float(np.percentile(across_neck, 95)), float(np.median(across)),
        float(np.percentile(across, 95)), float(np.median(along)), worst, float(verdict.passed),
    ), np.stack([across, along])  # fmt: skip


def gate(n_patients: int) -> None:
    """Right alignments, and wrong ones: shifted, turned, onto another patient, and onto mirrored images."""
    counts: dict[str, list[bool]] = {}
    for index in range(n_patients):
        first, second = two_scans(index)
        stranger = simulate_repeat(index + n_patients, SEED, SimulateSettings())
        rng = np.random.default_rng([SEED, index])
        for kind, one, other, transform in _trials(first, second, stranger, rng):
            verdict = judge(one, other, transform, 1.0, WIDE)
            counts.setdefault(kind, []).append(verdict.passed)
            print(index, kind, f"{verdict.score:.2f}", verdict.reason, flush=True)
    print("\n| alignment | tried | let pass |\n|---|---|---|")
    for kind, passed in counts.items():
        print(f"| {kind} | {len(passed)} | {sum(passed)} |")


def _trials(
    first: SimulatedVisit, second: SimulatedVisit, stranger: SimulatedVisit, rng: np.random.Generator
) -> Iterator[tuple[str, Prepared, Prepared, RigidTransform]]:
    """Kind, both images and the transform to be judged: 25 that were searched for, and 25 wrong ones."""
    own, again, strange = (
        {weighting: prepare(volume, SETTINGS) for weighting, volume in scan.visit.volumes.items()}
        for scan in (first, second, stranger)
    )
    for one, other in PAIRS:
        found = find_neck((own[one], own[other]), _whole, WIDE)[0]
        yield _named("the same scan", found, true_transform(first, one, first, other)), own[one], own[other], found
    for one, other in combinations_with_replacement(FIVE_WEIGHTINGS, 2):
        found = find_neck((own[one], again[other]), _whole, WIDE)[0]
        yield _named("another scan", found, true_transform(first, one, second, other)), own[one], again[other], found
    reference = own[Weighting.T1W]
    left, right = (first.truth[side].centerline.at_position(np.zeros(1))[0] for side in (Side.LEFT, Side.RIGHT))
    for weighting, other in again.items():
        true = true_transform(first, Weighting.T1W, second, weighting)
        direction, axis = (part / np.linalg.norm(part) for part in rng.normal(size=(2, 3)))
        shift = RigidTransform.from_euler(np.zeros(3), direction * rng.uniform(1.0, 5.0))
        turn = RigidTransform.from_euler(axis * rng.uniform(2.0, 10.0), np.zeros(3), reference.center_mm)
        yield "shifted by 1 to 5 mm", reference, other, true @ shift
        yield "turned by 2 to 10°", reference, other, true @ turn
        to_other_side = RigidTransform.from_euler(np.zeros(3), (right - left) * rng.choice((-1.0, 1.0)))
        yield "an artery on that of the other side", reference, other, true @ to_other_side
        found = find_neck((reference, strange[weighting]), _whole, WIDE)[0]
        yield "another patient", reference, strange[weighting], found
        flipped_axis = int(rng.integers(0, 3))
        volume = second.visit.volumes[weighting]
        flipped = prepare(Volume(volume.grid, np.flip(volume.array, flipped_axis), weighting), SETTINGS)
        name = ("upside down", "front to back", "left and right swapped")[flipped_axis]
        yield name, reference, flipped, find_neck((reference, flipped), _whole, WIDE)[0]


def loops(n_patients: int) -> None:
    """Visits as scanned, and with each weighting in turn upside down: what passes by itself, and around loops too."""
    counts = np.zeros((2, 4), dtype=int)
    for index in range(n_patients):
        scan = simulate_repeat(index, SEED, SimulateSettings(), repeat=0)
        images = {weighting: prepare(volume, SETTINGS) for weighting, volume in scan.visit.volumes.items()}
        reference = images.pop(Weighting.T1W)
        found = {name: find_neck((reference, image), _whole, WIDE) for name, image in images.items()}
        counts[0] += _passed(reference, images, found, tuple(images))
        for name in images:
            volume = scan.visit.volumes[name]
            flipped = prepare(Volume(volume.grid, np.flip(volume.array, 0), name), SETTINGS)
            upside_down = find_neck((reference, flipped), _whole, WIDE)
            counts[1] += _passed(reference, images | {name: flipped}, found | {name: upside_down}, (name,))
        print(index, *counts.ravel(), flush=True)
    print("\n| weighting | tried | passed by itself | and around loops | others lost |\n|---|---|---|---|---|")
    for kind, numbers in zip(("as scanned", "upside down"), counts.tolist(), strict=True):
        print(f"| {kind} | " + " | ".join(map(str, numbers)) + " |")


def _passed(
    reference: Prepared,
    images: Mapping[Weighting, Prepared],
    found: Mapping[Weighting, tuple[RigidTransform, RegistrationQuality]],
    asked: Sequence[Weighting],
) -> tuple[int, int, int, int]:
    """How many weightings are asked, pass by themselves, and pass around loops; and how many others loops cost."""
    transforms = {name: transform for name, (transform, _) in found.items()}
    alone = {name: verdict for name, (_, verdict) in found.items()}
    checked = check_loops(reference, images, transforms, alone)
    lost = sum(alone[name].passed and not checked[name].passed for name in images if name not in asked)
    by_itself, around = (sum(verdicts[name].passed for name in asked) for verdicts in (alone, checked))
    return len(asked), by_itself, around, lost


def _named(of: str, found: RigidTransform, true: RigidTransform) -> str:
    """Whether a search ended within 1 mm of the truth about the carotids, or went astray."""
    places = np.array([[x, 5.0, z] for x in (-27.0, 27.0) for z in (-16.0, 16.0)])
    miss = np.linalg.norm(found.apply(places) - true.apply(places), axis=1).max()
    return f"right, {of}" if miss < 1.0 else f"search astray, {of}"


def same(n_patients: int) -> None:
    """Digests of five runs of the whole work of a patient, in this process and in workers of their own."""
    here = [[_digest(index) for index in range(n_patients)] for _ in range(5)]
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        there = list(pool.map(_digest, range(n_patients)))
    print(f"distinct results of {len(here)} runs and of two workers: {len({*map(tuple, here), tuple(there)})}")


def _digest(index: int) -> str:
    pair = simulate_patient(index, SEED, SimulateSettings()).visits
    first, second = (align_visit(visit.visit, SETTINGS) for visit in pair)
    axes = {side: (pair[0].truth[side].centerline, pair[1].truth[side].centerline) for side in Side}
    found = align_visits(first, second, axes, SETTINGS)
    digest = hashlib.sha256(found.neck.matrix_mm.tobytes())
    for transform in (*found.arteries.values(), *first.transforms.values(), *second.transforms.values()):
        digest.update(transform.matrix_mm.tobytes() if isinstance(transform, RigidTransform) else b"missing")
    for volume in (*first.volumes.values(), *second.volumes.values()):
        digest.update(volume.array.tobytes())
    return digest.hexdigest()


def print_spread(names: tuple[str, ...], table: FloatArray) -> None:
    """Print median, 95th percentile and largest value of each named column."""
    print("| of each | median | 95th percentile | largest |\n|---|---|---|---|")
    for name, values in zip(names, table.T, strict=False):
        print(f"| {name} | {np.median(values):.3f} | {np.percentile(values, 95):.3f} | {values.max():.3f} |")


def main() -> None:
    """Run one of the trials over so many patients."""
    trials: dict[str, Callable[[int], None]] = {"walls": walls, "gate": gate, "loops": loops, "same": same}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trial", choices=trials)
    parser.add_argument("--patients", type=int, default=10)
    options = parser.parse_args()
    with threadpool_limits(1):
        trials[options.trial](options.patients)


if __name__ == "__main__":
    main()
