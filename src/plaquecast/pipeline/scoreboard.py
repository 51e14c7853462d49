"""The scoreboard of a demo: every score with the data that it comes from, for people and for machines."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from plaquecast.domain.measurements import MeasurementError
from plaquecast.pipeline.coverage import interval_coverage
from plaquecast.pipeline.evaluate import evaluate_run
from plaquecast.pipeline.forecast import open_predictor
from plaquecast.pipeline.learning_data import read_learning_data
from plaquecast.pipeline.progress import Costs
from plaquecast.pipeline.score_tables import as_text, cost_table, coverage_table, forecast_score_table
from plaquecast.report.scoreboard import ScoreTable
from plaquecast.settings import Settings


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
    def fresh(self) -> Path:
        """More simulated patients as tables, on whom the intervals are counted."""
        return self.root / "fresh"

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
        return [line for table in self.tables for line in as_text(table)]

    def as_dict(self) -> dict[str, Any]:
        """All scores as plain values."""
        return dict(self.facts)


def make_scoreboard(
    folders: DemoFolders,
    sizes: Any,
    seed: int,
    errors: Mapping[str, MeasurementError],
    costs: Costs,
    settings: Settings,
) -> Scoreboard:
    """Score every stage of a finished demo against the truth of its simulated patients; `sizes` is a dataclass."""
    tables, page = evaluate_run(folders.run, folders.unseen, None, settings)
    scores = json.loads((page.parent / "scores.json").read_text(encoding="utf-8"))
    card = json.loads((folders.predictor / "card.json").read_text(encoding="utf-8"))
    own = sum("this segmenter" in error.origin for error in errors.values())
    tabular = (
        f"{card['n_patients']} simulated patients as tables; {own} of {len(errors)} measurements carry the error seen"
        " in the repeat scans above, the others a published one"
    )
    bundle, _ = open_predictor(folders.predictor)
    coverage = interval_coverage(bundle, read_learning_data(folders.fresh))
    fresh = "other simulated patients as tables, whom the predictor never saw, measured with the same error"
    facts = {
        "simulated": True,
        "seed": seed,
        "sizes": asdict(sizes),
        "data": {
            "dice, measured, change, error of one scan": "simulated patients that no network saw in training",
            "prediction": tabular,
            "interval coverage": fresh,
        },
        **{name: value for name, value in scores.items() if name != "data"},
        "prediction": card["validation"],
        "interval_coverage": {factor.value: asdict(each) for factor, each in coverage.items()},
        "cost": {
            stage: {"seconds": cost.seconds, "peak_memory_mib": cost.peak_memory_bytes / 2**20}
            for stage, cost in costs.stages.items()
        },
    }
    more = (
        forecast_score_table(card["validation"], tabular),
        coverage_table(coverage, card["confidence_level"], fresh),
        cost_table(costs),
    )
    return Scoreboard((*tables, *more), facts, folders.root / "report.html")
