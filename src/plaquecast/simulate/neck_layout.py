"""Where the parts of a neck at the level of the carotid bifurcation (C3 to C5) lie, and how they vary."""

from dataclasses import replace

import numpy as np

from plaquecast.simulate.shapes import Arc, Column, Shape
from plaquecast.simulate.tissues import Matter

_DISC_PERIOD_MM = 20.0
_DISC_HEIGHT_MM = 5.0


def lay_out_neck(rng: np.random.Generator) -> list[Shape]:
    """Shapes of a neck in model space in the order in which they are painted; proportions of an adult axial atlas.

    The midline is x = 0, the carotids lie near x = ±25, y = 0; the front of the neck is towards −y.
    """
    size = float(np.clip(rng.normal(1.0, 0.04), 0.9, 1.1))
    fat_mm = float(np.clip(rng.lognormal(np.log(4.5), 0.45), 2.0, 11.0))
    airway_level_mm = float(rng.normal(-2.0, 5.0))
    shapes = _coat(rng, size, fat_mm)
    for sign in (1.0, -1.0):
        shapes += _muscles(rng, sign)
        shapes += _glands(rng, sign, airway_level_mm)
        shapes += _nodes(rng, sign)
    shapes += _throat(rng, airway_level_mm)
    shapes += _spine(rng)
    return shapes


def _vary(rng: np.random.Generator, value: float, share: float = 0.1) -> float:
    return float(value * np.clip(rng.normal(1.0, share), 1 - 2.5 * share, 1 + 2.5 * share))


def _coat(rng: np.random.Generator, size: float, fat_mm: float) -> list[Shape]:
    """Skin, fat under it, and the flat muscles right below."""
    half = (_vary(rng, 57.0 * size, 0.03), _vary(rng, 55.0 * size, 0.03))
    power = float(rng.uniform(2.1, 2.6))
    skin = Column(Matter.SKIN, (0.0, 13.0), half, power=power)
    fat = replace(skin, matter=Matter.FAT, half_mm=(half[0] - 1.6, half[1] - 1.6))
    under = (half[0] - 2.5 - fat_mm, half[1] - 2.5 - 0.7 * fat_mm)
    trapezius = Arc(Matter.MUSCLE, (0.0, 13.0), (under[0] + 2, under[1] + 2), _vary(rng, 5.0), 90.0, 42.0)
    platysma = Arc(Matter.MUSCLE, (0.0, 13.0), (under[0] + 1.5, under[1] + 1.5), _vary(rng, 1.3), -90.0, 75.0)
    return [skin, fat, platysma, trapezius]


def _muscles(rng: np.random.Generator, sign: float) -> list[Shape]:
    """Paired muscles: (x, y, half across, half along, turn), all on the side `sign`, drawn a little differently."""
    table = (
        (42.0, 5.0, 6.5, 17.0, -18.0),  # sternocleidomastoid, lateral of the sheath
        (17.0, 55.0, 13.5, 8.5, 10.0),  # semispinalis
        (13.0, 46.5, 8.0, 4.5, 0.0),  # multifidus
        (32.0, 50.0, 6.0, 13.0, -35.0),  # splenius
        (41.0, 34.0, 7.5, 10.0, -20.0),  # levator scapulae
        (31.0, 24.0, 6.5, 8.5, -15.0),  # scalenes
        (9.0, 13.5, 6.5, 3.6, 12.0),  # longus colli
        (17.5, 13.0, 5.5, 3.4, 15.0),  # longus capitis
        (11.0, -33.0, 9.0, 2.6, -22.0),  # strap muscles
    )
    shapes: list[Shape] = []
    for row, (x, y, across, along, turn) in enumerate(table):
        slope = (0.12 * sign, 0.45) if row == 0 else (0.05 * sign * float(rng.normal()), 0.05 * float(rng.normal()))
        top = 6.0 if row == 8 else 1000.0
        shapes.append(
            Column(
                Matter.MUSCLE,
                (sign * (x + float(rng.normal(0, 0.7))), y + float(rng.normal(0, 0.7))),
                (_vary(rng, across), _vary(rng, along)),
                z_range_mm=(-1000.0, top),
                angle_degrees=sign * (turn + float(rng.normal(0, 5.0))),
                slope=slope,
                power=2.4,
            )
        )
    return shapes


def _glands(rng: np.random.Generator, sign: float, level_mm: float) -> list[Shape]:
    """Upper pole of the thyroid, submandibular gland and tail of the parotid."""
    thyroid = (_vary(rng, 6.0, 0.15), _vary(rng, 10.0, 0.15))
    salivary = (_vary(rng, 10.0, 0.15), _vary(rng, 9.0, 0.15))
    return [
        Column(Matter.GLAND, (sign * 19.0, -9.0), thyroid, (-80.0, level_mm - 4.0), sign * 10.0, rounded=True),
        Column(Matter.GLAND, (sign * 31.0, -23.0), salivary, (level_mm + 4.0, level_mm + 40.0), rounded=True),
        Column(Matter.GLAND, (sign * 49.0, -4.0), (5.5, 10.0), (level_mm + 14.0, 70.0), rounded=True),
        Column(Matter.VEIN, (sign * 50.0, _vary(rng, 14.0, 0.2)), (_vary(rng, 1.7, 0.2), 1.2), slope=(0.0, 0.2)),
    ]


def _nodes(rng: np.random.Generator, sign: float) -> list[Shape]:
    """Lymph nodes along the jugular chain, behind it and below the jaw; flat ellipsoids of 3 to 10 mm."""
    shapes: list[Shape] = []
    for _ in range(int(rng.poisson(4.0))):
        x, y = ((36.0, 12.0), (33.0, -6.0), (42.0, 22.0), (25.0, -22.0))[int(rng.integers(4))]
        z, half_height = float(rng.uniform(-25.0, 25.0)), float(rng.uniform(2.0, 6.0))
        shapes.append(
            Column(
                Matter.LYMPH_NODE,
                (sign * (x + float(rng.normal(0, 2.5))), y + float(rng.normal(0, 2.5))),
                (float(rng.uniform(1.3, 3.0)), float(rng.uniform(2.0, 4.5))),
                (z - half_height, z + half_height),
                float(rng.uniform(-60, 60)),
                rounded=True,
            )
        )
    return shapes


def _throat(rng: np.random.Generator, level_mm: float) -> list[Shape]:
    """Pharynx above and larynx below `level_mm`: lumen of air, muscular wall, cartilage, hyoid and tongue base."""
    wide, deep = _vary(rng, 11.0, 0.2), _vary(rng, 3.5, 0.3)
    below, above = (-1000.0, level_mm), (level_mm, 1000.0)
    return [
        Column(Matter.MUSCLE, (0.0, -24.0), (_vary(rng, 15.0), 13.0), (level_mm + 4.0, 1000.0), power=2.4),
        Column(Matter.MUSCLE, (0.0, -6.5), (wide + 6.5, deep + 5.0), above),
        Column(Matter.FAT, (0.0, -18.5), (8.0, 3.5), (level_mm + 2.0, level_mm + 9.0), rounded=True),
        Column(Matter.AIRWAY, (0.0, -7.5), (wide, deep), above, power=1.7),
        Column(Matter.MUSCLE, (0.0, -12.0), (14.5, 14.5), below),
        Column(Matter.MUSCLE, (0.0, 1.5), (12.0, 4.0), below),
        Column(Matter.FAT, (0.0, -21.0), (7.0, 4.5), (level_mm - 10.0, level_mm), rounded=True),
        Arc(Matter.CARTILAGE, (0.0, -12.0), (16.0, _vary(rng, 17.0)), 3.0, -90.0, 88.0, below),
        Column(Matter.AIRWAY, (0.0, -12.5), (_vary(rng, 5.0, 0.2), _vary(rng, 8.5, 0.15)), below, power=1.6),
        Arc(Matter.BONE_MARROW, (0.0, -17.0), (19.5, 18.0), 4.0, -90.0, 82.0, (level_mm + 3.0, level_mm + 8.0)),
        Arc(Matter.CORTICAL_BONE, (0.0, -17.0), (21.0, 19.5), 1.0, -90.0, 82.0, (level_mm + 3.0, level_mm + 8.0)),
        Arc(Matter.CORTICAL_BONE, (0.0, -17.0), (18.0, 16.5), 1.0, -90.0, 82.0, (level_mm + 3.0, level_mm + 8.0)),
    ]


def _spine(rng: np.random.Generator) -> list[Shape]:
    """Vertebral bodies and discs, arch, canal with CSF and cord, and the vertebral arteries in their foramina."""
    phase, bow = float(rng.uniform(0.0, _DISC_PERIOD_MM)), float(rng.normal(0.0, 0.08))
    body = Column(
        Matter.BONE_MARROW, (0.0, 26.0), (_vary(rng, 11.5, 0.06), 8.0), power=2.5, rim=Matter.CORTICAL_BONE, rim_mm=0.8
    )
    disc = replace(body, matter=Matter.CARTILAGE, rim=None)
    shapes: list[Shape] = []
    for k in range(-3, 4):
        low = k * _DISC_PERIOD_MM + phase
        shapes.append(replace(disc, z_range_mm=(low - _DISC_HEIGHT_MM, low), slope=(0.0, bow)))
        shapes.append(replace(body, z_range_mm=(low, low + _DISC_PERIOD_MM - _DISC_HEIGHT_MM), slope=(0.0, bow)))
    mass = replace(body, rim_mm=1.0)
    for sign in (1.0, -1.0):
        shapes += [
            replace(mass, center_mm=(sign * 19.5, 34.0), half_mm=(6.5, 6.0), slope=(0.0, bow)),
            replace(mass, center_mm=(sign * 18.0, 25.0), half_mm=(6.5, 4.0), slope=(0.0, bow)),
            Arc(Matter.CORTICAL_BONE, (0.0, 40.0), (14.5, 11.0), 2.2, 90.0 - sign * 45.0, 48.0, slope=(0.0, bow)),
        ]
        radius = _vary(rng, 1.8, 0.15)
        wall = Column(Matter.ECA_WALL, (sign * 17.0, 24.5), (radius + 0.5, radius + 0.5), slope=(0.0, bow))
        shapes += [wall, replace(wall, matter=Matter.ECA_LUMEN, half_mm=(radius, radius))]
    canal = Column(Matter.CEREBROSPINAL_FLUID, (0.0, 40.5), (11.0, 6.8), slope=(0.0, bow))
    cord = (_vary(rng, 6.3, 0.06), _vary(rng, 3.8, 0.06))
    spinous = replace(mass, center_mm=(0.0, 56.0), half_mm=(2.8, 6.5), rim_mm=0.8, slope=(0.0, bow))
    return [*shapes, spinous, canal, replace(canal, matter=Matter.CORD, half_mm=cord, center_mm=(0.0, 40.0))]
