"""The structured data of a patient at a visit, with the unit in each name."""

from dataclasses import dataclass, fields
from enum import StrEnum

from plaquecast.domain.missing import Measured, Missing, Reason


class Sex(StrEnum):
    """Sex as recorded."""

    FEMALE = "female"
    MALE = "male"


class SmokingHistory(StrEnum):
    """Smoking up to the visit."""

    NEVER = "never"
    FORMER = "former"
    CURRENT = "current"


class DrinkingHistory(StrEnum):
    """Alcohol up to the visit."""

    NEVER = "never"
    FORMER = "former"
    MODERATE = "moderate"
    HEAVY = "heavy"


ABSENT = Missing(Reason.ABSENT)


@dataclass(frozen=True, slots=True)
class ClinicalRecord:
    """Structured data of one patient at one visit; each entry may be `Missing`.

    Pressures in mmHg, glucose and lipids in mmol/L, HbA1c in % (NGSP), heart rate in beats per minute.
    Medication and diagnoses are yes (True), no (False) or missing.

    >>> record = ClinicalRecord(age_years=64.0, sex=Sex.FEMALE, weight_kg=80.0, height_cm=160.0)
    >>> round(record.body_mass_index, 2), str(record.statin)
    (31.25, 'absent from input')
    """

    sex: Sex | Missing = ABSENT
    age_years: Measured = ABSENT
    weight_kg: Measured = ABSENT
    height_cm: Measured = ABSENT
    smoking_history: SmokingHistory | Missing = ABSENT
    drinking_history: DrinkingHistory | Missing = ABSENT
    systolic_pressure_mmhg: Measured = ABSENT
    diastolic_pressure_mmhg: Measured = ABSENT
    glucose_mmol_per_l: Measured = ABSENT
    heart_rate_bpm: Measured = ABSENT
    statin: bool | Missing = ABSENT
    antihypertensive: bool | Missing = ABSENT
    antiplatelet: bool | Missing = ABSENT
    antidiabetic: bool | Missing = ABSENT
    ldl_mmol_per_l: Measured = ABSENT
    hdl_mmol_per_l: Measured = ABSENT
    triglycerides_mmol_per_l: Measured = ABSENT
    hba1c_percent: Measured = ABSENT
    hypertension: bool | Missing = ABSENT
    diabetes: bool | Missing = ABSENT
    statin_years: Measured = ABSENT
    smoking_pack_years: Measured = ABSENT
    alcohol_drinks_per_week: Measured = ABSENT
    site: str | Missing = ABSENT

    @property
    def body_mass_index(self) -> Measured:
        """Body mass index, kg/m², or why there is none."""
        if isinstance(self.weight_kg, Missing):
            return self.weight_kg
        if isinstance(self.height_cm, Missing):
            return self.height_cm
        return self.weight_kg / (self.height_cm / 100.0) ** 2


CLINICAL_COLUMNS = tuple(field.name for field in fields(ClinicalRecord) if field.name != "sex")
"""Columns of a sessions table; sex stands in the participants table."""
