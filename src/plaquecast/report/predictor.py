"""The report of a trained predictor: how well it does, beside models that need no learning."""

from collections.abc import Mapping, Sequence
from typing import Any

from plaquecast.domain.change import Factor
from plaquecast.report.html import render_page
from plaquecast.report.sections import Section, Table
from plaquecast.report.words import factor_name

SCORE_COLUMNS = (
    "model",
    "R²",
    "mean absolute error",
    "rank correlation",
    "AUC, fastest quarter",
    "R² gained over naive",
)


def predictor_report(card: Mapping[str, Any], simulated: bool) -> str:
    """One self-contained page on a predictor from its card; scores come from patients that no model had seen."""
    rows = card["validation"]
    answer = [
        f"Learned from {card['n_arteries']} arteries of {card['n_patients']} patients ({card['origin']}),"
        f" seen {card['interval_years'][0]:.1f} to {card['interval_years'][2]:.1f} years apart.",
        _best(card),
    ]
    sections = [Section("Scores", [card["validation_protocol"] + "."], tables=score_tables(rows))]
    if card["site_validation"]:
        words = ["Each site forecast by what was learned from the others alone."]
        sections.append(Section("Sites left out", words, tables=score_tables(card["site_validation"])))
    sections.append(Section("Where the wall thickens", _map_words(card), tables=map_tables(card["map_validation"])))
    return render_page("Predictor of carotid plaque change", answer, sections, simulated)


def score_tables(rows: Sequence[Mapping[str, Any]]) -> list[Table]:
    """One table per factor and kind of change, one row per model."""
    keys = dict.fromkeys((row["factor"], row["against"]) for row in rows)
    return [
        Table(
            SCORE_COLUMNS,
            tuple(_cells(row) for row in rows if (row["factor"], row["against"]) == (factor, against)),
            f"{factor_name(Factor(factor))}, against {against} change",
        )
        for factor, against in keys
    ]


def map_tables(validation: Mapping[str, Any]) -> list[Table]:
    """One table per kind of change: the error of each map, and how much less the forecast map errs."""
    columns = ("map", "mean absolute error, mm/yr", "the forecast map errs less by")
    return [
        Table(
            columns,
            tuple(
                (row["map"], _estimate(row["mae_mm_per_year"], 4), _estimate(row["forecast_errs_less_by"], 4))
                for row in scores["maps"]
            ),
            f"Thickening place by place, against {against} change, {scores['n_arteries']} arteries;"
            f" rank correlation inside an artery {_estimate(scores['rank_correlation'])}",
        )
        for against, scores in validation.items()
    ]


def _map_words(card: Mapping[str, Any]) -> list[str]:
    if card["map_validation"]:
        return ["Each artery's forecast laid over its wall by how thick it is there today, on patients never seen."]
    return ["Not learned: too few arteries have maps of their wall at both visits."]


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    names = ("r2", "mae", "spearman", "auc_fastest_quarter", "r2_gain_over_best_naive")
    return (row["model"], *(_estimate(row[name]) for name in names))


def _estimate(value: Any, decimals: int = 3) -> str:
    """A score with its interval, from the card's plain values.

    >>> _estimate([0.1, 0.05, 0.15]), _estimate("a naive model")
    ('0.100 (0.050 to 0.150)', '–')
    """
    if not isinstance(value, list | tuple):
        return "–"
    middle, low, high = value
    return f"{middle:.{decimals}f} ({low:.{decimals}f} to {high:.{decimals}f})"


def _best(card: Mapping[str, Any]) -> str:
    better = [
        row["factor"]
        for row in card["validation"]
        if row["model"] == "chosen" and row["against"] == "measured"
        and isinstance(row["r2_gain_over_best_naive"], list | tuple) and row["r2_gain_over_best_naive"][1] > 0
    ]  # fmt: skip
    if not better:
        return "No factor was forecast better than by the best naive model, as far as these patients can tell."
    return "Forecast better than by any naive model: " + ", ".join(factor_name(Factor(name)) for name in better) + "."
