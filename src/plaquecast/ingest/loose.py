"""Loose images of one visit, each with the weighting that the user names: NIfTI files and folders of DICOM files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.clinical import ClinicalRecord
from plaquecast.domain.dataset import Finding, Severity
from plaquecast.domain.missing import Missing, Reason
from plaquecast.domain.visit import Visit
from plaquecast.domain.volume import Volume
from plaquecast.errors import InputError
from plaquecast.ingest.dicom import read_series
from plaquecast.ingest.door import open_whole, sha256_of_files
from plaquecast.ingest.nifti import read_nifti
from plaquecast.settings import IngestSettings

_NO_DATE = Missing(Reason.ABSENT, "no date, as NIfTI files carry none")


@dataclass(frozen=True, slots=True, eq=False)
class LooseVisit:
    """A visit read from loose files, the SHA-256 of each, what was flagged, and whether any says it is synthetic."""

    visit: Visit
    input_sha256: Mapping[str, str]
    findings: tuple[Finding, ...]
    simulated: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    volume: Volume
    acquired: date | Missing
    identity: str
    name: str
    sha256: str
    synthetic: bool = False


def read_loose_visit(
    source: Path, weightings: Sequence[str], patient_id: str, session_id: str, settings: IngestSettings
) -> LooseVisit:
    """Read the images of one visit from files that the user names one by one.

    Args:
        source: folder in which the files lie; a path from elsewhere may be named too.
        weightings: `FILE=NAME` each: a NIfTI file, a DICOM file or a folder of one series, and its weighting.
        patient_id: the code to give the patient; what the files say of whom is not kept.
        session_id: the name to give the visit.
        settings: the largest file and image.

    Raises:
        InputError: if a file is missing or refused, a name is no weighting or comes twice, or the DICOM files are of
            several people or days.
    """
    named = [_named(source, entry) for entry in weightings]
    doubled = [weighting for weighting in Weighting if sum(weighting is other for _, other in named) > 1]
    if doubled:
        raise _refused(
            "each weighting once", f"{doubled[0]} twice", "--weighting", "Name one image each.", "weighting-twice"
        )
    images = [_read(path, weighting, settings) for path, weighting in named]
    if len({image.identity for image in images} - {""}) > 1:
        remedy = "Find out whose images these are and separate them."
        raise _refused("images of one patient", "two patients", "the DICOM files", remedy, "two-patients")
    acquired = _day([image.acquired for image in images])
    volumes = {image.volume.weighting: image.volume for image in images}
    visit = Visit(patient_id, session_id, acquired, volumes, ClinicalRecord())
    findings = (_undated(acquired, patient_id, session_id),) if isinstance(acquired, Missing) else ()
    hashes = {image.name: image.sha256 for image in images}
    return LooseVisit(visit, hashes, findings, any(image.synthetic for image in images))


def _named(source: Path, entry: str) -> tuple[Path, Weighting]:
    file, _, name = entry.rpartition("=")
    try:
        weighting = Weighting(name.strip().upper().replace("-", "_"))
    except ValueError as problem:
        known = ", ".join(Weighting)
        raise _refused(
            f"FILE=NAME with one of {known}", repr(entry), "--weighting", "Mend the name.", "weighting-name"
        ) from problem
    inside = source / file
    path = inside if inside.exists() else Path(file)
    if not file or not path.exists():
        raise _refused("an image file or folder", f"no {file!r}", "--weighting", "Check the path.", "no-image")
    return path, weighting


def _read(path: Path, weighting: Weighting, settings: IngestSettings) -> _Read:
    if path.is_file() and path.name.endswith((".nii", ".nii.gz")):
        digest = open_whole(path, settings.max_file_bytes).sha256
        return _Read(read_nifti(path, weighting, settings), _NO_DATE, "", path.name, digest)
    volume, tags = read_series(path, weighting, settings)
    digest = sha256_of_files(path, settings.max_file_bytes)
    return _Read(volume, tags.acquired, tags.identity, path.name, digest, tags.synthetic)


def _day(days: Sequence[date | Missing]) -> date | Missing:
    """The one day of the scan; an unusable date in DICOM files says more than the want of one in NIfTI files."""
    known = sorted({day for day in days if not isinstance(day, Missing)})
    if len(known) > 1:
        found = f"scans of {known[0]} and {known[-1]}"
        raise _refused("scans of one day", found, "the DICOM files", "Examine each visit by itself.", "mixed-dates")
    if known:
        return known[0]
    return next((day for day in days if day is not _NO_DATE and isinstance(day, Missing)), _NO_DATE)


def _undated(acquired: Missing, patient_id: str, session_id: str) -> Finding:
    return Finding(
        Severity.FLAGGED,
        "unusable-date",
        "the day of the scan",
        acquired.detail,
        f"sub-{patient_id} ses-{session_id}",
        "The visit is examined; without a date, change per year cannot be had from it.",
        patient_id,
        session_id,
    )


def _refused(expected: str, found: str, where: str, remedy: str, code: str) -> InputError:
    return InputError(expected=expected, found=found, where=where, remedy=remedy, code=code)
