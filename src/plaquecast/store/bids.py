"""A dataset or a run as BIDS files: description, participants, visits and images."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import numpy as np

from plaquecast import __version__
from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.clinical import CLINICAL_COLUMNS, ClinicalRecord, Sex
from plaquecast.domain.clinical_columns import CLINICAL_CATALOGUE, MISSING_MARKS, PATIENT_PATTERN, SITE_PATTERN
from plaquecast.domain.missing import Missing
from plaquecast.domain.volume import Volume
from plaquecast.errors import InputError
from plaquecast.store.atomic import write_json, write_text
from plaquecast.store.spatial import write_nifti

BIDS_VERSION = "1.10.0"
NOT_AVAILABLE = "n/a"

_IGNORED_BY_BIDS = (
    "tables", "reports", "cases", "card.json", "run.json", "forecast.json",
    "*.html", "*.json.gz", "*_xfm.txt", "*.sqlite", "*.sqlite-journal",
)  # fmt: skip
"""What a run holds beside BIDS derivatives; the validator is told to pass over it."""


class DatedRecord(Protocol):
    """What a row of a sessions table needs; `Visit` and `VisitSource` both are one."""

    @property
    def session_id(self) -> str:
        """Name of the visit, without `ses-`."""
        ...

    @property
    def acquired(self) -> date | Missing:
        """Date of the visit."""
        ...

    @property
    def clinical(self) -> ClinicalRecord:
        """Structured data of the visit."""
        ...


def write_dataset_description(root: Path, name: str, simulated: bool, derivative_of: str | None = None) -> None:
    """Write `dataset_description.json`, `README` and, for a derivative, `.bidsignore`.

    Args:
        root: folder of the dataset or run; made if it does not exist.
        name: what the dataset is called.
        simulated: whether it shows simulated people; kept, so that nothing simulated passes as clinical.
        derivative_of: path or URI of the raw dataset from which this one is derived; None for a raw dataset.
    """
    description: dict[str, object] = {
        "Name": name,
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "raw" if derivative_of is None else "derivative",
        "GeneratedBy": [{"Name": "plaquecast", "Version": __version__}],
        "Simulated": simulated,
    }
    if derivative_of is not None:
        description["SourceDatasets"] = [{"URL": derivative_of}]
        description["DatasetLinks"] = {"raw": derivative_of}
        write_text(root / ".bidsignore", "".join(f"{pattern}\n" for pattern in _IGNORED_BY_BIDS))
    write_json(root / "dataset_description.json", description)
    kind = "Simulated people and images" if simulated else "People and images"
    origin = "" if derivative_of is None else " Derived by plaquecast from the dataset named in the description."
    write_text(root / "README", f"{name}\n\n{kind}; research use only.{origin}\n")


def write_participants(root: Path, sexes: Mapping[str, Sex | Missing]) -> None:
    """Write `participants.tsv` and its sidecar: patient code (without `sub-`) → sex, in the given order."""
    lines = ["participant_id\tsex"]
    lines += [f"sub-{checked_code(patient_id)}\t{_cell(sex)}" for patient_id, sex in sexes.items()]
    write_text(root / "participants.tsv", "\n".join(lines) + "\n")
    write_json(root / "participants.json", {"sex": _column_sidecar("sex")})


def write_sessions(root: Path, patient_id: str, visits: Iterable[DatedRecord]) -> None:
    """Write `sub-<id>/sub-<id>_sessions.tsv` and its sidecar with units: one row per visit, in the given order."""
    code = checked_code(patient_id)
    lines = ["\t".join(("session_id", "acq_time", *CLINICAL_COLUMNS))]
    lines += [f"ses-{line}" for line in map(_session_line, visits)]
    stem = root / f"sub-{code}" / f"sub-{code}_sessions"
    sidecar: dict[str, object] = {"acq_time": {"Description": "Date of the visit; the time of day is not kept"}}
    sidecar |= {column: _column_sidecar(column) for column in CLINICAL_COLUMNS}
    write_json(stem.with_suffix(".json"), sidecar)
    write_text(stem.with_suffix(".tsv"), "\n".join(lines) + "\n")


def write_source_table(path: Path, visits: Mapping[str, Iterable[DatedRecord]]) -> None:
    """Write all visits of all patients (by their own code) as the one table that an import asks for."""
    lines = ["\t".join(("participant_id", "session_id", "acq_time", *CLINICAL_COLUMNS))]
    lines += [f"{patient_id}\t{_session_line(visit)}" for patient_id, own in visits.items() for visit in own]
    write_text(path, "\n".join(lines) + "\n")


def write_image(root: Path, patient_id: str, session_id: str, volume: Volume) -> Path:
    """Write one weighting of one visit as `.nii.gz` under its BIDS name, and give its path.

    Whole numbers that 16 bits can hold, as most scanners give them, are written as such: the same values in less room.
    """
    path = image_path(root, patient_id, session_id, volume.weighting)
    whole = volume.array.astype(np.int16) if np.abs(volume.array).max() <= np.iinfo(np.int16).max else volume.array
    write_nifti(path, volume.grid, whole if np.array_equal(whole, volume.array) else volume.array)
    return path


def image_path(root: Path, patient_id: str, session_id: str, weighting: Weighting) -> Path:
    """Where the image of one weighting of one visit lies.

    >>> image_path(Path("data"), "017", "baseline", Weighting.TOF).as_posix()
    'data/sub-017/ses-baseline/anat/sub-017_ses-baseline_acq-TOF_angio.nii.gz'
    """
    return visit_folder(root, patient_id, session_id) / (
        f"{visit_stem(patient_id, session_id)}_{weighting.bids_suffix}.nii.gz"
    )


def visit_folder(root: Path, patient_id: str, session_id: str) -> Path:
    """The folder of one visit's images or label maps."""
    return root / f"sub-{checked_code(patient_id)}" / f"ses-{checked_code(session_id)}" / "anat"


def visit_stem(patient_id: str, session_id: str) -> str:
    """How the name of each file of one visit begins."""
    return f"sub-{checked_code(patient_id)}_ses-{checked_code(session_id)}"


def checked_code(code: str) -> str:
    """The code itself, if it can stand in a path.

    Raises:
        InputError: if it is not 1 to 32 letters and digits.
    """
    if not re.fullmatch(PATIENT_PATTERN, code):
        raise InputError(
            expected="a code of 1 to 32 letters and digits",
            found=repr(code),
            where="patient or visit code",
            remedy="Give the patient or visit a code without other signs.",
            code="code-signs",
        )
    return code


def _session_line(visit: DatedRecord) -> str:
    acquired = NOT_AVAILABLE if isinstance(visit.acquired, Missing) else f"{visit.acquired.isoformat()}T00:00:00"
    cells = [_cell(getattr(visit.clinical, column)) for column in CLINICAL_COLUMNS]
    return "\t".join((checked_code(visit.session_id), acquired, *cells))


def _column_sidecar(name: str) -> dict[str, object]:
    column = CLINICAL_CATALOGUE[name]
    entry: dict[str, object] = {"Description": column.description}
    if column.unit:
        entry["Units"] = column.unit
    if column.words:
        entry["Levels"] = {str(word): str(word) for word in column.words}
    return entry


def _cell(value: object) -> str:
    if isinstance(value, Missing):
        return NOT_AVAILABLE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, str):
        return _checked_site(value)
    return repr(float(value))  # type: ignore[arg-type]


def _checked_site(text: str) -> str:
    if not re.fullmatch(SITE_PATTERN, text) or text.casefold() in MISSING_MARKS:
        raise InputError(
            expected="a site code of letters, digits, spaces, dots and dashes",
            found=repr(text),
            where="column site",
            remedy="Give the site a plain code.",
            code="site-code",
        )
    return text
