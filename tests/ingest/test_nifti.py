"""NIfTI through the door: what is written is read back, real files are read, what is broken is named."""

import gzip
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

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


def _header(**values: Any) -> Callable[[nib.Nifti1Image], bytes]:
    def harm(found: nib.Nifti1Image) -> bytes:
        raw = bytearray(found.to_bytes())
        header = nib.Nifti1Header(bytes(raw[:348]), check=False)
        for name, value in values.items():
            header[name] = value
        raw[:348] = header.binaryblock
        return bytes(raw)

    return harm


def _voxel(value: float) -> Callable[[nib.Nifti1Image], bytes]:
    def harm(found: nib.Nifti1Image) -> bytes:
        raw = bytearray(found.to_bytes())
        raw[-4:] = np.float32(value).tobytes()
        return bytes(raw)

    return harm


def _shifted_qform(found: nib.Nifti1Image) -> bytes:
    other = AFFINE_RAS.copy()
    other[0, 3] += 0.5
    found.set_qform(other, code=1)
    return found.to_bytes()


def _mirrored_qform(found: nib.Nifti1Image) -> bytes:
    found.set_qform(np.diag([-1.0, 1.0, 1.0, 1.0]) @ AFFINE_RAS, code=1)
    return found.to_bytes()


def _with(data: Any) -> Callable[[nib.Nifti1Image], bytes]:
    return lambda _: nib.Nifti1Image(data, AFFINE_RAS).to_bytes()


BROKEN: list[tuple[str, Callable[[nib.Nifti1Image], bytes], str]] = [
    ("text", lambda _: b"<html>404 not found</html>", "not-nifti"),
    ("empty", lambda _: b"", "file-empty"),
    ("cut", lambda found: found.to_bytes()[:-1], "too-short"),
    ("longer", lambda found: found.to_bytes() + b"\0", "too-long"),
    ("cut header", lambda found: found.to_bytes()[:200], "not-nifti"),
    ("pair of files", _header(magic=b"ni1"), "not-nifti"),
    ("nan", _voxel(np.nan), "not-finite"),
    ("infinity", _voxel(np.inf), "not-finite"),
    ("constant", _with(np.full((6, 7, 4), 5, dtype=np.int16)), "constant-image"),
    ("two volumes", _with(np.zeros((6, 7, 4, 2), dtype=np.int16)), "not-3d"),
    ("one plane", _with(np.zeros((6, 7), dtype=np.int16)), "not-3d"),
    ("complex", _with(np.zeros((6, 7, 4), dtype=np.complex64)), "voxel-type"),
    ("color", _with(np.zeros((6, 7, 4), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])), "voxel-type"),
    ("unknown type", _header(datatype=77), "voxel-type"),
    ("bits of another type", _header(bitpix=16), "voxel-type"),
    ("no position", _header(sform_code=0, qform_code=0), "no-position"),
    ("metres", _header(xyzt_units=1), "units-not-mm"),
    ("unknown unit", _header(xyzt_units=7), "units-not-mm"),
    ("voxel size zero", _header(pixdim=[1, 0.5, 0, 2, 0, 0, 0, 0]), "voxel-size"),
    ("voxel size of another image", _header(pixdim=[1, 0.5, 0.6, 3, 0, 0, 0, 0], qform_code=0), "spacing-contradicts"),
    ("qform elsewhere", _shifted_qform, "forms-contradict"),
    ("qform mirrored", _mirrored_qform, "forms-contradict"),
    ("no rotation", _header(quatern_b=1.0, quatern_c=1.0), "no-position"),
    ("sheared", _header(srow_x=[-0.5, 0.1, 0, 3], qform_code=0), "grid-shear"),
    ("position nan", _header(srow_x=[-0.5, 0, 0, np.nan], qform_code=0), "no-position"),
    ("scale zero with offset", _header(scl_slope=0, scl_inter=7), "scale"),
    ("scale infinite", _header(scl_slope=np.inf, scl_inter=0), "scale"),
    ("voxels in the header", _header(vox_offset=20), "voxel-offset"),
    ("huge", _header(dim=[3, 30000, 30000, 30000, 1, 1, 1, 1]), "image-too-large"),
    ("negative size", _header(dim=[3, -6, 7, 4, 1, 1, 1, 1]), "not-3d"),
    ("no dimensions", _header(dim=[0, 6, 7, 4, 1, 1, 1, 1]), "not-3d"),
]


@pytest.mark.parametrize("packed", [False, True], ids=["nii", "nii.gz"])
@pytest.mark.parametrize(("harm", "code"), [entry[1:] for entry in BROKEN], ids=[entry[0] for entry in BROKEN])
def test_a_broken_file_is_refused_with_its_name(
    tmp_path: Path, harm: Callable[[nib.Nifti1Image], bytes], code: str, packed: bool
):
    content = harm(image())
    path = tmp_path / ("a.nii.gz" if packed else "a.nii")
    path.write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(InputError) as caught:
        read(path)
    error = caught.value
    assert error.code == (code if content or not packed else "not-nifti")
    assert error.where == path.name
    assert all((error.expected, error.found, error.remedy))


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
