"""The truth of simulated arteries against volumes worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from plaquecast.domain.anatomy import Side
from plaquecast.domain.missing import is_number
from plaquecast.simulate.artery import SimulatedArtery
from plaquecast.simulate.course import ArteryShape, Course, WallGrid
from plaquecast.simulate.plaque import Core, Deposit, Footprint, Plaque
from plaquecast.simulate.tissues import Matter
from plaquecast.simulate.truth import true_morphology

RADIUS, WALL = 3.0, 1.0
TUBE = ArteryShape(
    side=Side.LEFT, common_radius_mm=RADIUS, bulb_radius_mm=RADIUS, internal_radius_mm=RADIUS, external_radius_mm=0.01,
    internal_angle_degrees=0.0, external_angle_degrees=40.0, azimuth_degrees=50.0, bend_mm=0.0, bend_phase=0.0,
    wall_mm=WALL, origin_mm=(25.0, 0.0, 0.0),
)  # fmt: skip
FINER = WallGrid.covering(16.0, 0.25, 144)


def tube(*plaques: Plaque) -> SimulatedArtery:
    return SimulatedArtery(Course(TUBE), WALL, plaques)


def test_a_tube() -> None:
    artery = true_morphology(tube())
    assert artery.lumen_volume_mm3 == pytest.approx(np.pi * RADIUS**2 * 32.0, rel=1e-3)
    assert artery.wall_volume_mm3 == pytest.approx(np.pi * (4.0**2 - 3.0**2) * 32.0, rel=1e-3)
    assert artery.mean_wall_thickness_mm == pytest.approx(1.0, abs=1e-3)
    assert artery.stenosis_nascet_percent == pytest.approx(0.0, abs=1e-6)
    assert artery.stenosis_ecst_percent == pytest.approx(25.0, abs=1e-6)
    assert artery.plaque_volume_mm3 == 0.0


def test_a_ring_of_plaque_keeps_its_area_and_narrows_by_the_stated_share() -> None:
    """A ring so long and wide that its middle is a concentric tube: wall area is what its thickness says."""
    ring = Plaque(Footprint(0.0, 0.0, 400.0, 400.0), 2.0)
    lumen, outer = (float(radius[0, 0]) for radius in tube(ring).radii(np.array([[0.0]]), np.array([[3.0]])))
    thickness = outer - lumen
    assert thickness == pytest.approx(WALL + 2.0, abs=1e-3)
    added = np.pi * (outer**2 - lumen**2) - np.pi * (4.0**2 - 3.0**2)
    burden = (np.pi * ((RADIUS + thickness) ** 2 - RADIUS**2) - np.pi * 7.0) / (np.pi * RADIUS**2)
    outward = 0.9 / (1.0 + (burden / 0.44) ** 6)
    assert np.pi * (RADIUS**2 - lumen**2) == pytest.approx((1.0 - outward) * added, rel=1e-3)


def test_a_lens_of_calcification() -> None:
    """Thin-shell volume of half an ellipsoid's height twice: ∫ fill·t·√(1−ρ²) r dθ ds = 2/3 · π·a·b·r · fill·t."""
    place = Footprint(0.0, np.pi, 3.0, 0.6)
    deposit = Deposit(Matter.CALCIFICATION, place, depth_share=0.5, fill=0.4)
    artery = true_morphology(tube(Plaque(Footprint(0.0, np.pi, 8.0, 1.0), 0.0, None, (deposit,))), FINER)
    middle = RADIUS + 0.5 * WALL
    # a lens centered in the wall has its center of area at its middle radius, so the thin-shell formula is exact
    expected = 2.0 / 3.0 * np.pi * 3.0 * 0.6 * middle * 0.4 * WALL
    assert artery.calcification_volume_mm3 == pytest.approx(expected, rel=0.01)


def test_a_core_and_its_hemorrhage_under_an_even_cap() -> None:
    core = Core(Footprint(0.0, np.pi, 4.0, 0.8), cap_mm=0.2, cap_min_mm=0.2, fill=1.0, hemorrhage_share=0.5)
    thick = replace(TUBE, wall_mm=2.0)
    artery = true_morphology(
        SimulatedArtery(Course(thick), 2.0, (Plaque(Footprint(0.0, np.pi, 9.0, 2.0), 0.0, core),)), FINER
    )
    room = 2.0 - 0.2 - 0.35
    # height room·√(1−ρ²) on top of the cap: ∫ h·(r + cap) + h²/2 over the ellipse, with ∫√ = 2/3 and ∫(1−ρ²) = 1/2
    area = np.pi * 4.0 * 0.8
    expected = area * (2.0 / 3.0 * room * (RADIUS + 0.2) + 0.5 * 0.5 * room**2)
    assert artery.lipid_rich_necrotic_core_volume_mm3 == pytest.approx(expected, rel=0.01)
    # the hemorrhage is defined by its share of a half-ellipsoid; curvature of the wall moves it by a few percent
    assert is_number(artery.intraplaque_hemorrhage_volume_mm3)
    assert artery.intraplaque_hemorrhage_volume_mm3 / expected == pytest.approx(0.5, abs=0.03)
    assert artery.fibrous_cap_mean_thickness_mm == pytest.approx(0.2, abs=1e-6)
    assert artery.fibrous_cap_min_thickness_mm == pytest.approx(0.2, abs=1e-6)
