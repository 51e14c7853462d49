"""A BIDS dataset as it is found on disk: usable patients and visits, every problem at once, no image opened."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.clinical import ClinicalRecord
from plaquecast.domain.dataset import Dataset, Finding, PatientSource, Severity, VisitSource
from plaquecast.domain.missing import Missing, Reason
from plaquecast.domain.visit import Visit
from plaquecast.domain.volume import Volume
from plaquecast.errors import InputError, PlaquecastError
from plaquecast.ingest import dataset_findings as say
from plaquecast.ingest.dataset_tables import Participants, SessionRow, finding_of, read_participants, read_sessions
from plaquecast.settings import IngestSettings

_WEIGHTING_OF_SUFFIX = {weighting.bids_suffix: weighting for weighting in Weighting}
_IMAGE_ENDINGS = (".nii.gz", ".nii")
_NO_SESSION = Missing(Reason.ABSENT, "no row in the sessions table")


def read_dataset(root: Path) -> Dataset:
    """Look at a dataset's folders and tables; patients who cannot be used stand in the findings, the others go on.

    Raises:
        InputError: if there is no such folder.
    """
    if not root.is_dir():
        raise InputError(
            expected="the folder of a BIDS dataset",
            found="no such folder",
            where=root.name,
            remedy="Check the path.",
            code="no-dataset",
        )
    simulated, findings = _description(root)
    participants = read_participants(root)
    findings += participants.findings
    folders = {path.name.removeprefix("sub-") for path in root.glob("sub-*") if path.is_dir()}
    patients = []
    for code in sorted(folders | participants.sexes.keys() | participants.duplicated):
        patient, found = _read_patient(root, code, participants, folders)
        findings += found
        if patient is not None:
            patients.append(patient)
    if not folders and not participants.sexes:
        findings.append(say.empty_dataset(root.name))
    findings += _missing_weightings(patients)
    return Dataset(root, tuple(patients), tuple(_merged(findings)), simulated)


def read_visit(patient: PatientSource, visit: VisitSource, settings: IngestSettings) -> Visit:
    """Read all images of one visit through the door.

    Raises:
        InputError: if one of them is missing, damaged, or not an image the project can use.
    """
    volumes = {weighting: _open_image(path, weighting, settings) for weighting, path in visit.images.items()}
    return Visit(patient.patient_id, visit.session_id, visit.acquired, volumes, visit.clinical)


def check_dataset(root: Path, settings: IngestSettings, read_images: bool = True) -> tuple[Finding, ...]:
    """Every problem of a dataset at once; with `read_images`, each image is read whole, and no scan may occur twice.

    Raises:
        InputError: if there is no such folder.
    """
    dataset = read_dataset(root)
    return dataset.findings + (tuple(_image_findings(dataset, settings)) if read_images else ())


def _open_image(path: Path, weighting: Weighting, settings: IngestSettings) -> Volume:
    from plaquecast.ingest.nifti import read_nifti  # whoever only lists a dataset need not load an image library

    return read_nifti(path, weighting, settings)


def _image_findings(dataset: Dataset, settings: IngestSettings) -> Iterator[Finding]:
    from plaquecast.ingest.image_quality import image_quality  # as above

    seen: dict[str, str] = {}
    for patient in dataset.patients:
        for visit in patient.visits:
            for weighting, path in visit.images.items():
                try:
                    volume = _open_image(path, weighting, settings)
                except PlaquecastError as problem:
                    yield finding_of(problem, Severity.REFUSED, patient.patient_id, visit.session_id)
                    continue
                quality = image_quality(volume, settings)
                if not quality.passed:
                    yield say.poor_image(patient.patient_id, visit.session_id, weighting, quality.reason)
                name = f"{weighting} of sub-{patient.patient_id} ses-{visit.session_id}"
                first = seen.setdefault(hashlib.sha256(volume.array.tobytes()).hexdigest(), name)
                if first != name:
                    yield say.same_scan_twice(first, name, patient.patient_id, visit.session_id)


def _description(root: Path) -> tuple[bool, list[Finding]]:
    try:
        description = json.loads((root / "dataset_description.json").read_text(encoding="utf-8"))
        return description.get("Simulated") is True, []
    except (OSError, ValueError, AttributeError, RecursionError):
        return False, [say.no_description(root.name)]


def _read_patient(
    root: Path, code: str, participants: Participants, folders: set[str]
) -> tuple[PatientSource | None, list[Finding]]:
    if code in participants.duplicated:
        return None, []  # the table's own finding says so
    if code not in folders:
        return None, [say.patient_without_images(code, _same_number(code, folders))]
    findings = []
    sex = participants.sexes.get(code, Missing(Reason.ABSENT, "not in participants.tsv"))
    if participants.sexes and code not in participants.sexes:
        findings.append(say.not_in_table(code, _same_number(code, participants.sexes)))
    rows, table_findings = read_sessions(root, code, sex)
    visits, visit_findings = _read_visits(root, code, rows, ClinicalRecord(sex=sex))
    findings += [*table_findings, *visit_findings]
    order = _order_finding(code, visits)
    if not visits:
        return None, [*findings, say.patient_without_images(code, None)]
    if order is not None:
        return None, [*findings, order]
    return PatientSource(code, _by_date(visits)), findings + say.ages_against_dates(code, _by_date(visits))


def _read_visits(
    root: Path, code: str, rows: Sequence[SessionRow], empty: ClinicalRecord
) -> tuple[list[VisitSource], list[Finding]]:
    visits, findings = [], []
    folders = [path.name.removeprefix("ses-") for path in sorted((root / f"sub-{code}").glob("ses-*")) if path.is_dir()]
    known = {row.session_id: row for row in rows}
    for session_id in [*known, *[name for name in folders if name not in known]]:
        images, found = _images(root, code, session_id)
        findings += found
        if not images:
            findings.append(say.visit_without_images(code, session_id))
            continue
        if rows and session_id not in known:
            findings.append(say.visit_not_in_table(code, session_id))
        if not any(weighting.shows_wall for weighting in images):
            findings.append(say.wall_not_shown(code, session_id, images))
        row = known.get(session_id, SessionRow(session_id, _NO_SESSION, empty))
        visits.append(VisitSource(session_id, row.acquired, images, row.clinical))
    return visits, findings


def _images(root: Path, code: str, session_id: str) -> tuple[dict[Weighting, Path], list[Finding]]:
    stem = f"sub-{code}_ses-{session_id}_"
    found: dict[Weighting, list[Path]] = {}
    findings = []
    for path in sorted((root / f"sub-{code}" / f"ses-{session_id}" / "anat").glob("*")):
        ending = next((ending for ending in _IMAGE_ENDINGS if path.name.endswith(ending)), None)
        if ending is None:
            continue
        weighting = _WEIGHTING_OF_SUFFIX.get(path.name.removeprefix(stem).removesuffix(ending))
        if not path.name.startswith(stem):
            findings.append(say.misnamed_image(code, session_id, path.name))
        elif weighting is None:
            findings.append(say.unknown_weighting(code, session_id, path.name))
        else:
            found.setdefault(weighting, []).append(path)
    findings += [
        say.two_images(code, session_id, w, [p.name for p in paths]) for w, paths in found.items() if paths[1:]
    ]
    return {weighting: found[weighting][0] for weighting in Weighting if len(found.get(weighting, ())) == 1}, findings


def _by_date(visits: Sequence[VisitSource]) -> tuple[VisitSource, ...]:
    """In the order of their dates; where one has none, as the table lists them, the baseline first."""
    dates = [visit.acquired for visit in visits if not isinstance(visit.acquired, Missing)]
    if len(dates) == len(visits):
        return tuple(sorted(visits, key=lambda visit: str(visit.acquired)))
    return tuple(sorted(visits, key=lambda visit: not _is_baseline(visit)))


def _is_baseline(visit: VisitSource) -> bool:
    return visit.session_id.casefold() == "baseline"


def _order_finding(code: str, visits: Sequence[VisitSource]) -> Finding | None:
    """A follow-up dated before the baseline, or two visits on one day: change per year would be wrong."""
    dated = [(str(visit.acquired), visit) for visit in visits if not isinstance(visit.acquired, Missing)]
    for day, baseline in dated:
        for other_day, other in dated:
            if other is not baseline and other_day == day:
                return say.same_day(code, baseline, other)
            if _is_baseline(baseline) and other_day < day:
                return say.follow_up_before_baseline(code, baseline, other)
    return None


def _missing_weightings(patients: Sequence[PatientSource]) -> list[Finding]:
    """Visits that lack a weighting which at least half of all visits have."""
    visits = [(patient, visit) for patient in patients for visit in patient.visits]
    counts = Counter(weighting for _, visit in visits for weighting in visit.images)
    usual = [weighting for weighting in Weighting if counts[weighting] and 2 * counts[weighting] >= len(visits)]
    return [
        say.missing_weighting(patient.patient_id, visit.session_id, weighting, counts[weighting], len(visits))
        for patient, visit in visits
        for weighting in usual
        if weighting not in visit.images
    ]


def _same_number(code: str, others: Iterable[str]) -> str | None:
    """A code that differs by leading zeros or case only, as spreadsheets make it."""
    plain = code.lstrip("0").casefold()
    return next((other for other in sorted(others) if other != code and other.lstrip("0").casefold() == plain), None)


def _merged(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Say once what is wrong with the same column in the tables of many patients."""
    alike: dict[tuple[str, str, str], list[Finding]] = {}
    for index, finding in enumerate(findings):
        column = finding.where.partition(" of ")[0]
        by_column = finding.code in say.COLUMN_CODES and finding.patient_id
        key = (finding.code, column, finding.found) if by_column else (finding.code, str(index), "")
        alike.setdefault(key, []).append(finding)
    for group in alike.values():
        yield group[0] if len(group) == 1 else _for_many(group)


def _for_many(group: Sequence[Finding]) -> Finding:
    names = [f"sub-{finding.patient_id}" for finding in group]
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    column = group[0].where.partition(" of ")[0]
    return replace(group[0], where=f"{column} of the sessions tables of {shown}", patient_id="")
