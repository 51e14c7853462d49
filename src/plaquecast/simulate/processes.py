"""What drives an artery between two visits: rates of four processes and chances of new components, per year.

Four processes run in every artery: in its wall, the lipid-rich core, the hemorrhage in it, and the cap. Their rates are

    mean(size) + spread(size) × (√share × explained + √(1 − share) × chance),

where `size` is the volume that the process works on, `explained` a standardized sum of effects of structured data and
baseline plaque, `chance` a standard normal draw, and `share` the world's `explained_share`. Rates and effects follow
published natural-history studies of carotid MRI, shrunk where they come from small samples.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from plaquecast.domain.anatomy import Side
from plaquecast.domain.clinical import ClinicalRecord, Sex, SmokingHistory
from plaquecast.simulate.anatomy import draw_arteries
from plaquecast.simulate.artery import SimulatedArtery
from plaquecast.simulate.records import draw_record
from plaquecast.simulate.scalars import number
from plaquecast.simulate.worlds import World

PROCESSES = ("wall", "core", "hemorrhage", "cap")
SPREAD = {
    "wall": (5.0, 0.16, 54.0),
    "core": (3.0, 0.12, 30.0),
    "hemorrhage": (8.0, 0.72, 95.0),
    "cap": (0.025, 0.0, 1.0),
}
"""SD of the true rate: constant, share of the size in mm³, and upper limit; mm³/yr, the cap's mm/yr."""
MEAN_IN_SPREADS = {"wall": 0.37, "core": -0.58, "hemorrhage": -0.345, "cap": -0.12}
NEW_CORE_PER_YEAR = 0.14
NEW_CALCIFICATION_PER_YEAR = 0.24
NEW_HEMORRHAGE_PER_YEAR = 0.135
STATIN_RESPONSE_YEARS = 2.0
"""Plaque responds to a new statin for about this long; afterwards the response is spent."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """What chance adds: unit deviations of each process and of the drift, and draws that decide on the new (0–1)."""

    unit: Mapping[str, float]
    drift: tuple[float, float]
    new_core: float
    new_hemorrhage: float
    new_calcification: float

    @staticmethod
    def none() -> "Deviation":
        """No deviation and no new component: what is expected of the continuous processes."""
        return Deviation(dict.fromkeys(PROCESSES, 0.0), (0.0, 0.0), 1.0, 1.0, 1.0)


def draw_deviations(rng: np.random.Generator) -> dict[Side, Deviation]:
    """Deviations of both arteries: half of the variance of each process is shared by the person's two sides."""
    person = {process: float(rng.normal()) for process in PROCESSES}
    deviations = {}
    for side in Side:
        unit = {process: np.sqrt(0.5) * (person[process] + float(rng.normal())) for process in PROCESSES}
        along, around, *draws = (*rng.normal(size=2).tolist(), *rng.random(3).tolist())
        deviations[side] = Deviation(unit, (along, around), *draws)
    return deviations


def explained(record: ClinicalRecord, artery: SimulatedArtery, years: float) -> dict[str, float]:
    """The explained part of each rate before it is standardized, in units of its own."""
    age = (number(record.age_years) - 64.0) / 10.0
    pressure = (number(record.systolic_pressure_mmhg) - 140.0) / 18.0
    glucose = (number(record.glucose_mmol_per_l) - 5.9) / 1.3
    pulse = (number(record.heart_rate_bpm) - 72.0) / 10.0
    is_man, smokes = record.sex is Sex.MALE, record.smoking_history is SmokingHistory.CURRENT
    off, new = 1.0 - float(record.statin is True), _share_of_response(record, years)
    has_bled = float(any(plaque.core and plaque.core.hemorrhage_share > 0.0 for plaque in artery.plaques))
    return {
        "wall": 25.0 * off - 22.0 * new + 21.0 * has_bled + 9.0 * age + 6.0 * smokes + 5.0 * pressure + 4.0 * glucose
        + 2.0 * pulse,
        "core": 7.0 * off - 13.0 * new + 10.0 * has_bled + 2.0 * glucose,
        "hemorrhage": 0.33 * is_man + 0.4 * smokes + 0.29 * (record.hypertension is True) + 0.15 * pressure,
        "cap": -0.010 * off + 0.025 * new - 0.012 * has_bled - 0.003 * smokes - 0.002 * glucose,
    }  # fmt: skip


def _share_of_response(record: ClinicalRecord, years: float) -> float:
    """Share of the interval during which a statin begun lately still works on the plaque."""
    if record.statin is not True:
        return 0.0
    left = max(STATIN_RESPONSE_YEARS - number(record.statin_years), 0.0)
    return min(left / years, 1.0) if years > 0.0 else 1.0


@lru_cache(maxsize=32)
def _center_and_spread(world: World) -> dict[str, tuple[float, float]]:
    """Mean and SD of each explained part over arteries in which the process runs, from a sample with a fixed seed."""
    rng = np.random.default_rng(20_240_101)
    values: dict[str, list[float]] = {process: [] for process in PROCESSES}
    for _ in range(700):
        record = draw_record(rng, world)
        for artery in draw_arteries(rng, record, replace(world, has_plaque=True)).values():
            cores = [plaque.core for plaque in artery.plaques if plaque.core is not None]
            has_bled = any(core.hemorrhage_share > 0.0 for core in cores)
            runs = {"wall": bool(artery.plaques), "core": bool(cores), "hemorrhage": has_bled, "cap": bool(cores)}
            for process, value in explained(record, artery, 1.4).items():
                if runs[process]:
                    values[process].append(value)
    return {process: (float(np.mean(of)), float(np.std(of))) for process, of in values.items()}


@dataclass(frozen=True, slots=True)
class Fate:
    """What drives an artery between two visits: a standardized rate for each process, in a world, for some years."""

    unit: Mapping[str, float]
    years: float
    knows_nothing: bool

    @staticmethod
    def of(record: ClinicalRecord, artery: SimulatedArtery, years: float, deviation: Deviation, world: World) -> "Fate":
        """√share × explained + √(1 − share) × chance, for each process."""
        share, raw = world.explained_share, explained(record, artery, years)
        unit = {}
        for process in PROCESSES:
            center, spread = _center_and_spread(world)[process]
            z = (raw[process] - center) / spread
            unit[process] = float(np.sqrt(share) * z + np.sqrt(1.0 - share) * deviation.unit[process])
        return Fate(unit, years, share == 0.0)

    def gain(self, process: str, size_mm3: float, room_mm3: float = np.inf) -> float:
        """What a process adds to a volume (or to a cap's thickness) of the given size until the next visit.

        Nothing loses more than there is. Where nothing may predict change, neither does size: there is no mean, and
        gains and losses are bounded alike, by what there is and by the room left.
        """
        base, share, limit = SPREAD[process]
        spread = min(base + share * size_mm3, limit)
        mean = 0.0 if self.knows_nothing else MEAN_IN_SPREADS[process] * spread
        gain = (mean + spread * self.unit[process]) * self.years
        if process == "cap":
            return gain
        bound = 0.95 * size_mm3
        return float(
            np.clip(gain, -min(bound, room_mm3), min(bound, room_mm3)) if self.knows_nothing else max(gain, -bound)
        )


def chances_of_new(record: ClinicalRecord, years: float, world: World) -> dict[str, float]:
    """Chance that each component appears within some years; none does where nothing may predict change."""
    hazards = {"core": NEW_CORE_PER_YEAR, "calcification": NEW_CALCIFICATION_PER_YEAR}
    hazards["hemorrhage"] = _hemorrhage_hazard(record)
    if world.explained_share == 0.0:
        return dict.fromkeys(hazards, 0.0)
    return {name: float(1.0 - np.exp(-hazard * years)) for name, hazard in hazards.items()}


def _hemorrhage_hazard(record: ClinicalRecord) -> float:
    """Chance per year that a core first bleeds; more in older, male, smoking and hypertensive people."""
    factor = 1.8 ** ((number(record.age_years) - 64.0) / 10.0)
    factor *= 2.0 if record.sex is Sex.MALE else 1.0
    factor *= 1.6 if record.smoking_history is SmokingHistory.CURRENT else 1.0
    factor *= 1.5 if record.hypertension is True else 1.0
    return float(NEW_HEMORRHAGE_PER_YEAR / 2.5 * factor)
