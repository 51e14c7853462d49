"""One page of simulated cross-sections, a tissue per row and a weighting per column.

Run: python benchmarks/picture_simulated.py docs/explanation/simulated-cross-sections.png
"""

import sys

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from plaquecast.domain.anatomy import Side, Tissue, Weighting
from plaquecast.domain.volume import Volume
from plaquecast.settings import SimulateSettings
from plaquecast.simulate.artery import SimulatedArtery
from plaquecast.simulate.cohort import simulate_patient
from plaquecast.simulate.people import SimulatedVisit
from plaquecast.simulate.person import draw_person, patient_code

SEED, SEARCHED = 1, 60
HALF_MM = 15.0
ROWS = {
    "healthy wall": lambda artery: -float(len(artery.plaques)),
    "fibrous plaque": lambda artery: _height(artery) - 5.0 * _has_component(artery),
    "lipid core": lambda artery: _core(artery, bled=False),
    "fresh hemorrhage (I)": lambda artery: _core(artery, bled=True, recent=False),
    "recent hemorrhage (II)": lambda artery: _core(artery, bled=True, recent=True),
    "calcification": lambda artery: _deposit(artery, "CALCIFICATION"),
    "loose matrix": lambda artery: _deposit(artery, "LOOSE_MATRIX"),
    "ulcer": lambda artery: max((plaque.ulcer_mm for plaque in artery.plaques), default=0.0),
    "tight stenosis": lambda artery: -float(artery.radii(_S, _ANGLES)[0].mean(axis=1).min()),
}
_S, _ANGLES = np.arange(-6.0, 14.0, 1.0)[:, None], np.linspace(0.0, 6.0, 12)[None, :]


def _height(artery: SimulatedArtery) -> float:
    return max((plaque.height_mm for plaque in artery.plaques), default=0.0)


def _has_component(artery: SimulatedArtery) -> bool:
    return any(plaque.core or plaque.deposits for plaque in artery.plaques)


def _core(artery: SimulatedArtery, bled: bool, recent: bool | None = None) -> float:
    sizes = [
        plaque.core.footprint.half_length_mm * plaque.core.fill * plaque.height_mm
        for plaque in artery.plaques
        if plaque.core
        and (plaque.core.hemorrhage_share > 0.5) is bled
        and recent in (None, plaque.core.hemorrhage_is_recent)
    ]
    return max(sizes, default=0.0)


def _deposit(artery: SimulatedArtery, matter: str) -> float:
    sizes = [
        deposit.fill * deposit.footprint.half_width * (1.0 + plaque.height_mm)
        for plaque in artery.plaques
        for deposit in plaque.deposits
        if deposit.matter.name == matter and _height(artery) < 3.5
    ]
    return max(sizes, default=0.0)


def found(score: object) -> tuple[int, Side]:
    """Patient and side with the most of what is looked for."""
    people = [
        draw_person(patient_code(i), np.random.default_rng([SEED, i]), SimulateSettings(), coarse=True)
        for i in range(SEARCHED)
    ]
    places = [(i, side) for i in range(SEARCHED) for side in Side]
    return max(places, key=lambda place: score(people[place[0]].arteries[0][place[1]]))  # type: ignore[operator]


def slice_of(visit: SimulatedVisit, side: Side, name: str) -> int:
    """The slice that shows most of it: of a component its largest area, of a stenosis the smallest lumen."""
    truth = visit.truth[side]
    near = np.flatnonzero(truth.covered & (np.abs(truth.slice_position_mm) < 15.0))
    area = {tissue: (truth.labels.array == tissue).sum(axis=(1, 2))[near] for tissue in Tissue}
    wanted = {
        "lipid core": area[Tissue.LIPID_RICH_NECROTIC_CORE],
        "fresh hemorrhage (I)": area[Tissue.INTRAPLAQUE_HEMORRHAGE],
        "recent hemorrhage (II)": area[Tissue.INTRAPLAQUE_HEMORRHAGE],
        "calcification": area[Tissue.CALCIFICATION],
        "loose matrix": area[Tissue.LOOSE_MATRIX],
        "tight stenosis": -area[Tissue.LUMEN],
        "healthy wall": -np.abs(truth.slice_position_mm[near] + 8.0),
    }.get(name, area[Tissue.WALL])
    return int(near[np.argmax(wanted)])


def draw(axes: Axes, volume: Volume, center_mm: np.ndarray, bright: float) -> None:
    """One crop of 30 mm around a point, from the slice nearest to it."""
    k, row, column = np.rint(volume.grid.to_index(center_mm)).astype(int)
    k = int(np.clip(k, 0, volume.grid.shape[0] - 1))
    reach = [round(HALF_MM / mm) for mm in volume.grid.spacing_mm[1:]]
    low = [max(int(c) - r, 0) for c, r in zip((row, column), reach, strict=True)]
    image = volume.array[k, low[0] : int(row) + reach[0], low[1] : int(column) + reach[1]]
    floor = min(float(image.min()), 0.0)
    axes.imshow(image, cmap="gray", vmin=floor, vmax=max(np.percentile(volume.array[k], bright), 1.0))
    axes.set_axis_off()


def main() -> None:
    """Draw the page."""
    weightings = list(Weighting)
    figure, axes = plt.subplots(len(ROWS), len(weightings), figsize=(1.7 * len(weightings), 1.75 * len(ROWS)))
    for row, (name, score) in zip(axes, ROWS.items(), strict=True):
        index, side = found(score)
        visit = simulate_patient(index, SEED, SimulateSettings(), weightings, n_visits=1).visits[0]
        k = slice_of(visit, side, name)
        truth = visit.truth[side]
        row_mean, column_mean = np.argwhere(truth.labels.array[k] > 0).mean(axis=0)
        center = truth.grid.to_mm((k, row_mean, column_mean))
        for each, weighting in zip(row, weightings, strict=True):
            draw(each, visit.visit.volumes[weighting], visit.transforms[weighting].apply(center), 99.7)
            if name == next(iter(ROWS)):
                each.set_title(weighting.value, fontsize=9)
        row[0].text(-0.08, 0.5, name, transform=row[0].transAxes, rotation=90, va="center", ha="right", fontsize=9)
    figure.subplots_adjust(left=0.04, right=1.0, top=0.97, bottom=0.0, wspace=0.02, hspace=0.02)
    figure.savefig(sys.argv[1], dpi=80)


if __name__ == "__main__":
    main()
