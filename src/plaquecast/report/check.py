"""The report of `check`: every problem of a dataset on one page."""

from collections.abc import Sequence

from plaquecast.domain.dataset import Finding, Severity
from plaquecast.report.cohort import findings_table
from plaquecast.report.html import render_page
from plaquecast.report.sections import Section


def check_report(name: str, findings: Sequence[Finding], simulated: bool) -> str:
    """One self-contained page; what refuses a case comes before what is only flagged.

    >>> "nothing to mend" in check_report("cohort", [], simulated=True)
    True
    """
    refused = [finding for finding in findings if finding.severity is Severity.REFUSED]
    flagged = [finding for finding in findings if finding.severity is Severity.FLAGGED]
    answer = [f"{len(refused)} refused, {len(flagged)} flagged." if findings else "There is nothing to mend."]
    sections = [
        Section(title, tables=[findings_table(some)])
        for title, some in (("Refused", refused), ("Flagged, and goes on", flagged))
        if some
    ]
    return render_page(f"Check of {name}", answer, sections, simulated)
