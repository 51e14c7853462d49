"""The report of a forecast for one new patient: what to expect, how sure that is, and why."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from plaquecast.domain.anatomy import Side
from plaquecast.domain.change import Factor
from plaquecast.domain.examined import ExaminedVisit
from plaquecast.domain.forecast import Forecast, ForecastContext, ForecastMap
from plaquecast.domain.missing import Measured, Missing
from plaquecast.report.forecast_figures import forecast_fan, forecast_intervals, forecast_maps
from plaquecast.report.html import render_page
from plaquecast.report.sections import Section, Table
from plaquecast.report.visit import alignment_table, artery_sentence, measurement_table, slices_of
from plaquecast.report.words import FACTOR_WORDS, factor_name, number


def forecast_report(
    examined: ExaminedVisit,
    forecasts: Sequence[Forecast],
    context: ForecastContext,
    methods: Sequence[str],
    simulated: bool,
) -> str:
    """One self-contained page on one new patient; it opens with the forecast of each artery."""
    figures = [forecast_intervals(forecasts, "Forecast"), forecast_fan(context.fan)]
    map_figure = forecast_maps(context.maps)
    sections = [
        Section(
            "Forecast", tables=[forecast_table(forecasts, context.percentiles)],
            figures=[figure for figure in figures if figure], paragraphs=[_caution()],
        ),
        Section(
            "Where the wall is expected to thicken", paragraphs=_map_words(context.maps),
            figures=[map_figure] if map_figure else [],
        ),
        Section("What speaks for it", tables=_reason_tables(forecasts)),
        Section("With another record", [_WHAT_IF], tables=_alternative_tables(forecasts, context.alternatives)),
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


def forecast_table(
    forecasts: Sequence[Forecast], percentiles: Mapping[tuple[Side, Factor], float] = MappingProxyType({})
) -> Table:
    """Every forecast with its interval, chances and place in the cohort, or the reason why it was refused."""
    level = 100 * forecasts[0].confidence_level if forecasts else 90.0
    columns = (
        "artery and factor",
        "per year",
        f"{level:.0f} % interval",
        "progression",
        "no detectable change",
        "regression",
        "percentile of the cohort",
    )
    return Table(columns, tuple(_row(row, percentiles) for row in forecasts))


def _row(row: Forecast, percentiles: Mapping[tuple[Side, Factor], float]) -> tuple[str, ...]:
    decimals = FACTOR_WORDS[row.factor][2]
    name = f"{row.side.letter} {factor_name(row.factor)}"
    if isinstance(row.value, Missing):
        return (name, str(row.value), "–", "–", "–", "–", "–")
    interval = f"{number(row.lower, decimals, signed=True)} to {number(row.upper, decimals, signed=True)}"
    chances = (row.p_progression, row.p_no_detectable_change, row.p_regression)
    place = percentiles.get((row.side, row.factor))
    shares = [*(_percent(chance) for chance in chances), "–" if place is None else f"{place:.0f}"]
    return (name, number(row.value, decimals, signed=True), interval, *shares)


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


_WHAT_IF = (
    "The forecast for the same artery with another entry in the record. This is an association in the patients learned"
    " from, not what would happen if this were changed; outside what was learned there is no answer."
)


def _alternative_tables(forecasts: Sequence[Forecast], alternatives: Mapping[str, Sequence[Forecast]]) -> list[Table]:
    """One table per other record: each factor as it is and otherwise."""
    tables = []
    as_is = {(row.side, row.factor): row.value for row in forecasts}
    for words, rows in alternatives.items():
        lines = []
        for row in rows:
            before, decimals = as_is[row.side, row.factor], FACTOR_WORDS[row.factor][2]
            if not isinstance(before, Missing):
                name = f"{row.side.letter} {factor_name(row.factor)}"
                lines.append((name, number(before, decimals, signed=True), number(row.value, decimals, signed=True)))
        if lines:
            tables.append(Table(("artery and factor", "as it is", words), tuple(lines), words.capitalize()))
    return tables


def _map_words(maps: Mapping[Side, ForecastMap | Missing]) -> list[str]:
    """How to read the maps, and for each artery without one why."""
    absent = [
        f"{side.value.capitalize()} artery: no map ({each})."
        for side, each in maps.items()
        if isinstance(each, Missing)
    ]
    if len(absent) == len(maps):
        return absent
    interval = (
        "Read the map for where, not for how much at one place: measured there, change errs by about 0.2 mm a year, and"
        " its interval (table `forecast_map`) is that wide."
    )
    return [interval, *absent]


def _caution() -> str:
    return (
        "The interval holds the change that would be measured at a later visit as often as its level says, for patients"
        " like those learned from. Reasons are associations in those patients, not effects of a treatment."
    )
