"""The scoreboard of a demo: every score with the data that it comes from, for people and for machines."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plaquecast.domain.measurements import MeasurementError
from plaquecast.pipeline.agreement import Agreement
from plaquecast.pipeline.progress import Costs
from plaquecast.pipeline.scores import changes_against_truth, measurements_against_truth, overlap_with_truth
from plaquecast.report.scoreboard import ScoreTable

_SCORED_MEASUREMENTS = (
    "lumen_volume_mm3", "wall_volume_mm3", "normalized_wall_index", "mean_wall_thickness_mm", "max_wall_thickness_mm",
    "stenosis_nascet_percent", "plaque_volume_mm3", "calcification_volume_mm3", "lipid_rich_necrotic_core_volume_mm3",
    "intraplaque_hemorrhage_volume_mm3", "fibrous_cap_mean_thickness_mm",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DemoFolders:
    """Where each part of the demo lies, below the folder that the user named."""

    root: Path

    @property
    def annotated(self) -> Path:
        """Simulated patients whose truth teaches the segmenter."""
        return self.root / "annotated"

    @property
    def unseen(self) -> Path:
        """Simulated patients that no network sees in training; each baseline is scanned twice."""
        return self.root / "unseen"

    @property
    def tabular(self) -> Path:
        """Simulated patients as tables."""
        return self.root / "tabular"

    @property
    def segmenter(self) -> Path:
        """The trained segmenter."""
        return self.root / "segmenter"

    @property
    def run(self) -> Path:
        """The run over the unseen patients."""
        return self.root / "run"

    @property
    def predictor(self) -> Path:
        """The trained predictor."""
        return self.root / "predictor"

    @property
    def forecast(self) -> Path:
        """The forecast for one unseen patient from his baseline."""
        return self.root / "forecast"


@dataclass(frozen=True, slots=True, eq=False)
class Scoreboard:
    """Tables of scores, the same as plain values, and the page that shows them."""

    tables: tuple[ScoreTable, ...]
    facts: Mapping[str, Any]
    report: Path

    def lines(self) -> list[str]:
        """The tables as text of fixed width."""
        return [line for table in self.tables for line in ("", f"{table.title} ({table.data})", *_as_text(table))]

    def as_dict(self) -> dict[str, Any]:
        """All scores as plain values."""
        return dict(self.facts)


def make_scoreboard(
    folders: DemoFolders, sizes: object, seed: int, errors: Mapping[str, MeasurementError], costs: Costs
) -> Scoreboard:
    """Score every stage of a finished demo against the truth of its simulated patients."""
    dice = overlap_with_truth(folders.run, folders.unseen)
    measured = measurements_against_truth(folders.run, folders.unseen)
    changed = {factor.value: found for factor, found in changes_against_truth(folders.run, folders.unseen).items()}
    card = json.loads((folders.predictor / "card.json").read_text(encoding="utf-8"))
    unseen = "simulated patients that no network saw in training"
    tabular = f"{card['n_patients']} simulated patients as tables, measured with the error of the unseen's repeat scans"
    tables = (
        ScoreTable("Overlap with the true masks", unseen, ("structure", "Dice, mean", "arteries"), _dice_rows(dice)),
        ScoreTable(
            "Measured against true", unseen, _AGREEMENT_COLUMNS,
            _agreement_rows({name: measured[name] for name in _SCORED_MEASUREMENTS}),
        ),
        ScoreTable("Measured against true change per year", unseen, _AGREEMENT_COLUMNS, _agreement_rows(changed)),
        ScoreTable("Error of one scan", unseen, _ERROR_COLUMNS, _error_rows(errors)),
        ScoreTable("Forecasts of change per year, R²", tabular, _FORECAST_COLUMNS, _forecast_rows(card["validation"])),
        ScoreTable("Coverage of the intervals", tabular, _COVERAGE_COLUMNS, _coverage_rows(card)),
        ScoreTable("Cost", "this machine", ("stage", "seconds", "peak memory, MiB"), _cost_rows(costs)),
    )  # fmt: skip
    facts = {
        "simulated": True,
        "seed": seed,
        "data": {
            "unseen": unseen,
            "tabular": tabular,
            "sizes": {name: getattr(sizes, name) for name in _fields(sizes)},
        },
        "dice": {name: {"mean": mean, "n_arteries": n} for name, (mean, n) in dice.items()},
        "measured_against_true": {name: found.as_dict() for name, found in measured.items()},
        "change_against_true": {name: found.as_dict() for name, found in changed.items()},
        "error_of_one_scan": {name: _error_facts(error) for name, error in errors.items()},
        "prediction": card["validation"],
        "interval_coverage": card.get("coverage", {}),
        "cost": {
            stage: {"seconds": cost.seconds, "peak_memory_mib": cost.peak_memory_bytes / 2**20}
            for stage, cost in costs.stages.items()
        },
    }
    return Scoreboard(tables, facts, folders.root / "report.html")


_AGREEMENT_COLUMNS = ("measurement", "n", "bias", "SD", "ICC")
_ERROR_COLUMNS = ("measurement", "relative, %", "absolute", "origin")
_FORECAST_COLUMNS = ("factor", "against", "model", "R²", "mean absolute error", "R² gained over naive")
_COVERAGE_COLUMNS = ("factor", "level", "coverage of measured change")


def _fields(sizes: object) -> tuple[str, ...]:
    return tuple(getattr(sizes, "__dataclass_fields__", {}))


def _dice_rows(dice: Mapping[str, tuple[float, int]]) -> tuple[tuple[str, ...], ...]:
    return tuple((_words(name), f"{mean:.3f}", str(n)) for name, (mean, n) in dice.items())


def _agreement_rows(found: Mapping[str, Agreement]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (name, str(entry.n), _signed(entry.bias), _plain(entry.sd), _plain(entry.icc, 2))
        for name, entry in found.items()
    )


def _error_rows(errors: Mapping[str, MeasurementError]) -> tuple[tuple[str, ...], ...]:
    rows = [(name, errors[name]) for name in _SCORED_MEASUREMENTS if name in errors]
    return tuple((name, f"{100 * e.relative:.1f}", f"{e.absolute:.3g}", e.origin) for name, e in rows)


def _error_facts(error: MeasurementError) -> dict[str, object]:
    return {"relative": error.relative, "absolute": error.absolute, "origin": error.origin}


def _forecast_rows(rows: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (row["factor"], row["against"], row["model"],
         *(_first(row[name]) for name in ("r2", "mae", "r2_gain_over_best_naive")))
        for row in rows
    )  # fmt: skip


def _first(value: Any) -> str:
    """An estimate [value, low, high] of a card as text."""
    return "–" if value is None else f"{value[0]:.3f} ({value[1]:.3f} to {value[2]:.3f})"


def _coverage_rows(card: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    level = f"{100 * card['confidence_level']:.0f} %"
    return tuple((name, level, f"{100 * share:.1f} %") for name, share in card.get("coverage", {}).items())


def _cost_rows(costs: Costs) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (stage, f"{cost.seconds:.0f}", f"{cost.peak_memory_bytes / 2**20:.0f}") for stage, cost in costs.stages.items()
    )


def _words(name: str) -> str:
    return name.replace("_", " ")


def _plain(value: float, decimals: int = 3) -> str:
    return "–" if value != value else f"{value:.{decimals}f}"


def _signed(value: float) -> str:
    return "–" if value != value else f"{value:+.3f}"


def _as_text(table: ScoreTable) -> Iterable[str]:
    rows = [table.columns, *table.rows]
    widths = [max(len(row[index]) for row in rows) for index in range(len(table.columns))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
