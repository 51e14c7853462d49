"""The main path for a cohort: every patient, then the tables, the report and the record of what was done."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from plaquecast.domain.anatomy import Side
from plaquecast.domain.change import ChangeFactor
from plaquecast.domain.dataset import Dataset, Finding, Severity
from plaquecast.domain.missing import Measured
from plaquecast.errors import InputError
from plaquecast.ingest.dataset import read_dataset
from plaquecast.ingest.dataset_tables import finding_of
from plaquecast.pipeline.case_files import arteries_path, changes_path, repeat_path
from plaquecast.pipeline.executor import Outcome, run_cases
from plaquecast.pipeline.methods import methods_text
from plaquecast.pipeline.models import OpenedSegmenter, open_segmenter
from plaquecast.pipeline.patient import REPORTS, PatientCase, PatientResult, work_on_patient
from plaquecast.pipeline.progress import Listener, Progress, with_time_left
from plaquecast.pipeline.run_record import RunSummary, manifest_of, refused_patients, summary_of
from plaquecast.pipeline.shards import Shard
from plaquecast.report.cohort import cohort_report
from plaquecast.settings import Settings
from plaquecast.store.atomic import write_text
from plaquecast.store.bids import write_dataset_description
from plaquecast.store.change_tables import PatientChange, write_change_factors_table
from plaquecast.store.clinical_table import write_clinical_table
from plaquecast.store.journal import Journal
from plaquecast.store.manifest import write_run_manifest
from plaquecast.store.morphology_files import read_arteries, read_changes, read_thing
from plaquecast.store.repeat_table import RepeatScan, write_repeat_scans_table
from plaquecast.store.tables import (
    MeasuredArtery,
    write_arteries_table,
    write_slices_table,
    write_wall_maps_table,
)

TABLES = "tables"


def run_cohort(dataset: Path, segmenter: Path, out: Path, settings: Settings, listen: Listener) -> RunSummary:
    """Examine every visit of a dataset and compute change per year; run again, it goes on where it stopped.

    `done` counts the patients that were examined, flagged ones among them; a patient who is refused never stops
    the others. With `run.shard`, only this share of the patients is worked on, beside other shards in the same folder;
    tables and reports are made by a run without it, which does nothing anew that a shard has done.

    Raises:
        InputError: if the dataset holds nobody who can be used, `out` holds another run, or there is no such shard.
        MachineError: if disk, permission or scheduler end it on the way.
        ModelError: if the segmenter cannot be used.
    """
    found = read_dataset(dataset)
    opened = open_segmenter(segmenter)
    _refuse_empty(found)
    shard = Shard.parse(settings.run.shard)
    identity = {"command": "run", "dataset": str(dataset.resolve()), "weights": opened.weights_hash}
    with Journal(out, identity, shard.part) as journal:
        part = None if settings.run.scheduler else shard.part
        chosen = shard.of(found.patients)
        cases = [PatientCase(each, out, segmenter, settings, found.simulated, part) for each in chosen]
        outcomes = _work(cases, settings, _watched(listen, journal))
        findings = [*found.findings, *_findings(outcomes)]
        if not shard.part:
            journal.take_up_parts()
            _assemble(out, found, outcomes, findings, opened, settings, journal)
        summary = summary_of(out, shard.share_of(found), outcomes, findings, settings.run.shard)
        journal.tell_end({**summary.as_dict(), "report": summary.report.name})
    return summary


def _watched(listen: Listener, journal: Journal) -> Listener:
    """Tell the journal too, so that a run can be watched from another terminal."""

    def tell(progress: Progress) -> None:
        journal.tell(progress.stage, asdict(progress))
        listen(progress)

    return with_time_left(tell)


def _assemble(
    out: Path,
    found: Dataset,
    outcomes: Sequence[Outcome[PatientResult]],
    findings: Sequence[Finding],
    opened: OpenedSegmenter,
    settings: Settings,
    journal: Journal,
) -> None:
    """Tables, pages and the record of what was done, from what each patient left behind."""
    results = [outcome.result for outcome in outcomes if outcome.result is not None]
    journal.withdraw_all_but([key for result in results for key in result.keys])
    changes = _write_tables(out, results)
    _write_pages(out, found, results, findings, changes, opened, settings)
    write_run_manifest(out, manifest_of(found, outcomes, findings, opened, settings, journal))


def _refuse_empty(dataset: Dataset) -> None:
    if not dataset.patients:
        reason = next((str(finding) for finding in dataset.findings), "no patient in it")
        raise InputError(
            expected="a dataset with at least one patient who can be used",
            found=f"none; the first finding was: {reason}",
            where=dataset.root.name,
            remedy="Run `plaquecast check` on the dataset for the full list.",
            code="empty-dataset",
        )


def _work(cases: Sequence[PatientCase], settings: Settings, listen: Listener) -> list[Outcome[PatientResult]]:
    n_visits = {f"sub-{case.patient.patient_id}": len(case.patient.visits) for case in cases}
    outcomes: list[Outcome[PatientResult]] = []
    visits = 0

    def tell(note: str) -> None:
        listen(Progress("visits", visits, sum(n_visits.values()), note))
        listen(Progress("patients", len(outcomes), len(cases), note))

    tell("")
    for outcome in run_cases(work_on_patient, cases, list(n_visits), settings.run):
        outcomes.append(outcome)
        visits += n_visits[outcome.case]
        tell(outcome.case + (" refused" if outcome.error else ""))
    return sorted(outcomes, key=lambda outcome: outcome.case)


def _findings(outcomes: Sequence[Outcome[PatientResult]]) -> list[Finding]:
    findings: list[Finding] = []
    for outcome in outcomes:
        if outcome.error is not None:
            findings.append(finding_of(outcome.error, Severity.REFUSED, outcome.case.removeprefix("sub-")))
        elif outcome.result is not None:
            findings.extend(outcome.result.findings)
    return findings


def _write_tables(out: Path, results: Sequence[PatientResult]) -> dict[str, Sequence[ChangeFactor]]:
    arteries = [
        MeasuredArtery(visit.patient_id, visit.session_id, side, artery)
        for result in results
        for visit in result.visits
        for side, artery in read_arteries(arteries_path(out, visit.patient_id, visit.session_id)).items()
    ]
    changes = {
        result.patient_id: read_changes(changes_path(out, result.patient_id))
        for result in results
        if result.compared is not None
    }
    visits = [visit for result in results for visit in result.visits]
    repeats = [
        RepeatScan(result.patient_id, scan, repeat, side, ahead_mm)
        for result in results
        for scan, repeat in result.repeats
        for side, ahead_mm in read_thing(repeat_path(out, result.patient_id, repeat), Mapping[Side, Measured]).items()
    ]
    write_repeat_scans_table(out / TABLES, repeats)
    write_clinical_table(out / TABLES, visits)
    write_arteries_table(out / TABLES, arteries)
    write_slices_table(out / TABLES, arteries)
    write_wall_maps_table(out / TABLES, arteries)
    rows = [PatientChange(patient_id, change) for patient_id, found in changes.items() for change in found]
    write_change_factors_table(out / TABLES, rows)
    return dict(changes)


def _write_pages(
    out: Path,
    dataset: Dataset,
    results: Sequence[PatientResult],
    findings: Sequence[Finding],
    changes: Mapping[str, Sequence[ChangeFactor]],
    opened: OpenedSegmenter,
    settings: Settings,
) -> None:
    write_dataset_description(out, f"{dataset.root.name}, examined", dataset.simulated, dataset.root.name)
    answer = [
        f"{len(results)} of {len(results) + len(refused_patients(dataset, findings))} patients were examined;"
        f" change per year could be computed in {len(changes)}."
    ]
    page = cohort_report(
        dataset.root.name,
        changes,
        findings,
        methods_text(opened.sentence, settings),
        dataset.simulated,
        answer,
        {path.stem: f"{REPORTS}/{path.name}" for path in sorted((out / REPORTS).glob("*.html"))},
    )
    write_text(out / "report.html", page)
