"""NIfTI files sorted as PATIENT/VISIT/FILE, each with its weighting in its name, as studies like those of DICOM."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.clinical_columns import PATIENT_PATTERN
from plaquecast.domain.dataset import Finding, Severity
from plaquecast.domain.missing import Missing, Reason
from plaquecast.ingest.dicom_tags import NO_TAGS
from plaquecast.ingest.dicom_volumes import Series
from plaquecast.ingest.nifti import read_nifti
from plaquecast.ingest.study import FoundPatient, FoundStudies, FoundVisit, NamedFile
from plaquecast.ingest.weighting import Identification
from plaquecast.settings import IngestSettings

STATED = 0.9
"""Confidence in a weighting that the user wrote into the file's name."""

_ENDINGS = (".nii", ".nii.gz")
_ABSENT = Missing(Reason.ABSENT, "no date, as NIfTI files carry none")


def is_nifti(path: Path) -> bool:
    """Whether a file is named like a NIfTI file.

    >>> is_nifti(Path("T1W.NII.GZ"))
    True
    """
    return path.name.lower().endswith(_ENDINGS)


def find_images(source: Path, files: Sequence[NamedFile]) -> FoundStudies:
    """Sort images by the folders of patient and visit in which they lie; the dates come from the clinical table."""
    findings: list[Finding] = []
    patients: dict[str, dict[str, list[NamedFile]]] = {}
    for path, name in files:
        folders = path.relative_to(source).parts[:-1]
        if len(folders) < 2 or not all(re.fullmatch(PATIENT_PATTERN, folder) for folder in folders[:2]):
            findings.append(_not_sorted(name))
        else:
            patients.setdefault(folders[0], {}).setdefault(folders[1], []).append((path, name))
    unknown = Missing(Reason.ABSENT, "not in NIfTI files")
    found = tuple(
        FoundPatient(
            patient_id,
            unknown,
            unknown,
            tuple(FoundVisit(_ABSENT, tuple((file,) for file in own), visit) for visit, own in sorted(visits.items())),
        )
        for patient_id, visits in sorted(patients.items())
    )
    return FoundStudies(found, tuple(findings), {})


def read_image(file: NamedFile, number: int, settings: IngestSettings) -> tuple[Series, Identification]:
    """Read one image, and the weighting that its name states.

    Args:
        file: the image.
        number: what to call it in the table of weightings.
        settings: the largest file and image.

    Raises:
        InputError: as `read_nifti`.
    """
    path, name = file
    identification = weighting_of_name(path.name)
    volume = read_nifti(path, identification.weighting or Weighting.T1W, settings, name)
    return Series(replace(NO_TAGS, number=f"file {number}"), volume.grid, volume.array), identification


def weighting_of_name(name: str) -> Identification:
    """The one weighting of which a file's name speaks as the project or BIDS writes it.

    >>> weighting_of_name("sub-01_ce-gadolinium_T1w.nii.gz").weighting.value, weighting_of_name("scan.nii").confidence
    ('CE_T1W', 0.0)
    """
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower().removesuffix(".gz").removesuffix(".nii"))
    spellings = {
        weighting: (weighting.value.lower(), re.sub(r"[^a-z0-9]+", "_", weighting.bids_suffix.lower()))
        for weighting in Weighting
    }
    named = {
        weighting: max((len(word) for word in words if f"_{word}_" in f"_{plain}_"), default=0)
        for weighting, words in spellings.items()
    }
    longest = max(named.values())  # CE_T1W also holds T1W
    best = [weighting for weighting, length in named.items() if length == longest]
    if not longest or len(best) > 1:
        return Identification(None, 0.0, "its name does not say")
    return Identification(best[0], STATED, "stated in its name")


def _not_sorted(name: str) -> Finding:
    remedy = "Sort the images as PATIENT/VISIT/FILE; patient and visit are codes of letters and digits."
    return Finding(Severity.REFUSED, "not-sorted", "an image in its patient's and visit's folder", "none", name, remedy)
