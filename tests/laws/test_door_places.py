"""Law of the door: however an image is stored, a point of the body shows the same value, and sides never swap."""

import itertools
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dicom_files import AXIAL, enhanced_dataset, pattern, write_series
from tests.strategies_store import rigid_transforms

from plaquecast.domain.anatomy import Side, Weighting
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.transform import RigidTransform
from plaquecast.ingest.dicom import read_series
from plaquecast.ingest.nifti import read_nifti
from plaquecast.ingest.orientation import arrange
from plaquecast.settings import IngestSettings

BODY = pattern((6, 8, 7))
ARRANGEMENTS = list(itertools.product(itertools.permutations(range(3)), itertools.product((1, -1), repeat=3)))
RAS_OF_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def rearranged(order: tuple[int, ...], steps: tuple[int, ...]) -> tuple[np.ndarray, FloatArray]:
    """The body with its axes in another order and direction, and the affine that keeps every voxel in its place."""
    array = np.transpose(BODY, order)[tuple(slice(None, None, step) for step in steps)]
    change = np.zeros((4, 4))
    change[3, 3] = 1.0
    for axis, (source, step) in enumerate(zip(order, steps, strict=True)):
        change[source, axis] = step
        change[source, 3] = 0.0 if step > 0 else BODY.shape[source] - 1.0
    return np.ascontiguousarray(array), AXIAL @ change


def test_48_arrangements_in_three_formats_are_one_image(tmp_path: Path, figure: Callable[[str], None]):
    off_mm, off_volume, n_images = 0.0, 0.0, 0
    true_volume = abs(np.linalg.det(AXIAL[:3, :3]))
    for number, (order, steps) in enumerate(ARRANGEMENTS):
        array, affine = rearranged(order, steps)
        nib.save(nib.Nifti1Image(array, RAS_OF_LPS @ affine), tmp_path / f"{number}.nii.gz")
        write_series(tmp_path / f"{number}", array, affine)
        enhanced_dataset(array, affine).save_as(tmp_path / f"{number}.dcm", enforce_file_format=True)
        volumes = [
            read_nifti(tmp_path / f"{number}.nii.gz", Weighting.T1W, IngestSettings()),
            read_series(tmp_path / f"{number}", Weighting.T1W, IngestSettings())[0],
            read_series(tmp_path / f"{number}.dcm", Weighting.T1W, IngestSettings())[0],
        ]
        for volume in volumes:
            assert (volume.array == BODY).all()
            n_images += 1
            off_mm = max(off_mm, float(np.abs(volume.grid.affine - AXIAL).max()))
            off_volume = max(off_volume, abs(volume.grid.voxel_volume_mm3 / true_volume - 1.0))
    figure(
        f"48 arrangements, 3 formats: {n_images}/144 same voxels, place off {off_mm:.0e} mm, volume {off_volume:.0e}"
    )
    # the grid lies within 50 mm of the origin; single precision keeps 6e-8 of that, and of each of three edges
    assert off_mm < 1e-5
    assert off_volume < 1e-6


@settings(max_examples=1000)
@given(
    transform=rigid_transforms(),
    spacing=st.tuples(*[st.floats(0.2, 6.0)] * 3),
    order=st.permutations(range(3)),
    steps=st.tuples(*[st.sampled_from((1.0, -1.0))] * 3),
    index=st.tuples(st.integers(0, 4), st.integers(0, 5), st.integers(0, 6)),
)
def test_a_bright_voxel_stays_on_its_side(
    transform: RigidTransform,
    spacing: tuple[float, ...],
    order: list[int],
    steps: tuple[float, ...],
    index: tuple[int, int, int],
):
    affine = np.eye(4)
    affine[:3, :3] = (transform.matrix_mm[:3, :3] @ np.diag(spacing))[:, order] * steps
    affine[:3, 3] = transform.matrix_mm[:3, 3]
    array = np.zeros((5, 6, 7))
    array[index] = 1.0
    place = affine[:3, :3] @ index + affine[:3, 3]
    arranged, lps = arrange(array, affine)
    found = lps[:3, :3] @ np.argwhere(arranged == 1.0)[0] + lps[:3, 3]
    assert np.abs(found - place).max() < 1e-9 * (1.0 + np.abs(affine).max())
    assert Side.of_x_mm(found[0]) is Side.of_x_mm(place[0]) or abs(place[0]) < 1e-6
    assert np.linalg.det(lps[:3, ::-1][:3, 1:4]) != 0
