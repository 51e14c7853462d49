"""Stenosis from slices of known diameters: where it is read, against which reference, and when there is none."""

from dataclasses import replace

import numpy as np
import pytest
from tests.slices_by_hand import section

from plaquecast.domain.missing import Measured, Missing, Reason, is_number
from plaquecast.domain.morphology import SliceMorphology
from plaquecast.geometry.along_artery import AUTOMATIC
from plaquecast.geometry.stenosis import stenosis

SLICES_MM = np.arange(-15.0, 16.0, 2.0)


def _artery(
    diameter_mm: dict[float, float], normal_mm: float = 5.0, vessel_mm: float = 8.0, **values: Measured
) -> list[SliceMorphology]:
    """Slices every 2 mm, of the normal diameter but where another one is given."""
    diameters = {float(at): diameter_mm.get(float(at), normal_mm) for at in SLICES_MM}
    area = np.pi / 4.0
    return [
        section(at, lumen_area_mm2=area * d**2, vessel_area_mm2=area * vessel_mm**2, **values)
        for at, d in diameters.items()
    ]


def _found(slices: list[SliceMorphology], reference_mm: Measured = AUTOMATIC) -> dict[str, Measured]:
    return stenosis(slices, reference_mm)


def test_the_bottom_of_a_parabola_between_slices_is_found() -> None:
    slices = _artery({at: 3.0 + 0.05 * (at - 3.6) ** 2 for at in (1.0, 3.0, 5.0)})
    found = _found(slices)
    assert found["stenosis_nascet_percent"] == pytest.approx(100.0 * (1.0 - 3.0 / 5.0))
    assert found["stenosis_ecst_percent"] == pytest.approx(100.0 * (1.0 - 3.0 / 8.0))
    assert found["stenosis_area_percent"] == pytest.approx(100.0 * (1.0 - (3.0 / 8.0) ** 2))
    assert found["narrowest_position_mm"] == 3.0
    assert found["distal_reference_position_mm"] == 14.0
    assert found["remodeling_index"] == pytest.approx(1.0)


@pytest.mark.parametrize(("gap_mm", "is_fitted"), [(6.0, True), (6.2, False)])
def test_neighbors_far_apart_say_nothing_of_the_place_between_them(gap_mm: float, is_fitted: bool) -> None:
    near = {2.0: 3.0, 2.0 - 0.6 * gap_mm: 4.0, 2.0 + 0.4 * gap_mm: 4.0}
    throat = [section(at, lumen_area_mm2=np.pi / 4.0 * d**2) for at, d in near.items()]
    beyond = [each for each in _artery({}) if not -2.0 < each.position_mm < 5.0]
    percent = _found(sorted(throat + beyond, key=lambda each: each.position_mm))["stenosis_nascet_percent"]
    assert is_number(percent)
    assert (percent > 40.0 + 1e-9) is is_fitted


def test_at_the_end_of_the_coverage_and_where_it_does_not_bend_the_slice_itself_counts() -> None:
    assert _found(_artery({15.0: 4.8}))["stenosis_ecst_percent"] == pytest.approx(100.0 * (1.0 - 4.8 / 8.0))
    lowest = _artery({-7.0: 3.0, -5.0: 3.0})
    assert _found(lowest)["stenosis_nascet_percent"] == pytest.approx(40.0)
    assert _found(lowest[4:])["stenosis_nascet_percent"] == pytest.approx(40.0)


def test_stenosis_is_looked_for_above_the_common_carotid() -> None:
    assert _found(_artery({-9.0: 2.0}))["stenosis_ecst_percent"] == pytest.approx(100.0 * (1.0 - 5.0 / 8.0))
    edge = [*_artery({})[4:], section(-8.0, lumen_area_mm2=1.0)]
    assert _found(edge)["narrowest_position_mm"] != -8.0
    only_common = [section(-10.0), section(-8.0)]
    assert _found(only_common)["stenosis_nascet_percent"] == Missing(Reason.NOT_COVERED)


class TestReference:
    """The internal carotid that NASCET compares with."""

    def test_it_is_the_mean_diameter_of_the_uppermost_4_mm(self) -> None:
        found = _found(_artery({11.0: 6.0, 13.0: 4.8, 15.0: 5.2, 5.0: 2.5}))
        assert found["stenosis_nascet_percent"] == pytest.approx(50.0)
        # a slice just 4 mm below the uppermost does not belong to it
        assert found["distal_reference_position_mm"] == 14.0

    @pytest.mark.parametrize(("top_mm", "is_covered"), [(11.0, False), (13.0, True)])
    def test_it_lies_beyond_the_bulb(self, top_mm: float, is_covered: bool) -> None:
        # the uppermost two slices: from 9 mm, or from 11 mm
        found = _found([each for each in _artery({}) if each.position_mm <= top_mm])
        assert is_number(found["stenosis_nascet_percent"]) is is_covered
        assert found["distal_reference_position_mm"] == (
            12.0 if is_covered else Missing(Reason.NOT_COVERED, "the internal carotid 10 mm above the bifurcation")
        )

    def test_it_may_begin_just_there(self) -> None:
        assert is_number(_found([section(at) for at in (4.0, 6.0, 8.0, 10.0, 12.0)])["stenosis_nascet_percent"])

    @pytest.mark.parametrize(("wall_mm", "is_healthy"), [(1.5, True), (1.6, False)])
    def test_it_is_free_of_disease(self, wall_mm: float, is_healthy: bool) -> None:
        found = _found(_artery({}, mean_wall_thickness_mm=wall_mm))["stenosis_nascet_percent"]
        assert is_number(found) is is_healthy
        assert is_healthy or found == Missing(Reason.NOT_COVERED, "no internal carotid free of disease")

    def test_one_diseased_slice_of_it_is_enough(self) -> None:
        artery = _artery({})
        artery[-1] = replace(artery[-1], mean_wall_thickness_mm=1.6)
        assert isinstance(_found(artery)["stenosis_nascet_percent"], Missing)

    @pytest.mark.parametrize(("difference_mm", "is_parallel"), [(0.49, True), (0.51, False)])
    def test_its_walls_are_parallel(self, difference_mm: float, is_parallel: bool) -> None:
        artery = _artery({13.0: 5.0 + 0.5 * difference_mm, 15.0: 5.0 - 0.5 * difference_mm})
        assert is_number(_found(artery)["stenosis_nascet_percent"]) is is_parallel

    def test_a_named_place_is_taken_as_it_is_with_2_mm_to_both_sides(self) -> None:
        artery = _artery({9.0: 4.0, 7.0: 6.0, 1.0: 2.0})
        found = _found(artery, 8.0)
        assert found["distal_reference_position_mm"] == 8.0
        assert found["stenosis_nascet_percent"] == pytest.approx(60.0)
        exactly = _found([*artery, section(10.0, lumen_area_mm2=np.pi / 4.0 * 5.0**2)], 8.0)
        assert exactly["distal_reference_position_mm"] == pytest.approx(26.0 / 3.0)
        # where nothing lies there, it is chosen
        assert _found(artery, 30.0)["distal_reference_position_mm"] == 14.0

    def test_the_common_carotid_gives_remodeling(self) -> None:
        artery = _artery({3.0: 2.0})
        wide = [replace(each, vessel_area_mm2=np.pi * (25.0 if each.position_mm == 3.0 else 16.0)) for each in artery]
        assert _found(wide)["remodeling_index"] == pytest.approx(25.0 / 16.0)
        # the lowest two slices: up to −9 mm they lie in the common carotid, up to −7 mm they do not
        assert is_number(_found(wide[2:])["remodeling_index"])
        assert _found(wide[3:])["remodeling_index"] == Missing(
            Reason.NOT_COVERED, "the common carotid 8 mm below the bifurcation"
        )


@pytest.mark.parametrize(("narrowest_mm", "distal_mm", "has_collapsed"), [
    (1.3, 3.5, True), (1.31, 3.5, False), (1.3, 3.51, False),
])  # fmt: skip
def test_a_near_occlusion_has_no_nascet(narrowest_mm: float, distal_mm: float, has_collapsed: bool) -> None:
    found = _found(_artery({5.0: narrowest_mm, 13.0: distal_mm, 15.0: distal_mm}))
    assert is_number(found["stenosis_nascet_percent"]) is not has_collapsed
    assert is_number(found["stenosis_ecst_percent"])


def test_bright_blood_has_nascet_alone() -> None:
    hidden = Missing(Reason.NOT_SHOWN)
    found = _found([section(at, lumen_area_mm2=10.0, vessel_area_mm2=hidden, mean_wall_thickness_mm=hidden)
                    for at in SLICES_MM])  # fmt: skip
    assert found["stenosis_nascet_percent"] == pytest.approx(0.0, abs=1e-9)
    for name in ("stenosis_ecst_percent", "stenosis_area_percent", "remodeling_index"):
        assert found[name] == hidden
