"""Simulated visits as raw DICOM studies beside the dataset, with the clinical table that an import asks for."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from plaquecast.domain.missing import Missing, Reason
from plaquecast.domain.visit import DAYS_PER_YEAR, Visit
from plaquecast.settings import SimulateSettings
from plaquecast.simulate.dicom_study import dicom_study
from plaquecast.simulate.mri import as_set_up
from plaquecast.simulate.scanner import draw_scanner
from plaquecast.simulate.signal import PROTOCOLS
from plaquecast.store.dicom import write_series

SOURCE = Path("sourcedata")
"""Where BIDS keeps what a dataset was made from; its form is free."""

SOURCE_TABLE = SOURCE / "clinical.tsv"


def write_dicom_visits(root: Path, visits: Sequence[Visit], habit: str, settings: SimulateSettings, seed: int) -> None:
    """Write the visits of one patient, each as a study `sourcedata/dicom/PATIENT/VISIT/SERIES NUMBER/IM*.dcm`.

    Args:
        root: folder of the dataset.
        visits: of one simulated patient, by date.
        habit: one of `DICOM_HABITS`.
        settings: with which the visits were simulated.
        seed: chooses among the names that technicians give to series.

    Raises:
        InputError: if the habit is not known, or the disk is full.
    """
    scanner = draw_scanner(settings)
    protocols = {weighting: as_set_up(protocol, scanner) for weighting, protocol in PROTOCOLS.items()}
    born = _born(visits[0])
    for number, visit in enumerate(visits):
        folder = root / SOURCE / "dicom" / visit.patient_id / visit.session_id
        rng = np.random.default_rng([seed, number])
        for series in dicom_study(visit, born, protocols, habit, rng):
            place = folder / f"{series.attributes['SeriesNumber']}"
            write_series(place, series.stored, series.affine, series.attributes, series.enhanced)


def _born(baseline: Visit) -> date | Missing:
    age = baseline.clinical.age_years
    if isinstance(baseline.acquired, Missing) or isinstance(age, Missing):
        return Missing(Reason.ABSENT)
    return baseline.acquired - timedelta(days=round(age * DAYS_PER_YEAR))
