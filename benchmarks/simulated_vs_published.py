"""The page that lays simulated beside published: `--measure` simulates and keeps the numbers, else the page is written.

Run: python -m benchmarks.simulated_vs_published --measure     (minutes; keeps simulated_vs_published.json)
     python -m benchmarks.simulated_vs_published               (a moment; writes docs/explanation/simulated-cohort.md)
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from benchmarks.published_rows import ROWS, Row
from benchmarks.simulated_population import Population, simulate_population

from plaquecast.settings import SimulateSettings

ROOT = Path(__file__).parents[1]
KEPT = Path(__file__).with_suffix(".json")
HEAD = Path(__file__).with_name("simulated_cohort_head.md")
PAGE = ROOT / "docs" / "explanation" / "simulated-cohort.md"
N_PATIENTS, SEED = {"default": 2000, "healthy": 500}, 2024
MEAN_TOLERANCE, SD_TOLERANCE, SHARE_TOLERANCE = 0.10, 0.30, 5.0


@dataclass(frozen=True)
class Result:
    """What was found for a row."""

    mean: float
    sd: float
    n: int

    def misses(self, row: Row) -> str:
        """Which tolerance it misses, in words; empty if none."""
        if row.is_share:
            p = row.published / 100.0
            own_interval = 196.0 * np.sqrt(p * (1.0 - p) / row.published_n) if row.published_n else 0.0
            return "" if abs(self.mean - row.published) <= max(SHARE_TOLERANCE, own_interval) else "share"
        spread = row.published_sd if row.published_sd is not None else self.sd
        close = max(MEAN_TOLERANCE * abs(row.published), MEAN_TOLERANCE * spread)
        missed = [] if abs(self.mean - row.published) <= close else ["mean"]
        if row.published_sd is not None and abs(self.sd - row.published_sd) > SD_TOLERANCE * row.published_sd:
            missed.append("SD")
        return " and ".join(missed)


def measure() -> list[Result]:
    """Simulate every world that a row needs, once, and measure all rows."""
    return results_of(
        {
            world: simulate_population(n_patients, SEED, SimulateSettings(world=world))
            for world, n_patients in N_PATIENTS.items()
        }
    )


def results_of(populations: Mapping[str, Population]) -> list[Result]:
    """All rows, measured in the population of their world."""
    results = []
    for row in ROWS:
        values = np.asarray(row.values(populations[row.world]), dtype=np.float64)
        values = values[np.isfinite(values)]
        middle = np.median(values) if row.is_median else values.mean()
        results.append(Result(float(middle), float(values.std()), len(values)))
    return results


def page(results: list[Result]) -> str:
    """The page as Markdown."""
    missed = [(row, result) for row, result in zip(ROWS, results, strict=True) if result.misses(row)]
    lines = [
        HEAD.read_text(encoding="utf-8").rstrip(),
        "",
        "## Beside what was published",
        "",
        f"{N_PATIENTS['default']} simulated patients ({N_PATIENTS['healthy']} healthy ones for rows without plaque),"
        f" seed {SEED}, both arteries, each row against a subgroup chosen as its source chose its patients. A mean is"
        f" met within {100 * MEAN_TOLERANCE:g} % of itself or {MEAN_TOLERANCE:g} SD, an SD within"
        f" {100 * SD_TOLERANCE:g} %, a share within {SHARE_TOLERANCE:g} points or, where the number of its patients is"
        f" known, the 95 % interval of its own source. {len(ROWS) - len(missed)} of {len(ROWS)} rows are met.",
        "",
        "| quantity | in | published | simulated | n | missed | source |",
        "|---|---|---|---|---|---|---|",
    ]
    for row, result in zip(ROWS, results, strict=True):
        has_spread = not row.is_share and result.n > 1
        cells = [row.quantity, row.group, _with_sd(row.published, row.published_sd)]
        cells += [
            _with_sd(result.mean, result.sd if has_spread else None),
            str(result.n),
            result.misses(row),
            row.source,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "Why rows are missed:", ""]
    lines += [f"- {row.quantity}, {row.group} ({row.source}): {row.why or 'not explained yet'}" for row, _ in missed]
    return "\n".join(lines) + "\n"


def _with_sd(middle: float, sd: float | None) -> str:
    numbers = [middle] if sd is None else [middle, sd]
    return " ± ".join(f"{number:.0f}" if abs(number) >= 100.0 else f"{number:.3g}" for number in numbers).replace(
        "-", "−"
    )


def main() -> None:
    """Measure and keep, or write the page from what was kept."""
    if "--measure" in sys.argv:
        KEPT.write_text(json.dumps([asdict(result) for result in measure()], indent=0) + "\n", encoding="utf-8")
    results = [Result(**entry) for entry in json.loads(KEPT.read_text(encoding="utf-8"))]
    PAGE.write_text(page(results), encoding="utf-8")
    n_missed = sum(bool(result.misses(row)) for row, result in zip(ROWS, results, strict=True))
    print(f"{len(ROWS) - n_missed} of {len(ROWS)} rows are met: {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
