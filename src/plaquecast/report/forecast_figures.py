"""Figures of a forecast: each factor with its interval, the way to the horizon, and where the wall will thicken."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure as Canvas

from plaquecast.domain.anatomy import Side
from plaquecast.domain.change import Factor
from plaquecast.domain.forecast import Forecast, ForecastMap
from plaquecast.domain.missing import Missing
from plaquecast.report.figures import as_svg, unwrapped
from plaquecast.report.sections import Figure
from plaquecast.report.words import FACTOR_WORDS, factor_name

FANNED = (Factor.PLAQUE_VOLUME, Factor.WALL_THICKENING)


def forecast_intervals(rows: Sequence[Forecast], title: str) -> Figure | None:
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
    return as_svg(
        canvas,
        f"{title}. Dot: expected change per year; bar: {level:.0f} % interval; L left, R right artery.",
        title,
    )


def forecast_fan(rows: Sequence[Forecast]) -> Figure | None:
    """Expected change since the visit over the years to the horizon, with its interval; None when all were refused."""
    told = [row for row in rows if row.factor in FANNED and isinstance(row.value, float)]
    lines = list(dict.fromkeys((row.factor, row.side) for row in told))
    if not lines:
        return None
    canvas = Canvas(figsize=(4.0 * len(lines), 2.6), layout="compressed")
    axes = canvas.subplots(1, len(lines), squeeze=False)[0]
    for axis, (factor, side) in zip(axes, lines, strict=True):
        own = [row for row in told if (row.factor, row.side) == (factor, side)]
        years = np.array([row.horizon_years for row in own])
        middle, low, high = (np.array([getattr(row, end) for row in own]) for end in ("value", "lower", "upper"))
        axis.fill_between(years, low * years, high * years, color="#cfe3ee")
        axis.plot(np.append(0.0, years), np.append(0.0, middle * years), "o-", color="#0b5c8a", markersize=3)
        axis.axhline(0, color="#5b6470", linewidth=0.8)
        axis.set_title(f"{side.value}: {FACTOR_WORDS[factor][0]}", fontsize=9)
        axis.set_xlabel("years from this visit", fontsize=8)
        axis.set_ylabel(f"change, {FACTOR_WORDS[factor][1]}", fontsize=8)
        axis.tick_params(labelsize=7)
    level = 100 * told[0].confidence_level
    words = "The way to the horizon"
    return as_svg(canvas, f"{words}: expected change since this visit; shaded: {level:.0f} % interval.", words)


def forecast_maps(maps: Mapping[Side, ForecastMap | Missing]) -> Figure | None:
    """Where the wall is expected to thicken (red) or thin (blue), one panel per artery; None when there is no map."""
    found = {f"{side.value} carotid": each for side, each in maps.items() if not isinstance(each, Missing)}
    if not found:
        return None
    top = max(float(np.nanmax(np.abs(each.value), initial=0.02)) for each in found.values())
    shown = {name: (each.position_mm, each.angle_degrees, each.value) for name, each in found.items()}
    words = "expected thickening, mm/yr"
    return unwrapped(shown, (-top, top), "RdBu_r", words, "Maps of expected thickening")
