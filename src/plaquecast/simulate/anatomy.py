"""Draw the healthy arteries of a person, and the plaque in them at the first visit."""

from dataclasses import dataclass, replace

import numpy as np

from plaquecast.domain.anatomy import Side
from plaquecast.domain.clinical import ClinicalRecord, Sex, SmokingHistory
from plaquecast.simulate.artery import SimulatedArtery
from plaquecast.simulate.course import COARSE, ArteryShape, Course
from plaquecast.simulate.plaque import OUTER_FIBROUS_MM, Core, Deposit, Footprint, Plaque
from plaquecast.simulate.scalars import chance, clamped, number
from plaquecast.simulate.tissues import Matter
from plaquecast.simulate.worlds import World

COMMON_RADIUS_MM, INTERNAL_RADIUS_MM, EXTERNAL_RADIUS_MM = (3.72, 0.31), (2.78, 0.26), (2.1, 0.2)
BULB_TO_COMMON = (1.1, 0.18)
BIFURCATION_DEGREES, INTERNAL_SHARE_OF_ANGLE = (62.0, 15.0), (0.47, 0.1)
BODY_SCALE, WOMEN_SCALE = (1.02, 0.08), 0.94
WALL_MM, WALL_MM_PER_YEAR = (0.83, 0.1), 0.008
"""Mean and SD between people of radii, angles and the wall at 60 years; and what a year adds to the wall."""
PLAQUE_POSITION_MM = (3.9, 3.2)
LOG_HEIGHT_PER_SEVERITY = 0.53
"""Where the main plaque lies; and how much taller, in logarithms, an SD of the severity of disease makes it."""
CORE_LOGIT = {"always": -1.19, "per NASCET point from 10 to 35": 0.085, "men": 0.95}
BLED_LOGIT = {
    "always": -3.08, "per mm of mean wall above 1.1, up to 0.15": 2.5, "per mm of narrowest lumen above 4.8": -2.64,
    "men": 3.28, "hypertension": 0.4,
}  # fmt: skip
CALCIFIED_LOGIT = {"always": 0.12, "per mm of thickest wall above 2.3": 0.5, "per year of age above 64": 0.052}
RUPTURED_LOGIT = {"always": -3.6, "per mm of thickest wall above 2.3": 0.8, "men": 1.75}
"""Log odds that a plaque holds a core, that the core bled, that there is calcification, that the cap is ruptured."""


def draw_arteries(rng: np.random.Generator, record: ClinicalRecord, world: World) -> dict[Side, SimulatedArtery]:
    """Both carotids of a person at baseline; the two sides share size, and half of the severity of disease."""
    scale = float(rng.normal(*BODY_SCALE)) * (1.0 if record.sex is Sex.MALE else WOMEN_SCALE)
    severity = float(rng.normal())
    arteries = {}
    for side in Side:
        shape = _draw_shape(rng, side, scale, number(record.age_years))
        own = 0.7 * severity + 0.714 * float(rng.normal())
        artery = SimulatedArtery(Course(shape), shape.wall_mm, ())
        arteries[side] = _with_plaques(rng, record, own, world, artery) if world.has_plaque else artery
    return arteries


def _draw_shape(rng: np.random.Generator, side: Side, scale: float, age_years: float) -> ArteryShape:
    """Sizes by published morphometry: CCA 7.2, bulb 8.5, distal ICA 5.3, ECA 4.2 mm across."""
    common = clamped(rng.normal(*COMMON_RADIUS_MM) * scale * (1.02 if side is Side.RIGHT else 1.0), 2.4, 5.2)
    angle = clamped(rng.normal(*BIFURCATION_DEGREES), 30.0, 92.0)
    internal = clamped(rng.normal(*INTERNAL_SHARE_OF_ANGLE), 0.25, 0.65) * angle
    return ArteryShape(
        side=side,
        common_radius_mm=common,
        bulb_radius_mm=common * clamped(rng.normal(*BULB_TO_COMMON), 0.85, 1.7),
        internal_radius_mm=clamped(rng.normal(*INTERNAL_RADIUS_MM) * scale, 1.8, 3.9),
        external_radius_mm=clamped(rng.normal(*EXTERNAL_RADIUS_MM) * scale, 1.5, 2.7),
        internal_angle_degrees=min(internal, 45.0),
        external_angle_degrees=min(angle - internal, 50.0),
        azimuth_degrees=float(rng.normal(50.0, 15.0)),
        bend_mm=float(rng.gamma(2.0, 0.6)),
        bend_phase=float(rng.uniform(0.0, 2.0 * np.pi)),
        wall_mm=clamped(rng.normal(*WALL_MM) + WALL_MM_PER_YEAR * (age_years - 60.0), 0.55, 1.3),
        origin_mm=(
            side.sign_x * float(rng.normal(25.0, 2.0)),
            float(rng.normal(0.0, 2.0)),
            float(rng.normal(0.0, 1.5)),
        ),
    )


def _with_plaques(
    rng: np.random.Generator, record: ClinicalRecord, severity: float, world: World, artery: SimulatedArtery
) -> SimulatedArtery:
    """One plaque in the bulb or proximal ICA, at times a second, lower one below it; every fourth artery has none."""
    burden = (
        severity + 0.02 * (number(record.age_years) - 64.0) + 0.25 * (record.smoking_history is SmokingHistory.CURRENT)
    )
    if rng.random() < chance(-1.4 - 1.4 * burden):
        return artery
    height = float(
        np.clip(
            world.plaque_median_mm * np.exp(LOG_HEIGHT_PER_SEVERITY * burden + rng.normal(0.0, 0.12)),
            0.4,
            world.tallest_plaque_mm,
        )
    )
    plaques = [_draw_hill(rng, height, float(rng.normal(*PLAQUE_POSITION_MM)))]
    if rng.random() < 0.25:
        plaques.append(_draw_hill(rng, 0.55 * height, float(rng.uniform(-14.0, -9.0))))
    shaped = artery.with_plaques(tuple(plaques))
    core = _draw_core(rng, record, shaped)
    ulcer = min(0.6 * height, 1.2) if core is not None and core.cap_min_mm == 0.0 and rng.random() < 0.6 else 0.0
    plaques[0] = replace(plaques[0], core=core, ulcer_mm=ulcer)
    filled = tuple(replace(plaque, deposits=_draw_deposits(rng, record, artery.wall_mm, plaque)) for plaque in plaques)
    return shaped.with_plaques(filled) if ulcer > 0.0 else shaped.with_components(filled)


def _draw_hill(rng: np.random.Generator, height_mm: float, position_mm: float) -> Plaque:
    """A plaque opposite the flow divider, its content still to be drawn."""
    footprint = Footprint(
        position_mm,
        float(np.pi + rng.normal(0.0, 0.5)),
        clamped(rng.normal(9.0, 2.0), 5.0, 13.0),
        float(np.radians(min(rng.uniform(65.0, 110.0) + 14.0 * height_mm, 165.0))),
    )
    return Plaque(footprint, height_mm)


def _draw_deposits(
    rng: np.random.Generator, record: ClinicalRecord, wall_mm: float, plaque: Plaque
) -> tuple[Deposit, ...]:
    """Calcification, whose chance rises with thickness and age, and loose matrix."""
    excess, age = wall_mm + plaque.height_mm - 2.3, number(record.age_years) - 64.0
    deposits = []
    always, per_mm, per_year = CALCIFIED_LOGIT.values()
    if rng.random() < chance(always + per_mm * excess + per_year * age):
        deposits += [draw_calcification(rng, plaque.footprint) for _ in range(1 + rng.poisson(0.7))]
    if rng.random() < 0.3:
        place = _inside(rng, plaque.footprint, 0.5)
        deposits.append(Deposit(Matter.LOOSE_MATRIX, place, 0.35, float(rng.uniform(0.3, 0.5))))
    return tuple(deposits)


def _draw_core(rng: np.random.Generator, record: ClinicalRecord, artery: SimulatedArtery) -> Core | None:
    """A core in the main plaque, more often in men and where the lumen is narrow; and what of it has bled.

    It bleeds by the thickness of the wall as a whole, the narrowness of the lumen, male sex and hypertension.
    """
    plaque = artery.plaques[0]
    excess, footprint, is_man = artery.wall_mm + plaque.height_mm - 2.3, plaque.footprint, record.sex is Sex.MALE
    narrow = narrowness(artery)
    always, per_point, if_man = CORE_LOGIT.values()
    if excess < -0.8 or rng.random() > chance(
        always + per_point * clamped(narrow.nascet_percent - 10.0, 0.0, 25.0) + if_man * is_man
    ):
        return None
    always, per_wall_mm, per_lumen_mm, if_man, if_hypertensive = BLED_LOGIT.values()
    bled = rng.random() < chance(
        always
        + per_wall_mm * min(narrow.mean_wall_mm - 1.1, 0.15)
        + per_lumen_mm * (narrow.lumen_mm - 4.8)
        + if_man * is_man
        + if_hypertensive * (record.hypertension is True)
    )
    reach = float(rng.beta(6.0, 4.0)) + 0.35 * bled
    place = Footprint(
        footprint.position_mm + float(rng.normal(0.0, 0.8)),
        footprint.angle + float(rng.normal(0.0, 0.15)),
        footprint.half_length_mm * (0.38 + 0.44 * reach),
        footprint.half_width * (0.37 + 0.38 * reach),
    )
    cap = float(rng.uniform(0.3, 0.8))
    always, per_mm, if_man = RUPTURED_LOGIT.values()
    is_ruptured = rng.random() < chance(always + per_mm * excess + if_man * is_man)
    share = float(rng.uniform(0.4, 0.95)) if bled else 0.0
    return Core(
        place,
        cap,
        0.0 if is_ruptured else float(min(rng.uniform(0.15 if is_man else 0.195, 0.5), cap)),
        float(rng.uniform(0.51, 0.89)),
        share,
        bool(rng.random() < 0.5),
    )


@dataclass(frozen=True, slots=True)
class Narrowness:
    """How narrow an artery is at its narrowest place, and how thick its wall is over all."""

    lumen_mm: float
    nascet_percent: float
    mean_wall_mm: float


def narrowness(artery: SimulatedArtery) -> Narrowness:
    """Equivalent diameter at the narrowest place of bulb and ICA, what it is of the distal ICA's, and mean wall."""
    lumen, outer = (np.sqrt((radius**2).mean(axis=1)) for radius in artery.radii_on(COARSE))
    narrowest = 2.0 * float(lumen[COARSE.position_mm > -8.0].min())
    distal = 2.0 * float(lumen[COARSE.position_mm > COARSE.position_mm[-1] - 3.0].mean())
    return Narrowness(narrowest, 100.0 * (1.0 - narrowest / distal), float((outer - lumen).mean()))


def new_core(rng: np.random.Generator, plaque: Plaque) -> Core:
    """A small core that forms in a plaque that had none."""
    place = Footprint(
        plaque.footprint.position_mm, plaque.footprint.angle, 0.3 * plaque.footprint.half_length_mm,
        0.3 * plaque.footprint.half_width,
    )  # fmt: skip
    return Core(place, 0.5, 0.4, float(rng.uniform(0.4, 0.7)))


def draw_calcification(rng: np.random.Generator, footprint: Footprint) -> Deposit:
    """A nodule of 0.5–4 mm half-length; one in five lies at the lumen's surface."""
    place = _inside(rng, footprint, 0.0)
    size = clamped(rng.lognormal(0.35, 0.5), 0.5, 4.0)
    place = Footprint(place.position_mm, place.angle, size, size / 4.0)
    depth = 0.15 if rng.random() < 0.2 else float(rng.uniform(0.55, 0.8))
    return Deposit(Matter.CALCIFICATION, place, depth, float(rng.uniform(0.3, 0.6)))


def _inside(rng: np.random.Generator, footprint: Footprint, scale: float) -> Footprint:
    """A place within a footprint, `scale` of its size."""
    along, around = rng.uniform(-0.6, 0.6, 2)
    return Footprint(
        footprint.position_mm + along * footprint.half_length_mm,
        footprint.angle + around * footprint.half_width,
        max(scale * footprint.half_length_mm, 1.0),
        max(scale * footprint.half_width, 0.2),
    )


def room_for_core(wall_mm: float, plaque: Plaque) -> bool:
    """Whether a plaque is thick enough to hold a core under a cap."""
    return wall_mm + plaque.height_mm > 1.4 + OUTER_FIBROUS_MM
