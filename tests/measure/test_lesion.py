"""Lesion type, cap status, high-risk features and burden, from slices written by hand."""

from dataclasses import replace

import pytest
from tests.slices_by_hand import HEALTHY

from plaquecast.domain.lesion import CapStatus, HighRiskFeature, LesionType, Segment
from plaquecast.domain.missing import Missing, Reason
from plaquecast.domain.morphology import SliceMorphology
from plaquecast.measure.lesion import read_lesion
from plaquecast.settings import MeasureSettings

SETTINGS = MeasureSettings()
PLAQUE = replace(HEALTHY, max_wall_thickness_mm=3.0, plaque_area_mm2=10.0)
CORE = replace(
    PLAQUE, lipid_rich_necrotic_core_area_mm2=5.0, non_hemorrhagic_core_area_mm2=5.0, fibrous_cap_arc_degrees=60.0,
    fibrous_cap_min_thickness_mm=0.6, fibrous_cap_mean_thickness_mm=0.9,
)  # fmt: skip
BLEEDING = replace(CORE, intraplaque_hemorrhage_area_mm2=3.0, non_hemorrhagic_core_area_mm2=2.0)
RUPTURED = replace(CORE, fibrous_cap_min_thickness_mm=0.0)


def _along(*sections: SliceMorphology) -> tuple[SliceMorphology, ...]:
    return tuple(replace(section, position_mm=-11.0 + 2.0 * i) for i, section in enumerate(sections))


@pytest.mark.parametrize(("sections", "lesion_type"), [
    ((HEALTHY, HEALTHY), LesionType.NEAR_NORMAL),
    ((HEALTHY, replace(PLAQUE, max_wall_thickness_mm=1.8)), LesionType.THICKENING),
    ((PLAQUE, PLAQUE), LesionType.FIBROTIC),
    ((replace(PLAQUE, calcification_area_mm2=2.0), replace(PLAQUE, calcification_area_mm2=2.0)), LesionType.FIBROTIC),
    ((replace(PLAQUE, calcification_area_mm2=6.0), PLAQUE), LesionType.CALCIFIED),
    # just 5 mm³ of a component are there; just a quarter of the plaque is calcified; just 2.0 and 1.5 mm of wall
    ((replace(PLAQUE, calcification_area_mm2=2.5, plaque_area_mm2=5.0), replace(PLAQUE, plaque_area_mm2=5.0)),
     LesionType.CALCIFIED),
    ((replace(PLAQUE, calcification_area_mm2=2.4, plaque_area_mm2=5.0), PLAQUE), LesionType.FIBROTIC),
    ((replace(PLAQUE, max_wall_thickness_mm=2.0), HEALTHY), LesionType.FIBROTIC),
    ((replace(PLAQUE, max_wall_thickness_mm=1.5), HEALTHY), LesionType.NEAR_NORMAL),
    ((CORE, PLAQUE), LesionType.CORE),
    ((BLEEDING, BLEEDING), LesionType.COMPLICATED),
    ((RUPTURED, CORE), LesionType.COMPLICATED),
])  # fmt: skip
def test_lesion_types(sections: tuple[SliceMorphology, ...], lesion_type: LesionType) -> None:
    assert read_lesion(_along(*sections), SETTINGS).lesion_type is lesion_type


@pytest.mark.parametrize(("section", "status"), [
    (CORE, CapStatus.THICK), (replace(CORE, fibrous_cap_mean_thickness_mm=0.4), CapStatus.THIN),
    (RUPTURED, CapStatus.RUPTURED), (replace(CORE, fibrous_cap_min_thickness_mm=0.14), CapStatus.RUPTURED),
    (replace(CORE, fibrous_cap_min_thickness_mm=0.15), CapStatus.THICK),
    (replace(CORE, fibrous_cap_mean_thickness_mm=0.5), CapStatus.THICK),
])  # fmt: skip
def test_cap_status(section: SliceMorphology, status: CapStatus) -> None:
    assert read_lesion(_along(section, HEALTHY), SETTINGS).cap_status is status


def test_high_risk_features() -> None:
    assert read_lesion(_along(CORE, CORE), SETTINGS).high_risk == ()
    large = replace(BLEEDING, lipid_rich_necrotic_core_area_mm2=9.0, fibrous_cap_min_thickness_mm=0.0)
    lesion = read_lesion(_along(large, large), SETTINGS)
    assert lesion.high_risk == tuple(HighRiskFeature)
    assert lesion.largest_core_percent == pytest.approx(45.0)


def test_a_core_of_just_40_percent_is_not_large() -> None:
    half = replace(CORE, lipid_rich_necrotic_core_area_mm2=8.0)
    assert read_lesion(_along(half, CORE), SETTINGS).high_risk == ()
    assert read_lesion(_along(half, CORE), SETTINGS).largest_core_percent == pytest.approx(40.0)


def test_hemorrhage_alone_and_rupture_alone_complicate_a_core() -> None:
    hemorrhage, rupture = (read_lesion(_along(each, each), SETTINGS) for each in (BLEEDING, RUPTURED))
    assert hemorrhage.high_risk == (HighRiskFeature.HEMORRHAGE,)
    assert rupture.high_risk == (HighRiskFeature.RUPTURED_CAP,)


def test_a_speck_is_no_core() -> None:
    speck = replace(RUPTURED, lipid_rich_necrotic_core_area_mm2=1.0)
    lesion = read_lesion(_along(speck, PLAQUE), SETTINGS)
    assert lesion.high_risk == ()
    assert lesion.lesion_type is LesionType.FIBROTIC


def test_burden_by_segment() -> None:
    # slices of 2 mm at −11 and −9: one on each side of the border at −10
    lesion = read_lesion(_along(HEALTHY, replace(HEALTHY, wall_area_mm2=25.0)), SETTINGS)
    assert lesion.percent_wall_volume[Segment.COMMON] == pytest.approx(40.0)
    assert lesion.percent_wall_volume[Segment.BULB] == pytest.approx(50.0)
    assert lesion.percent_wall_volume[Segment.INTERNAL] == Missing(Reason.NOT_COVERED)


def test_what_is_not_shown_stays_unread() -> None:
    not_shown = Missing(Reason.NOT_SHOWN)
    names = ("max_wall_thickness_mm", "plaque_area_mm2", "calcification_area_mm2", "wall_area_mm2",
             "lipid_rich_necrotic_core_area_mm2", "fibrous_cap_arc_degrees", "vessel_area_mm2")  # fmt: skip
    lesion = read_lesion(_along(replace(HEALTHY, **dict.fromkeys(names, not_shown))), SETTINGS)
    assert lesion.lesion_type == not_shown
    assert lesion.cap_status == not_shown
    assert lesion.largest_core_percent == not_shown
    assert lesion.percent_wall_volume[Segment.COMMON] == not_shown
    assert lesion.high_risk == ()
