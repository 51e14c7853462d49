"""What must hold for any two images that are aligned."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.register.phantom import blob_image
from tests.register.test_rigid import worst_error_mm

from plaquecast.domain.grid import Grid
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.volume import Volume
from plaquecast.register.rigid import prepare, register_rigid
from plaquecast.settings import RegisterSettings

SETTINGS = RegisterSettings()
FEW = settings(max_examples=5)
poses = st.builds(
    lambda angles, shift: RigidTransform.from_euler(angles, shift),
    st.tuples(*[st.floats(-5.0, 5.0)] * 3),
    st.tuples(*[st.floats(-3.0, 3.0)] * 3),
)
seeds = st.integers(0, 1000)


def _register(first: Volume, second: Volume) -> RigidTransform:
    return register_rigid(prepare(first, SETTINGS), prepare(second, SETTINGS))


@FEW
@given(seed=seeds)
def test_an_image_lies_on_itself(seed: int) -> None:
    image = blob_image(seed=seed)
    # each side draws its own points, so the top lies where both directions pull alike: the identity
    assert worst_error_mm(_register(image, image), RigidTransform.identity()) < 0.01


@FEW
@given(seed=seeds, pose=poses)
def test_swapping_the_images_gives_the_inverse(seed: int, pose: RigidTransform) -> None:
    first, second = blob_image(seed=seed), blob_image(pose=pose, seed=seed, is_inverted=True)
    there, back = _register(first, second), _register(second, first)
    # both climb the same function, and end where a step gains less than 1e-7 of it
    assert worst_error_mm(back, there.inverse()) < 0.02


@FEW
@given(seed=seeds, pose=poses, gain=st.floats(0.01, 1000.0))
def test_the_scale_of_intensities_does_not_matter(seed: int, pose: RigidTransform, gain: float) -> None:
    first, second = blob_image(seed=seed), blob_image(pose=pose, seed=seed, is_inverted=True)
    scaled = Volume(second.grid, second.array * np.float32(gain), second.weighting)
    assert worst_error_mm(_register(first, scaled), _register(first, second)) < 0.01


@FEW
@given(seed=seeds, pose=poses, before=st.integers(0, 12), after=st.integers(0, 12))
def test_air_around_the_image_does_not_matter(seed: int, pose: RigidTransform, before: int, after: int) -> None:
    first, second = blob_image(seed=seed), blob_image(pose=pose, seed=seed, is_inverted=True)
    array = np.pad(second.array, ((0, 0), (before, after), (after, before)))
    padded = Volume(second.grid.crop((0, -before, -after), array.shape), array, second.weighting)
    # air weighs nothing, so the same points are drawn; only what leaves the other image fades a little later
    assert worst_error_mm(_register(first, padded), _register(first, second)) < 0.02


@FEW
@given(seed=seeds, pose=poses, axes=st.permutations([0, 1, 2]), flips=st.tuples(*[st.booleans()] * 3))
def test_the_order_and_direction_of_the_axes_do_not_matter(
    seed: int, pose: RigidTransform, axes: list[int], flips: tuple[bool, bool, bool]
) -> None:
    first, second = blob_image(seed=seed), blob_image(pose=pose, seed=seed, is_inverted=True)
    stored = _stored_otherwise(second, axes, flips)
    assert worst_error_mm(_register(first, stored), _register(first, second)) < 1e-6


def _stored_otherwise(volume: Volume, axes: list[int], flips: tuple[bool, bool, bool]) -> Volume:
    array = volume.array.transpose(axes)
    affine = volume.grid.affine[:, [*axes, 3]].copy()
    for axis, is_flipped in enumerate(flips):
        if is_flipped:
            affine[:3, 3] += affine[:3, axis] * (array.shape[axis] - 1)
            affine[:3, axis] *= -1
    array = array[tuple(slice(None, None, -1 if flip else 1) for flip in flips)]
    return Volume(Grid(array.shape, affine), array, volume.weighting)
