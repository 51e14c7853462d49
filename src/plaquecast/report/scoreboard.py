"""The scoreboard of a demo: what was forecast, and how every stage did against the known truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from plaquecast.domain.examined import ExaminedVisit
from plaquecast.domain.forecast import Forecast
from plaquecast.domain.missing import Missing
from plaquecast.report.figures import cross_sections, wall_maps
from plaquecast.report.forecast import forecast_sentences, forecast_table
from plaquecast.report.forecast_figures import forecast_intervals
from plaquecast.report.html import render_page
from plaquecast.report.sections import Figure, Section, Table


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """One table of scores: a title, what data its numbers come from, columns, and rows of text."""

    title: str
    data: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def scoreboard_report(
    examined: ExaminedVisit,
    forecasts: Sequence[Forecast],
    scores: Sequence[ScoreTable],
    pages: Mapping[str, str],
    methods: Sequence[str],
) -> str:
    """One self-contained page that opens with a forecast and goes on with the scores; everything in it is simulated.

    `pages` maps the words of a link to a path relative to the page.
    """
    figure = forecast_intervals(forecasts, "Forecast")
    sections = [
        Section("The forecast", tables=[forecast_table(forecasts)], figures=[figure] if figure else []),
        Section("What it rests on", figures=_figures_of(examined)),
        *_score_sections(scores),
        Section("Pages", links=pages),
        Section("How this was made", paragraphs=methods),
    ]
    return render_page("The whole road on a simulated cohort", forecast_sentences(forecasts), sections, simulated=True)


def _figures_of(examined: ExaminedVisit) -> list[Figure]:
    found = {side.value: artery for side, artery in examined.arteries.items() if not isinstance(artery, Missing)}
    figures = [*(cross_sections(examined, side) for side in examined.segmentations), wall_maps(found)]
    return [figure for figure in figures if figure is not None]


def evaluation_report(name: str, scores: Sequence[ScoreTable], simulated: bool) -> str:
    """One self-contained page of scores of a run."""
    answer = [f"{len(scores)} tables of scores; each says on what data."]
    return render_page(f"Evaluation of {name}", answer, _score_sections(scores), simulated)


def _score_sections(scores: Sequence[ScoreTable]) -> list[Section]:
    return [Section(score.title, [score.data], tables=[Table(score.columns, score.rows)]) for score in scores]
