"""Known poses of a phantom are found again."""

import numpy as np
import pytest
from tests.register.phantom import GRID, blob_image

from plaquecast.domain.grid import Grid
from plaquecast.domain.transform import RigidTransform
from plaquecast.register.rigid import prepare, register_rigid
from plaquecast.settings import RegisterSettings

SETTINGS = RegisterSettings()
PLACES = np.array([[x, y, z] for x in (-25.0, 25.0) for y in (-15.0, 15.0) for z in (-12.0, 12.0)])


def worst_error_mm(found: RigidTransform, true: RigidTransform) -> float:
    """Largest distance between where both transforms take points about the arteries, mm."""
    return float(np.linalg.norm(found.apply(PLACES) - true.apply(PLACES), axis=1).max())


@pytest.mark.parametrize(
    ("angles", "shift"),
    [((0.0, 0.0, 0.0), (0.6, -0.4, 1.0)), ((2.0, -3.0, 6.0), (2.0, 3.0, -2.0)), ((-8.0, 3.0, 8.0), (-3.0, 1.0, 2.0))],
)
def test_a_known_pose_in_another_contrast_is_found(angles: tuple[float, ...], shift: tuple[float, ...]) -> None:
    true = RigidTransform.from_euler(angles, shift)
    fine = Grid.axis_aligned((36, 120, 120), (1.0, 1.0, 1.0), (-59.5, -59.5, -17.5))
    found = register_rigid(
        prepare(blob_image(GRID), SETTINGS), prepare(blob_image(fine, true, is_inverted=True), SETTINGS)
    )
    # a tenth of the 2 mm voxel of the reference: the phantom has no noise to speak of, only sampled points
    assert worst_error_mm(found, true) < 0.2


def test_the_same_bytes_every_time() -> None:
    other = blob_image(pose=RigidTransform.from_euler((1.0, 2.0, 3.0), (1.0, 0.0, 0.0)), is_inverted=True)
    found = [
        register_rigid(prepare(blob_image(), SETTINGS), prepare(other, SETTINGS)).matrix_mm.tobytes() for _ in range(2)
    ]
    assert found[0] == found[1]
