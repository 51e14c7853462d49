"""The catalogue of the structured data: each column's unit, plausible range or words, and definition."""

from dataclasses import dataclass

from plaquecast.domain.clinical import DrinkingHistory, Sex, SmokingHistory


@dataclass(frozen=True, slots=True)
class ClinicalColumn:
    """One column: a number with `unit` and plausible `low`–`high`, one of `words`, or a text (neither).

    A number outside `low`–`high` is taken for a slip of the pen or of the unit, never for a value.
    """

    name: str
    description: str
    unit: str = ""
    low: float = 0.0
    high: float = 0.0
    words: tuple[str, ...] = ()

    @property
    def is_number(self) -> bool:
        """Whether the column holds numbers."""
        return bool(self.unit)

    @property
    def quantity(self) -> str:
        """The name without its unit: what a table may call the column when it declares the unit elsewhere.

        >>> CLINICAL_CATALOGUE["glucose_mmol_per_l"].quantity, CLINICAL_CATALOGUE["statin"].quantity
        ('glucose', 'statin')
        """
        return self.name.removesuffix(_SUFFIX_OF_UNIT.get(self.unit, ""))


_SUFFIX_OF_UNIT = {
    "year": "_years",
    "kg": "_kg",
    "cm": "_cm",
    "mmHg": "_mmhg",
    "mmol/L": "_mmol_per_l",
    "/min": "_bpm",
    "%": "_percent",
    "/week": "_per_week",
}

YES_NO = ("yes", "no")

_COLUMNS = (
    ClinicalColumn("sex", "Sex as recorded", words=tuple(Sex)),
    ClinicalColumn("age_years", "Age at the visit", "year", 18.0, 110.0),
    ClinicalColumn("weight_kg", "Body weight", "kg", 25.0, 300.0),
    ClinicalColumn("height_cm", "Body height", "cm", 100.0, 230.0),
    ClinicalColumn("smoking_history", "Smoking up to the visit", words=tuple(SmokingHistory)),
    ClinicalColumn("drinking_history", "Alcohol up to the visit", words=tuple(DrinkingHistory)),
    ClinicalColumn("systolic_pressure_mmhg", "Systolic blood pressure at rest", "mmHg", 60.0, 280.0),
    ClinicalColumn("diastolic_pressure_mmhg", "Diastolic blood pressure at rest", "mmHg", 30.0, 160.0),
    ClinicalColumn("glucose_mmol_per_l", "Blood glucose", "mmol/L", 1.5, 35.0),
    ClinicalColumn("heart_rate_bpm", "Heart rate at rest", "/min", 25.0, 220.0),
    ClinicalColumn("statin", "Takes a statin", words=YES_NO),
    ClinicalColumn("antihypertensive", "Takes a drug against hypertension", words=YES_NO),
    ClinicalColumn("antiplatelet", "Takes an antiplatelet drug", words=YES_NO),
    ClinicalColumn("antidiabetic", "Takes a drug against diabetes", words=YES_NO),
    ClinicalColumn("ldl_mmol_per_l", "LDL cholesterol in blood", "mmol/L", 0.2, 15.0),
    ClinicalColumn("hdl_mmol_per_l", "HDL cholesterol in blood", "mmol/L", 0.1, 5.0),
    ClinicalColumn("triglycerides_mmol_per_l", "Triglycerides in blood", "mmol/L", 0.1, 60.0),
    ClinicalColumn("hba1c_percent", "Hemoglobin A1c, NGSP", "%", 3.0, 20.0),
    ClinicalColumn("hypertension", "Diagnosis of hypertension", words=YES_NO),
    ClinicalColumn("diabetes", "Diagnosis of diabetes", words=YES_NO),
    ClinicalColumn("statin_years", "Time on a statin up to the visit", "year", 0.0, 60.0),
    ClinicalColumn("smoking_pack_years", "Packs a day times years of smoking", "year", 0.0, 250.0),
    ClinicalColumn("alcohol_drinks_per_week", "Standard drinks a week", "/week", 0.0, 200.0),
    ClinicalColumn("site", "Code of the hospital or scanner site"),
)

CLINICAL_CATALOGUE: dict[str, ClinicalColumn] = {column.name: column for column in _COLUMNS}
"""Every column of the structured data by name, in the order of `ClinicalRecord`."""

SITE_PATTERN = r"[A-Za-z0-9](?:[A-Za-z0-9 ._-]{0,62}[A-Za-z0-9])?"
"""What a site's code may look like, so that it is safe in every table, page and file it reaches."""

MISSING_MARKS = ("", "n/a", "na", "nan", "null", "missing", ".")
"""What is read as missing in every table, whatever its case; no code of a site may look like one."""

PATIENT_PATTERN = r"[A-Za-z0-9]{1,32}"
"""What a patient's or a visit's code may look like (BIDS labels): safe as part of a path."""
