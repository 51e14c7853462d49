"""The report of a forecast for one new patient: what to expect, how sure that is, and why."""

from collections.abc import Sequence

from plaquecast.domain.anatomy import Side
from plaquecast.domain.change import Factor
from plaquecast.domain.examined import ExaminedVisit
from plaquecast.domain.forecast import Forecast
from plaquecast.domain.missing import Measured, Missing
from plaquecast.report.figures import forecasts as forecast_figure
from plaquecast.report.html import render_page
from plaquecast.report.sections import Section, Table
from plaquecast.report.visit import alignment_table, artery_sentence, measurement_table, slices_of
from plaquecast.report.words import FACTOR_WORDS, factor_name, number


def forecast_report(
    examined: ExaminedVisit, forecasts: Sequence[Forecast], methods: Sequence[str], simulated: bool
) -> str:
    """One self-contained page on one new patient; it opens with the forecast of each artery."""
    figure = forecast_figure(forecasts, "Forecast")
    sections = [
        Section(
            "Forecast", tables=[forecast_table(forecasts)], figures=[figure] if figure else [], paragraphs=[_caution()]
        ),
        Section("What speaks for it", tables=_reason_tables(forecasts)),
        Section(
            "What was measured", tables=[measurement_table(examined.arteries), alignment_table(examined)],
            figures=slices_of(examined),
        ),
        Section("How this was made", paragraphs=methods),
    ]  # fmt: skip
    answer = [
        *forecast_sentences(forecasts),
        *(artery_sentence(side, artery) for side, artery in examined.arteries.items()),
    ]
    return render_page(f"Forecast for {examined.aligned.patient_id}", answer, sections, simulated)


def forecast_sentences(forecasts: Sequence[Forecast]) -> list[str]:
    """For each artery the plaque volume and wall thickness to expect, in words, or why there is no forecast."""
    lines = []
    for side in dict.fromkeys(row.side for row in forecasts):
        rows = [row for row in forecasts if row.side is side]
        told = [_sentence(row) for row in rows if row.factor in (Factor.PLAQUE_VOLUME, Factor.WALL_THICKENING)]
        horizon = rows[0].horizon_years
        lines.append(f"{side.value.capitalize()} carotid, next {horizon:g} years: {'; '.join(told)}.")
    return lines


def _sentence(row: Forecast) -> str:
    words, unit, decimals = FACTOR_WORDS[row.factor]
    if isinstance(row.value, Missing):
        return f"no forecast of {words} ({row.value})"
    low, high = number(row.lower, decimals, signed=True), number(row.upper, decimals, signed=True)
    change = f"{number(row.value, decimals, signed=True)} {unit}/yr ({low} to {high})"
    return f"{words} {change}, progression {_percent(row.p_progression)}, regression {_percent(row.p_regression)}"


def _percent(chance: Measured) -> str:
    return str(chance) if isinstance(chance, Missing) else f"{100 * chance:.0f} %"


def forecast_table(forecasts: Sequence[Forecast]) -> Table:
    """Every forecast with its interval and chances, or the reason why it was refused."""
    level = 100 * forecasts[0].confidence_level if forecasts else 90.0
    columns = (
        "artery and factor",
        "per year",
        f"{level:.0f} % interval",
        "progression",
        "no detectable change",
        "regression",
    )
    return Table(columns, tuple(_row(row) for row in forecasts))


def _row(row: Forecast) -> tuple[str, ...]:
    decimals = FACTOR_WORDS[row.factor][2]
    name = f"{row.side.letter} {factor_name(row.factor)}"
    if isinstance(row.value, Missing):
        return (name, str(row.value), "–", "–", "–", "–")
    interval = f"{number(row.lower, decimals, signed=True)} to {number(row.upper, decimals, signed=True)}"
    chances = (row.p_progression, row.p_no_detectable_change, row.p_regression)
    return (name, number(row.value, decimals, signed=True), interval, *(_percent(chance) for chance in chances))


def _reason_tables(forecasts: Sequence[Forecast]) -> list[Table]:
    tables = []
    for side in Side:
        rows = tuple(
            (FACTOR_WORDS[row.factor][0], "; ".join(row.reasons))
            for row in forecasts
            if row.side is side and row.reasons
        )
        if rows:
            tables.append(Table(("factor", "what moves the forecast most"), rows, f"{side.value.capitalize()} artery"))
    return tables


def _caution() -> str:
    return (
        "The interval holds the change that would be measured at a later visit as often as its level says, for patients"
        " like those learned from. Reasons are associations in those patients, not effects of a treatment."
    )
