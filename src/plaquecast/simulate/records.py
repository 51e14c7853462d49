"""Structured data of simulated people: a joint distribution with its correlations, confounding and gaps."""

from dataclasses import fields, replace

import numpy as np

from plaquecast.domain.clinical import ABSENT, ClinicalRecord, DrinkingHistory, Sex, SmokingHistory
from plaquecast.simulate.scalars import chance
from plaquecast.simulate.worlds import World

OFTEN_MISSING = {
    "glucose_mmol_per_l": 0.08, "heart_rate_bpm": 0.05, "drinking_history": 0.04, "weight_kg": 0.03, "height_cm": 0.03,
    "ldl_mmol_per_l": 0.15, "hba1c_percent": 0.4, "smoking_pack_years": 0.2,
}  # fmt: skip
"""Chance that an entry is missing; twice as high where the person has no diagnosis that asks for it."""


def draw_record(rng: np.random.Generator, world: World) -> ClinicalRecord:
    """Draw one person's complete structured data at baseline.

    Marginals follow a carotid clinic: age 64 ± 10 years, 65 % men, and the rates of smoking, pressure, diabetes and
    drugs of such cohorts. Smoking goes with sex, pressure with age, glucose with weight, and drugs with disease:
    whoever is treated was sicker (confounding by indication).
    """
    sex = Sex.MALE if rng.random() < 0.65 else Sex.FEMALE
    age = float(np.clip(rng.normal(world.age_mean_years, 10.0), 40.0, 88.0))
    height = float(rng.normal(169.0 if sex is Sex.MALE else 158.0, 6.0))
    body_mass_index = float(np.clip(rng.normal(24.5, 3.0), 17.0, 38.0))
    smoking = _smoking(rng, sex)
    systolic = float(rng.normal(140.0 + 0.45 * (age - 64.0) + 0.8 * (body_mass_index - 24.5), 16.5))
    diastolic = float(np.clip(0.45 * (systolic - 140.0) + rng.normal(86.0, 10.0), 45.0, systolic - 15.0))
    has_diabetes = rng.random() < chance(-1.05 + 0.15 * (body_mass_index - 24.5) + 0.02 * (age - 64.0))
    glucose = float(np.exp(rng.normal(np.log(7.6 if has_diabetes else 5.3), 0.2 if has_diabetes else 0.09)))
    has_hypertension = rng.random() < chance(0.3 + 0.06 * (systolic - 140.0) + 0.03 * (age - 64.0))
    risk = 0.05 * (age - 64.0) + 0.8 * has_diabetes + 0.5 * has_hypertension + 0.4 * (smoking is SmokingHistory.CURRENT)
    statin = bool(rng.random() < chance(_logit(world.on_statin) - 0.35 + 0.6 * risk))
    is_new = rng.random() < world.new_statin
    ldl = float(np.clip(rng.normal(3.4 - 1.0 * statin, 0.8), 0.8, 7.0))
    return ClinicalRecord(
        sex=sex,
        age_years=round(age, 1),
        weight_kg=round(body_mass_index * (height / 100.0) ** 2, 1),
        height_cm=round(height, 1),
        smoking_history=smoking,
        drinking_history=_drinking(rng, sex),
        systolic_pressure_mmhg=round(systolic),
        diastolic_pressure_mmhg=round(diastolic),
        glucose_mmol_per_l=round(glucose, 1),
        heart_rate_bpm=round(float(np.clip(rng.normal(72.0, 10.0), 45.0, 120.0))),
        statin=statin,
        antihypertensive=bool(rng.random() < chance(-1.6 + 2.6 * has_hypertension)),
        antiplatelet=bool(rng.random() < chance(0.2 + 0.5 * risk)),
        antidiabetic=bool(has_diabetes and rng.random() < 0.8),
        ldl_mmol_per_l=round(ldl, 2),
        hba1c_percent=round(float(4.2 + 0.2 * glucose + rng.normal(0.0, 0.3)), 1),
        hypertension=bool(has_hypertension),
        diabetes=bool(has_diabetes),
        statin_years=round(float(rng.uniform(0.0, 2.0) if is_new else rng.uniform(2.0, 10.0)), 1) if statin else 0.0,
        smoking_pack_years=_pack_years(rng, smoking),
    )


def later_record(record: ClinicalRecord, years: float, rng: np.random.Generator) -> ClinicalRecord:
    """The same person's complete structured data some years later."""
    numbers = {name: getattr(record, name) for name in ("age_years", "weight_kg", "systolic_pressure_mmhg")}
    age, weight, systolic = (float(value) for value in numbers.values())
    statin_years = float(record.statin_years) if isinstance(record.statin_years, float) else 0.0
    return replace(
        record,
        age_years=round(age + years, 1),
        weight_kg=round(weight + rng.normal(0.0, 2.5), 1),
        systolic_pressure_mmhg=round(systolic + rng.normal(0.4 * years, 9.0)),
        statin_years=round(statin_years + years, 1) if record.statin is True else 0.0,
    )


def with_gaps(record: ClinicalRecord, rng: np.random.Generator) -> ClinicalRecord:
    """The record as it reaches a study: some entries are missing, more so where nothing asked for them."""
    unasked = 1.0 if record.diabetes is True else 2.0
    gaps = {}
    for field in fields(record):
        is_asked_for = field.name in ("glucose_mmol_per_l", "hba1c_percent")
        chance = OFTEN_MISSING.get(field.name, 0.0) * (unasked if is_asked_for else 1.0)
        if rng.random() < chance:
            gaps[field.name] = ABSENT
    return replace(record, **gaps)


def _smoking(rng: np.random.Generator, sex: Sex) -> SmokingHistory:
    current, ever = (0.35, 0.69) if sex is Sex.MALE else (0.04, 0.08)
    draw = rng.random()
    if draw < current:
        return SmokingHistory.CURRENT
    return SmokingHistory.FORMER if draw < ever else SmokingHistory.NEVER


def _drinking(rng: np.random.Generator, sex: Sex) -> DrinkingHistory:
    never, moderate = (0.48, 0.36) if sex is Sex.MALE else (0.83, 0.13)
    draw = rng.random()
    if draw < never:
        return DrinkingHistory.NEVER
    return DrinkingHistory.MODERATE if draw < never + moderate else DrinkingHistory.HEAVY


def _pack_years(rng: np.random.Generator, smoking: SmokingHistory) -> float:
    return 0.0 if smoking is SmokingHistory.NEVER else round(float(rng.gamma(2.5, 10.0)), 1)


def _logit(chance: float) -> float:
    return float(np.log(chance / (1.0 - chance)))
