"""Areas and volumes of components, of plaque, and of calcification near the lumen, against closed forms."""

from dataclasses import replace

import numpy as np
import pytest
from tests.phantoms import draw, tube, with_wedge

from plaquecast.domain.anatomy import Tissue
from plaquecast.measure.artery import measure_artery
from plaquecast.settings import MeasureSettings

SETTINGS = MeasureSettings()
N_SLICES = 4
LENGTH_MM = 2.0 * N_SLICES


def _wedge_mm2(inner_mm: float, outer_mm: float, half_width: float) -> float:
    return half_width * (outer_mm**2 - inner_mm**2)


@pytest.mark.parametrize("tilt_degrees", [0.0, 25.0])
def test_a_calcified_wedge(tilt_degrees: float) -> None:
    phantom = draw(
        with_wedge(2.5, 4.5, (0.2, 1.2), 0.6, Tissue.CALCIFICATION),
        n_slices=N_SLICES,
        field_mm=14.0,
        tilt_degrees=tilt_degrees,
    )
    artery = measure_artery(phantom, {}, SETTINGS)
    area = _wedge_mm2(2.7, 3.7, 0.6)
    length = LENGTH_MM / np.cos(np.radians(tilt_degrees))
    # sums of fractions are exact but for the samples that make them: 1 %
    assert artery.slices[1].calcification_area_mm2 == pytest.approx(area, rel=0.01)
    assert artery.calcification_volume_mm3 == pytest.approx(area * length, rel=0.01)
    # its part within 0.5 mm of the lumen is cut from interpolated fractions: an error of 0.03 mm along 1.2 radians
    near = _wedge_mm2(2.7, 3.0, 0.6)
    assert artery.near_lumen_calcification_volume_mm3 == pytest.approx(near * length, abs=0.03 * 1.2 * 3.0 * length)


def test_plaque_is_thick_wall_and_every_component() -> None:
    thin = measure_artery(draw(tube(2.5, 3.5), n_slices=N_SLICES, field_mm=14.0), {}, SETTINGS)
    assert thin.plaque_volume_mm3 == 0.0
    thick = measure_artery(draw(tube(2.5, 4.5), n_slices=N_SLICES, field_mm=14.0), {}, SETTINGS)
    assert thick.plaque_volume_mm3 == pytest.approx(thick.wall_volume_mm3)
    assert thick.plaque_length_mm == pytest.approx(LENGTH_MM)
    wedge = with_wedge(2.5, 3.7, (0.3, 0.9), 0.6, Tissue.LOOSE_MATRIX)
    loose = measure_artery(draw(wedge, n_slices=N_SLICES, field_mm=14.0), {}, SETTINGS)
    # read on rays, at whose ends fractions are interpolated: 5 %
    assert loose.plaque_volume_mm3 == pytest.approx(_wedge_mm2(2.8, 3.4, 0.6) * LENGTH_MM, rel=0.05)


def test_thick_wall_in_a_single_slice_is_no_plaque() -> None:
    plain, thick = tube(2.5, 3.5), tube(2.5, 4.5)

    def classify(x: np.ndarray, y: np.ndarray, s: np.ndarray) -> np.ndarray:
        return np.where((s > 0.0) & (s < 2.0), thick(x, y, s), plain(x, y, s))

    assert measure_artery(draw(classify, n_slices=N_SLICES, field_mm=14.0), {}, SETTINGS).plaque_volume_mm3 == 0.0


def test_the_core_holds_its_hemorrhage() -> None:
    core = with_wedge(2.5, 4.5, (0.6, 1.6), 0.6, Tissue.LIPID_RICH_NECROTIC_CORE)
    hemorrhage = with_wedge(2.5, 4.5, (0.6, 1.6), 0.3, Tissue.INTRAPLAQUE_HEMORRHAGE)

    def classify(x: np.ndarray, y: np.ndarray, s: np.ndarray) -> np.ndarray:
        inner = hemorrhage(x, y, s)
        return np.where(inner == Tissue.INTRAPLAQUE_HEMORRHAGE, inner, core(x, y, s))

    artery = measure_artery(draw(classify, n_slices=N_SLICES, field_mm=14.0), {}, SETTINGS)
    whole = _wedge_mm2(3.1, 4.1, 0.6) * LENGTH_MM
    assert artery.lipid_rich_necrotic_core_volume_mm3 == pytest.approx(whole, rel=0.01)
    # the border between both kinds of core runs along whole pixels: over 2 × 1 mm some 8 of 0.0625 mm², each off by a
    # third of itself (SD of a uniform error), are 0.06 mm² of 2.16; three times that
    assert artery.intraplaque_hemorrhage_volume_mm3 == pytest.approx(whole / 2, rel=0.08)
    assert artery.non_hemorrhagic_core_volume_mm3 == pytest.approx(whole / 2, rel=0.08)


def test_the_likelier_kind_has_all_of_a_voxel_of_core() -> None:
    phantom = draw(with_wedge(2.5, 4.5, (0.6, 1.6), 0.6, Tissue.LIPID_RICH_NECROTIC_CORE), n_slices=4, field_mm=14.0)
    assert phantom.probabilities is not None
    core = phantom.probabilities[Tissue.LIPID_RICH_NECROTIC_CORE].copy()
    whole = _wedge_mm2(3.1, 4.1, 0.6) * LENGTH_MM
    for bled, share in ((0.49, 0.0), (0.51, 1.0)):
        doubtful = phantom.probabilities.copy()
        doubtful[Tissue.LIPID_RICH_NECROTIC_CORE] = (1.0 - bled) * core
        doubtful[Tissue.INTRAPLAQUE_HEMORRHAGE] = bled * core
        artery = measure_artery(replace(phantom, probabilities=doubtful), {}, SETTINGS)
        assert artery.intraplaque_hemorrhage_volume_mm3 == pytest.approx(share * whole, rel=0.01)
        assert artery.lipid_rich_necrotic_core_volume_mm3 == pytest.approx(whole, rel=0.01)


def test_a_segmenters_doubt_does_not_add_up_to_a_component() -> None:
    phantom = draw(tube(2.5, 4.5), n_slices=N_SLICES, field_mm=14.0)
    assert phantom.probabilities is not None
    doubtful = phantom.probabilities.copy()
    for tissue in (Tissue.LIPID_RICH_NECROTIC_CORE, Tissue.INTRAPLAQUE_HEMORRHAGE, Tissue.CALCIFICATION):
        doubtful[tissue] = 0.15 * phantom.probabilities[Tissue.WALL]
    doubtful[Tissue.WALL] *= 0.55
    artery = measure_artery(replace(phantom, probabilities=doubtful), {}, SETTINGS)
    assert artery.lipid_rich_necrotic_core_volume_mm3 == 0.0
    assert artery.calcification_volume_mm3 == 0.0
    sure = measure_artery(phantom, {}, SETTINGS)
    assert artery.wall_volume_mm3 == pytest.approx(sure.wall_volume_mm3)


def test_core_and_hemorrhage_that_only_together_are_likely_count_as_core() -> None:
    phantom = draw(
        with_wedge(2.5, 4.5, (0.6, 1.6), 0.6, Tissue.LIPID_RICH_NECROTIC_CORE), n_slices=N_SLICES, field_mm=14.0
    )
    assert phantom.probabilities is not None
    torn = phantom.probabilities.copy()
    core = torn[Tissue.LIPID_RICH_NECROTIC_CORE].copy()
    torn[Tissue.LIPID_RICH_NECROTIC_CORE] = 0.4 * core
    torn[Tissue.INTRAPLAQUE_HEMORRHAGE] = 0.4 * core
    torn[Tissue.WALL] += 0.2 * core
    artery = measure_artery(replace(phantom, probabilities=torn), {}, SETTINGS)
    whole = _wedge_mm2(3.1, 4.1, 0.6) * LENGTH_MM
    assert artery.lipid_rich_necrotic_core_volume_mm3 == pytest.approx(0.8 * whole, rel=0.02)


def test_the_wall_map_shows_each_tissue_where_it_lies() -> None:
    wedge = with_wedge(2.5, 4.5, (0.3, 1.3), 0.6, Tissue.CALCIFICATION)
    wall = measure_artery(draw(wedge, n_slices=N_SLICES, field_mm=14.0), {}, SETTINGS).wall_map
    assert wall is not None
    off = np.abs(np.radians(wall.angle_degrees) - np.pi)
    step = 2.0 * np.pi / SETTINGS.n_angles
    assert (wall.tissue[:, off < 0.6 - step] == Tissue.CALCIFICATION).all()
    assert (wall.tissue[:, off > 0.6 + step] == Tissue.WALL).all()
