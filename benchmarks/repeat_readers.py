"""Error of one scan as simulated readers make it: baselines scanned twice in a new pose, drawn over each time.

Run: python -m benchmarks.repeat_readers     (minutes; prints the table of docs/explanation/simulated-cohort.md)
"""

from collections.abc import Iterator
from itertools import islice

import numpy as np

from plaquecast.domain.anatomy import Side, Tissue
from plaquecast.domain.volume import ArterySegmentation
from plaquecast.settings import SimulateSettings
from plaquecast.simulate.cohort import simulate_labels
from plaquecast.simulate.person import draw_person, patient_code
from plaquecast.simulate.readers import Reader, drawn_by

N_PATIENTS, SEED, REACH_MM = 20, 77, 14.0
N_CALCIFIED, CALCIFIED_SEED = 24, 78
"""So many arteries that hold calcification are looked for in a draw of their own, for few of a clinic's do."""
PUBLISHED = {
    "wall volume": "4–6 %",
    "wall / outer wall": "3.2 %",
    "% core": "10–15 %",
    "% calcification": "15–20 %",
    "mean wall thickness, SD of the difference": "0.04–0.08 mm",
}
LEAST_PERCENT = 1.0
"""Arteries count for a component that takes more of their wall than this, as publications leave out those without."""
Pair = tuple[ArterySegmentation, ArterySegmentation]


def scanned_twice(n_patients: int, seed: int) -> Iterator[Pair]:
    """The truth of each artery at its baseline scan and at the repeat of it."""
    for index in range(n_patients):
        first, second = (simulate_labels(index, seed, SimulateSettings(), repeat) for repeat in (0, 1))
        for side in Side:
            yield first[side], second[side]


def calcified_twice(seed: int) -> Iterator[Pair]:
    """The same of arteries that in truth hold calcification on more than `LEAST_PERCENT` of their wall, endlessly."""
    settings, index = SimulateSettings(), -1
    while True:
        index += 1
        person = draw_person(patient_code(index), np.random.default_rng([seed, index]), settings, coarse=True)
        truth = person.morphology[0]
        share = {side: truth[side].calcification_volume_mm3 / truth[side].wall_volume_mm3 for side in Side}
        held = [side for side in Side if 100.0 * share[side] > LEAST_PERCENT]
        if held:
            first, second = (simulate_labels(index, seed, settings, repeat) for repeat in (0, 1))
            yield from ((first[side], second[side]) for side in held)


def measures(drawn: ArterySegmentation) -> dict[str, float]:
    """What a reader would state of the artery within `REACH_MM` of the bifurcation, from counted pixels."""
    near = drawn.covered & (np.abs(drawn.slice_position_mm) < REACH_MM)
    labels, grid = drawn.labels.array[near], drawn.labels.grid
    pixel_mm2 = float(np.prod(grid.spacing_mm[1:]))
    area = {tissue: pixel_mm2 * (labels == tissue).sum(axis=(1, 2)) for tissue in Tissue}
    lumen = area[Tissue.LUMEN]
    wall = sum(area.values()) - lumen - area[Tissue.BACKGROUND]
    core = area[Tissue.LIPID_RICH_NECROTIC_CORE] + area[Tissue.INTRAPLAQUE_HEMORRHAGE]
    thickness = np.sqrt((lumen + wall) / np.pi) - np.sqrt(lumen / np.pi)
    return {
        "wall volume": float(wall.sum() * grid.slice_spacing_mm),
        "wall / outer wall": float(wall.sum() / (wall + lumen).sum()),
        "% core": float(100.0 * core.sum() / wall.sum()),
        "% calcification": float(100.0 * area[Tissue.CALCIFICATION].sum() / wall.sum()),
        "mean wall thickness, SD of the difference": float(thickness.mean()),
    }


def errors(
    pairs: list[Pair], calcified: list[Pair], reader: Reader, n_readings: int = 2
) -> dict[str, tuple[float, int]]:
    """Of each measure the error of one scan in percent of the mean (or SD of the difference), and of how many.

    Calcification is read in arteries that hold it. Each pair is read `n_readings` times by readers of the same habits.
    """
    rng = np.random.default_rng(0)
    found, of_calcified = (
        [[measures(drawn_by(reader, truth, rng)) for truth in pair] for _ in range(n_readings) for pair in each]
        for each in (pairs, calcified)
    )
    result = {}
    for name in PUBLISHED:
        values = np.array([[one[name] for one in pair] for pair in (of_calcified if "calc" in name else found)])
        if name == "% core":
            values = values[values.mean(axis=1) > LEAST_PERCENT]
        difference = values[:, 1] - values[:, 0]
        # within-artery SD over all arteries, relative to their mean: sqrt(mean(d²) / 2)
        within = np.sqrt(np.mean(difference**2) / 2.0)
        is_absolute = name.startswith("mean wall")
        result[name] = (
            float(difference.std() if is_absolute else 100.0 * within / values.mean()),
            len(values) // n_readings,
        )
    return result


def main() -> None:
    """Print the table."""
    print("| error of one scan | published | simulated reader | arteries |\n|---|---|---|---|")
    pairs, calcified = list(scanned_twice(N_PATIENTS, SEED)), list(islice(calcified_twice(CALCIFIED_SEED), N_CALCIFIED))
    for name, (error, n) in errors(pairs, calcified, Reader()).items():
        unit = f"{error:.2f} mm" if name.startswith("mean wall") else f"{error:.1f} %"
        print(f"| {name} | {PUBLISHED[name]} | {unit} | {n} |")


if __name__ == "__main__":
    main()
