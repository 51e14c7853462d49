"""What moves a forecast most, in words: the exact parts of the prediction, summed over columns that belong together."""

import numpy as np

from plaquecast.domain.grid import FloatArray
from plaquecast.domain.learning import FeatureTable

N_REASONS = 4
LEAST_SHARE = 0.05
"""A part smaller than this share of all parts is no reason."""


def reasons(features: FeatureTable, contributions: FloatArray, unit: str) -> tuple[str, ...]:
    """The largest parts of one row's prediction beside the mean; `contributions` (p + 1,), in `unit` per year.

    >>> import numpy as np
    >>> from plaquecast.domain.anatomy import Side
    >>> row = FeatureTable(np.array(["a"]), (Side.LEFT,), ("age_years", "statin"), np.array([[71.0, 0.0]]))
    >>> reasons(row, np.array([4.0, 2.5, 10.0]), "mm³")
    ('age 71 years: +4 mm³/yr', 'statin no: +2.5 mm³/yr')
    """
    by_name: dict[str, float] = {}
    for name, part in zip(features.columns, contributions[:-1], strict=True):
        source = name.removesuffix("_missing")
        by_name[source] = by_name.get(source, 0.0) + float(part)
    total = sum(abs(part) for part in by_name.values())
    ranked = sorted(by_name.items(), key=lambda item: -abs(item[1]))[:N_REASONS]
    values = dict(zip(features.columns, features.values[0], strict=True))
    return tuple(
        f"{describe_value(name, float(values.get(name, np.nan)))}: {part:+.3g} {unit}/yr".replace("  ", " ")
        for name, part in ranked
        if abs(part) > LEAST_SHARE * total > 0.0
    )


UNITS = {
    "_mm3": "mm³", "_mm2": "mm²", "_mm": "mm", "_percent": "%", "_years": "years", "_mmhg": "mmHg",
    "_mmol_per_l": "mmol/L", "_bpm": "per minute", "_kg": "kg", "_cm": "cm", "_per_week": "per week",
}  # fmt: skip
YES_NO_WORDS = (
    "statin", "antihypertensive", "antiplatelet", "antidiabetic", "hypertension", "diabetes", "smokes", "has_smoked",
    "drinks_moderately", "drinks_heavily", "is_man", "has_plaque", "has_core", "has_hemorrhage", "has_calcification",
    "fibrous_cap_below_resolution",
)  # fmt: skip


def describe_value(name: str, value: float) -> str:
    """A feature and its value as a reader says it.

    >>> describe_value("wall_volume_mm3", 812.4), describe_value("statin", 1.0), describe_value("sex", float("nan"))
    ('wall volume 812 mm³', 'statin yes', 'sex missing')
    """
    suffix = next((end for end in UNITS if name.endswith(end)), "")
    words = name.removesuffix(suffix).replace("_", " ")
    if np.isnan(value):
        return f"{words} missing"
    if name in YES_NO_WORDS:
        return f"{words} {'yes' if value else 'no'}"
    return f"{words} {value:.3g} {UNITS.get(suffix, '')}".rstrip()
