"""Laws of every simulated artery: parts make the whole, each lies inside the other, no time brings no change."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plaquecast.domain.anatomy import Side
from plaquecast.domain.clinical import ClinicalRecord
from plaquecast.domain.missing import Missing, is_number
from plaquecast.domain.morphology import ArteryMorphology
from plaquecast.settings import SimulateSettings
from plaquecast.simulate.anatomy import draw_arteries
from plaquecast.simulate.artery import SimulatedArtery
from plaquecast.simulate.course import COARSE, Course, WallGrid
from plaquecast.simulate.disease import grow
from plaquecast.simulate.person import draw_person
from plaquecast.simulate.plaque import matter_at
from plaquecast.simulate.processes import draw_deviations
from plaquecast.simulate.records import draw_record
from plaquecast.simulate.tissues import Matter
from plaquecast.simulate.truth import true_morphology
from plaquecast.simulate.worlds import World, world_of

WORLD = world_of(SimulateSettings())
GRID = WallGrid.covering(16.0, 0.5, 72)
seeds = st.integers(0, 100_000)


def drawn(seed: int, world: World = WORLD) -> tuple[ClinicalRecord, SimulatedArtery]:
    rng = np.random.default_rng(seed)
    record = draw_record(rng, world)
    return record, draw_arteries(rng, record, world)[Side.LEFT if seed % 2 else Side.RIGHT]


@given(seeds)
def test_parts_make_the_whole(seed: int) -> None:
    artery = true_morphology(drawn(seed)[1])
    assert artery.vessel_volume_mm3 == pytest.approx(artery.lumen_volume_mm3 + artery.wall_volume_mm3)
    core = artery.non_hemorrhagic_core_volume_mm3 + artery.intraplaque_hemorrhage_volume_mm3
    assert artery.lipid_rich_necrotic_core_volume_mm3 == pytest.approx(core)
    assert artery.plaque_volume_mm3 <= artery.wall_volume_mm3
    for area, volume in (
        ("wall_area_mm2", artery.wall_volume_mm3),
        ("lumen_area_mm2", artery.lumen_volume_mm3),
        ("calcification_area_mm2", artery.calcification_volume_mm3),
        ("lipid_rich_necrotic_core_area_mm2", artery.lipid_rich_necrotic_core_volume_mm3),
    ):
        total = sum(getattr(section, area) * section.length_mm for section in artery.slices)
        assert total == pytest.approx(volume, abs=1e-6)


@given(seeds)
def test_the_lumen_lies_inside_the_wall(seed: int) -> None:
    lumen, outer = drawn(seed)[1].radii_on(GRID)
    assert lumen.min() > 0.1
    assert (outer - lumen).min() > 0.1


@given(seeds)
def test_components_lie_inside_the_wall(seed: int) -> None:
    artery = drawn(seed)[1]
    lumen, outer = artery.radii_on(GRID)
    thickness = outer - lumen
    for kind, begin, end in artery.layers(GRID.s, GRID.a, thickness):
        there = end > begin
        assert (begin[there] >= 0.0).all(), kind
        assert (end[there] < thickness[there]).all(), kind


@given(seeds)
def test_a_cap_lies_between_core_and_lumen(seed: int) -> None:
    artery = drawn(seed)[1]
    lumen, outer = artery.radii_on(GRID)
    for plaque in artery.plaques:
        if plaque.core is not None:
            (cap, cap_begin, cap_end), (_, core_begin, core_end), *_ = plaque.core.layers(GRID.s, GRID.a, outer - lumen)
            there = core_end > core_begin
            assert cap is Matter.FIBROUS_CAP
            assert (cap_begin == 0.0).all()
            assert np.array_equal(cap_end[there], core_begin[there])
            assert (cap_end[~there] == 0.0).all()


@given(seeds)
def test_no_time_brings_no_change(seed: int) -> None:
    record, artery = drawn(seed)
    rng = np.random.default_rng(seed)
    later = grow(artery, record, 0.0, draw_deviations(rng)[artery.side], WORLD, rng)
    before, after = true_morphology(artery, COARSE, False), true_morphology(later, COARSE, False)
    assert numbers(before) == pytest.approx(numbers(after))


def numbers(artery: ArteryMorphology) -> dict[str, float]:
    values = {field.name: getattr(artery, field.name) for field in fields(artery)}
    return {name: value for name, value in values.items() if isinstance(value, float) and is_number(value)}


@given(seeds)
def test_calcification_never_shrinks_and_nothing_is_negative(seed: int) -> None:
    record, artery = drawn(seed)
    rng = np.random.default_rng(seed)
    later = grow(artery, record, 2.0, draw_deviations(rng)[artery.side], WORLD, rng)
    before, after = (true_morphology(each, COARSE, False) for each in (artery, later))
    for name, value in numbers(after).items():
        assert value >= 0.0 or name.startswith(("stenosis", "narrowest")), name
    # the nodule itself only grows; where the wall around it thins, so does the lens that fills a share of it
    sizes = [[d.footprint.half_length_mm for p in each.plaques for d in p.deposits] for each in (artery, later)]
    assert sum(sizes[1]) >= sum(sizes[0])
    assert isinstance(before, ArteryMorphology)


@given(seeds)
def test_swapping_sides_mirrors(seed: int) -> None:
    artery = drawn(seed)[1]
    shape = artery.course.shape
    x, y, z = shape.origin_mm
    other_side = Side.RIGHT if shape.side is Side.LEFT else Side.LEFT
    # a bend is measured across the direction in which the ICA leaves, so the mirrored one bends the other way
    mirrored_shape = replace(shape, side=other_side, origin_mm=(-x, y, z), bend_mm=-shape.bend_mm)
    mirrored = SimulatedArtery(Course(mirrored_shape), artery.wall_mm, artery.plaques)
    points = np.random.default_rng(seed).uniform(
        (x - 12.0, y - 12.0, z - 15.0), (x + 12.0, y + 12.0, z + 15.0), (800, 3)
    )
    assert np.array_equal(artery.classify(points), mirrored.classify(points * (-1.0, 1.0, 1.0)))
    assert numbers(true_morphology(artery, COARSE, False)) == pytest.approx(
        numbers(true_morphology(mirrored, COARSE, False))
    )


@given(seeds)
def test_wall_coordinates_and_points_are_inverse(seed: int) -> None:
    course = drawn(seed)[1].course
    rng = np.random.default_rng(seed)
    s, angle, radius = rng.uniform(-20.0, 20.0, 200), rng.uniform(-3.1, 3.1, 200), rng.uniform(0.5, 6.0, 200)
    found = course.wall_coordinates(course.point(s, angle, radius))
    # the axis is a polyline of 0.25 mm steps whose frames turn a little from knot to knot
    assert np.abs(found[0] - s).max() < 0.05
    assert np.abs(found[2] - radius).max() < 0.05
    assert np.abs(np.sin(0.5 * (found[1] - angle)) * radius).max() < 0.05


@given(seeds)
def test_a_point_is_what_the_layers_at_its_place_say(seed: int) -> None:
    artery = drawn(seed)[1]
    rng = np.random.default_rng(seed)
    s, angle, share = rng.uniform(-15.0, 15.0, 150), rng.uniform(-3.1, 3.1, 150), rng.uniform(0.1, 0.9, 150)
    lumen, outer = (np.diagonal(radius) for radius in artery.radii(s[:, None], angle[None, :]))
    wall = outer - lumen
    expected = matter_at(share * wall, artery.layers(s, angle, wall))
    found = artery.classify(artery.course.point(s, angle, lumen + share * wall))
    # radii are tabulated at 3 degrees and 0.25 mm, and layers have sharp edges: a few points fall beside them
    assert np.mean(found != expected) < 0.12


@given(seeds, st.sampled_from(["default", "strong", "treatment", "shifted", "null"]))
def test_the_same_seed_gives_the_same_person(seed: int, world: str) -> None:
    settings = SimulateSettings(world=world)
    first, second = (draw_person("a", np.random.default_rng([seed, 3]), settings, coarse=True) for _ in range(2))
    assert first.records == second.records
    assert first.true_change == second.true_change
    assert first.expected_change == second.expected_change


def test_a_core_that_vanishes_leaves_no_cap() -> None:
    changes = []
    for seed in range(60):
        person = draw_person("a", np.random.default_rng([seed]), SimulateSettings(), coarse=True)
        for side in Side:
            for visit in person.morphology:
                has_core = visit[side].lipid_rich_necrotic_core_volume_mm3 > 0.0
                assert has_core is not isinstance(visit[side].fibrous_cap_mean_thickness_mm, Missing)
                changes.append(has_core)
    assert any(changes)
    assert not all(changes)
