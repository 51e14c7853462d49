"""How an artery changes in time because of a person's structured data, their plaque, and chance.

Four processes run in every artery: in its wall, the lipid-rich core, the hemorrhage in it, and the cap. Their rates are

    mean(size) + spread(size) × (√share × explained + √(1 − share) × chance),

where `size` is the volume that the process works on, `explained` a standardized sum of effects of structured data and
baseline plaque, `chance` a standard normal draw, and `share` the world's `explained_share`. Rates and effects follow
published natural-history studies of carotid MRI, shrunk where they come from small samples.

Where the wall grows: a plaque grows alike in height, length and width, so the wall thickens in proportion to today's
thickening, which is greatest opposite the flow divider; it creeps towards its core (faster if that bled) by a law, and
anywhere by chance. Most of what is added goes outward, as vessels remodel, so that stenosis lags behind the wall.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from plaquecast.domain.anatomy import Side, Tissue
from plaquecast.domain.clinical import ClinicalRecord, Sex, SmokingHistory
from plaquecast.domain.grid import FloatArray
from plaquecast.simulate.anatomy import draw_arteries, draw_calcification, new_core, room_for_core
from plaquecast.simulate.artery import SimulatedArtery
from plaquecast.simulate.course import COARSE
from plaquecast.simulate.plaque import Core, Deposit, Footprint, Plaque, angle_between
from plaquecast.simulate.records import draw_record
from plaquecast.simulate.tissues import Matter
from plaquecast.simulate.worlds import World

PROCESSES = ("wall", "core", "hemorrhage", "cap")
SPREAD = {
    "wall": (5.0, 0.19, 58.0),
    "core": (3.0, 0.12, 30.0),
    "hemorrhage": (8.0, 0.72, 95.0),
    "cap": (0.025, 0.0, 1.0),
}
"""SD of the true rate: constant, share of the size in mm³, and upper limit; mm³/yr, the cap's mm/yr."""
MEAN_IN_SPREADS = {"wall": 0.55, "core": -0.5, "hemorrhage": -0.31, "cap": -0.12}
AGING_MM_PER_YEAR = (0.0138, 0.0125)
"""Mean and SD of the thickening of a wall apart from its plaques."""
NEW_CORE_PER_YEAR = 0.135
NEW_CALCIFICATION_PER_YEAR = 0.24
NEW_HEMORRHAGE_PER_YEAR = 0.135
CALCIFICATION_GROWTH_PER_YEAR = 0.06
STATIN_RESPONSE_YEARS = 2.0
"""Plaque responds to a new statin for about this long; afterwards the response is spent."""
DRIFT_MM, DRIFT_RADIANS = 0.3, 0.05
"""SD per √year by which a plaque's place drifts along and around the artery by chance."""
DOWNSTREAM_MM_PER_YEAR = 0.8
"""How far a plaque creeps downstream in a year, for walls grow above the bifurcation rather than below it."""
PULL_PER_YEAR = 0.03
"""Share of the way to its core that a plaque creeps in a year; three times that if the core bled."""
SMALLEST_CORE_MM3 = 3.0
SWELLING = 0.6
"""Share of what a hemorrhage gains by which its core swells; the rest takes the place of necrosis."""
LUMEN_FOLLOWS_GROWTH, LUMEN_FOLLOWS_LOSS = 0.06, 0.03
"""Share of what a plaque gains that narrows the lumen, and of what it loses that reopens it, relative to its size."""


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
    age = (_number(record.age_years) - 64.0) / 10.0
    pressure = (_number(record.systolic_pressure_mmhg) - 140.0) / 18.0
    glucose = (_number(record.glucose_mmol_per_l) - 5.9) / 1.3
    pulse = (_number(record.heart_rate_bpm) - 72.0) / 10.0
    is_man, smokes = record.sex is Sex.MALE, record.smoking_history is SmokingHistory.CURRENT
    off, new = 1.0 - float(record.statin is True), _share_of_response(record, years)
    has_bled = float(any(plaque.core and plaque.core.hemorrhage_share > 0.0 for plaque in artery.plaques))
    return {
        "wall": 22.0 * off - 22.0 * new + 15.0 * has_bled + 9.0 * age + 6.0 * smokes + 5.0 * pressure + 4.0 * glucose
        + 2.0 * pulse,
        "core": 7.0 * off - 8.0 * new + 10.0 * has_bled + 2.0 * glucose,
        "hemorrhage": 0.33 * is_man + 0.4 * smokes + 0.29 * (record.hypertension is True) + 0.15 * pressure,
        "cap": -0.010 * off + 0.025 * new - 0.012 * has_bled - 0.003 * smokes - 0.002 * glucose,
    }  # fmt: skip


def _share_of_response(record: ClinicalRecord, years: float) -> float:
    """Share of the interval during which a statin begun lately still works on the plaque."""
    if record.statin is not True:
        return 0.0
    left = max(STATIN_RESPONSE_YEARS - _number(record.statin_years), 0.0)
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


def grow(
    artery: SimulatedArtery,
    record: ClinicalRecord,
    years: float,
    deviation: Deviation,
    world: World,
    rng: np.random.Generator,
) -> SimulatedArtery:
    """The artery some years later.

    The wall ages; plaques gain or lose volume and drift; cores grow, shrink, appear or vanish; hemorrhage waxes and
    wanes inside them; caps thin or thicken; calcification only ever grows.
    """
    fate = Fate.of(record, artery, years, deviation, world)
    mean, spread = AGING_MM_PER_YEAR
    thickened = max(artery.wall_mm + (mean + spread * fate.unit["wall"]) * years, 0.45)
    drifted = tuple(_drifted(plaque, deviation, fate) for plaque in artery.plaques)
    aged = SimulatedArtery(artery.course, thickened, drifted, artery.inward)
    if not artery.plaques:
        return aged
    grown = _with_more_wall(aged, fate)
    chances = _chances_of_new(record, years, world)
    plaques = []
    for index, plaque in enumerate(grown.plaques):
        core = _later_core(grown, plaque.core, fate) if plaque.core else None
        deposits = tuple(_later_deposit(deposit, fate) for deposit in plaque.deposits)
        if index == 0:
            if plaque.core is None and room_for_core(grown.wall_mm, plaque) and deviation.new_core < chances["core"]:
                core = new_core(rng, plaque)
            if core and core.hemorrhage_share == 0.0 and deviation.new_hemorrhage < chances["hemorrhage"]:
                core = replace(core, hemorrhage_share=float(rng.uniform(*NEW_HEMORRHAGE_SHARE)))
            if deviation.new_calcification < chances["calcification"]:
                deposits += (draw_calcification(rng, plaque.footprint),)
        plaques.append(replace(plaque, core=core, deposits=deposits))
    return grown.with_components(tuple(plaques))


NEW_HEMORRHAGE_SHARE = (0.2, 0.6)


def expected_new_mm3(
    artery: SimulatedArtery, record: ClinicalRecord, years: float, world: World
) -> dict[Tissue, float]:
    """Volume of new components to be expected after some years: the chance of each times the volume it would have."""
    chances = _chances_of_new(record, years, world)
    if not artery.plaques:
        return {}
    plaque, rng = artery.plaques[0], np.random.default_rng(0)
    radii = artery.radii_on(COARSE)
    expected = {}
    if plaque.core is None and room_for_core(artery.wall_mm, plaque):
        sizes = [_core_mm3(radii, new_core(rng, plaque)) for _ in range(4)]
        expected[Tissue.LIPID_RICH_NECROTIC_CORE] = chances["core"] * float(np.mean(sizes))
    if plaque.core is not None and plaque.core.hemorrhage_share == 0.0:
        share = float(np.mean(NEW_HEMORRHAGE_SHARE))
        expected[Tissue.INTRAPLAQUE_HEMORRHAGE] = chances["hemorrhage"] * share * _core_mm3(radii, plaque.core)
    nodules = [_deposit_mm3(radii, draw_calcification(rng, plaque.footprint)) for _ in range(6)]
    expected[Tissue.CALCIFICATION] = chances["calcification"] * float(np.mean(nodules))
    return expected


def _chances_of_new(record: ClinicalRecord, years: float, world: World) -> dict[str, float]:
    """Chance that each component appears within some years; none does where nothing may predict change."""
    hazards = {"core": NEW_CORE_PER_YEAR, "calcification": NEW_CALCIFICATION_PER_YEAR}
    hazards["hemorrhage"] = _hemorrhage_hazard(record)
    if world.explained_share == 0.0:
        return dict.fromkeys(hazards, 0.0)
    return {name: float(1.0 - np.exp(-hazard * years)) for name, hazard in hazards.items()}


def _hemorrhage_hazard(record: ClinicalRecord) -> float:
    """Chance per year that a core first bleeds; more in older, male, smoking and hypertensive people."""
    factor = 1.8 ** ((_number(record.age_years) - 64.0) / 10.0)
    factor *= 2.0 if record.sex is Sex.MALE else 1.0
    factor *= 1.6 if record.smoking_history is SmokingHistory.CURRENT else 1.0
    factor *= 1.5 if record.hypertension is True else 1.0
    return float(NEW_HEMORRHAGE_PER_YEAR / 2.5 * factor)


_CELL = COARSE.step_mm * COARSE.step_angle


def _wall_mm3(artery: SimulatedArtery) -> float:
    lumen, outer = artery.radii_on(COARSE)
    return float(0.5 * _CELL * (np.vdot(outer, outer) - np.vdot(lumen, lumen)))


def _drifted(plaque: Plaque, deviation: Deviation, fate: Fate) -> Plaque:
    """The plaque at its later place: downstream and to its core by law, anywhere by chance; the core goes along."""
    years, downstream = fate.years, 0.0 if fate.knows_nothing else DOWNSTREAM_MM_PER_YEAR * fate.years
    along, around = (
        downstream + DRIFT_MM * deviation.drift[0] * np.sqrt(years),
        DRIFT_RADIANS * deviation.drift[1] * np.sqrt(years),
    )
    core = plaque.core
    if core is None:
        return replace(plaque, footprint=plaque.footprint.moved(along, around))
    pull = min(PULL_PER_YEAR * years * (3.0 if core.hemorrhage_share > 0.0 else 1.0), 1.0)
    to_core = float(angle_between(np.array(core.footprint.angle), plaque.footprint.angle))
    place = plaque.footprint.moved(
        along + pull * (core.footprint.position_mm - plaque.footprint.position_mm), around + pull * to_core
    )
    return replace(plaque, footprint=place, core=replace(core, footprint=core.footprint.moved(along, around)))


def _with_more_wall(artery: SimulatedArtery, fate: Fate) -> SimulatedArtery:
    """Scale all plaques alike in height, length and width, so that the wall beyond the bare one gains its volume."""
    bare = _wall_mm3(artery.with_plaques(()))
    start = _wall_mm3(artery) - bare
    if fate.years == 0.0 or start < 1.0:
        return artery
    gain = fate.gain("wall", start)
    growth = gain / start
    follows = LUMEN_FOLLOWS_GROWTH if growth > 0.0 else LUMEN_FOLLOWS_LOSS
    inward = artery.inward * (1.0 + follows * growth) / (1.0 + growth)
    yielding = SimulatedArtery(artery.course, artery.wall_mm, artery.plaques, inward)
    factor, reached, scaled = 1.0, start, yielding
    for _ in range(2):
        # a plaque's volume is nearly proportional to the factor, so two steps come within a percent of the gain
        factor = float(np.clip(factor * (start + gain) / max(reached, 1e-3), 0.02, 20.0))
        scaled = _scaled(yielding, factor)
        reached = _wall_mm3(scaled) - bare
    return scaled


def _scaled(artery: SimulatedArtery, factor: float) -> SimulatedArtery:
    edge = factor ** (1.0 / 3.0)
    return artery.with_plaques(
        tuple(
            replace(plaque, height_mm=float(min(plaque.height_mm * edge, 8.0)), footprint=plaque.footprint.scaled(edge))
            for plaque in artery.plaques
        )
    )


def _core_mm3(radii: tuple[FloatArray, FloatArray], core: Core) -> float:
    lumen, outer = radii
    _, (_, top, bottom), *_ = core.layers(COARSE.s, COARSE.a, outer - lumen)
    return float(np.vdot(bottom - top, lumen + 0.5 * (top + bottom)) * _CELL)


def _deposit_mm3(radii: tuple[FloatArray, FloatArray], deposit: Deposit) -> float:
    """Volume of a lens of the wall's thickness at its center: 2/3 of the ellipse times its height there."""
    place: Footprint = deposit.footprint
    row = int(np.clip(np.searchsorted(COARSE.position_mm, place.position_mm), 0, len(COARSE.position_mm) - 1))
    column = round(place.angle / COARSE.step_angle) % len(COARSE.angle)
    lumen, outer = (float(radius[row, column]) for radius in radii)
    radius = lumen + deposit.depth_share * (outer - lumen)
    ellipse = np.pi * place.half_length_mm * place.half_width * radius
    return float(2.0 / 3.0 * ellipse * deposit.fill * (outer - lumen))


def _later_core(artery: SimulatedArtery, core: Core, fate: Fate) -> Core | None:
    """The core grown to its new volume under its thinned or thickened cap; None once it is too small to be one.

    A hemorrhage that grows swells the core; one that shrinks leaves necrosis behind.
    """
    radii = artery.radii_on(COARSE)
    volume = _core_mm3(radii, core)
    hemorrhage = core.hemorrhage_share * volume
    room = 0.4 * (volume - hemorrhage)
    bleeding = fate.gain("hemorrhage", hemorrhage, room) if hemorrhage > 0.0 else 0.0
    swelling = 0.0 if fate.knows_nothing else SWELLING * max(bleeding, 0.0)
    wanted = volume + fate.gain("core", volume, room) + swelling
    if wanted < min(SMALLEST_CORE_MM3, volume):
        return None
    grows = wanted > 1.15 * volume
    cap_gain = fate.gain("cap", 0.0) - (0.01 * fate.years if grows else 0.0)
    later = replace(
        core,
        cap_mm=float(np.clip(core.cap_mm + cap_gain, 0.15, 1.2)),
        cap_min_mm=0.0 if core.cap_min_mm + cap_gain < 0.08 else float(min(core.cap_min_mm + cap_gain, core.cap_mm)),
    )
    factor = 1.0
    for _ in range(3):
        factor *= float(np.clip((wanted / max(_core_mm3(radii, _resized(later, factor)), 0.5)) ** (1 / 3), 0.6, 1.5))
    later = _resized(later, factor)
    share = float(np.clip((hemorrhage + bleeding) / max(_core_mm3(radii, later), 1.0), 0.0, 0.95))
    # hemorrhage is organized within months, so type I turns into type II
    return replace(later, hemorrhage_share=share, hemorrhage_is_recent=core.hemorrhage_is_recent or fate.years > 0.25)


def _resized(core: Core, factor: float) -> Core:
    return replace(core, footprint=core.footprint.scaled(factor), fill=float(min(core.fill * factor, 0.95)))


def _later_deposit(deposit: Deposit, fate: Fate) -> Deposit:
    if deposit.matter is not Matter.CALCIFICATION or fate.knows_nothing:
        return deposit
    return replace(deposit, footprint=deposit.footprint.scaled(np.exp(CALCIFICATION_GROWTH_PER_YEAR * fate.years)))


def _number(value: object) -> float:
    assert isinstance(value, int | float), "complete records are drawn before gaps are made"
    return float(value)
