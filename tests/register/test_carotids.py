"""Where a neck bends between two images, each carotid gets a transform of its own; where it does not, none."""

import numpy as np
from tests.register.phantom import GRID, blob_image

from plaquecast.domain.anatomy import Side
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.missing import Missing, Reason
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.volume import Volume
from plaquecast.register.carotids import bent_sides, refine, usual_axes_mm
from plaquecast.register.rigid import prepare, register_rigid
from plaquecast.settings import RegisterSettings

SETTINGS = RegisterSettings()
MOVES = {
    Side.LEFT: RigidTransform.from_euler((0.0, 0.0, 0.0), (1.0, -1.0, 0.0)),
    Side.RIGHT: RigidTransform.from_euler((0.0, 0.0, 0.0), (-0.5, 1.0, 0.0)),
}


def _torn_at_the_midline() -> Volume:
    """The phantom with either half moved as `MOVES` says, each in closed form."""
    left, right = (blob_image(pose=MOVES[side], is_inverted=True) for side in Side)
    x = GRID.to_mm(np.stack(np.indices(GRID.shape), axis=-1))[..., 0]
    return Volume(GRID, np.where(x > 0, left.array, right.array), left.weighting)


def _error_mm(found: RigidTransform, true: RigidTransform, axis: FloatArray) -> float:
    points = np.linspace(axis[0], axis[1], 9)[2:-2]
    return float(np.linalg.norm(found.apply(points) - true.apply(points), axis=1).max())


def test_each_side_of_a_bent_neck_is_found() -> None:
    first, second = prepare(blob_image(), SETTINGS), prepare(_torn_at_the_midline(), SETTINGS)
    neck = register_rigid(first, second)
    found = bent_sides(first, second, neck, SETTINGS)
    for side, axis in usual_axes_mm(first.body).items():
        # one transform cannot serve both halves, which lie 2.5 mm apart; a local one leaves less than a quarter of that
        # error, on some hundred voxels of 2 mm
        neck_error = _error_mm(neck, MOVES[side], axis)
        assert neck_error > 0.5
        assert _error_mm(found[side], MOVES[side], axis) < 0.25 * neck_error


def test_a_neck_that_does_not_bend_keeps_one_transform() -> None:
    pose = RigidTransform.from_euler((2.0, -3.0, 4.0), (2.0, 1.0, -1.0))
    first, second = prepare(blob_image(), SETTINGS), prepare(blob_image(pose=pose, is_inverted=True), SETTINGS)
    neck = register_rigid(first, second)
    assert bent_sides(first, second, neck, SETTINGS) == {}


def test_an_artery_far_off_is_missing_with_its_reason() -> None:
    shift = RigidTransform.from_euler((0.0, 0.0, 0.0), (0.0, 6.5, 0.0))
    first, second = prepare(blob_image(), SETTINGS), prepare(blob_image(pose=shift), SETTINGS)
    axis = usual_axes_mm(first.body)[Side.LEFT]
    found = refine(first, second, RigidTransform.identity(), (axis, axis), SETTINGS)
    assert isinstance(found, Missing)
    assert found.reason is Reason.FAILED_QUALITY
    assert "off the neck" in found.detail
