"""Which part of a labeled wall is plaque: what is thick in the plane of its slice, and every component."""

import numpy as np
from tests.phantoms import draw, tube, with_wedge

from plaquecast.domain.anatomy import Tissue
from plaquecast.geometry.plaque import plaque_mask


def test_a_thin_wall_is_none_and_a_thick_one_all() -> None:
    # on pixels of 0.25 mm a thickness is right to one pixel: 1.2 mm stays below 1.5, and 1.8 mm above
    for wall_mm, is_plaque in ((1.2, False), (1.8, True)):
        labels = draw(tube(2.0, 2.0 + wall_mm), n_slices=2, field_mm=10.0).labels
        expected = (labels.array == Tissue.WALL) & is_plaque
        np.testing.assert_array_equal(plaque_mask(labels.array, labels.grid), expected)


def test_a_thick_side_is_plaque_and_the_other_is_not() -> None:
    # 3 mm thick opposite to the flow divider, 1 mm towards it
    labels = draw(tube(2.0, 4.0, shift_mm=1.0), n_slices=2, field_mm=12.0).labels
    found = plaque_mask(labels.array, labels.grid)
    points = labels.grid.to_mm(np.stack(np.indices(labels.array.shape), axis=-1))
    toward = -(points[..., 0] + points[..., 1]) / np.sqrt(2.0)
    is_wall = labels.array == Tissue.WALL
    assert found[is_wall & (toward < -2.0)].all()
    assert not found[is_wall & (toward > 2.2)].any()
    assert not found[~is_wall].any()


def test_every_component_is_plaque_however_thin_the_wall_and_without_a_lumen() -> None:
    labels = draw(with_wedge(2.0, 3.0, (0.2, 0.7), 0.8, Tissue.CALCIFICATION), n_slices=2, field_mm=10.0).labels
    array = labels.array.copy()
    array[1][array[1] == Tissue.LUMEN] = Tissue.BACKGROUND
    np.testing.assert_array_equal(plaque_mask(array, labels.grid), array == Tissue.CALCIFICATION)
