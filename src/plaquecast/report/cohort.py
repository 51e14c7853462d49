"""The report of a cohort's run: who was done, who was refused, and what changed."""

from collections.abc import Mapping, Sequence

from plaquecast.domain.change import ChangeFactor, FactorSummary, Verdict, summarize
from plaquecast.domain.dataset import Finding
from plaquecast.report.html import render_page
from plaquecast.report.sections import Section, Table
from plaquecast.report.words import FACTOR_WORDS, factor_name, number


def cohort_report(
    name: str,
    changes: Mapping[str, Sequence[ChangeFactor]],
    findings: Sequence[Finding],
    methods: Sequence[str],
    simulated: bool,
    answer: Sequence[str] = (),
    pages: Mapping[str, str] | None = None,
) -> str:
    """One self-contained page on a cohort; `changes` maps each patient that was done to its change factors.

    `pages` maps a patient to the path of his own report, relative to this page.
    """
    summaries = summarize(change for of_patient in changes.values() for change in of_patient)
    return summary_report(name, summaries, findings, methods, simulated, answer, pages)


def summary_report(
    name: str,
    summaries: Sequence[FactorSummary],
    findings: Sequence[Finding],
    methods: Sequence[str],
    simulated: bool,
    answer: Sequence[str] = (),
    pages: Mapping[str, str] | None = None,
) -> str:
    """The same page from what is known of each factor over all arteries."""
    sections = [
        Section("Change per year in this cohort", tables=[change_table(summaries)]),
        *([Section("Patients", links=pages)] if pages else []),
        Section("Findings", tables=[findings_table(findings)] if findings else [], paragraphs=_none(findings)),
        Section("How this was made", paragraphs=methods),
    ]
    return render_page(f"Cohort {name}", answer, sections, simulated)


def change_table(summaries: Sequence[FactorSummary]) -> Table:
    """For each factor over all arteries: how many, mean and SD per year, and the verdicts."""
    rows = []
    for summary in summaries:
        values, decimals = summary.per_year, FACTOR_WORDS[summary.factor][2]
        mean = number(float(values.mean()), decimals, signed=True) if len(values) else "–"
        spread = number(float(values.std(ddof=1)), decimals) if len(values) > 1 else "–"
        counts = [str(summary.verdicts[verdict]) for verdict in Verdict]
        rows.append((factor_name(summary.factor), str(len(values)), mean, spread, *counts))
    columns = ("factor", "arteries", "mean per year", "SD", "progression", "no detectable change", "regression")
    return Table(columns, tuple(rows))


def findings_table(findings: Sequence[Finding]) -> Table:
    """Every finding: what it did, whom it concerns, and the sentence."""
    rows = [
        (finding.severity.value, finding.patient_id or "dataset", finding.session_id or "–", str(finding))
        for finding in findings
    ]
    return Table(("finding", "patient", "visit", "what was expected, found, and what to do"), tuple(rows))


def _none(findings: Sequence[Finding]) -> list[str]:
    return [] if findings else ["None."]
