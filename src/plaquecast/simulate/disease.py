"""What becomes of an artery between two visits: its wall, its plaques where they lie, and what they hold.

Where the wall grows: a plaque grows downstream, where flow has passed it. Its upstream half keeps its volume, a little
higher, wider and shorter; its downstream half takes what is gained, and gives what is lost. So the wall thickens most
on the downstream slope of today's thickening, opposite the flow divider. A second, lower plaque stays as it is. The
plaque creeps towards its core (faster if that bled) by a law, and anywhere by chance. Most of what is added goes
outward, as the vessel remodels with its plaque, so that stenosis lags behind the wall.
"""

from dataclasses import replace

import numpy as np

from plaquecast.domain.anatomy import Tissue
from plaquecast.domain.clinical import ClinicalRecord
from plaquecast.domain.grid import FloatArray
from plaquecast.simulate.anatomy import draw_calcification, new_core, room_for_core
from plaquecast.simulate.artery import SimulatedArtery
from plaquecast.simulate.course import COARSE
from plaquecast.simulate.plaque import Core, Deposit, Footprint, Plaque, angle_between
from plaquecast.simulate.processes import Deviation, Fate, chances_of_new
from plaquecast.simulate.scalars import clamped
from plaquecast.simulate.tissues import Matter
from plaquecast.simulate.worlds import World

AGING_MM_PER_YEAR = (0.014, 0.0125)
"""Mean and SD of the thickening of a wall apart from its plaques."""
CALCIFICATION_GROWTH_PER_YEAR = 0.06
DRIFT_MM, DRIFT_RADIANS = 0.3, 0.05
"""SD per √year by which a plaque's place drifts along and around the artery by chance."""
GROWTH_IN_HEIGHT = 0.15
"""Power of a plaque's volume by which height and width grow; twice that is how fast its upstream half shortens."""
PULL_PER_YEAR = 0.03
"""Share of the way to its core that a plaque creeps in a year; three times that if the core bled."""
SMALLEST_MM3 = 3.0
"""A core that shrinks below this has vanished, and so has a hemorrhage."""
SWELLING = 0.6
"""Share of what a hemorrhage gains by which its core swells; the rest takes the place of necrosis."""
LUMEN_FOLLOWS = 0.72
"""How much of a plaque's growth, relative to its size, the area that the lumen has lost to it follows."""
NEW_HEMORRHAGE_SHARE = (0.2, 0.6)


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
    aged = replace(artery.with_plaques(drifted), wall_mm=thickened)
    if not artery.plaques:
        return aged
    grown = _with_more_wall(aged, fate)
    chances = chances_of_new(record, years, world)
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


def expected_new_mm3(
    artery: SimulatedArtery, record: ClinicalRecord, years: float, world: World
) -> dict[Tissue, float]:
    """Volume of new components to be expected after some years: the chance of each times the volume it would have."""
    chances = chances_of_new(record, years, world)
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


_CELL = COARSE.step_mm * COARSE.step_angle


def _drifted(plaque: Plaque, deviation: Deviation, fate: Fate) -> Plaque:
    """The plaque at its later place: nearer to its core by law, anywhere by chance; the core goes along."""
    along, around = np.array([DRIFT_MM, DRIFT_RADIANS]) * deviation.drift * np.sqrt(fate.years)
    core = plaque.core
    if core is None:
        return replace(plaque, footprint=plaque.footprint.moved(along, around))
    pull = min(PULL_PER_YEAR * fate.years * (3.0 if core.hemorrhage_share > 0.0 else 1.0), 1.0)
    to_core = float(angle_between(np.array(core.footprint.angle), plaque.footprint.angle))
    place = plaque.footprint.moved(
        along + pull * (core.footprint.position_mm - plaque.footprint.position_mm), around + pull * to_core
    )
    return replace(plaque, footprint=place, core=replace(core, footprint=core.footprint.moved(along, around)))


def _with_more_wall(artery: SimulatedArtery, fate: Fate) -> SimulatedArtery:
    """Let the main plaque grow or shrink, so that the wall beyond the bare one gains its volume."""
    start = artery.added_wall_mm3(COARSE)
    if fate.years == 0.0 or start < 1.0:
        return artery
    gain = fate.gain("wall", start)
    growth = gain / start
    lost, grown = artery.lost * (1.0 + LUMEN_FOLLOWS * growth), artery.grown * (1.0 + growth)
    yielding = replace(artery.with_plaques(artery.plaques), grown=grown, lost=lost)
    factor, reached, scaled = 1.0, start, yielding
    for _ in range(2):
        # a plaque's volume is nearly proportional to the factor, so two steps come within a percent of the gain
        factor = clamped(factor * (start + gain) / max(reached, 1e-3), 0.02, 20.0)
        scaled = _scaled(yielding, factor)
        reached = scaled.added_wall_mm3(COARSE)
    return scaled


def _scaled(artery: SimulatedArtery, factor: float) -> SimulatedArtery:
    main, *lower = artery.plaques
    return artery.with_plaques((_scaled_plaque(main, factor), *lower))


def _scaled_plaque(plaque: Plaque, factor: float) -> Plaque:
    """A plaque of `factor` times the volume: higher and wider, while its upstream half keeps its volume."""
    place, edge = plaque.footprint, factor**GROWTH_IN_HEIGHT
    taller = replace(
        place,
        half_length_mm=place.half_length_mm / edge**2,
        half_width=min(place.half_width * edge, 2.9),
        stretch=max(factor * (1.0 + place.stretch) - 1.0, 0.2),
    )
    return replace(plaque, height_mm=float(min(plaque.height_mm * edge, 8.0)), footprint=taller)


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
    if wanted < min(SMALLEST_MM3, volume):
        return None
    grows = wanted > 1.15 * volume
    cap_gain = fate.gain("cap", 0.0) - (0.01 * fate.years if grows else 0.0)
    later = replace(
        core,
        cap_mm=clamped(core.cap_mm + cap_gain, 0.15, 1.2),
        cap_min_mm=0.0 if core.cap_min_mm + cap_gain < 0.08 else float(min(core.cap_min_mm + cap_gain, core.cap_mm)),
    )
    factor = 1.0
    for _ in range(3):
        factor *= clamped((wanted / max(_core_mm3(radii, _resized(later, factor)), 0.5)) ** (1 / 3), 0.6, 1.5)
    later = _resized(later, factor)
    left = hemorrhage + bleeding
    share = float(min(left / max(_core_mm3(radii, later), 1.0), 0.95)) if left >= min(SMALLEST_MM3, hemorrhage) else 0.0
    # hemorrhage is organized within months, so type I turns into type II
    return replace(later, hemorrhage_share=share, hemorrhage_is_recent=core.hemorrhage_is_recent or fate.years > 0.25)


def _resized(core: Core, factor: float) -> Core:
    return replace(core, footprint=core.footprint.scaled(factor), fill=float(min(core.fill * factor, 0.95)))


def _later_deposit(deposit: Deposit, fate: Fate) -> Deposit:
    if deposit.matter is not Matter.CALCIFICATION or fate.knows_nothing:
        return deposit
    return replace(deposit, footprint=deposit.footprint.scaled(np.exp(CALCIFICATION_GROWTH_PER_YEAR * fate.years)))
