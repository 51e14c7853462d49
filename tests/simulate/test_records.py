"""Structured data of simulated people: rates, correlations, confounding and gaps; beside two real tables."""

import csv
from pathlib import Path

import numpy as np
import pytest

from plaquecast.domain.clinical import ClinicalRecord, Sex, SmokingHistory
from plaquecast.domain.clinical_columns import CLINICAL_CATALOGUE
from plaquecast.domain.missing import Missing, is_number
from plaquecast.settings import SimulateSettings
from plaquecast.simulate.records import draw_record, later_record, with_gaps
from plaquecast.simulate.worlds import world_of

N = 3000
WORLD = world_of(SimulateSettings())


@pytest.fixture(scope="module")
def records() -> list[ClinicalRecord]:
    rng = np.random.default_rng(5)
    return [draw_record(rng, WORLD) for _ in range(N)]


def column(records: list[ClinicalRecord], name: str) -> np.ndarray:
    return np.array([float(getattr(record, name)) for record in records])


def is_man(records: list[ClinicalRecord]) -> np.ndarray:
    return np.array([record.sex is Sex.MALE for record in records])


@pytest.mark.parametrize(
    ("name", "mean", "sd"),
    [
        # a carotid clinic as published cohorts describe it; the SD of a mean of 3000 is below 2 % of the SD
        ("age_years", 64.0, 10.0),
        ("systolic_pressure_mmhg", 140.0, 18.0),
        ("diastolic_pressure_mmhg", 86.0, 13.0),
        ("heart_rate_bpm", 72.0, 10.0),
    ],
)
def test_numbers_are_those_of_a_carotid_clinic(
    records: list[ClinicalRecord], name: str, mean: float, sd: float
) -> None:
    values = column(records, name)
    assert values.mean() == pytest.approx(mean, abs=0.1 * sd)
    assert values.std() == pytest.approx(sd, rel=0.1)


@pytest.mark.parametrize(
    ("name", "share"),
    [("statin", 0.55), ("antihypertensive", 0.5), ("antiplatelet", 0.55), ("diabetes", 0.28), ("hypertension", 0.6)],
)
def test_shares_are_those_of_a_carotid_clinic(records: list[ClinicalRecord], name: str, share: float) -> None:
    assert column(records, name).mean() == pytest.approx(share, abs=0.1)


def test_data_go_together_as_in_people(records: list[ClinicalRecord]) -> None:
    smokes = np.array([record.smoking_history is SmokingHistory.CURRENT for record in records])
    man, mass = is_man(records), np.array([record.body_mass_index for record in records], dtype=np.float64)
    age, pressure = column(records, "age_years"), column(records, "systolic_pressure_mmhg")
    glucose, statin = column(records, "glucose_mmol_per_l"), column(records, "statin")
    assert smokes[man].mean() > smokes[~man].mean() + 0.2
    assert np.corrcoef(age, pressure)[0, 1] > 0.15
    assert np.corrcoef(mass, glucose)[0, 1] > 0.1
    # whoever is treated was sicker: confounding by indication
    assert age[statin == 1.0].mean() > age[statin == 0.0].mean() + 1.0
    assert column(records, "diabetes")[statin == 1.0].mean() > column(records, "diabetes")[statin == 0.0].mean() + 0.05


def test_every_number_is_plausible_by_the_catalogue(records: list[ClinicalRecord]) -> None:
    for name, entry in CLINICAL_CATALOGUE.items():
        if entry.is_number and is_number(getattr(records[0], name)):
            values = column(records, name)
            assert values.min() >= entry.low, name
            assert values.max() <= entry.high, name


def test_gaps_depend_on_what_was_asked_for() -> None:
    rng = np.random.default_rng(1)
    records = [draw_record(rng, WORLD) for _ in range(N)]
    gapped = [with_gaps(record, rng) for record in records]
    for asked in (True, False):
        missing = [
            isinstance(g.glucose_mmol_per_l, Missing)
            for r, g in zip(records, gapped, strict=True)
            if r.diabetes is asked
        ]
        assert np.mean(missing) == pytest.approx(0.08 if asked else 0.16, abs=0.03)
    assert not any(isinstance(record.sex, Missing) or isinstance(record.age_years, Missing) for record in gapped)


def test_people_age_between_visits() -> None:
    rng = np.random.default_rng(2)
    record = draw_record(rng, WORLD)
    later = later_record(record, 2.5, rng)
    assert is_number(record.age_years)
    assert later.age_years == pytest.approx(record.age_years + 2.5, abs=0.06)
    assert later.sex is record.sex


def test_signs_agree_with_real_arterial_patients(shared_data: Path, records: list[ClinicalRecord]) -> None:
    """3873 patients of a Dutch study of arterial disease: other levels (more statins and weight), the same ties."""
    with (shared_data / "tables" / "smart_arterial_patients.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    real = {
        name: np.array([float(row[name]) if row[name] not in ("", "NA") else np.nan for row in rows])
        for name in ("SEX", "AGE", "SYSTBP", "WEIGHT", "LENGTH", "GLUT", "SMOKING")
    }
    mass = real["WEIGHT"] / real["LENGTH"] ** 2

    def tie(a: np.ndarray, b: np.ndarray) -> float:
        known = np.isfinite(a) & np.isfinite(b)
        return float(np.corrcoef(a[known], b[known])[0, 1])

    simulated_mass = np.array([record.body_mass_index for record in records], dtype=np.float64)
    smoked = np.array([record.smoking_history is not SmokingHistory.NEVER for record in records], dtype=np.float64)
    ours = {name: column(records, name) for name in ("age_years", "systolic_pressure_mmhg", "glucose_mmol_per_l")}
    pairs = {
        "age and pressure": (
            tie(real["AGE"], real["SYSTBP"]),
            tie(ours["age_years"], ours["systolic_pressure_mmhg"]),
        ),
        "body mass and glucose": (tie(mass, real["GLUT"]), tie(simulated_mass, ours["glucose_mmol_per_l"])),
        "men and smoking": (
            tie((real["SEX"] == 1.0).astype(float), (real["SMOKING"] > 1.0).astype(float)),
            tie(is_man(records).astype(float), smoked),
        ),
    }
    for name, (there, here) in pairs.items():
        assert there * here > 0.0, f"{name}: {there:.2f} there, {here:.2f} here"
    # a carotid clinic is as male and as old as theirs within ten points and ten years
    assert (real["SEX"] == 1.0).mean() == pytest.approx(is_man(records).mean(), abs=0.12)
    assert np.nanmean(real["AGE"]) == pytest.approx(column(records, "age_years").mean(), abs=10.0)
