"""What is counted of an artery: its reach, usable slices, plaque that lasts, thickest wall, and confidence."""

from dataclasses import replace

import numpy as np
import pytest
from tests.phantoms import draw, tube, with_core, with_wedge

from plaquecast.domain.anatomy import NOT_ANNOTATED, Tissue
from plaquecast.domain.missing import Missing, Reason
from plaquecast.domain.volume import ArterySegmentation, LabelMap
from plaquecast.measure.artery import measure_artery
from plaquecast.settings import MeasureSettings

SETTINGS = MeasureSettings()
TUBE = draw(tube(2.0, 3.2), samples=2, field_mm=10.0)


def test_an_artery_counts_up_to_its_reach() -> None:
    artery = measure_artery(TUBE, {}, MeasureSettings(reach_mm=5.5))
    # slices of 2 mm from −7 to 7: those at ±5 count with 1.5 mm, those beyond not at all
    assert [section.position_mm for section in artery.slices] == pytest.approx([-4.75, -3.0, -1.0, 1.0, 3.0, 4.75])
    assert artery.covered_length_mm == pytest.approx(11.0)
    assert len(measure_artery(TUBE, {}, MeasureSettings(reach_mm=6.0)).slices) == 6


def test_slices_that_are_not_covered_or_not_judged_are_left_out_from_chest_to_head() -> None:
    labels = TUBE.labels.array.copy()
    labels[4, 0, 0] = NOT_ANNOTATED
    covered = np.ones(8, dtype=bool)
    covered[1] = False
    position = TUBE.slice_position_mm.copy()
    position[6] = np.nan
    partly = replace(
        TUBE,
        labels=LabelMap(TUBE.grid, labels),
        covered=covered,
        slice_position_mm=position,
        slice_confidence=np.array([0.5, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.5]),
    )
    artery = measure_artery(partly, {}, SETTINGS)
    assert [section.position_mm for section in artery.slices] == pytest.approx([-7.0, -3.0, -1.0, 3.0, 7.0])
    assert artery.confidence == pytest.approx(0.8)
    assert [section.confidence for section in artery.slices] == [0.5, 1.0, 1.0, 1.0, 0.5]


def _thick_in(n_low: float, n_high: float) -> ArterySegmentation:
    """Thick wall opposite to the flow divider between two positions."""
    plain, thick = tube(2.0, 3.2), tube(2.0, 3.2, shift_mm=1.0)

    def classify(x: np.ndarray, y: np.ndarray, s: np.ndarray) -> np.ndarray:
        return np.where((s > n_low) & (s < n_high), thick(x, y, s), plain(x, y, s))

    return draw(classify, samples=2, field_mm=11.0)


def test_thick_wall_is_plaque_if_two_neighbor_slices_show_it() -> None:
    two, three = (measure_artery(_thick_in(0.0, end), {}, SETTINGS) for end in (4.0, 6.0))
    assert two.plaque_length_mm == 4.0
    assert three.plaque_length_mm == 6.0
    # a slice between that is not covered parts them: one here, one there
    apart = replace(_thick_in(0.0, 6.0), covered=np.arange(8) != 5)
    assert measure_artery(apart, {}, SETTINGS).plaque_volume_mm3 == 0.0
    assert measure_artery(_thick_in(0.0, 2.0), {}, SETTINGS).plaque_volume_mm3 == 0.0
    # only the sectors in which the wall is thick count
    wall = two.slices[4].wall_area_mm2
    assert isinstance(wall, float)
    assert 0.3 * wall < two.slices[4].plaque_area_mm2 < 0.9 * wall


def test_plaque_begins_beyond_the_set_thickness() -> None:
    phantom = draw(tube(2.0, 3.5), samples=2, field_mm=10.0, n_slices=3)
    for limit_mm, is_plaque in ((1.4, True), (1.6, False)):
        found = measure_artery(phantom, {}, MeasureSettings(plaque_thickness_mm=limit_mm))
        assert (found.plaque_length_mm == 6.0) is is_plaque
        assert (found.plaque_volume_mm3 == 0.0) is not is_plaque


def test_the_largest_thickness_is_a_mean_over_a_millimeter_of_wall() -> None:
    # the streamline through both centers of an eccentric tube is 3 mm long; half a millimeter beside it, seen from the
    # middle of the wall 2.8 mm away, the wall is thinner by 1.5 mm × (1 − cos 0.18) at the most: 0.03 mm in the mean
    eccentric = measure_artery(draw(tube(2.0, 4.0, shift_mm=1.0), n_slices=3, field_mm=12.0), {}, SETTINGS)
    assert eccentric.max_wall_thickness_mm == pytest.approx(3.0, abs=0.06)
    # a nick of wall 0.35 mm wide and 1 mm high is averaged over three times its width
    nick = draw(with_wedge(2.0, 4.2, (1.2, 2.3), 3.2 - 0.06, 0), n_slices=3, field_mm=12.0)  # type: ignore[arg-type]
    found = measure_artery(nick, {}, SETTINGS)
    assert found.max_wall_thickness_mm < 1.2 + 0.6
    assert measure_artery(draw(tube(2.0, 3.2), n_slices=3, field_mm=12.0), {}, SETTINGS).slices[
        0
    ].max_wall_thickness_mm == pytest.approx(1.2, abs=0.05)


def test_a_cap_thinner_than_a_voxel_counts_where_it_lies_at_a_core() -> None:
    phantom = draw(with_core(2.5, 4.5, 0.12, 0.9), n_slices=3, field_mm=12.0)
    assert phantom.probabilities is not None
    # half of it unsure, so that it is likelier than not nowhere: the band covers at most 0.7 of a pixel
    unsure = phantom.probabilities.copy()
    unsure[Tissue.FIBROUS_CAP] *= 0.5
    unsure[Tissue.WALL] += unsure[Tissue.FIBROUS_CAP]
    assert unsure[Tissue.FIBROUS_CAP].max() < 0.5
    area = 0.5 * (2.62**2 - 2.5**2)
    found = measure_artery(replace(phantom, probabilities=unsure), {}, SETTINGS).slices[1]
    # the samples that draw it lie 1/16 mm apart: 5 % over the arc
    assert found.fibrous_cap_area_mm2 == pytest.approx(area, rel=0.05)
    unsure[Tissue.WALL] += unsure[Tissue.LIPID_RICH_NECROTIC_CORE]
    unsure[Tissue.LIPID_RICH_NECROTIC_CORE] = 0.0
    without_core = measure_artery(replace(phantom, probabilities=unsure), {}, SETTINGS).slices[1]
    assert without_core.fibrous_cap_area_mm2 == without_core.fibrous_cap_arc_degrees == 0.0


def test_the_named_reference_is_handed_on() -> None:
    long = draw(tube(2.0, 3.2), n_slices=16, samples=2, field_mm=10.0)
    named = measure_artery(long, {}, MeasureSettings(nascet_reference_mm=11.0))
    assert named.distal_reference_position_mm == pytest.approx(11.0, abs=1.0)
    assert measure_artery(long, {}, SETTINGS).distal_reference_position_mm == pytest.approx(14.0)
    short = measure_artery(TUBE, {}, SETTINGS)
    assert isinstance(short.stenosis_nascet_percent, Missing)
    assert short.stenosis_nascet_percent.reason is Reason.NOT_COVERED
