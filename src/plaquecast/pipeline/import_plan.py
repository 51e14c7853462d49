"""Who goes into an imported dataset: scans of a patient matched with rows of the clinical table, under a new code."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from plaquecast.domain.clinical import Sex
from plaquecast.domain.dataset import Finding, Severity
from plaquecast.domain.missing import Missing
from plaquecast.ingest import import_findings as say
from plaquecast.ingest.clinical_table import ClinicalRow
from plaquecast.ingest.deidentify import Pseudonym
from plaquecast.ingest.study import FoundPatient, FoundVisit, NamedFile
from plaquecast.ingest.visit_matching import match_rows


@dataclass(frozen=True, slots=True, eq=False)
class PatientPlan:
    """A patient who goes in: pseudonym, visits by name with their scans and the row of the table."""

    found: FoundPatient
    pseudonym: Pseudonym
    visits: tuple[tuple[str, FoundVisit, ClinicalRow | None], ...]


def plan_patient(
    patient: FoundPatient, pseudonym: Pseudonym, rows: Sequence[ClinicalRow]
) -> tuple[PatientPlan | None, list[Finding]]:
    """Visits in the order of their dates with the rows that tell of them; None for a patient who is refused."""
    where = f"sub-{pseudonym.code}"
    days = [_day_of_name(visit, rows) if visit.name else visit.acquired for visit in patient.visits]
    order = sorted(range(len(days)), key=lambda index: str(days[index]) if isinstance(days[index], date) else "")
    patient = replace(patient, visits=tuple(replace(patient.visits[i], acquired=days[i]) for i in order))
    matched = match_rows([visit.acquired for visit in patient.visits], rows, where)
    findings = [*matched.findings, *say.contradictions(patient, matched.rows, where)]
    if not rows:
        findings.append(say.patient_without_row(where))
    findings += say.undated(patient, where)
    findings = [replace(each, patient_id=pseudonym.code) for each in findings]
    if any(each.severity is Severity.REFUSED for each in findings):
        return None, findings
    visits = tuple(
        (visit.name or (row.session_id if row is not None and row.session_id else _session_id(index)), visit, row)
        for index, (visit, row) in enumerate(zip(patient.visits, matched.rows, strict=True))
    )
    return PatientPlan(patient, pseudonym, visits), findings


def _day_of_name(visit: FoundVisit, rows: Sequence[ClinicalRow]) -> date | Missing:
    """The date that the table gives to the visit of that name, where the images carry none."""
    return next((row.acquired for row in rows if row.session_id == visit.name), visit.acquired)


def beside_unread(
    plans: Sequence[PatientPlan], files: Sequence[NamedFile], findings: Sequence[Finding]
) -> list[Finding]:
    """A slice at the end of a stack leaves no gap when it is lost, so whoever lies beside a lost file is told."""
    lost = {finding.where for finding in findings if finding.severity is Severity.REFUSED}
    folders = {path.parent for path, name in files if name in lost}
    return [
        say.maybe_incomplete(plan.pseudonym.code, session_id)
        for plan in plans
        for session_id, visit, _ in plan.visits
        if any(path.parent in folders for series in visit.series for path, _ in series)
    ]


def _session_id(index: int) -> str:
    return "baseline" if index == 0 else "followup" if index == 1 else f"followup{index}"


def day_of(visit: FoundVisit, row: ClinicalRow | None) -> date | Missing:
    """The date of a visit: that of its images or, where they carry none, that of its row."""
    return row.acquired if row is not None and isinstance(visit.acquired, Missing) else visit.acquired


def sex_of(plan: PatientPlan) -> Sex | Missing:
    """What the table says first or, where it says nothing, the images."""
    told = [row.clinical.sex for _, _, row in plan.visits if row is not None]
    return next((sex for sex in told if not isinstance(sex, Missing)), plan.found.sex)
