"""What lies in a pile of DICOM files: whose scans, of which days, in which series; no pixel is decoded yet."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from plaquecast.domain.clinical import Sex
from plaquecast.domain.dataset import Finding, Severity
from plaquecast.domain.missing import Missing, Reason
from plaquecast.errors import InputError
from plaquecast.ingest.dataset_tables import finding_of
from plaquecast.ingest.dicom_frames import Frame, frames_of, is_image, name_of_uid, parse_dicom
from plaquecast.ingest.dicom_tags import SeriesTags, tags_of
from plaquecast.ingest.door import open_whole
from plaquecast.ingest.reader_process import READER
from plaquecast.ingest.table_dates import read_date
from plaquecast.settings import IngestSettings

_FILES_PER_CALL = 64
_SECONDS_PER_FILE = 0.5
_SEXES = {"M": Sex.MALE, "F": Sex.FEMALE}
_NO_SEX = Missing(Reason.ABSENT, "not in the images")
_NO_DATE = Missing(Reason.ABSENT, "no birth date in the images")

NamedFile = tuple[Path, str]
"""A file, and what to call it in messages, so that no name of a file can name a patient."""


@dataclass(frozen=True, slots=True)
class Header:
    """What one file says of itself."""

    file: NamedFile
    patient_id: str
    sex: Sex | Missing
    born: date | Missing
    study_uid: str
    series_uid: str
    tags: SeriesTags


@dataclass(frozen=True, slots=True)
class FoundVisit:
    """The files of one patient's studies that began on one day, by series; an undated study is a visit by itself.

    `name` is what the source calls the visit, if it does.
    """

    acquired: date | Missing
    series: tuple[tuple[NamedFile, ...], ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class FoundPatient:
    """One patient by the ID in the images, which goes no further than the door, with visits in the order of dates."""

    patient_id: str
    sex: Sex | Missing
    born: date | Missing
    visits: tuple[FoundVisit, ...]
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class FoundStudies:
    """Everybody who can be told apart, what cannot be used, and the counts of files of other kinds."""

    patients: tuple[FoundPatient, ...]
    findings: tuple[Finding, ...]
    passed_over: Mapping[str, int]


def find_studies(files: Sequence[NamedFile], settings: IngestSettings) -> FoundStudies:
    """Sort files by patient, day and series.

    Scans without a usable patient ID are refused, and so is one ID for two people.
    """
    headers: list[Header] = []
    findings: list[Finding] = []
    passed_over: Counter[str] = Counter()
    for start in range(0, len(files), _FILES_PER_CALL):
        some = files[start : start + _FILES_PER_CALL]
        for found in _look_at(some, settings):
            if isinstance(found, Header):
                headers.append(found)
            elif isinstance(found, Finding):
                findings.append(found)
            else:
                passed_over[found] += 1
    by_patient: dict[str, list[Header]] = {}
    for header in headers:
        by_patient.setdefault(header.patient_id, []).append(header)
    patients = []
    for patient_id, own in sorted(by_patient.items()):
        finding = _confusion(patient_id, own)
        if finding is not None:
            findings.append(finding)
        if finding is None or finding.severity is Severity.FLAGGED:
            patients.append(_patient(patient_id, own))
    return FoundStudies(tuple(patients), tuple(findings), passed_over)


def _look_at(files: Sequence[NamedFile], settings: IngestSettings) -> list[Header | Finding | str]:
    memory = settings.max_reader_bytes
    seconds = _SECONDS_PER_FILE * len(files)
    try:
        return READER.call(look_at_here, files, settings, memory_bytes=memory, seconds=seconds)
    except InputError as problem:
        if problem.code != "reader-ended":
            raise
        if len(files) == 1:
            return [replace(finding_of(problem, Severity.REFUSED), where=files[0][1])]
    return [found for file in files for found in _look_at([file], settings)]


def look_at_here(files: Sequence[NamedFile], settings: IngestSettings) -> list[Header | Finding | str]:
    """For each file its header, a finding if it cannot be read, or the name of its kind if it is no image."""
    found: list[Header | Finding | str] = []
    for file in files:
        path, name = file
        try:
            dataset = parse_dicom(open_whole(path, settings.max_file_bytes, name))
            if is_image(dataset):
                found.append(_header(file, next(frames_of(dataset, name))))
            else:
                found.append(name_of_uid(dataset.get("SOPClassUID"), "unknown kind"))
        except InputError as problem:
            found.append(finding_of(problem, Severity.REFUSED))
    return found


def _header(file: NamedFile, frame: Frame) -> Header:
    born = frame.text("PatientBirthDate")
    return Header(
        file=file,
        patient_id=frame.exact("PatientID").strip(),
        sex=_SEXES.get(frame.text("PatientSex"), _NO_SEX),
        born=read_date(born, "%Y%m%d") if re.fullmatch(r"\d{8}", born) else _NO_DATE,
        study_uid=frame.text("StudyInstanceUID"),
        series_uid=frame.text("SeriesInstanceUID"),
        tags=tags_of(frame),
    )


def _confusion(patient_id: str, headers: Sequence[Header]) -> Finding | None:
    where = f"{len(headers)} files, the first of them {headers[0].file[1]}"
    if not re.search(r"\w", patient_id):
        remedy = "Give the images an ID (a study code will do), or name them one by one with --weighting in `examine`."
        return Finding(Severity.REFUSED, "no-patient-id", "an ID of the patient", "none", where, remedy)
    series = Counter((header.series_uid, header.study_uid) for header in headers)
    twice = [uid for uid, count in Counter(uid for uid, _ in series).items() if count > 1]
    if twice:
        remedy = "Find out which study these slices belong to."
        return Finding(Severity.REFUSED, "mixed-series", "each series in one study", "one in two", where, remedy)
    return _other_names(headers, where)


def _other_names(headers: Sequence[Header], where: str) -> Finding | None:
    """One ID for two people; a name that is written otherwise at the other visit is told, if the birth date agrees."""
    people = {header.tags.identity for header in headers}
    if len(people) == 1:
        return None
    in_one_study = len({(header.study_uid, header.tags.identity) for header in headers}) > len(
        {header.study_uid for header in headers}
    )
    born = {header.born for header in headers}
    if in_one_study or len(born) > 1 or any(isinstance(day, Missing) for day in born):
        found = f"{len(people)} names or birth dates under one ID"
        remedy = "Find out whose images these are and separate them."
        return Finding(Severity.REFUSED, "two-patients", "one person for each ID", found, where, remedy)
    remedy = "Make sure that both visits are of one person; they are taken for one, as ID and birth date agree."
    return Finding(Severity.FLAGGED, "name-differs", "the same name at each visit", "another one", where, remedy)


def _patient(patient_id: str, headers: Sequence[Header]) -> FoundPatient:
    by_study: dict[str, list[Header]] = {}
    for header in headers:
        by_study.setdefault(header.study_uid, []).append(header)
    by_visit: dict[tuple[str, str], list[Header]] = {}
    for study_uid, own in by_study.items():
        days = sorted(each.tags.acquired for each in own if not isinstance(each.tags.acquired, Missing))
        key = (days[0].isoformat(), "") if days else ("", study_uid)
        by_visit.setdefault(key, []).extend(own)
    visits = tuple(
        FoundVisit(date.fromisoformat(day) if day else own[0].tags.acquired, _series(own))
        for (day, _), own in sorted(by_visit.items())
    )
    simulated = any(header.tags.synthetic for header in headers)
    return FoundPatient(patient_id, headers[0].sex, headers[0].born, visits, simulated)


def _series(headers: Sequence[Header]) -> tuple[tuple[NamedFile, ...], ...]:
    series: dict[str, list[NamedFile]] = {}
    for header in sorted(headers, key=lambda each: (each.tags.number.zfill(8), each.series_uid, each.file[1])):
        series.setdefault(header.series_uid, []).append(header.file)
    return tuple(tuple(files) for files in series.values())
