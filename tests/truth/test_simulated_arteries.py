"""Bent, branching arteries with plaque: what is measured on their true tissue fractions against their geometry.

Both are taken over the stretch that the slices and the truth share. The aims are areas within 1 % and thickness within
0.03 mm; the wall is a difference of two areas.
"""

from functools import lru_cache

import numpy as np
import pytest
from tests.simulated_arteries import person, segment

from plaquecast.domain.anatomy import Side
from plaquecast.domain.lesion import CapStatus
from plaquecast.domain.missing import Measured, is_number
from plaquecast.domain.morphology import ArteryMorphology
from plaquecast.geometry.along_artery import artery_measurements, shared_lengths
from plaquecast.measure.artery import measure_artery
from plaquecast.measure.lesion import read_lesion
from plaquecast.measure.wall_map import mouth_angle
from plaquecast.settings import MeasureSettings

SETTINGS = MeasureSettings(cap_resolution_mm=0.0)
ARTERIES = [
    (0, Side.LEFT), (1, Side.LEFT), (1, Side.RIGHT), (2, Side.RIGHT), (5, Side.LEFT), (5, Side.RIGHT), (6, Side.LEFT),
    (8, Side.RIGHT), (9, Side.LEFT), (9, Side.RIGHT),
]  # fmt: skip
"""Healthy and diseased, up to a stenosis of 82 % and a wall of 7.8 mm."""


@lru_cache(maxsize=len(ARTERIES))
def _measured(index: int, side: Side) -> ArteryMorphology:
    return measure_artery(segment(person(index).arteries[0][side]), {}, SETTINGS)


@lru_cache(maxsize=len(ARTERIES))
def _pair(index: int, side: Side) -> tuple[dict[str, Measured], dict[str, Measured]]:
    """Measured and true over the shared stretch."""
    found, truth = _measured(index, side).slices, person(index).morphology[0][side].slices
    pairs = ((found, truth), (truth, found))
    one, other = (artery_measurements(each, shared_lengths(each, others), 0.0) for each, others in pairs)
    return one, other


def _same_throat(index: int, side: Side) -> bool:
    """Whether both are read at one place; of two equally narrow ones either may be taken, in another vessel."""
    found, true = (values["narrowest_position_mm"] for values in _pair(index, side))
    assert isinstance(found, float)
    assert isinstance(true, float)
    return abs(found - true) <= 2.0


def _errors(name: str, relative: bool = False) -> np.ndarray:
    pairs = [(found[name], true[name]) for found, true in (_pair(*artery) for artery in ARTERIES)]
    if name in ("stenosis_ecst_percent", "stenosis_area_percent"):
        pairs = [pair for pair, artery in zip(pairs, ARTERIES, strict=True) if _same_throat(*artery)]
        assert len(pairs) >= 7
    numbers = np.array([pair for pair in pairs if is_number(pair[0]) and is_number(pair[1])])
    assert len(numbers) >= 3
    difference = numbers[:, 0] - numbers[:, 1]
    return difference / numbers[:, 1] if relative else difference


@pytest.mark.parametrize(("name", "bias", "largest"), [
    # largest: the lumen of 0.5 mm radius in the tightest stenosis, two pixels wide
    ("lumen_volume_mm3", 0.01, 0.04), ("vessel_volume_mm3", 0.01, 0.02), ("wall_volume_mm3", 0.02, 0.04),
    ("normalized_wall_index", 0.01, 0.02),
])  # fmt: skip
def test_volumes_and_index(name: str, bias: float, largest: float) -> None:
    errors = _errors(name, relative=True)
    assert abs(errors.mean()) <= bias
    assert np.abs(errors).max() <= largest


@pytest.mark.parametrize(("name", "bias", "largest"), [
    ("mean_wall_thickness_mm", 0.03, 0.06),
    # the mean over 1 mm of wall lies below the peak that truth has, most in the thickest wall of 7.8 mm: 5 % of it
    ("max_wall_thickness_mm", 0.1, 0.4),
    ("stenosis_nascet_percent", 2.0, 6.0), ("stenosis_ecst_percent", 2.0, 6.0), ("stenosis_area_percent", 2.0, 8.0),
    # volumes of thin lenses: 2 mm³, the sampling of 2 mm slices at the ends of a component
    ("calcification_volume_mm3", 2.0, 6.0), ("lipid_rich_necrotic_core_volume_mm3", 2.0, 10.0),
    ("intraplaque_hemorrhage_volume_mm3", 2.0, 10.0), ("loose_matrix_volume_mm3", 2.0, 6.0),
    ("near_lumen_calcification_volume_mm3", 1.0, 3.0),
    # plaque ends where thickness passes 1.5 mm: 0.03 mm of thickness is 0.3 mm along a wall that thickens by 0.1 per
    # mm, around an edge of 60 mm, 1.5 mm high
    ("plaque_volume_mm3", 27.0, 40.0),
    ("fibrous_cap_mean_thickness_mm", 0.1, 0.2),
])  # fmt: skip
def test_lengths_percents_and_components(name: str, bias: float, largest: float) -> None:
    errors = _errors(name)
    assert abs(errors.mean()) <= bias
    assert np.abs(errors).max() <= largest


@pytest.mark.parametrize(("index", "side"), [artery for artery in ARTERIES if artery != (1, Side.RIGHT)])
def test_thick_wall_lies_at_the_same_place_on_both_maps(index: int, side: Side) -> None:
    """Angles count from the mouth of the ECA; truth counts from the direction in which the ICA leaves.

    The artery without plaque is left out: there is nothing to correlate.
    """
    wall, true = _measured(index, side).wall_map, person(index).morphology[0][side].wall_map
    assert wall is not None
    assert true is not None
    inside = (wall.position_mm > true.position_mm[0]) & (wall.position_mm < true.position_mm[-1])
    at_slices = np.stack(
        [np.interp(wall.position_mm[inside], true.position_mm, column) for column in true.wall_thickness_mm.T], axis=1
    )
    turn = round(mouth_angle(true.position_mm, true.wall_thickness_mm) / (2.0 * np.pi) * SETTINGS.n_angles)
    expected = np.roll(at_slices, -turn, axis=1)
    assert np.corrcoef(expected.ravel(), wall.wall_thickness_mm[inside].ravel())[0, 1] > 0.9


def test_cap_status_agrees_with_truth() -> None:
    agreed = []
    for index, side in ARTERIES:
        found = read_lesion(_measured(index, side).slices, MeasureSettings()).cap_status
        true = read_lesion(person(index).morphology[0][side].slices, MeasureSettings()).cap_status
        if isinstance(true, CapStatus):
            agreed.append(found is true)
    assert len(agreed) >= 3
    assert np.mean(agreed) >= 0.75
