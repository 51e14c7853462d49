"""Units that a table may declare, and their exact way to the unit of the record; nothing is converted undeclared."""

from dataclasses import dataclass

from plaquecast.domain.clinical_columns import ClinicalColumn


@dataclass(frozen=True, slots=True)
class Conversion:
    """From a declared unit to ours: `factor` × value + `offset`."""

    factor: float
    offset: float = 0.0

    def __call__(self, value: float) -> float:
        """Convert one value; ours stays what it is, to the last bit."""
        return value if self == SAME else self.factor * value + self.offset


SAME = Conversion(1.0)

_BY_UNIT: dict[str, dict[str, Conversion]] = {
    "year": {
        "year": SAME,
        "years": SAME,
        "yr": SAME,
        "a": SAME,
        "month": Conversion(1 / 12),
        "day": Conversion(1 / 365.25),
    },
    "kg": {
        "kg": SAME,
        "kilogram": SAME,
        "g": Conversion(1e-3),
        "lb": Conversion(0.45359237),
        "lbs": Conversion(0.45359237),
        "pound": Conversion(0.45359237),
        "st": Conversion(6.35029318),
    },
    "cm": {
        "cm": SAME,
        "m": Conversion(100.0),
        "mm": Conversion(0.1),
        "in": Conversion(2.54),
        "inch": Conversion(2.54),
        "ft": Conversion(30.48),
    },
    "mmHg": {"mmhg": SAME, "mm[hg]": SAME, "kpa": Conversion(1000.0 / 133.322387415)},
    "/min": {"/min": SAME, "1/min": SAME, "bpm": SAME, "beats/min": SAME},
    "%": {"%": SAME, "percent": SAME},
    "/week": {
        "/week": SAME,
        "1/week": SAME,
        "drinks/week": SAME,
        "/day": Conversion(7.0),
        "drinks/day": Conversion(7.0),
    },
    "mmol/L": {"mmol/l": SAME},
}

_BY_COLUMN: dict[str, dict[str, Conversion]] = {
    # 10 / molar mass: glucose 180.156, cholesterol 386.65, triglycerides (as triolein) 885.4 g/mol
    "glucose_mmol_per_l": {"mg/dl": Conversion(10.0 / 180.156)},
    "ldl_mmol_per_l": {"mg/dl": Conversion(10.0 / 386.65)},
    "hdl_mmol_per_l": {"mg/dl": Conversion(10.0 / 386.65)},
    "triglycerides_mmol_per_l": {"mg/dl": Conversion(10.0 / 885.4)},
    # master equation between IFCC and NGSP units (Hoelzel 2004, Clin Chem 50:166)
    "hba1c_percent": {"mmol/mol": Conversion(0.09148, 2.152)},
    "smoking_pack_years": {"pack-year": SAME, "pack-years": SAME, "pack year": SAME, "pack years": SAME},
}


def find_conversion(column: ClinicalColumn, unit: str) -> Conversion | None:
    """The way from a declared unit to the column's own, or None if the unit is not known for it.

    >>> from plaquecast.domain.clinical_columns import CLINICAL_CATALOGUE
    >>> pounds = find_conversion(CLINICAL_CATALOGUE["weight_kg"], "lb")
    >>> round(pounds(176.0), 2)
    79.83
    >>> find_conversion(CLINICAL_CATALOGUE["weight_kg"], "mg/dL") is None
    True
    """
    return _known(column).get(unit.strip().casefold())


def known_units(column: ClinicalColumn) -> tuple[str, ...]:
    """Spellings of units that a table may declare for the column."""
    return tuple(_known(column))


def unit_that_fits(column: ClinicalColumn, value: float) -> str | None:
    """A unit in which a number outside the plausible range would lie inside it, as a hint to the user."""
    for unit, conversion in _known(column).items():
        if conversion != SAME and column.low <= conversion(value) <= column.high:
            return unit
    return None


def _known(column: ClinicalColumn) -> dict[str, Conversion]:
    return _BY_UNIT.get(column.unit, {}) | _BY_COLUMN.get(column.name, {})
