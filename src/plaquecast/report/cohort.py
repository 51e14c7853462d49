"""The report of a cohort's run: who was done, who was refused, and what changed."""

from collections.abc import Mapping, Sequence

import numpy as np

from plaquecast.domain.change import ChangeFactor, Factor, Verdict
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
    sections = [
        Section("Change per year in this cohort", tables=[change_table(changes)]),
        *([Section("Patients", links=pages)] if pages else []),
        Section("Findings", tables=[findings_table(findings)] if findings else [], paragraphs=_none(findings)),
        Section("How this was made", paragraphs=methods),
    ]
    return render_page(f"Cohort {name}", answer, sections, simulated)


def change_table(changes: Mapping[str, Sequence[ChangeFactor]]) -> Table:
    """For each factor over all arteries: how many, mean and SD per year, and the verdicts."""
    rows = []
    for factor in Factor:
        of_factor = [
            row for rows_ in changes.values() for row in rows_ if row.factor is factor and row.side is not None
        ]
        values = np.array([row.absolute_per_year for row in of_factor if isinstance(row.absolute_per_year, float)])
        decimals = FACTOR_WORDS[factor][2]
        counts = [sum(row.verdict is verdict for row in of_factor) for verdict in Verdict]
        mean = number(float(values.mean()), decimals, signed=True) if len(values) else "–"
        spread = number(float(values.std(ddof=1)), decimals) if len(values) > 1 else "–"
        rows.append((factor_name(factor), str(len(values)), mean, spread, *(str(count) for count in counts)))
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
