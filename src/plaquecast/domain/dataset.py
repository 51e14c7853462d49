"""A dataset as it was found: patients, visits, files and findings, before any image is opened."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.clinical import ClinicalRecord
from plaquecast.domain.missing import Missing
from plaquecast.errors import InputError


class Severity(StrEnum):
    """What a finding does to the case: refuse it, or flag it and go on."""

    REFUSED = "refused"
    FLAGGED = "flagged"


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem: expected, found, where, what to do, in which patient (empty: the whole dataset) and visit."""

    severity: Severity
    code: str
    expected: str
    found: str
    where: str
    remedy: str
    patient_id: str = ""
    session_id: str = ""

    def __str__(self) -> str:
        return f"Expected {self.expected}, found {self.found}, in {self.where}. {self.remedy}"


@dataclass(frozen=True, slots=True, eq=False)
class VisitSource:
    """Where one visit's images lie and what the tables say of it."""

    session_id: str
    acquired: date | Missing
    images: Mapping[Weighting, Path]
    clinical: ClinicalRecord


@dataclass(frozen=True, slots=True, eq=False)
class PatientSource:
    """One patient's visits in the order of their dates."""

    patient_id: str
    visits: tuple[VisitSource, ...]

    def visit(self, session_id: str) -> VisitSource:
        """The visit of that name.

        Raises:
            InputError: if there is none, naming those there are.
        """
        for visit in self.visits:
            if visit.session_id == session_id:
                return visit
        raise InputError(
            expected=f"a visit named {session_id}",
            found=", ".join(visit.session_id for visit in self.visits) or "no visit",
            where=f"sub-{self.patient_id}",
            remedy="Name one of the visits there are.",
            code="unknown-visit",
        )


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """A BIDS dataset as read: usable patients, and every finding about the rest."""

    root: Path
    patients: tuple[PatientSource, ...]
    findings: tuple[Finding, ...]
    simulated: bool

    def patient(self, patient_id: str) -> PatientSource:
        """The patient of that code, given with or without `sub-`.

        Raises:
            InputError: if there is none.
        """
        code = patient_id.removeprefix("sub-")
        for patient in self.patients:
            if patient.patient_id == code:
                return patient
        raise InputError(
            expected=f"a patient named {code}",
            found=f"{len(self.patients)} other patients" if self.patients else "no patient",
            where=str(self.root.name),
            remedy="Run `plaquecast check` on the dataset to see who is in it and who was refused.",
            code="unknown-patient",
        )
