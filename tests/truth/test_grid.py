"""What a measurement owes the grid: errors shrink with it, and its orientation in space changes nothing."""

from dataclasses import fields, replace
from itertools import permutations, product

import numpy as np
import pytest
from tests.phantoms import draw, ellipse, tube
from tests.simulated_arteries import segmented

from plaquecast.domain.anatomy import Side
from plaquecast.domain.grid import Grid
from plaquecast.domain.missing import Measured, Missing, is_number
from plaquecast.domain.morphology import ArteryMorphology, SliceMorphology
from plaquecast.domain.volume import ArterySegmentation, Centerline, LabelMap
from plaquecast.measure.artery import measure_artery
from plaquecast.settings import MeasureSettings

SETTINGS = MeasureSettings()
MEASUREMENTS = [entry.name for entry in fields(ArteryMorphology) if entry.type == Measured]
SLICE_MEASUREMENTS = [entry.name for entry in fields(SliceMorphology) if entry.type == Measured]
ORIENTATIONS = [
    np.diag(signs) @ np.eye(3)[list(order)] for order in permutations(range(3)) for signs in product((1, -1), repeat=3)
]


def _few_slices(segmentation: ArterySegmentation) -> ArterySegmentation:
    """Every second slice of the bulb, so that 48 measurements take seconds."""
    return replace(segmentation, covered=np.abs(segmentation.slice_position_mm - 2.0) < 6.0)


def _oriented(segmentation: ArterySegmentation, turn: np.ndarray) -> ArterySegmentation:
    """The same voxels in a space whose axes are exchanged and mirrored."""
    affine = np.eye(4)
    affine[:3] = turn @ segmentation.grid.affine[:3]
    axis = segmentation.centerline
    return replace(
        segmentation,
        labels=LabelMap(Grid(segmentation.grid.shape, affine), segmentation.labels.array),
        centerline=Centerline(axis.points_mm @ turn.T, axis.position_mm, 1.0),
    )


def test_48_orientations_give_the_same_numbers() -> None:
    assert len(ORIENTATIONS) == 48
    segmentation = _few_slices(segmented(0, Side.LEFT))
    expected = measure_artery(segmentation, {}, SETTINGS)
    for turn in ORIENTATIONS:
        found = measure_artery(_oriented(segmentation, turn), {}, SETTINGS)
        _assert_same(found, expected, MEASUREMENTS)
        for section, other in zip(found.slices, expected.slices, strict=True):
            _assert_same(section, other, SLICE_MEASUREMENTS)


def test_slices_from_head_to_chest_and_mirrored_pixels_give_the_same_numbers() -> None:
    segmentation = _few_slices(segmented(0, Side.LEFT))
    flipped = (slice(None, None, -1),) * 3
    affine = segmentation.grid.affine @ np.diag([-1.0, -1.0, -1.0, 1.0])
    affine[:3, 3] = segmentation.grid.to_mm(np.array(segmentation.grid.shape) - 1)
    assert segmentation.probabilities is not None
    other = replace(
        segmentation,
        labels=LabelMap(Grid(segmentation.grid.shape, affine), segmentation.labels.array[flipped]),
        probabilities=segmentation.probabilities[(slice(None), *flipped)],
        slice_position_mm=segmentation.slice_position_mm[::-1],
        covered=segmentation.covered[::-1],
    )
    _assert_same(measure_artery(other, {}, SETTINGS), measure_artery(segmentation, {}, SETTINGS), MEASUREMENTS)


def _assert_same(found: object, expected: object, names: list[str]) -> None:
    for name in names:
        one, other = getattr(found, name), getattr(expected, name)
        if is_number(other):
            assert one == pytest.approx(other, rel=1e-6, abs=1e-6), name
        else:
            assert isinstance(one, Missing), name


@pytest.mark.parametrize("what", ["thickness", "area"])
def test_errors_shrink_with_the_grid(what: str) -> None:
    """Over pixels of 1.0 to 0.25 mm, each at three places of the grid, at order 1.5 or better."""
    pixels = np.array([1.0, 0.5, 0.25])
    errors = [
        np.mean([_error(what, pixel, offset) for offset in ((0.07, -0.04), (0.31, 0.12), (-0.2, 0.4))])
        for pixel in pixels
    ]
    order = np.polyfit(np.log(pixels), np.log(errors), 1)[0]
    assert order >= 1.5


def _error(what: str, pixel_mm: float, offset_mm: tuple[float, float]) -> float:
    spacing = (2.0, pixel_mm, pixel_mm)
    if what == "thickness":
        phantom = draw(tube(2.5, 4.0), spacing, n_slices=2, offset_mm=offset_mm, samples=8)
        found = [section.mean_wall_thickness_mm for section in measure_artery(phantom, {}, SETTINGS).slices]
        return float(np.abs(np.array(found) - 1.5).mean())
    phantom = draw(ellipse((3.5, 2.2), (5.0, 4.0)), spacing, n_slices=2, offset_mm=offset_mm, samples=8)
    found = [section.lumen_area_mm2 for section in measure_artery(phantom, {}, SETTINGS).slices]
    return float(np.abs(np.array(found) - np.pi * 3.5 * 2.2).mean())
