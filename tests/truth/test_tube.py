"""Tubes, round, eccentric, elliptical and tilted: measured against what is known by hand.

Tolerances from fractions at 0.25 mm (the field's aim): area 1 %, thickness 0.03 mm. From labels: area within
perimeter × pixel diagonal / 2.
"""

import numpy as np
import pytest
from tests.phantoms import draw, ellipse, tube

from plaquecast.domain.missing import Missing, Reason
from plaquecast.measure.artery import measure_artery
from plaquecast.settings import MeasureSettings

SETTINGS = MeasureSettings()
AREA = 0.01
THICKNESS_MM = 0.03


@pytest.mark.parametrize("tilt_degrees", [0.0, 15.0, 30.0])
@pytest.mark.parametrize(("lumen_mm", "outer_mm"), [(2.0, 3.0), (3.1, 4.0), (1.5, 4.5)])
def test_a_round_tube(lumen_mm: float, outer_mm: float, tilt_degrees: float) -> None:
    artery = measure_artery(
        draw(tube(lumen_mm, outer_mm), tilt_degrees=tilt_degrees, field_mm=22.0 if tilt_degrees else 12.0), {}, SETTINGS
    )
    assert len(artery.slices) == 8
    for section in artery.slices:
        assert section.lumen_area_mm2 == pytest.approx(np.pi * lumen_mm**2, rel=AREA)
        assert section.vessel_area_mm2 == pytest.approx(np.pi * outer_mm**2, rel=AREA)
        assert section.mean_wall_thickness_mm == pytest.approx(outer_mm - lumen_mm, abs=THICKNESS_MM)
        assert section.length_mm == pytest.approx(2.0 / np.cos(np.radians(tilt_degrees)), rel=1e-6)
    wall_mm3 = np.pi * (outer_mm**2 - lumen_mm**2) * 16.0 / np.cos(np.radians(tilt_degrees))
    # the wall's error is that of two areas
    assert artery.wall_volume_mm3 == pytest.approx(wall_mm3, rel=2 * AREA)
    assert artery.normalized_wall_index == pytest.approx(1.0 - (lumen_mm / outer_mm) ** 2, rel=2 * AREA)


def test_an_eccentric_tube_has_the_thickness_of_its_axis_of_symmetry() -> None:
    artery = measure_artery(draw(tube(2.0, 4.0, shift_mm=1.0), field_mm=12.0), {}, SETTINGS)
    # on the line through both centers the streamline is straight: 1 mm towards the flow divider, 3 mm away from it
    assert artery.wall_map is not None
    opposite = len(artery.wall_map.angle_degrees) // 2
    assert artery.wall_map.wall_thickness_mm[:, 0] == pytest.approx(1.0, abs=2 * THICKNESS_MM)
    assert artery.wall_map.wall_thickness_mm[:, opposite] == pytest.approx(3.0, abs=2 * THICKNESS_MM)
    assert artery.slices[0].eccentricity_index == pytest.approx(2.0 / 3.0, abs=0.03)


def test_an_ellipse() -> None:
    artery = measure_artery(draw(ellipse((3.0, 1.5), (4.0, 2.5)), field_mm=12.0), {}, SETTINGS)
    for section in artery.slices:
        assert section.lumen_area_mm2 == pytest.approx(np.pi * 3.0 * 1.5, rel=AREA)
        assert section.vessel_area_mm2 == pytest.approx(np.pi * 4.0 * 2.5, rel=AREA)


def test_labels_alone_are_as_good_as_their_pixels() -> None:
    artery = measure_artery(draw(tube(2.0, 3.0), with_fractions=False, field_mm=12.0), {}, SETTINGS)
    half_diagonal_mm = 0.25 * np.sqrt(2.0) / 2
    for section in artery.slices:
        assert section.lumen_area_mm2 == pytest.approx(np.pi * 4.0, abs=2 * np.pi * 2.0 * half_diagonal_mm)
        assert section.mean_wall_thickness_mm == pytest.approx(1.0, abs=half_diagonal_mm)


def test_bright_blood_shows_the_lumen_and_says_so_of_the_rest() -> None:
    artery = measure_artery(draw(tube(2.5, 2.5), field_mm=12.0), {}, SETTINGS)
    not_shown = Missing(Reason.NOT_SHOWN)
    assert artery.lumen_volume_mm3 == pytest.approx(np.pi * 2.5**2 * 16.0, rel=AREA)
    assert artery.slices[0].lumen_area_mm2 == pytest.approx(np.pi * 2.5**2, rel=AREA)
    for name in ("wall_volume_mm3", "normalized_wall_index", "plaque_volume_mm3", "calcification_volume_mm3",
                 "max_wall_thickness_mm", "fibrous_cap_mean_thickness_mm", "stenosis_ecst_percent"):  # fmt: skip
        assert getattr(artery, name) == not_shown, name
    assert artery.wall_map is None


def test_nothing_usable_is_not_covered() -> None:
    phantom = draw(tube(2.0, 4.0), field_mm=6.0)  # the vessel runs out of the image
    artery = measure_artery(phantom, {}, SETTINGS)
    assert artery.slices == ()
    assert artery.wall_volume_mm3 == Missing(Reason.NOT_COVERED)
    assert artery.confidence == 0.0
