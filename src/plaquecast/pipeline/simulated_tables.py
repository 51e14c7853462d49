"""What is known of simulated patients without their images, and the tables that say it: of a run, and of the truth."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np

from plaquecast.change.factors import patient_change_factors
from plaquecast.change.rate import annual_change
from plaquecast.domain.anatomy import Side
from plaquecast.domain.change import FACTOR_MEASUREMENT, Factor
from plaquecast.domain.clinical import ClinicalRecord
from plaquecast.domain.measurements import MeasurementError
from plaquecast.domain.missing import Measured, Missing, is_number
from plaquecast.domain.morphology import ArteryMorphology
from plaquecast.domain.visit import interval_years
from plaquecast.settings import ChangeSettings, Settings
from plaquecast.simulate.cohort import session_id
from plaquecast.simulate.parameters import parameter_table
from plaquecast.store.atomic import write_json
from plaquecast.store.bids import write_dataset_description
from plaquecast.store.change_tables import PatientChange, write_change_factors_table, write_expected_change_table
from plaquecast.store.clinical_table import ClinicalVisit, write_clinical_table
from plaquecast.store.tables import MeasuredArtery, write_arteries_table, write_slices_table, write_wall_maps_table

TRUTH = Path("derivatives") / "truth"


@dataclass(frozen=True, slots=True, eq=False)
class KnownVisit:
    """What is known of one visit without its images."""

    session_id: str
    acquired: date | Missing
    clinical: ClinicalRecord
    arteries: Mapping[Side, ArteryMorphology]


@dataclass(frozen=True, slots=True, eq=False)
class KnownPatient:
    """What is known of one patient: visits by date, and change per year between baseline and first follow-up."""

    patient_id: str
    visits: tuple[KnownVisit, ...]
    true_change: Mapping[Side, Mapping[Factor, Measured]]
    expected_change: Mapping[Side, Mapping[Factor, Measured]]


def write_truth(root: Path, known: Sequence[KnownPatient], what: Mapping[str, object], settings: Settings) -> None:
    """Write `derivatives/truth` but for its label maps: tables, the oracle, and the card that says `what` this is.

    Where patients have several follow-ups, change until each earlier one stands in `tables/until-<session>`.
    """
    truth = root / TRUTH
    write_dataset_description(truth, "Truth of simulated carotids", simulated=True, derivative_of="../..")
    write_tables(truth / "tables", known, {}, settings.change)
    for session in _follow_ups(known[0])[:-1]:
        _write_changes(truth / "tables" / f"until-{session}", known, {}, settings.change, session)
    write_expected_change_table(
        truth / "tables",
        {patient.patient_id: patient.expected_change for patient in known},
        {patient.patient_id: patient.true_change for patient in known},
    )
    parameters = [asdict(parameter) for parameter in parameter_table(settings.simulate)]
    card = {"simulated": True, "purpose": "research use only", **what, "parameters": parameters}
    write_json(truth / "card.json", card)


def write_tables(
    folder: Path, known: Sequence[KnownPatient], errors: Mapping[str, MeasurementError], settings: ChangeSettings
) -> None:
    """Write the tables of a run; `errors` are those of the measurements, none for the truth."""
    visits = [(patient.patient_id, visit) for patient in known for visit in patient.visits]
    arteries = [
        MeasuredArtery(patient_id, visit.session_id, side, artery)
        for patient_id, visit in visits
        for side, artery in visit.arteries.items()
    ]
    write_arteries_table(folder, arteries)
    write_slices_table(folder, arteries)
    write_wall_maps_table(folder, arteries)
    _write_changes(folder, known, errors, settings, _follow_ups(known[0])[-1])
    write_clinical_table(
        folder, [ClinicalVisit(code, visit.session_id, visit.acquired, visit.clinical) for code, visit in visits]
    )


def _follow_ups(patient: KnownPatient) -> list[str]:
    """The sessions that come after the baseline and are no repeat scan of it, by date."""
    names = {visit.session_id for visit in patient.visits}
    return [session_id(visit) for visit in range(1, len(names)) if session_id(visit) in names]


def _write_changes(
    folder: Path,
    known: Sequence[KnownPatient],
    errors: Mapping[str, MeasurementError],
    settings: ChangeSettings,
    until: str,
) -> None:
    """Write the change factors between the baseline and the session `until`."""
    changes = [each for patient in known for each in _changes(patient, errors, settings, until)]
    write_change_factors_table(folder, changes)


def _changes(
    patient: KnownPatient, errors: Mapping[str, MeasurementError], settings: ChangeSettings, until: str
) -> Iterator[PatientChange]:
    """Every change factor of both arteries and of the patient; what `errors` leaves out has none (the truth)."""
    by_name = {visit.session_id: visit for visit in patient.visits}
    first, last = by_name[session_id(0)], by_name[until]
    years = interval_years(first.acquired, last.acquired)
    by_side = []
    for side in Side:
        before, after = first.arteries[side], last.arteries[side]
        by_side.append(
            [
                annual_change(
                    factor, side, values, _error(values, errors.get(name)), years, settings, _limit(factor, before)
                )
                for factor, name in FACTOR_MEASUREMENT.items()
                for values in [(getattr(before, name), getattr(after, name))]
            ]
        )
    for change in (*by_side[0], *by_side[1], *patient_change_factors(by_side, settings)):
        yield PatientChange(patient.patient_id, change)


def _error(values: tuple[Measured, Measured], error: MeasurementError | None) -> float:
    """One SD of the difference, from the error of one scan at the mean of the numbers there are."""
    numbers = [value for value in values if is_number(value)]
    return (
        float(np.sqrt(2.0) * error.sd(np.array(sum(numbers) / len(numbers)))) if error is not None and numbers else 0.0
    )


def _limit(factor: Factor, artery: ArteryMorphology) -> Measured:
    return artery.fibrous_cap_resolution_mm if factor is Factor.FIBROUS_CAP_THICKNESS else 0.0
