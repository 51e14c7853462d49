"""How an artery changes in time because of a person's structured data, their plaque, and chance.

Every rate is a mean that the person's data and baseline explain, plus a deviation that nothing explains. The share of
variance of the explained part is the world's `explained_share`. Rates and effects follow published natural-history
studies of carotid MRI, shrunk where they come from small samples.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from plaquecast.domain.anatomy import Side
from plaquecast.domain.clinical import ClinicalRecord, Sex, SmokingHistory
from plaquecast.domain.grid import FloatArray
from plaquecast.simulate.anatomy import draw_arteries, draw_calcification, new_core, room_for_core
from plaquecast.simulate.artery import SimulatedArtery
from plaquecast.simulate.plaque import Core, Deposit, Plaque
from plaquecast.simulate.records import draw_record
from plaquecast.simulate.tissues import Matter
from plaquecast.simulate.truth import COARSE
from plaquecast.simulate.worlds import World

PROCESSES = ("wall", "core", "hemorrhage", "cap")
SPREAD = {"wall": 50.0, "core": 15.0, "hemorrhage": 1.0, "cap": 0.025}
"""SD of the true rate: wall and core mm³/yr, cap mm/yr; hemorrhage in units of `_hemorrhage_spread`."""
MEAN = {"wall": 10.0, "core": 0.0, "hemorrhage": 0.0, "cap": -0.003}
NEW_CORE_PER_YEAR = 0.11
NEW_CALCIFICATION_PER_YEAR = 0.18
NEW_HEMORRHAGE_PER_YEAR = 0.05
CALCIFICATION_GROWTH_PER_YEAR = 0.06
STATIN_RESPONSE_YEARS = 2.0
"""Plaque responds to a new statin for about this long; afterwards the response is spent."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """What chance adds: unit deviations of each process, and the draws that decide on new components (0–1)."""

    unit: Mapping[str, float]
    new_core: float
    new_hemorrhage: float
    new_calcification: float

    @staticmethod
    def none() -> "Deviation":
        """No deviation and no new component: what is expected of the continuous processes."""
        return Deviation(dict.fromkeys(PROCESSES, 0.0), 1.0, 1.0, 1.0)


def draw_deviations(rng: np.random.Generator) -> dict[Side, Deviation]:
    """Unit deviations of both arteries: half of the variance is shared by the person's two sides."""
    person = {process: float(rng.normal()) for process in PROCESSES}
    deviations = {}
    for side in Side:
        unit = {process: np.sqrt(0.5) * (person[process] + float(rng.normal())) for process in PROCESSES}
        deviations[side] = Deviation(unit, *(float(draw) for draw in rng.random(3)))
    return deviations


def explained(record: ClinicalRecord, artery: SimulatedArtery, years: float) -> dict[str, float]:
    """The explained part of each rate before it is centered and scaled, in natural units (mm³/yr, mm/yr, 1)."""
    age = (_number(record.age_years) - 64.0) / 10.0
    pressure = (_number(record.systolic_pressure_mmhg) - 140.0) / 18.0
    glucose = (_number(record.glucose_mmol_per_l) - 5.9) / 1.3
    pulse = (_number(record.heart_rate_bpm) - 72.0) / 10.0
    is_man, smokes = record.sex is Sex.MALE, record.smoking_history is SmokingHistory.CURRENT
    off, new = 1.0 - float(record.statin is True), _share_of_response(record, years)
    has_hemorrhage = float(any(plaque.core and plaque.core.hemorrhage_share > 0.0 for plaque in artery.plaques))
    height = max((plaque.height_mm for plaque in artery.plaques), default=0.0) - 1.3
    return {
        "wall": 22.0 * off - 22.0 * new + 30.0 * has_hemorrhage + 7.0 * age + 6.0 * smokes + 4.0 * pressure
        + 4.0 * glucose + 2.0 * pulse + 5.0 * height,
        "core": 7.0 * off - 20.0 * new + 10.0 * has_hemorrhage + 2.0 * glucose + 1.5 * height,
        "hemorrhage": 0.33 * is_man + 0.4 * smokes + 0.29 * (record.hypertension is True) + 0.15 * pressure,
        "cap": -0.010 * off + 0.025 * new - 0.012 * has_hemorrhage - 0.003 * smokes - 0.002 * glucose,
    }  # fmt: skip


def _share_of_response(record: ClinicalRecord, years: float) -> float:
    """Share of the interval during which a statin begun lately still works on the plaque."""
    if record.statin is not True:
        return 0.0
    left = max(STATIN_RESPONSE_YEARS - _number(record.statin_years), 0.0)
    return min(left, years) / years


@lru_cache(maxsize=32)
def _center_and_spread(world: World) -> dict[str, tuple[float, float]]:
    """Mean and SD of each explained part over people with plaque of this world, from a sample with a fixed seed."""
    rng = np.random.default_rng(20_240_101)
    values: dict[str, list[float]] = {process: [] for process in PROCESSES}
    for _ in range(400):
        record = draw_record(rng, world)
        for artery in draw_arteries(rng, record, replace(world, has_plaque=True)).values():
            for process, value in explained(record, artery, 1.4).items():
                values[process].append(value)
    return {process: (float(np.mean(of)), float(np.std(of))) for process, of in values.items()}


def standardized_rates(
    record: ClinicalRecord, artery: SimulatedArtery, years: float, deviation: Deviation, world: World
) -> dict[str, float]:
    """Rates per year of each process: mean + spread × (√share × explained + √(1 − share) × deviation)."""
    share = world.explained_share
    raw = explained(record, artery, years)
    rates = {}
    for process in PROCESSES:
        center, spread = _center_and_spread(world)[process]
        z = (raw[process] - center) / spread
        rates[process] = MEAN[process] + SPREAD[process] * (
            np.sqrt(share) * z + np.sqrt(1.0 - share) * deviation.unit[process]
        )
    return rates


def grow(
    artery: SimulatedArtery,
    record: ClinicalRecord,
    years: float,
    deviation: Deviation,
    world: World,
    rng: np.random.Generator,
) -> SimulatedArtery:
    """The artery some years later.

    The wall gains or loses volume through its plaques (or, without any, evenly); cores grow, shrink, appear or vanish;
    hemorrhage waxes and wanes inside them; caps thin or thicken; calcification only ever grows.
    """
    rates = standardized_rates(record, artery, years, deviation, world)
    if not artery.plaques:
        return _thicken_evenly(artery, rates["wall"] * years)
    grown = _scale_plaques(artery, rates["wall"] * years)
    plaques = []
    for index, plaque in enumerate(grown.plaques):
        core = _later_core(grown, plaque, rates, years) if plaque.core else None
        if core is None and index == 0 and plaque.core is None and room_for_core(grown.wall_mm, plaque):
            appears = deviation.new_core < 1.0 - np.exp(-NEW_CORE_PER_YEAR * years)
            core = new_core(rng, plaque) if appears else None
        if core is not None and index == 0 and core.hemorrhage_share == 0.0:
            bleeds = deviation.new_hemorrhage < 1.0 - np.exp(-hemorrhage_hazard(record, world) * years)
            core = replace(core, hemorrhage_share=float(rng.uniform(0.2, 0.6))) if bleeds else core
        deposits = tuple(_later_deposit(deposit, years) for deposit in plaque.deposits)
        if index == 0 and deviation.new_calcification < 1.0 - np.exp(-NEW_CALCIFICATION_PER_YEAR * years):
            deposits += (draw_calcification(rng, plaque.footprint),)
        plaques.append(replace(plaque, core=core, deposits=deposits))
    return grown.with_plaques(tuple(plaques))


def hemorrhage_hazard(record: ClinicalRecord, world: World) -> float:
    """Chance per year that a core first bleeds; more in older, male, smoking and hypertensive people."""
    if world.explained_share == 0.0:
        return NEW_HEMORRHAGE_PER_YEAR
    factor = 1.8 ** ((_number(record.age_years) - 64.0) / 10.0)
    factor *= 2.0 if record.sex is Sex.MALE else 1.0
    factor *= 1.6 if record.smoking_history is SmokingHistory.CURRENT else 1.0
    factor *= 1.5 if record.hypertension is True else 1.0
    return float(NEW_HEMORRHAGE_PER_YEAR / 2.5 * factor)


_CELL = COARSE.step_mm * COARSE.step_angle


def _wall_volume(artery: SimulatedArtery) -> float:
    lumen, outer = artery.radii_on(COARSE)
    return float(0.5 * _CELL * (np.vdot(outer, outer) - np.vdot(lumen, lumen)))


def _with_heights(artery: SimulatedArtery, factor: float) -> SimulatedArtery:
    plaques = tuple(
        replace(plaque, height_mm=float(np.clip(plaque.height_mm * factor, 0.25, 5.5))) for plaque in artery.plaques
    )
    return artery.with_plaques(plaques)


def _scale_plaques(artery: SimulatedArtery, gain_mm3: float) -> SimulatedArtery:
    """Scale all plaques' heights so that the wall gains a volume, as far as plaques can grow or shrink."""
    start = _wall_volume(artery)
    bare = _wall_volume(artery.with_plaques(()))
    factor = max(1.0 + gain_mm3 / max(start - bare, 1.0), 0.1)
    before, reached_before = 1.0, start
    for _ in range(2):
        reached = _wall_volume(_with_heights(artery, factor))
        slope = (reached - reached_before) / (factor - before) if factor != before else 0.0
        if abs(slope) < 1e-6:
            break
        before, reached_before = factor, reached
        factor = float(np.clip(factor + (start + gain_mm3 - reached) / slope, 0.1, 6.0))
    return _with_heights(artery, factor)


def _thicken_evenly(artery: SimulatedArtery, gain_mm3: float) -> SimulatedArtery:
    """A healthy wall changes evenly, and by a fifth of what a diseased one does."""
    area_mm2 = float(artery.radii_on(COARSE)[0].sum()) * _CELL
    return replace(artery, wall_mm=float(np.clip(artery.wall_mm + 0.2 * gain_mm3 / area_mm2, 0.45, 1.6)))


def _core_volume(radii: tuple[FloatArray, FloatArray], core: Core) -> float:
    lumen, outer = radii
    _, (_, top, bottom), *_ = core.layers(COARSE.s, COARSE.a, outer - lumen)
    return float(np.vdot(bottom - top, lumen + 0.5 * (top + bottom)) * _CELL)


def _later_core(artery: SimulatedArtery, plaque: Plaque, rates: Mapping[str, float], years: float) -> Core | None:
    """The core grown to its new volume under its thinned or thickened cap; None once it is too small to be one."""
    core, radii = plaque.core, artery.radii_on(COARSE)
    assert core is not None
    cap_gain = rates["cap"] * years - (0.01 * years if rates["core"] > 10.0 else 0.0)
    core = replace(
        core,
        cap_mm=float(np.clip(core.cap_mm + cap_gain, 0.15, 1.2)),
        cap_min_mm=0.0 if core.cap_min_mm + cap_gain < 0.08 else float(min(core.cap_min_mm + cap_gain, core.cap_mm)),
    )
    volume = _core_volume(radii, core)
    wanted = volume + rates["core"] * years
    if wanted < 3.0:
        return None
    hemorrhage = core.hemorrhage_share * volume
    factor = 1.0
    for _ in range(3):
        trial = _resized(core, factor)
        factor *= float(np.clip((wanted / max(_core_volume(radii, trial), 0.5)) ** (1.0 / 3.0), 0.6, 1.5))
    core = _resized(core, factor)
    if hemorrhage > 0.0:
        change = (_mean_hemorrhage_rate(hemorrhage) + _hemorrhage_spread(hemorrhage) * rates["hemorrhage"]) * years
        share = (hemorrhage + change) / max(_core_volume(radii, core), 1.0)
        # recent hemorrhage is organized within months, so type I turns into type II
        core = replace(core, hemorrhage_share=float(np.clip(share, 0.0, 0.95)), hemorrhage_is_recent=True)
        core = replace(core, hemorrhage_share=0.0) if core.hemorrhage_share < 0.03 else core
    return core


def _resized(core: Core, factor: float) -> Core:
    return replace(core, footprint=core.footprint.scaled(factor), fill=float(min(core.fill * factor, 0.95)))


def _mean_hemorrhage_rate(volume_mm3: float) -> float:
    """Hemorrhage falls on average: −12 mm³/yr for a large one."""
    return -min(12.0, 0.15 * volume_mm3)


def _hemorrhage_spread(volume_mm3: float) -> float:
    """SD of the yearly change: 45 mm³/yr for a large hemorrhage, less for what cannot lose that much."""
    return min(45.0, 5.0 + 0.4 * volume_mm3)


def _later_deposit(deposit: Deposit, years: float) -> Deposit:
    if deposit.matter is not Matter.CALCIFICATION:
        return deposit
    factor = float(np.exp(CALCIFICATION_GROWTH_PER_YEAR * years))
    return replace(deposit, footprint=deposit.footprint.scaled(factor))


def _number(value: object) -> float:
    assert isinstance(value, int | float), "complete records are drawn before gaps are made"
    return float(value)
