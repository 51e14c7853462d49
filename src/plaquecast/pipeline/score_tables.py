"""Scores as tables of text, for the terminal and for pages."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from plaquecast.domain.change import Factor
from plaquecast.domain.measurements import MeasurementError
from plaquecast.pipeline.agreement import Agreement
from plaquecast.pipeline.coverage import Coverage
from plaquecast.pipeline.progress import Costs
from plaquecast.report.scoreboard import ScoreTable


def overlap_table(dice: Mapping[str, tuple[float, int]], data: str) -> ScoreTable:
    """Mean Dice per structure and over how many arteries."""
    rows = tuple((name.replace("_", " "), f"{mean:.3f}", str(n)) for name, (mean, n) in dice.items())
    return ScoreTable("Overlap with the true masks", data, ("structure", "Dice, mean", "arteries"), rows)


def agreement_table(title: str, found: Mapping[str, Agreement], data: str) -> ScoreTable:
    """Bias, SD and intraclass correlation, name by name."""
    rows = tuple(
        (name, str(each.n), _plain(each.bias, "+.3f"), _plain(each.sd, ".3f"), _plain(each.icc, ".2f"))
        for name, each in found.items()
    )
    return ScoreTable(title, data, ("measurement", "n", "bias", "SD", "ICC"), rows)


def error_table(errors: Mapping[str, MeasurementError], data: str) -> ScoreTable:
    """Error of one scan: relative and absolute part, and where it comes from."""
    rows = tuple(
        (name, f"{100 * error.relative:.1f}", f"{error.absolute:.3g}", error.origin) for name, error in errors.items()
    )
    return ScoreTable("Error of one scan, SD", data, ("measurement", "relative, %", "absolute", "origin"), rows)


def forecast_score_table(rows: Sequence[Mapping[str, Any]], data: str) -> ScoreTable:
    """Scores of every model from a predictor's card."""
    columns = ("factor", "against", "model", "R²", "mean absolute error", "R² gained over naive")
    names = ("r2", "mae", "r2_gain_over_best_naive")
    cells = tuple(
        (row["factor"], row["against"], row["model"], *(_estimate(row[name]) for name in names)) for row in rows
    )
    return ScoreTable("Forecasts of change per year", data, columns, cells)


def coverage_table(found: Mapping[Factor, Coverage], level: float, data: str) -> ScoreTable:
    """Share of measured changes inside the intervals of patients whom the model had not seen."""
    rows = tuple(
        (factor.value, f"{100 * level:.0f} %", f"{100 * each.share:.1f} %", str(each.n))
        for factor, each in found.items()
    )
    return ScoreTable("Coverage of the intervals", data, ("factor", "level", "inside the interval", "arteries"), rows)


def cost_table(costs: Costs) -> ScoreTable:
    """Seconds and peak memory of each stage."""
    rows = tuple(
        (stage, f"{cost.seconds:.0f}", f"{cost.peak_memory_bytes / 2**20:.0f}") for stage, cost in costs.stages.items()
    )
    return ScoreTable("Cost", "this machine", ("stage", "seconds", "peak memory, MiB"), rows)


def as_text(table: ScoreTable) -> Iterable[str]:
    """A table as lines of fixed width, with its title and data on top."""
    rows = [table.columns, *table.rows]
    widths = [max(len(row[index]) for row in rows) for index in range(len(table.columns))]
    yield ""
    yield f"{table.title} ({table.data})"
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _estimate(value: Any) -> str:
    """An estimate [value, low, high] of a card as text."""
    return "–" if value is None else f"{value[0]:.3f} ({value[1]:.3f} to {value[2]:.3f})"


def _plain(value: float, form: str) -> str:
    return "–" if value != value else format(value, form)
