"""The work on one patient of a cohort: each visit, then the change between two, each stage done once and recorded."""

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path

from plaquecast.domain.dataset import Finding, PatientSource, Severity, VisitSource
from plaquecast.domain.examined import ExaminedVisit
from plaquecast.domain.missing import Missing
from plaquecast.domain.visit import interval_years
from plaquecast.errors import MachineError, PlaquecastError
from plaquecast.ingest.dataset import read_visit
from plaquecast.ingest.dataset_tables import finding_of
from plaquecast.pipeline.around_bifurcation import coverage_findings
from plaquecast.pipeline.case_files import arteries_path, changes_path, read_examined, repeat_path, write_examined
from plaquecast.pipeline.examine import compare_visits, examine_visit, repeat_ahead_mm
from plaquecast.pipeline.methods import methods_text
from plaquecast.pipeline.models import open_segmenter, segmenter_for
from plaquecast.report.patient import patient_report
from plaquecast.report.visit import visit_report
from plaquecast.settings import Settings
from plaquecast.store.alignment_files import write_visit_alignment
from plaquecast.store.atomic import sha256_of_bytes, sha256_of_file, write_text
from plaquecast.store.clinical_table import ClinicalVisit
from plaquecast.store.journal import Journal, stage_key
from plaquecast.store.json_values import to_json_value
from plaquecast.store.manifest import measured_stage
from plaquecast.store.morphology_files import read_arteries, write_changes, write_thing

REPORTS = "reports"


@dataclass(frozen=True, slots=True, eq=False)
class PatientCase:
    """One patient to work on, and all that the work depends on; small enough to be sent to another process."""

    patient: PatientSource
    run: Path
    segmenter: Path
    settings: Settings
    simulated: bool
    part: str | None = ""
    """The part of the run in whose journal the work is recorded; None for that of the host it is done on."""


@dataclass(slots=True)
class PatientResult:
    """What was done: the visits examined, the two compared, scans and their repeats, and what was found on the way.

    `keys` are the journal's keys of all stages that belong to the finished run.
    """

    patient_id: str
    visits: list[ClinicalVisit] = field(default_factory=list)
    compared: tuple[str, str] | None = None
    repeats: list[tuple[str, str]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    input_sha256: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _VisitDone:
    source: VisitSource
    key: str
    examined: ExaminedVisit | None


def work_on_patient(case: PatientCase) -> PatientResult:
    """Examine every visit and compare the first with the last; what was done before and still fits is not done again.

    A visit that is refused is a finding; the other visits are examined all the same. A visit that follows another too
    soon for a rate per year is its repeat scan: it tells the error of measurement, and is not compared with the first.

    Raises:
        PlaquecastError: the first visit's error, if no visit could be examined.
    """
    result = PatientResult(case.patient.patient_id)
    errors: list[PlaquecastError] = []
    done: list[_VisitDone] = []
    with Journal(case.run, part=_host() if case.part is None else case.part) as journal:
        for source in case.patient.visits:
            try:
                done.append(_visit_stage(case, source, journal, result))
            except MachineError:
                raise
            except PlaquecastError as error:
                errors.append(error)
                result.findings.append(finding_of(error, Severity.REFUSED, case.patient.patient_id, source.session_id))
        if not done:
            raise errors[0]
        result.visits = [
            ClinicalVisit(case.patient.patient_id, s.session_id, s.acquired, s.clinical)
            for s in (d.source for d in done)
        ]
        for visit in result.visits:
            arteries = read_arteries(arteries_path(case.run, visit.patient_id, visit.session_id))
            result.findings += coverage_findings(visit.patient_id, visit.session_id, arteries, case.settings.ingest)
        for scan, repeat in pairwise(done):
            if _is_repeat(scan, repeat, case.settings.change.shortest_interval_years):
                _repeat_stage(case, (scan, repeat), journal, result)
        pair = _two_to_compare(case, done, result)
        if pair is None or not _compared(case, pair, journal, result):
            _report_stage(case, done, journal, result)
    return result


def _visit_stage(case: PatientCase, source: VisitSource, journal: Journal, result: PatientResult) -> _VisitDone:
    patient_id, settings = case.patient.patient_id, case.settings
    hashes = {weighting.value: sha256_of_file(path) for weighting, path in source.images.items()}
    result.input_sha256.update({path.name: hashes[weighting.value] for weighting, path in source.images.items()})
    inputs = hashes | {"record": _hash_of(source.clinical), "weights": open_segmenter(case.segmenter).weights_hash}
    chosen = {name: asdict(getattr(settings, name)) for name in ("ingest", "register", "segment", "measure")}
    name = f"{patient_id} {source.session_id}"
    key = stage_key("visit", name, inputs, chosen)
    result.keys.append(key)
    if journal.is_done(key):
        return _VisitDone(source, key, None)
    journal.begin(key, "visit", name)
    with measured_stage("visit", name) as cost:
        visit = read_visit(case.patient, source, settings.ingest)
        opened = segmenter_for(visit, case.segmenter)
        examined = examine_visit(visit, opened.segmenter, settings)
        outputs = write_examined(case.run, examined)
    journal.record(key, cost, outputs)
    return _VisitDone(source, key, examined)


def _is_repeat(scan: _VisitDone, other: _VisitDone, shortest_years: float) -> bool:
    years = interval_years(scan.source.acquired, other.source.acquired)
    return not isinstance(years, Missing) and years < shortest_years


def _repeat_stage(
    case: PatientCase, pair: tuple[_VisitDone, _VisitDone], journal: Journal, result: PatientResult
) -> None:
    """How a repeat scan faces the scan before it; the error of this segmenter is read from both later."""
    patient_id, sessions = case.patient.patient_id, (pair[0].source.session_id, pair[1].source.session_id)
    name = f"{patient_id} {sessions[1]}"
    key = stage_key("repeat", name, _outputs_of(pair, journal), {"register": asdict(case.settings.register)})
    if not journal.is_done(key):
        journal.begin(key, "repeat", name)
        with measured_stage("repeat", name) as cost:
            scan, repeat = (_examined(case, each) for each in pair)
            path = repeat_path(case.run, patient_id, sessions[1])
            try:
                write_thing(path, repeat_ahead_mm(scan, repeat, case.settings))
            except MachineError:
                raise
            except PlaquecastError as error:  # such as scans without a weighting in common
                result.findings.append(finding_of(error, Severity.FLAGGED, patient_id, sessions[1]))
                return
        journal.record(key, cost, [path])
    result.keys.append(key)
    result.repeats.append(sessions)


def _two_to_compare(
    case: PatientCase, done: Sequence[_VisitDone], result: PatientResult
) -> tuple[_VisitDone, _VisitDone] | None:
    """The first visit and the last; None, with a finding, if the last still is a repeat scan of the first.

    No visit is both: what changed in earnest is no error of measurement.
    """
    first, last = done[0], done[-1]
    if first is last:
        return None
    shortest_years = case.settings.change.shortest_interval_years
    if not _is_repeat(first, last, shortest_years):
        return first, last
    too_close = Finding(
        Severity.FLAGGED, "no-follow-up",
        expected=f"a visit {shortest_years:g} years or more after the first",
        found="visits closer together, which count as repeat scans and are not compared",
        where=f"sub-{case.patient.patient_id}",
        remedy="If they are follow-ups, choose a smaller change.shortest_interval_years.",
        patient_id=case.patient.patient_id, session_id=last.source.session_id,
    )  # fmt: skip
    result.findings.append(too_close)
    return None


def _compared(case: PatientCase, pair: tuple[_VisitDone, _VisitDone], journal: Journal, result: PatientResult) -> bool:
    """Compare two visits and report on both; False, with a finding, if they cannot be compared."""
    patient_id, settings = case.patient.patient_id, case.settings
    dates = {each.source.session_id: str(each.source.acquired) for each in pair}
    chosen = {name: asdict(getattr(settings, name)) for name in ("register", "change")} | {"dates": dates}
    key = stage_key("change", patient_id, _outputs_of(pair, journal) | _identity(case), chosen)
    sessions = pair[0].source.session_id, pair[1].source.session_id
    if not journal.is_done(key):
        journal.begin(key, "change", patient_id)
        opened = open_segmenter(case.segmenter)
        with measured_stage("change", patient_id) as cost:
            baseline, follow_up = (_examined(case, each) for each in pair)
            try:
                found = compare_visits(baseline, follow_up, opened.errors, settings)
            except MachineError:
                raise
            except PlaquecastError as error:
                result.findings.append(finding_of(error, Severity.FLAGGED, patient_id, sessions[1]))
                return False
            outputs = [changes_path(case.run, patient_id), case.run / REPORTS / f"sub-{patient_id}.html"]
            write_changes(outputs[0], found.changes)
            write_text(outputs[1], patient_report(found, methods_text(opened.sentence, settings), case.simulated))
            if not isinstance(found.alignment, Missing):
                outputs.extend(write_visit_alignment(case.run, patient_id, sessions, found.alignment))
        journal.record(key, cost, outputs)
    result.keys.append(key)
    result.compared = sessions
    return True


def _report_stage(case: PatientCase, done: Sequence[_VisitDone], journal: Journal, result: PatientResult) -> None:
    """A report for each visit of a patient who has no two to compare."""
    for each in done:
        name = f"{case.patient.patient_id} {each.source.session_id}"
        key = stage_key("report", name, _outputs_of((each,), journal) | _identity(case), {})
        result.keys.append(key)
        if journal.is_done(key):
            continue
        journal.begin(key, "report", name)
        with measured_stage("report", name) as cost:
            examined = _examined(case, each)
            sentence = open_segmenter(case.segmenter).sentence
            page = visit_report(examined, methods_text(sentence, case.settings, two_visits=False), case.simulated)
            path = case.run / REPORTS / f"sub-{case.patient.patient_id}_ses-{each.source.session_id}.html"
            write_text(path, page)
        journal.record(key, cost, [path])


def _examined(case: PatientCase, done: _VisitDone) -> ExaminedVisit:
    if done.examined is None:
        visit = read_visit(case.patient, done.source, case.settings.ingest)
        done.examined = read_examined(case.run, visit)
    return done.examined


def _outputs_of(done: Sequence[_VisitDone], journal: Journal) -> dict[str, str]:
    return {path.name: sha256 for each in done for path, sha256 in journal.outputs(each.key).items()}


def _identity(case: PatientCase) -> dict[str, str]:
    return {"segmenter": open_segmenter(case.segmenter).model_hash, "simulated": str(case.simulated)}


def _host() -> str:
    return f"host-{sha256_of_bytes(platform.node().encode())[:12]}"


def _hash_of(thing: object) -> str:
    return sha256_of_bytes(json.dumps(to_json_value(thing), sort_keys=True).encode("utf-8"))
