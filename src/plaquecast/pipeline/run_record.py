"""What became of a run over a cohort: counts for people, and the record for `run.json`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plaquecast.domain.dataset import Dataset, Finding, Severity
from plaquecast.pipeline.executor import Outcome
from plaquecast.pipeline.models import OpenedSegmenter
from plaquecast.pipeline.patient import PatientResult
from plaquecast.settings import Settings, deciding_origins, deciding_settings
from plaquecast.store.journal import Journal
from plaquecast.store.manifest import CaseOutcome, RunManifest


@dataclass(frozen=True, slots=True, eq=False)
class RunSummary:
    """What became of a cohort: counts, a sentence for each refusal, and the report that opens it."""

    done: int
    refused: int
    flagged: int
    refusals: tuple[str, ...]
    report: Path
    shard: str = ""

    def last_line(self) -> str:
        """Counts and the report, or what comes after a shard, in one line."""
        counts = f"{self.done} done, {self.refused} refused, {self.flagged} flagged"
        if self.shard:
            return f"shard {self.shard}: {counts}; after all shards, the same command without --shard makes the report"
        return f"{counts} → {self.report}"

    def as_dict(self) -> dict[str, Any]:
        """The same for machines."""
        counts = {"done": self.done, "refused": self.refused, "flagged": self.flagged}
        return counts | ({"shard": self.shard} if self.shard else {"report": str(self.report)})


def refused_patients(dataset: Dataset, findings: Sequence[Finding]) -> set[str]:
    """Patients of whom nothing could be used; a refused visit of a patient whose other visit is there is no such."""
    whole = {patient.patient_id for patient in dataset.patients}
    refused = [finding for finding in findings if finding.severity is Severity.REFUSED and finding.patient_id]
    return {finding.patient_id for finding in refused if not finding.session_id or finding.patient_id not in whole}


def summary_of(
    out: Path, dataset: Dataset, outcomes: Sequence[Outcome[PatientResult]], findings: Sequence[Finding], shard: str
) -> RunSummary:
    """Count what became of a cohort, or of a shard of it."""
    refused = refused_patients(dataset, findings)
    done = {outcome.result.patient_id for outcome in outcomes if outcome.result is not None}
    flagged = {finding.patient_id for finding in findings if finding.patient_id in done}
    sentences = [
        f"sub-{finding.patient_id}: {finding}" if finding.patient_id else str(finding)
        for finding in findings
        if finding.severity is Severity.REFUSED
    ]
    return RunSummary(len(done), len(refused), len(flagged), tuple(sentences), out / "report.html", shard)


def manifest_of(
    dataset: Dataset,
    outcomes: Sequence[Outcome[PatientResult]],
    findings: Sequence[Finding],
    opened: OpenedSegmenter,
    settings: Settings,
    journal: Journal,
) -> RunManifest:
    """What the run was, for `run.json`."""
    by_patient = {outcome.case.removeprefix("sub-"): [] for outcome in outcomes}
    for finding in findings:
        if finding.patient_id:
            by_patient.setdefault(finding.patient_id, []).append(finding)
    done = {outcome.result.patient_id for outcome in outcomes if outcome.result is not None}
    hashes = {name: value for o in outcomes if o.result is not None for name, value in o.result.input_sha256.items()}
    cases = [
        CaseOutcome(f"sub-{patient_id}", _status(patient_id in done, bool(found)), tuple(found))
        for patient_id, found in by_patient.items()
    ]
    return RunManifest(
        command="run",
        simulated=dataset.simulated,
        settings=deciding_settings(settings),
        settings_from=deciding_origins(settings),
        seeds={"register": settings.register.seed},
        input_sha256=hashes,
        outcomes=cases,
        findings=[finding for finding in findings if not finding.patient_id],
        models={opened.segmenter.model_id: opened.model_hash},
        costs=journal.costs(),
        workers=settings.run.workers,
    )


def _status(is_done: bool, has_findings: bool) -> str:
    if not is_done:
        return "refused"
    return "flagged" if has_findings else "done"
