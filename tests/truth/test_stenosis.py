"""Stenosis of arteries whose diameters are known, and the cases in which there is none to give."""

import pytest
from tests.phantoms import draw, narrowed

from plaquecast.domain.missing import Missing, Reason
from plaquecast.domain.morphology import ArteryMorphology
from plaquecast.measure.artery import measure_artery
from plaquecast.settings import MeasureSettings

SETTINGS = MeasureSettings()
POINTS = 2.0
"""Aim for NASCET; diameters of 1.5 and 2.4 mm radius at 0.25 mm: 0.03 mm of either is 1.5 points."""


def _measured(
    narrowest_mm: float,
    at_mm: float = 4.0,
    n_slices: int = 16,
    internal_mm: float = 2.4,
    wall_mm: float = 1.0,
    settings: MeasureSettings = SETTINGS,
) -> ArteryMorphology:
    artery = narrowed(3.4, internal_mm, narrowest_mm, at_mm, wall_mm)
    return measure_artery(draw(artery, n_slices=n_slices, field_mm=11.0), {}, settings)


@pytest.mark.parametrize("narrowest_mm", [0.8, 1.2, 1.8])
def test_nascet_ecst_and_area(narrowest_mm: float) -> None:
    artery = _measured(narrowest_mm)
    assert artery.stenosis_nascet_percent == pytest.approx(100.0 * (1.0 - narrowest_mm / 2.4), abs=POINTS)
    vessel_mm = 2.9 + 1.0  # halfway between common and internal, and the wall
    # the vessel tapers by 0.125 per mm: within half a slice by 0.125 mm of 3.9, its area by 6 %
    assert artery.stenosis_ecst_percent == pytest.approx(100.0 * (1.0 - narrowest_mm / vessel_mm), abs=POINTS)
    area = 100.0 * (1.0 - (narrowest_mm / vessel_mm) ** 2)
    assert artery.stenosis_area_percent == pytest.approx(area, abs=2 * POINTS)
    assert artery.narrowest_position_mm == pytest.approx(4.0, abs=1.5)
    assert artery.distal_reference_position_mm == pytest.approx(14.0, abs=1.0)
    assert artery.remodeling_index == pytest.approx((vessel_mm / 4.4) ** 2, abs=0.06)


def test_a_bulb_without_narrowing_has_a_stenosis_near_zero() -> None:
    assert _measured(2.4, at_mm=8.0).stenosis_nascet_percent == pytest.approx(0.0, abs=POINTS)


def test_without_an_internal_carotid_beyond_the_bulb_nascet_is_not_covered() -> None:
    artery = _measured(1.2, n_slices=10)
    assert isinstance(artery.stenosis_nascet_percent, Missing)
    assert artery.stenosis_nascet_percent.reason is Reason.NOT_COVERED
    assert isinstance(artery.stenosis_ecst_percent, float)


def test_where_the_reference_narrows_too_it_is_no_reference() -> None:
    assert _measured(1.2, at_mm=12.0, wall_mm=0.2).stenosis_nascet_percent == Missing(
        Reason.NOT_COVERED, "no internal carotid with parallel walls"
    )


def test_where_the_reference_lies_in_plaque_it_is_no_reference() -> None:
    assert _measured(1.2, at_mm=14.0).stenosis_nascet_percent == Missing(
        Reason.NOT_COVERED, "no internal carotid free of disease"
    )


def test_a_named_reference_is_taken() -> None:
    artery = _measured(1.2, settings=MeasureSettings(nascet_reference_mm=11.0))
    assert artery.distal_reference_position_mm == pytest.approx(11.0, abs=1.0)
    assert artery.stenosis_nascet_percent == pytest.approx(50.0, abs=POINTS)


def test_a_collapsed_artery_beyond_a_tight_stenosis_is_a_near_occlusion() -> None:
    artery = _measured(0.55, internal_mm=1.2)
    assert isinstance(artery.stenosis_nascet_percent, Missing)
    assert artery.stenosis_nascet_percent.reason is Reason.NOT_APPLICABLE
    assert "near-occlusion" in artery.stenosis_nascet_percent.detail
