"""A DICOM study of two visits as a scanner sends it: T1W, T2W and a localizer on each day."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tests.dicom_files import picture, write_series

AFFINE = np.array([[0.0, 0.0, 0.8, -24.0], [0.0, 0.8, 0.0, -20.0], [2.0, 0.0, 0.0, 40.0], [0.0, 0.0, 0.0, 1.0]])
DAYS = ("20200301", "20220305")
STUDY: dict[str, dict[str, Any]] = {
    "t1_tse": {"SeriesNumber": 1, "RepetitionTime": 800, "EchoTime": 10, "ScanningSequence": "SE"},
    "t2_tse": {"SeriesNumber": 2, "RepetitionTime": 3500, "EchoTime": 70, "ScanningSequence": "SE"},
    "localizer": {"SeriesNumber": 3, "RepetitionTime": 5, "EchoTime": 2, "ScanningSequence": "GR"},
}
for _name, _tags in STUDY.items():
    _tags["SeriesDescription"] = _name


def write_patient(
    folder: Path,
    patient_id: str,
    changes: Mapping[str, Mapping[str, Any]] | None = None,
    days: Sequence[str] = DAYS,
    born: str = "19500101",
    sex: str = "F",
    shape: tuple[int, int, int] = (12, 60, 60),
) -> None:
    """Write a patient's visits, each of whose images is another pattern; `changes` are tags by series."""
    for visit, day in enumerate(days):
        for number, (name, tags) in enumerate(STUDY.items()):
            person = {"PatientID": patient_id, "PatientName": f"Doe^{patient_id}", "PatientBirthDate": born}
            study = f"1.2.{hash_of(patient_id)}.{visit}"
            place = {"PatientSex": sex, "StudyDate": day, "StudyInstanceUID": study}
            series = {"SeriesInstanceUID": f"{study}.{number}"}
            own = dict(changes or {}).get(name, {})
            seed = number + 10 * visit + 100 * hash_of(patient_id)
            path = folder / patient_id / f"visit{visit}" / name
            write_series(path, picture(shape, seed), AFFINE, tags | person | place | series | own)


def hash_of(text: str) -> int:
    """A small number that is the same on every run."""
    return int.from_bytes(text.encode()[-4:], "big")
