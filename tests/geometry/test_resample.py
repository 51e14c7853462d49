"""One interpolation between grids: what it keeps, what lies outside, and how much of a grid an image covers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plaquecast.domain.grid import Grid
from plaquecast.domain.transform import RigidTransform
from plaquecast.geometry.resample import resample, share_inside

SOURCE = Grid.axis_aligned((6, 20, 16), (2.0, 0.5, 0.75), (-5.0, 3.0, 10.0))


@given(st.tuples(*[st.floats(-20.0, 20.0)] * 3), st.tuples(*[st.floats(-1.0, 1.0)] * 3))
def test_a_linear_ramp_is_kept_and_outside_is_nothing(
    angles: tuple[float, float, float], shift: tuple[float, float, float]
) -> None:
    index = np.stack(np.indices(SOURCE.shape), axis=-1)
    slope = np.array([0.3, -0.2, 0.5])
    ramp = (SOURCE.to_mm(index) @ slope + 20.0).astype(np.float32)
    target = Grid.axis_aligned((4, 10, 9), (1.5, 1.0, 1.0), (-3.0, 4.0, 12.0))
    move = RigidTransform.from_euler(angles, shift)
    points = move.apply(target.to_mm(np.stack(np.indices(target.shape), axis=-1)).reshape(-1, 3))
    place = SOURCE.to_index(points)
    inside = np.all((place > 0) & (place < np.array(SOURCE.shape) - 1), axis=1)
    far = np.any((place < -1) | (place > np.array(SOURCE.shape)), axis=1)
    found = resample(ramp, SOURCE, target, move).ravel()
    # single precision of values up to 40
    assert found[inside] == pytest.approx((points @ slope + 20.0)[inside], abs=1e-4)
    assert (found[far] == 0.0).all()


def test_how_many_slices_have_their_middle_inside() -> None:
    same = RigidTransform.identity()
    assert share_inside(SOURCE, SOURCE, same) == 1.0
    # 3.1 mm down: two of six slices lie below the source
    assert share_inside(SOURCE, SOURCE, RigidTransform.from_euler((0, 0, 0), (0, 0, -3.1))) == pytest.approx(4 / 6)
    # to the side the middle leaves the image half its width away: 16 columns of 0.75 mm, 20 rows of 0.5 mm
    for axis, half in ((0, 6.0), (1, 5.0)):
        for sign in (1.0, -1.0):
            for off, share in ((half - 0.01, 1.0), (half + 0.01, 0.0)):
                shift = np.zeros(3)
                shift[axis] = sign * off
                assert share_inside(SOURCE, SOURCE, RigidTransform.from_euler((0, 0, 0), tuple(shift))) == share
