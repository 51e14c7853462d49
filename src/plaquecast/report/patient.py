"""The report of one patient at two visits: what changed, and whether that can be told from noise."""

from collections.abc import Sequence

from plaquecast.domain.change import ChangeFactor, Verdict
from plaquecast.domain.examined import ExaminedPair, ExaminedVisit
from plaquecast.domain.missing import Missing
from plaquecast.domain.morphology import ArteryMorphology
from plaquecast.report.alignment import pair_alignment, visit_alignment
from plaquecast.report.figures import changes, wall_maps
from plaquecast.report.html import render_page
from plaquecast.report.sections import Figure, Section, Table
from plaquecast.report.visit import alignment_table, artery_sentence, measurement_table, slices_of
from plaquecast.report.words import CHANGE_COLUMNS, FACTOR_WORDS, change_row


def patient_report(pair: ExaminedPair, methods: Sequence[str], simulated: bool) -> str:
    """One self-contained page on one patient at two visits; it opens with what changed."""
    visits = (("Baseline", pair.baseline), ("Follow-up", pair.follow_up))
    sections = [
        Section("Change per year", tables=_change_tables(pair), figures=_change_figures(pair)),
        Section("The wall, unwrapped", figures=_maps(pair)),
        *(
            Section(
                f"{name}: {visit.aligned.session_id}",
                tables=[measurement_table(visit.arteries), alignment_table(visit)],
                figures=[*slices_of(visit), *visit_alignment(visit)],
            )
            for name, visit in visits
        ),
        _how_they_lie(pair),
        Section("How this was made", paragraphs=methods),
    ]
    return render_page(f"Carotid plaque of {pair.baseline.aligned.patient_id}", _answer(pair), sections, simulated)


def _how_they_lie(pair: ExaminedPair) -> Section:
    """The verdict on the alignment of the visits, which of their slices face each other, and pictures."""
    alignment = pair.alignment
    if isinstance(alignment, Missing):
        return Section("Follow-up on baseline", paragraphs=[f"{alignment}."])
    verdict = "passed" if alignment.quality.passed else "not passed, so nothing was compared"
    facing = [
        f"{side.value.capitalize()} carotid: {ahead}."
        if isinstance(ahead, Missing)
        else f"{side.value.capitalize()} carotid: the follow-up's positions count {ahead:+.1f} mm further at the same"
        " place, which was taken off when slices were compared."
        for side, ahead in alignment.ahead_mm.items()
    ]
    paragraphs = [f"Alignment {verdict}: {alignment.quality.reason}.", *facing]
    return Section("Follow-up on baseline", paragraphs=paragraphs, figures=pair_alignment(pair))


def _answer(pair: ExaminedPair) -> list[str]:
    if isinstance(pair.interval_years, Missing):
        return [f"No change per year: {pair.interval_years}.", *_sentences(pair.baseline)]
    lines = []
    for side in pair.baseline.arteries:
        rows = [change for change in pair.changes if change.side is side]
        lines.append(f"{side.value.capitalize()} carotid over {pair.interval_years:.1f} years: {change_sentence(rows)}")
    return lines


def change_sentence(rows: Sequence[ChangeFactor]) -> str:
    """Which factors of one artery changed by more than their error, in words.

    >>> change_sentence([])
    'nothing could be compared.'
    """
    measured = [row for row in rows if row.verdict is not None]
    if not measured:
        return "nothing could be compared."
    named = {
        verdict: [FACTOR_WORDS[row.factor][0] for row in measured if row.verdict is verdict] for verdict in Verdict
    }
    parts = [
        f"{verdict.value} of {', '.join(named[verdict])}"
        for verdict in (Verdict.PROGRESSION, Verdict.REGRESSION)
        if named[verdict]
    ]
    rest = len(named[Verdict.NO_DETECTABLE_CHANGE])
    if not parts:
        return f"no detectable change in any of {rest} factors."
    return "; ".join(parts) + (f"; no detectable change in {rest} other factors." if rest else ".")


def _sentences(visit: ExaminedVisit) -> list[str]:
    return [artery_sentence(side, artery) for side, artery in visit.arteries.items()]


def _change_tables(pair: ExaminedPair) -> list[Table]:
    names = dict.fromkeys(change.side for change in pair.changes)
    return [
        Table(
            CHANGE_COLUMNS,
            tuple(change_row(change) for change in pair.changes if change.side is side),
            "Both arteries" if side is None else f"{side.value.capitalize()} artery",
        )
        for side in names
    ]


def _change_figures(pair: ExaminedPair) -> list[Figure]:
    figures = (
        changes([change for change in pair.changes if change.side is side], f"{side.value.capitalize()} carotid")
        for side in pair.baseline.arteries
    )
    return [figure for figure in figures if figure is not None]


def _maps(pair: ExaminedPair) -> list[Figure]:
    figures = []
    for side in pair.baseline.arteries:
        visits = {"baseline": pair.baseline.arteries[side], "follow-up": pair.follow_up.arteries[side]}
        found = {
            f"{side.value}, {name}": artery for name, artery in visits.items() if isinstance(artery, ArteryMorphology)
        }
        figures.append(wall_maps(found))
    return [figure for figure in figures if figure is not None]
