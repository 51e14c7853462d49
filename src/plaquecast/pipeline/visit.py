"""The main path for one visit of one patient: from a dataset or loose files to masks, tables and a report."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from plaquecast.domain.dataset import Finding
from plaquecast.domain.examined import ExaminedVisit
from plaquecast.domain.missing import Missing
from plaquecast.domain.visit import Visit
from plaquecast.ingest.dataset import read_dataset, read_visit
from plaquecast.ingest.loose import read_loose_visit
from plaquecast.pipeline.around_bifurcation import coverage_findings
from plaquecast.pipeline.case_files import write_examined
from plaquecast.pipeline.cohort import TABLES
from plaquecast.pipeline.examine import examine_visit
from plaquecast.pipeline.methods import methods_text
from plaquecast.pipeline.models import OpenedSegmenter, segmenter_for
from plaquecast.report.visit import artery_sentence, visit_report
from plaquecast.settings import Settings, deciding_origins, deciding_settings
from plaquecast.store.atomic import sha256_of_file, write_text
from plaquecast.store.bids import write_dataset_description
from plaquecast.store.journal import Journal
from plaquecast.store.manifest import CaseOutcome, RunManifest, StageCost, measured_stage, write_run_manifest
from plaquecast.store.tables import MeasuredArtery, write_arteries_table, write_slices_table, write_wall_maps_table


@dataclass(frozen=True, slots=True, eq=False)
class ReadVisit:
    """One visit as read, with what is known of where it came from."""

    visit: Visit
    input_sha256: dict[str, str]
    findings: tuple[Finding, ...]
    simulated: bool


@dataclass(frozen=True, slots=True, eq=False)
class VisitResult:
    """What one examined visit has to say: sentences for people, flags, and the report."""

    lines: tuple[str, ...]
    flags: tuple[str, ...]
    report: Path


def examine_one(
    source: Path,
    patient_id: str,
    session_id: str,
    weightings: Sequence[str],
    segmenter: Path | None,
    out: Path,
    settings: Settings,
) -> VisitResult:
    """Read, align, segment and measure one visit, and write everything that was found into a new folder.

    With `weightings` (`FILE=NAME`), `source` is a folder of loose images and `patient_id` the code to give them.

    Raises:
        InputError: if the visit cannot be read, the images show the wall and no segmenter was named, or `out` holds
            another run.
        ModelError: if the segmenter cannot be used.
    """
    identity = {"command": "examine", "source": str(source.resolve()), "visit": f"{patient_id} {session_id}"}
    with Journal(out, identity):
        read = read_one(source, patient_id, session_id, weightings, settings)
        visit = read.visit
        opened = segmenter_for(visit, segmenter)
        with measured_stage("visit", f"{visit.patient_id} {visit.session_id}") as cost:
            examined = examine_visit(visit, opened.segmenter, settings)
        found = coverage_findings(visit.patient_id, visit.session_id, examined.arteries, settings.ingest)
        read = replace(read, findings=(*read.findings, *found))
        _write(out, examined, opened, read, settings, cost)
    flags = tuple(str(finding) for finding in read.findings) + _alignment_flags(examined)
    lines = (*flags, *(artery_sentence(side, artery) for side, artery in examined.arteries.items()))
    return VisitResult(lines, flags, out / "report.html")


def read_one(
    source: Path, patient_id: str, session_id: str, weightings: Sequence[str], settings: Settings
) -> ReadVisit:
    """One visit from a dataset (the first if `session_id` is empty), or from loose files with named weightings.

    Raises:
        InputError: if there is no such visit, or it cannot be read.
    """
    if weightings:
        loose = read_loose_visit(source, weightings, patient_id, session_id or "visit", settings.ingest)
        return ReadVisit(loose.visit, dict(loose.input_sha256), loose.findings, loose.simulated)
    dataset = read_dataset(source)
    patient = dataset.patient(patient_id)
    chosen = patient.visit(session_id) if session_id else patient.visits[0]
    hashes = {path.name: sha256_of_file(path) for path in chosen.images.values()}
    concerned = (patient.patient_id, "")
    findings = tuple(
        finding
        for finding in dataset.findings
        if finding.patient_id in concerned and finding.session_id in (chosen.session_id, "")
    )
    return ReadVisit(read_visit(patient, chosen, settings.ingest), hashes, findings, dataset.simulated)


def _alignment_flags(examined: ExaminedVisit) -> tuple[str, ...]:
    return tuple(
        f"{weighting} was left out: {quality.reason}."
        for weighting, quality in examined.aligned.quality.items()
        if not quality.passed
    )


def _write(
    out: Path, examined: ExaminedVisit, opened: OpenedSegmenter, read: ReadVisit, settings: Settings, cost: StageCost
) -> None:
    visit = read.visit
    write_dataset_description(out, f"{visit.patient_id}, {visit.session_id}", read.simulated, "source")
    write_examined(out, examined)
    write_visit_tables(out, examined)
    methods = methods_text(opened.sentence, settings, two_visits=False)
    write_text(out / "report.html", visit_report(examined, methods, read.simulated))
    is_whole = not any(isinstance(artery, Missing) for artery in examined.arteries.values())
    status = "done" if is_whole and not read.findings else "flagged"
    write_run_manifest(
        out,
        RunManifest(
            command="examine",
            simulated=read.simulated,
            settings=deciding_settings(settings),
            settings_from=deciding_origins(settings),
            seeds={"register": settings.register.seed},
            input_sha256=read.input_sha256,
            outcomes=(CaseOutcome(f"{visit.patient_id} {visit.session_id}", status, read.findings),),
            models={opened.segmenter.model_id: opened.model_hash},
            costs=(cost,),
        ),
    )


def write_visit_tables(out: Path, examined: ExaminedVisit) -> None:
    """Write the tables `arteries`, `slices` and `wall_maps` of one visit."""
    aligned = examined.aligned
    arteries = [
        MeasuredArtery(aligned.patient_id, aligned.session_id, side, artery)
        for side, artery in examined.arteries.items()
    ]
    for write in (write_arteries_table, write_slices_table, write_wall_maps_table):
        write(out / TABLES, arteries)
