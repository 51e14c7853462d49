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
from benchmarks.published_sources import SOURCES
from benchmarks.simulated_population import Population, simulate_population, together

from plaquecast.settings import SimulateSettings

ROOT = Path(__file__).parents[1]
KEPT = Path(__file__).with_suffix(".json")
HEAD = Path(__file__).with_name("simulated_cohort_head.md")
PAGE = ROOT / "docs" / "explanation" / "simulated-cohort.md"
PIECES = {"default": ((1500, 8779), (1500, 9779)), "healthy": ((500, 7779),)}
"""How many patients of which seed for each world; no parameter of the simulator was set by these seeds."""
MEAN_TOLERANCE, SD_TOLERANCE = 0.10, 0.30
LEAST_SHARE_TOLERANCE = 2.0
"""Points, for shares below 20 %: what a study of 1000 people can tell of a share of 10 %."""


@dataclass(frozen=True)
class Result:
    """What was found for a row."""

    mean: float
    sd: float
    n: int

    def misses(self, row: Row) -> str:
        """What of it lies outside the bars, in words; empty if nothing."""
        least = LEAST_SHARE_TOLERANCE if row.is_share else 0.0
        missed = []
        if abs(self.mean - row.published) > max(MEAN_TOLERANCE * abs(row.published), least):
            missed.append("share" if row.is_share else "mean")
        if row.published_sd is not None and abs(self.sd - row.published_sd) > SD_TOLERANCE * row.published_sd:
            missed.append("SD")
        return " and ".join(missed)

    def half_interval(self, row: Row) -> float | None:
        """Half of the 95 % interval that the published mean or share itself has; None if its number is not known.

        A median's is 1.25 times as wide as a mean's. Where no SD was published, the simulated one stands in.
        """
        if not row.published_n:
            return None
        share = row.published / 100.0
        spread = 100.0 * np.sqrt(share * (1.0 - share)) if row.is_share else row.published_sd or self.sd
        return float(1.96 * spread / np.sqrt(row.published_n) * (1.25 if row.is_median else 1.0))


def measure() -> list[Result]:
    """Simulate every world that a row needs, once, and measure all rows."""
    return results_of(
        {
            world: together([simulate_population(n, seed, SimulateSettings(world=world)) for n, seed in pieces])
            for world, pieces in PIECES.items()
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
    n_within = sum(
        (interval := result.half_interval(row)) is not None and abs(result.mean - row.published) <= interval
        for row, result in missed
    )
    lines = [
        HEAD.read_text(encoding="utf-8").rstrip(),
        "",
        "## Beside what was published",
        "",
        f"{_n_patients('default')} simulated patients ({_n_patients('healthy')} healthy ones for rows without plaque),"
        " both arteries, of seeds by which no parameter was set; each row against a subgroup chosen as its source"
        f" chose its patients. A mean or share is met within {100 * MEAN_TOLERANCE:g} % of itself (rare shares within"
        f" {LEAST_SHARE_TOLERANCE:g} points), an SD within {100 * SD_TOLERANCE:g} %. **{len(ROWS) - len(missed)} of"
        f" {len(ROWS)} rows are met.** The mean or share of {n_within} of the other {len(missed)} lies within the 95 %"
        " interval that the source's own number of patients leaves (column *sure to*, where that number is known).",
        "",
        "| quantity | in | published | sure to ± | simulated | n | missed | source |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row, result in zip(ROWS, results, strict=True):
        has_spread = not row.is_share and result.n > 1
        interval = result.half_interval(row)
        cells = [row.quantity, row.group, _with_sd(row.published, row.published_sd)]
        cells += [
            "" if interval is None else _with_sd(interval, None),
            _with_sd(result.mean, result.sd if has_spread else None),
            str(result.n),
            result.misses(row),
            row.source,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "Why rows are missed:", ""]
    lines += [f"- {row.quantity}, {row.group} ({row.source}): {row.why or 'not explained yet'}" for row, _ in missed]
    lines += ["", "## Sources", "", *(f"- {name}: {SOURCES[name]}" for name in _cited(ROWS))]
    return "\n".join(lines) + "\n"


def _n_patients(world: str) -> int:
    return sum(n for n, _ in PIECES[world])


def _cited(rows: tuple[Row, ...]) -> list[str]:
    """Names of the sources, in the order of the table."""
    return list(dict.fromkeys(name for row in rows for name in row.source.split("; ")))


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
