"""NIfTI through the door: what is written is read back, real files are read, what is broken is named."""

import gzip
import itertools
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.grid import Grid
from plaquecast.domain.volume import Volume
from plaquecast.errors import InputError
from plaquecast.ingest.nifti import read_nifti
from plaquecast.settings import IngestSettings
from plaquecast.store.spatial import write_nifti

GRID = Grid.axis_aligned((4, 7, 6), (2.0, 0.6, 0.5), (-3.0, 5.0, 40.0))
ARRAY = np.random.default_rng(0).normal(100.0, 20.0, GRID.shape).astype(np.float32)
AFFINE_RAS = np.array([[-0.5, 0, 0, 3.0], [0, -0.6, 0, -5.0], [0, 0, 2.0, 40.0], [0, 0, 0, 1]])


def read(path: Path, settings: IngestSettings | None = None) -> Volume:
    return read_nifti(path, Weighting.T1W, settings or IngestSettings())


def image() -> nib.Nifti1Image:
    found = nib.Nifti1Image(ARRAY.T, AFFINE_RAS)
    found.set_sform(AFFINE_RAS, code=1)
    found.set_qform(AFFINE_RAS, code=1)
    found.header.set_xyzt_units("mm")
    return found


def save(found: nib.Nifti1Image, path: Path) -> Path:
    path.write_bytes(gzip.compress(found.to_bytes()))
    return path


def test_what_the_store_writes_is_read_to_the_last_bit(tmp_path: Path):
    write_nifti(tmp_path / "a.nii.gz", GRID, ARRAY)
    volume = read(tmp_path / "a.nii.gz")
    assert (volume.array == ARRAY).all()
    assert volume.grid.matches(GRID, 1e-4)  # the header keeps single precision: 6e-8 of 45 mm


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("flips", list(itertools.product((1, -1), repeat=3)))
def test_every_arrangement_of_axes_is_read_as_the_same_image(
    tmp_path: Path, order: tuple[int, int, int], flips: tuple[int, int, int]
):
    array = np.transpose(ARRAY.T, order)[tuple(slice(None, None, step) for step in flips)]
    change = np.zeros((4, 4))
    change[3, 3] = 1.0
    for axis, (source, step) in enumerate(zip(order, flips, strict=True)):
        change[source, axis] = step
        change[source, 3] = 0.0 if step > 0 else ARRAY.T.shape[source] - 1.0
    found = nib.Nifti1Image(array, AFFINE_RAS @ change)
    volume = read(save(found, tmp_path / "a.nii.gz"))
    assert (volume.array == ARRAY).all()
    assert volume.grid.matches(GRID, 1e-4)


def test_scale_of_the_values_is_applied(tmp_path: Path):
    whole = np.arange(GRID.shape[0] * GRID.shape[1] * GRID.shape[2], dtype=np.int16).reshape(GRID.shape)
    found = nib.Nifti1Image(whole.T, AFFINE_RAS)
    raw = bytearray(found.to_bytes())
    header = nib.Nifti1Header(bytes(raw[:348]))
    header["scl_slope"], header["scl_inter"] = 0.5, -3.0
    raw[:348] = header.binaryblock
    path = tmp_path / "a.nii"
    path.write_bytes(bytes(raw))
    assert (read(path).array == whole * 0.5 - 3.0).all()


def test_several_gzip_members_are_one_file(tmp_path: Path):
    content = image().to_bytes()
    path = tmp_path / "a.nii.gz"
    path.write_bytes(gzip.compress(content[:500]) + gzip.compress(content[500:]))
    assert (read(path).array == ARRAY).all()


def test_a_file_that_inflates_beyond_its_header_is_refused_early(tmp_path: Path):
    path = tmp_path / "bomb.nii.gz"
    path.write_bytes(gzip.compress(image().to_bytes() + bytes(50_000_000)))
    with pytest.raises(InputError) as caught:
        read(path)
    assert caught.value.code == "too-long"


def test_neither_a_missing_file_nor_a_folder_nor_a_large_file_is_read(tmp_path: Path):
    path = save(image(), tmp_path / "a.nii.gz")
    for place, settings, code in (
        (tmp_path / "none.nii.gz", IngestSettings(), "file-unreadable"),
        (tmp_path, IngestSettings(), "not-a-file"),
        (path, IngestSettings(max_file_bytes=100), "file-too-large"),
        (path, IngestSettings(max_image_bytes=100), "image-too-large"),
    ):
        with pytest.raises(InputError) as caught:
            read(place, settings)
        assert caught.value.code == code


def test_real_necks_and_brains_are_read_where_their_headers_say(shared_data: Path):
    for name in (
        "neck-spinalcord/sct_example_data/mt/mt0.nii.gz",
        "neck-spinalcord/sct_testing_data/t2s/t2s_uncropped.nii.gz",
        "neck-uih/subjectA_t1gre_neckcrop.nii.gz",
        "two-visit-brain/raw/study1_FLAIR.nii.gz",
    ):
        volume = read(shared_data / name)
        reference = nib.load(shared_data / name)
        index = np.array([5, 6, 7])
        ras = reference.affine[:3, :3] @ index + reference.affine[:3, 3]
        place = volume.grid.to_index(ras * [-1, -1, 1])
        assert np.abs(place - np.rint(place)).max() < 1e-3
        slice_, row, column = np.rint(place).astype(int)
        assert volume.array[slice_, row, column] == np.asarray(reference.dataobj)[5, 6, 7]
        assert (np.diag(volume.grid.affine[:3, 2::-1]) > 0).all()  # towards head, back and left
