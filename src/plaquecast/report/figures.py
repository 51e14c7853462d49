"""Figures from things: cross-sections with contours, the unwrapped wall, change, forecasts and scores."""

import io
from collections.abc import Mapping, Sequence

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from plaquecast.domain.anatomy import N_TISSUES, Side, Tissue, Weighting
from plaquecast.domain.change import ChangeFactor
from plaquecast.domain.examined import ExaminedVisit
from plaquecast.domain.forecast import Forecast
from plaquecast.domain.missing import Missing
from plaquecast.domain.morphology import ArteryMorphology
from plaquecast.domain.volume import ArterySegmentation
from plaquecast.report.sections import Figure
from plaquecast.report.words import FACTOR_WORDS, factor_name

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


def cross_sections(examined: ExaminedVisit, side: Side, n_columns: int = 6) -> Figure | None:
    """One row per weighting, one column per slice along the artery, with lumen and outer wall drawn on each.

    None when the artery was not found.
    """
    segmentation = examined.segmentations[side]
    if isinstance(segmentation, Missing) or not segmentation.covered.any():
        return None
    slices = _spread(np.flatnonzero(segmentation.covered), n_columns)
    names = list(examined.aligned.volumes)
    canvas = Canvas(figsize=(1.6 * len(slices), 1.65 * (len(names) + 1)), layout="compressed")
    axes = canvas.subplots(len(names) + 1, len(slices), squeeze=False)
    for column, index in enumerate(slices):
        rows, columns = _window(segmentation, index)
        for row, weighting in enumerate(names):
            image = _slice_of(examined, weighting, segmentation, index)[rows, columns]
            axes[row, column].imshow(image, cmap="gray", vmin=0.0, vmax=float(np.percentile(image, 99.5)) or 1.0)
            _draw_outlines(axes[row, column], segmentation, index, rows, columns)
        labels = segmentation.labels.array[index][rows, columns]
        axes[-1, column].imshow(
            labels, cmap=ListedColormap(list(TISSUE_COLORS.values())), vmin=-0.5, vmax=N_TISSUES - 0.5
        )
        axes[0, column].set_title(f"{segmentation.slice_position_mm[index]:+.0f} mm", fontsize=8)
    for row, label in enumerate([*[weighting.value for weighting in names], "tissues"]):
        axes[row, 0].set_ylabel(label, fontsize=8)
    for axis in axes.flat:
        axis.set_xticks([])
        axis.set_yticks([])
    words = (
        "Orange: lumen; blue: outer wall. Last row: tissues (orange lumen, blue wall, white calcification, yellow core,"
        " red hemorrhage, green cap, pink loose matrix)."
    )
    lumen_only = "Orange: lumen; these images do not show the wall."
    return _png(
        canvas,
        f"{side.value.capitalize()} carotid across its axis, distance from the bifurcation on top."
        f" {words if _shows_wall(segmentation) else lumen_only}",
        f"Cross-sections of the {side.value} carotid, weightings: {', '.join(weighting.value for weighting in names)}",
    )


def _spread(index: NDArray[np.intp], count: int) -> list[int]:
    chosen = np.linspace(0, len(index) - 1, min(count, len(index))).round().astype(int)
    return [int(index[i]) for i in dict.fromkeys(chosen.tolist())]


def _window(segmentation: ArterySegmentation, index: int, half_mm: float = 11.0) -> tuple[slice, slice]:
    rows, columns = np.nonzero(segmentation.labels.array[index])
    _, row_mm, column_mm = segmentation.grid.spacing_mm
    _, n_rows, n_columns = segmentation.grid.shape
    row, column = (int(rows.mean()), int(columns.mean())) if len(rows) else (n_rows // 2, n_columns // 2)
    half_rows, half_columns = int(half_mm / row_mm), int(half_mm / column_mm)
    return (
        slice(max(0, row - half_rows), min(n_rows, row + half_rows + 1)),
        slice(max(0, column - half_columns), min(n_columns, column + half_columns + 1)),
    )


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


def _draw_outlines(axes: Axes, segmentation: ArterySegmentation, index: int, rows: slice, columns: slice) -> None:
    if segmentation.probabilities is None:
        labels = segmentation.labels.array[index][rows, columns]
        lumen, vessel = (labels == Tissue.LUMEN).astype(float), (labels > 0).astype(float)
    else:
        fractions = segmentation.probabilities[:, index, rows, columns]
        lumen, vessel = fractions[Tissue.LUMEN], 1.0 - fractions[Tissue.BACKGROUND]
    outlines = [(vessel, TISSUE_COLORS[Tissue.WALL])] if _shows_wall(segmentation) else []
    for field, color in (*outlines, (lumen, TISSUE_COLORS[Tissue.LUMEN])):
        if field.min() < 0.5 < field.max():
            axes.contour(field, levels=[0.5], colors=[color], linewidths=0.9)


def _shows_wall(segmentation: ArterySegmentation) -> bool:
    """Bright-blood images give lumen only; a second outline on top of it would be no outer wall."""
    return bool((segmentation.labels.array > Tissue.LUMEN).any())


def wall_maps(maps: Mapping[str, ArteryMorphology]) -> Figure | None:
    """The unwrapped wall's thickness, one panel per named artery; None when there is no map."""
    shown = {name: artery.wall_map for name, artery in maps.items() if artery.wall_map is not None}
    if not shown:
        return None
    canvas = Canvas(figsize=(4.2 * len(shown), 3.4), layout="compressed")
    axes = canvas.subplots(1, len(shown), squeeze=False)[0]
    top = max(float(np.nanmax(wall.wall_thickness_mm, initial=1.0)) for wall in shown.values())
    mesh = None
    for axis, (name, wall) in zip(axes, shown.items(), strict=True):
        mesh = axis.pcolormesh(
            wall.angle_degrees, wall.position_mm, np.ma.masked_invalid(wall.wall_thickness_mm), vmin=0.0, vmax=top,
            cmap="viridis", shading="nearest",
        )  # fmt: skip
        axis.set_title(name, fontsize=9)
        axis.set_xlabel("angle from flow divider, degrees", fontsize=8)
        axis.set_ylabel("position from bifurcation, mm", fontsize=8)
    if mesh is not None:
        canvas.colorbar(mesh, ax=list(axes), label="wall thickness, mm")
    return _png(
        canvas,
        "The wall unwrapped: along the artery (upwards, towards the head) and around it (0 = facing the flow divider,"
        " rising towards anterior).",
        "Maps of wall thickness over position and angle",
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
    return _svg(canvas, f"{title}: points beyond the gray band are changes that can be told from noise.", title)


def forecasts(rows: Sequence[Forecast], title: str) -> Figure | None:
    """Each forecast with its interval, factor by factor on its own scale; None when all were refused."""
    shown = [row for row in rows if isinstance(row.value, float)]
    if not shown:
        return None
    factors = list(dict.fromkeys(row.factor for row in shown))
    canvas = Canvas(figsize=(8.0, 0.75 * len(factors) + 0.6), layout="compressed")
    axes = canvas.subplots(len(factors), 1, squeeze=False)[:, 0]
    for axis, factor in zip(axes, factors, strict=True):
        for height, row in enumerate([row for row in shown if row.factor is factor]):
            if isinstance(row.value, float) and isinstance(row.lower, float) and isinstance(row.upper, float):
                color = "#0b5c8a" if row.side is Side.LEFT else "#8a4b0b"
                error = [[row.value - row.lower], [row.upper - row.value]]
                axis.errorbar([row.value], [height], xerr=error, fmt="o", color=color, capsize=3)
                axis.text(1.01, height, row.side.letter, transform=axis.get_yaxis_transform(), fontsize=8, color=color)
        axis.axvline(0, color="#5b6470", linewidth=0.8)
        axis.set_yticks([])
        axis.set_ylim(-0.7, 1.7)
        axis.tick_params(labelsize=7)
        axis.set_ylabel(factor_name(factor), rotation=0, ha="right", va="center", fontsize=8)
    level = 100 * shown[0].confidence_level
    return _svg(
        canvas,
        f"{title}. Dot: expected change per year; bar: {level:.0f} % interval; L left, R right artery.",
        title,
    )


def _png(canvas: Canvas, caption: str, alternative: str) -> Figure:
    buffer = io.BytesIO()
    canvas.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return Figure(buffer.getvalue(), "image/png", caption, alternative)


def _svg(canvas: Canvas, caption: str, alternative: str) -> Figure:
    buffer = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "plaquecast"}):
        canvas.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return Figure(buffer.getvalue(), "image/svg+xml", caption, alternative)
