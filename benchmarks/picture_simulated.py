"""One page of simulated cross-sections, a tissue per row and a weighting per column.

Run: python benchmarks/picture_simulated.py docs/explanation/simulated-cross-sections.png
"""

import sys
from collections.abc import Callable

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from plaquecast.domain.anatomy import Tissue, Weighting
from plaquecast.domain.volume import Volume
from plaquecast.settings import SimulateSettings
from plaquecast.simulate.anatomy import draw_arteries
from plaquecast.simulate.artery import SimulatedArtery
from plaquecast.simulate.cohort import simulate_patient
from plaquecast.simulate.course import COARSE
from plaquecast.simulate.people import SimulatedVisit
from plaquecast.simulate.records import draw_record
from plaquecast.simulate.truth import Integration
from plaquecast.simulate.worlds import world_of

SEED, SEARCHED = 1, 60
HALF_MM = 15.0
ROWS = {
    "healthy wall": lambda artery: -float(len(artery.plaques)),
    "fibrous plaque": lambda artery: _height(artery) - 5.0 * _has_component(artery),
    "lipid core": lambda artery: _largest_mm2(artery, Tissue.LIPID_RICH_NECROTIC_CORE, Tissue.INTRAPLAQUE_HEMORRHAGE),
    "fresh hemorrhage (I)": lambda artery: _largest_hemorrhage_mm2(artery, recent=False),
    "recent hemorrhage (II)": lambda artery: _largest_hemorrhage_mm2(artery, recent=True),
    "calcification": lambda artery: _largest_mm2(artery, Tissue.CALCIFICATION),
    "loose matrix": lambda artery: _largest_mm2(
        artery, Tissue.LOOSE_MATRIX, Tissue.CALCIFICATION, Tissue.INTRAPLAQUE_HEMORRHAGE
    ),
    "ulcer": lambda artery: max((plaque.ulcer_mm for plaque in artery.plaques), default=0.0),
    "tight stenosis": lambda artery: (
        -float(artery.radii(_S, _ANGLES)[0].mean(axis=1).min()) - 5.0 * (_largest_mm2(artery, _BLED) > 0.0)
    ),
}
_BLED = Tissue.INTRAPLAQUE_HEMORRHAGE
_S, _ANGLES = np.arange(-6.0, 14.0, 1.0)[:, None], np.linspace(0.0, 6.0, 12)[None, :]


def _height(artery: SimulatedArtery) -> float:
    return max((plaque.height_mm for plaque in artery.plaques), default=0.0)


def _has_component(artery: SimulatedArtery) -> bool:
    return any(plaque.core or plaque.deposits for plaque in artery.plaques)


def _largest_mm2(artery: SimulatedArtery, tissue: Tissue, *without: Tissue) -> float:
    """Largest area that a tissue has in a cross-section of an artery that lacks others."""
    areas = Integration(artery, COARSE).tissue_mm2
    return 0.0 if any(areas[other].any() for other in without) else float(areas[tissue].sum(axis=1).max())


def _largest_hemorrhage_mm2(artery: SimulatedArtery, recent: bool) -> float:
    is_such = any(plaque.core and plaque.core.hemorrhage_is_recent is recent for plaque in artery.plaques)
    return _largest_mm2(artery, Tissue.INTRAPLAQUE_HEMORRHAGE) if is_such else 0.0


def found(score: Callable[[SimulatedArtery], float]) -> tuple[int, SimulatedArtery]:
    """Patient and artery with the most of what is looked for."""
    world = world_of(SimulateSettings())
    places = []
    for index in range(SEARCHED):
        rng = np.random.default_rng([SEED, index])
        record = draw_record(rng, world)
        places += [(score(artery), index, artery) for artery in draw_arteries(rng, record, world).values()]
    _, index, artery = max(places, key=lambda place: place[0])
    return index, artery


def slice_of(visit: SimulatedVisit, artery: SimulatedArtery, name: str) -> int:
    """The slice that shows most of it: of a component its largest area, of a stenosis the smallest lumen."""
    truth = visit.truth[artery.side]
    near = np.flatnonzero(truth.covered & (np.abs(truth.slice_position_mm) < 15.0))
    area = {tissue: (truth.labels.array == tissue).sum(axis=(1, 2))[near] for tissue in Tissue}
    wanted = {
        "lipid core": area[Tissue.LIPID_RICH_NECROTIC_CORE],
        "fresh hemorrhage (I)": area[Tissue.INTRAPLAQUE_HEMORRHAGE],
        "recent hemorrhage (II)": area[Tissue.INTRAPLAQUE_HEMORRHAGE],
        "calcification": area[Tissue.CALCIFICATION],
        "loose matrix": area[Tissue.LOOSE_MATRIX],
        "tight stenosis": -area[Tissue.LUMEN],
        "ulcer": -np.abs(truth.slice_position_mm[near] - _crater_mm(artery)),
        "healthy wall": -np.abs(truth.slice_position_mm[near] + 8.0),
    }.get(name, area[Tissue.WALL])
    return int(near[np.argmax(wanted)])


def _crater_mm(artery: SimulatedArtery) -> float:
    """Where an ulcer is deepest, along the artery."""
    depth = sum(plaque.ulceration(COARSE.s, COARSE.a) for plaque in artery.plaques)
    return float(COARSE.position_mm[np.argmax(np.max(depth, axis=1))]) if artery.plaques else 0.0


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
        index, artery = found(score)
        visit = simulate_patient(index, SEED, SimulateSettings(), weightings, n_visits=1).visits[0]
        k = slice_of(visit, artery, name)
        truth = visit.truth[artery.side]
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
