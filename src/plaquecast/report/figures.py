"""Figures from things: cross-sections with contours, the unwrapped wall, change and scores."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from plaquecast.domain.anatomy import Side, Tissue, Weighting
from plaquecast.domain.change import ChangeFactor
from plaquecast.domain.examined import ExaminedVisit
from plaquecast.domain.missing import Missing
from plaquecast.domain.morphology import ArteryMorphology
from plaquecast.domain.volume import ArterySegmentation
from plaquecast.report.sections import Figure
from plaquecast.report.words import FACTOR_WORDS

TISSUE_COLORS: dict[Tissue, str] = {
    Tissue.BACKGROUND: "#000000",
    Tissue.LUMEN: "#e69f00",
    Tissue.WALL: "#56b4e9",
    Tissue.CALCIFICATION: "#ffffff",
    Tissue.LIPID_RICH_NECROTIC_CORE: "#f0e442",
    Tissue.INTRAPLAQUE_HEMORRHAGE: "#d55e00",
    Tissue.FIBROUS_CAP: "#009e73",
    Tissue.LOOSE_MATRIX: "#cc79a7",
}
"""Colors that stay apart for color-blind readers (Okabe–Ito)."""

_COLORS = np.array([to_rgb(TISSUE_COLORS[tissue]) for tissue in Tissue])
TILE_GAP = 2
"""White pixels between the tiles of a mosaic."""


def cross_sections(examined: ExaminedVisit, side: Side, n_columns: int = 6) -> Figure | None:
    """One row per weighting, one column per slice along the artery, with lumen and outer wall drawn on each.

    None when the artery was not found.
    """
    segmentation = examined.segmentations[side]
    if isinstance(segmentation, Missing) or not segmentation.covered.any():
        return None
    slices = _spread(np.flatnonzero(segmentation.covered), n_columns)
    names = list(examined.aligned.volumes)
    tiles = [[_gray(_slice_of(examined, name, segmentation, k), segmentation, k) for k in slices] for name in names]
    tiles.append([_COLORS[_tile(segmentation.labels.array[k], segmentation, k)] for k in slices])
    _, row_mm, column_mm = segmentation.grid.spacing_mm
    n_rows, n_tile_columns = tiles[0][0].shape[:2]
    canvas = Canvas(figsize=(1.6 * len(slices) + 0.3, 1.6 * len(tiles) + 0.3))
    axes = canvas.add_axes((0.03, 0.01, 0.96, 0.95))
    axes.imshow(mosaic(tiles), aspect=row_mm / column_mm)
    for color, field in _outlines(segmentation, slices):
        planes = [field] * len(names) + [[np.zeros_like(plane) for plane in field]]
        axes.contour(mosaic(planes), levels=[0.5], colors=[color], linewidths=0.9)
    positions = [f"{segmentation.slice_position_mm[k]:+.0f} mm" for k in slices]
    axes.xaxis.tick_top()
    axes.set_xticks((np.arange(len(slices)) + 0.5) * (n_tile_columns + TILE_GAP), positions, fontsize=8)
    words = [*[name.value for name in names], "tissues"]
    axes.set_yticks((np.arange(len(tiles)) + 0.5) * (n_rows + TILE_GAP), words, fontsize=8, rotation=90, va="center")
    axes.tick_params(length=0)
    axes.set_frame_on(False)
    wall = (
        "Orange: lumen; blue: outer wall. Last row: tissues (orange lumen, blue wall, white calcification, yellow core,"
        " red hemorrhage, green cap, pink loose matrix)."
    )
    lumen_only = "Orange: lumen; these images do not show the wall."
    return as_png(
        canvas,
        f"{side.value.capitalize()} carotid across its axis, distance from the bifurcation on top."
        f" {wall if _shows_wall(segmentation) else lumen_only}",
        f"Cross-sections of the {side.value} carotid, weightings: {', '.join(name.value for name in names)}",
    )


def _gray(plane: NDArray[np.float32], segmentation: ArterySegmentation, index: int) -> NDArray[np.float64]:
    """The tile of a slice as gray levels (rows, columns, 3), white at its 99.5th percentile."""
    tile = _tile(plane, segmentation, index)
    white = float(np.percentile(tile, 99.5)) or 1.0
    return np.repeat(np.clip(tile / white, 0.0, 1.0)[..., None], 3, axis=2)


def mosaic(tiles: Sequence[Sequence[NDArray[Any]]]) -> NDArray[np.float64]:
    """Tiles of one size, (rows, columns) or (rows, columns, 3), beside and below each other.

    One picture on one pair of axes is drawn ten times as fast as a grid of axes. Colored tiles have white gaps.
    """
    filled = 1.0 if tiles[0][0].ndim == 3 else 0.0
    edges = ((0, TILE_GAP), (0, TILE_GAP), (0, 0))[: tiles[0][0].ndim]
    padded = [[np.pad(tile, edges, constant_values=filled) for tile in row] for row in tiles]
    return np.concatenate([np.concatenate(row, axis=1) for row in padded], axis=0, dtype=np.float64)


def _spread(index: NDArray[np.intp], count: int) -> list[int]:
    chosen = np.linspace(0, len(index) - 1, min(count, len(index))).round().astype(int)
    return [int(index[i]) for i in dict.fromkeys(chosen.tolist())]


def _tile(plane: NDArray[Any], segmentation: ArterySegmentation, index: int, half_mm: float = 11.0) -> NDArray[Any]:
    """The part of a plane of the segmentation's crop within `half_mm` of the artery, filled up with zeros."""
    rows, columns = np.nonzero(segmentation.labels.array[index])
    _, row_mm, column_mm = segmentation.grid.spacing_mm
    row, column = (int(rows.mean()), int(columns.mean())) if len(rows) else (plane.shape[0] // 2, plane.shape[1] // 2)
    half_rows, half_columns = int(half_mm / row_mm), int(half_mm / column_mm)
    around = np.pad(plane, ((half_rows, half_rows), (half_columns, half_columns)))
    return around[row : row + 2 * half_rows + 1, column : column + 2 * half_columns + 1]


def _slice_of(
    examined: ExaminedVisit, weighting: Weighting, segmentation: ArterySegmentation, index: int
) -> NDArray[np.float32]:
    """The slice of a weighting under a slice of the segmentation, whose grid is a crop of the visit's grid."""
    volume = examined.aligned.volumes[weighting]
    start = np.rint(volume.grid.to_index(segmentation.grid.to_mm(np.array([index, 0, 0])))).astype(int)
    _, n_rows, n_columns = segmentation.grid.shape
    padded = np.zeros((n_rows, n_columns), dtype=np.float32)
    rows = np.arange(n_rows) + start[1]
    columns = np.arange(n_columns) + start[2]
    inside = np.ix_((rows >= 0) & (rows < volume.grid.shape[1]), (columns >= 0) & (columns < volume.grid.shape[2]))
    clipped = np.ix_(rows[inside[0].ravel()], columns[inside[1].ravel()])
    padded[inside] = volume.array[int(np.clip(start[0], 0, volume.grid.shape[0] - 1))][clipped]
    return padded


def _outlines(segmentation: ArterySegmentation, slices: Sequence[int]) -> list[tuple[str, list[NDArray[np.float64]]]]:
    """Color and share per slice of what is outlined: the vessel, if the images show it, and the lumen."""
    found = []
    for tissue, color in ((Tissue.WALL, TISSUE_COLORS[Tissue.WALL]), (Tissue.LUMEN, TISSUE_COLORS[Tissue.LUMEN])):
        if tissue is Tissue.LUMEN or _shows_wall(segmentation):
            fields = [_share(segmentation, k, whole_vessel=tissue is Tissue.WALL) for k in slices]
            found.append((color, [_tile(field, segmentation, k) for field, k in zip(fields, slices, strict=True)]))
    return found


def _share(segmentation: ArterySegmentation, index: int, whole_vessel: bool) -> NDArray[np.float64]:
    labels = segmentation.labels.array[index]
    if segmentation.probabilities is None:
        return np.asarray(labels > 0 if whole_vessel else labels == Tissue.LUMEN, dtype=np.float64)
    shares = segmentation.probabilities[:, index].astype(np.float64)
    return 1.0 - shares[Tissue.BACKGROUND] if whole_vessel else shares[Tissue.LUMEN]


def _shows_wall(segmentation: ArterySegmentation) -> bool:
    """Bright-blood images give lumen only; a second outline on top of it would be no outer wall."""
    return bool((segmentation.labels.array > Tissue.LUMEN).any())


def wall_maps(maps: Mapping[str, ArteryMorphology]) -> Figure | None:
    """The unwrapped wall's thickness, one panel per named artery; None when there is no map."""
    walls = {name: artery.wall_map for name, artery in maps.items() if artery.wall_map is not None}
    if not walls:
        return None
    top = max(float(np.nanmax(wall.wall_thickness_mm, initial=1.0)) for wall in walls.values())
    shown = {name: (wall.position_mm, wall.angle_degrees, wall.wall_thickness_mm) for name, wall in walls.items()}
    return unwrapped(shown, (0.0, top), "viridis", "wall thickness, mm", "Maps of wall thickness")


def unwrapped(
    shown: Mapping[str, tuple[NDArray[Any], NDArray[Any], NDArray[Any]]],
    limits: tuple[float, float],
    colors: str,
    words: str,
    alternative: str,
) -> Figure:
    """Named panels of positions (n,), angles (m,) and values (n, m) with one bar of colors."""
    width = 4.2 * len(shown) + 0.9
    canvas = Canvas(figsize=(width, 3.4))
    edges = {"left": 0.6 / width, "right": 1.0 - 1.0 / width, "bottom": 0.14, "top": 0.92}
    axes = canvas.subplots(1, len(shown), squeeze=False, gridspec_kw=edges)[0]
    mesh = None
    for axis, (name, (position, angle, values)) in zip(axes, shown.items(), strict=True):
        mesh = axis.pcolormesh(
            angle, position, np.ma.masked_invalid(values), vmin=limits[0], vmax=limits[1], cmap=colors,
            shading="nearest",
        )  # fmt: skip
        axis.set_title(name, fontsize=9)
        axis.set_xlabel("angle from flow divider, degrees", fontsize=8)
        axis.set_ylabel("position from bifurcation, mm", fontsize=8)
    if mesh is not None:
        beside = canvas.add_axes((1.0 - 0.8 / width, edges["bottom"], 0.15 / width, edges["top"] - edges["bottom"]))
        canvas.colorbar(mesh, cax=beside, label=words)
    return as_png(
        canvas,
        f"The wall unwrapped, {words}: along the artery (upwards, towards the head) and around it (0 = facing the flow"
        " divider, rising towards anterior).",
        f"{alternative} over position and angle",
    )


def changes(factors: Sequence[ChangeFactor], title: str) -> Figure | None:
    """Each factor's yearly change in units of its smallest detectable change; beyond ±1 it is told from noise."""
    rows = [
        (factor.factor, factor.absolute_per_year / factor.smallest_detectable_per_year)
        for factor in factors
        if isinstance(factor.absolute_per_year, float) and isinstance(factor.smallest_detectable_per_year, float)
        and factor.smallest_detectable_per_year > 0
    ]  # fmt: skip
    if not rows:
        return None
    canvas = Canvas(figsize=(7.5, 0.42 * len(rows) + 1.1), layout="compressed")
    axis = canvas.subplots()
    axis.axvspan(-1, 1, color="#e8e8e8", label="not told from noise")
    height = np.arange(len(rows))[::-1]
    axis.errorbar([ratio for _, ratio in rows], height, xerr=1.0, fmt="o", color="#0b5c8a", capsize=3)
    axis.axvline(0, color="#5b6470", linewidth=0.8)
    axis.set_yticks(height, [FACTOR_WORDS[factor][0] for factor, _ in rows], fontsize=8)
    axis.set_xlabel("change per year ÷ smallest detectable change per year (bar: 95 % interval)", fontsize=8)
    axis.set_title(title, fontsize=9)
    axis.legend(fontsize=7, loc="best")
    return as_svg(canvas, f"{title}: points beyond the gray band are changes that can be told from noise.", title)


def training_curves(epochs: Sequence[Mapping[str, float]]) -> Figure | None:
    """Loss of what is learned from and of what is held out, and Dice of the latter; None before the second epoch."""
    if len(epochs) < 2:
        return None
    canvas = Canvas(figsize=(8.0, 2.8), layout="compressed")
    axes = canvas.subplots(1, 2)
    curves = ((("loss", "held_out_loss"), "loss"), (("lumen_dice", "wall_dice"), "Dice, held out"))
    for axis, (names, label) in zip(axes, curves, strict=True):
        for name in names:
            points = [(epoch["epoch"], epoch[name]) for epoch in epochs if name in epoch]
            if points:
                axis.plot(*zip(*points, strict=True), label=name.replace("_", " "))
        axis.set_xlabel("epoch", fontsize=8)
        axis.set_ylabel(label, fontsize=8)
        axis.tick_params(labelsize=7)
        if axis.lines:
            axis.legend(fontsize=7)
    return as_svg(
        canvas,
        "Loss and Dice by epoch, in regions that are varied at random as in training. A held-out loss that rises while"
        " the other falls says that there are too few patients.",
        "Curves of loss and Dice over the epochs of training",
    )


def as_png(canvas: Canvas, caption: str, alternative: str) -> Figure:
    """The drawing as a picture of points."""
    buffer = io.BytesIO()
    canvas.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return Figure(buffer.getvalue(), "image/png", caption, alternative)


def as_svg(canvas: Canvas, caption: str, alternative: str) -> Figure:
    """The drawing as lines, the same bytes for the same drawing."""
    buffer = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "plaquecast"}):
        canvas.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return Figure(buffer.getvalue(), "image/svg+xml", caption, alternative)
