"""Malformed NIfTI files: cut, swollen, contradictory, or not what they say."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from tests.malformed import Malformed

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.volume import Volume
from plaquecast.ingest.nifti import read_nifti
from plaquecast.settings import IngestSettings

AFFINE_RAS = np.array([[-0.5, 0, 0, 3.0], [0, -0.6, 0, -5.0], [0, 0, 2.0, 40.0], [0, 0, 0, 1]])

Harm = Callable[[nib.Nifti1Image, np.random.Generator], bytes]


def read(path: Path, settings: IngestSettings | None = None) -> Volume:
    """Read a file as a T1W image."""
    return read_nifti(path, Weighting.T1W, settings or IngestSettings())


def image(rng: np.random.Generator) -> nib.Nifti1Image:
    """A clean image of a few hundred voxels, in both forms and millimetres."""
    shape = tuple(int(n) for n in rng.integers(4, 9, 3))
    found = nib.Nifti1Image(rng.normal(100.0, 20.0, shape).astype(np.float32), AFFINE_RAS)
    found.set_sform(AFFINE_RAS, code=1)
    found.set_qform(AFFINE_RAS, code=1)
    found.header.set_xyzt_units("mm")
    return found


def _header(**values: Any) -> Harm:
    def harm(found: nib.Nifti1Image, rng: np.random.Generator) -> bytes:
        raw = bytearray(found.to_bytes())
        header = nib.Nifti1Header(bytes(raw[:348]), check=False)
        for name, value in values.items():
            header[name] = value
        raw[:348] = header.binaryblock
        return bytes(raw)

    return harm


def _voxel(value: float) -> Harm:
    def harm(found: nib.Nifti1Image, rng: np.random.Generator) -> bytes:
        raw = bytearray(found.to_bytes())
        at = 352 + 4 * int(rng.integers((len(raw) - 352) // 4))
        raw[at : at + 4] = np.float32(value).tobytes()
        return bytes(raw)

    return harm


def _shifted_qform(found: nib.Nifti1Image, rng: np.random.Generator) -> bytes:
    other = AFFINE_RAS.copy()
    other[int(rng.integers(3)), 3] += rng.choice([-1, 1]) * rng.uniform(0.11, 50.0)
    found.set_qform(other, code=1)
    return found.to_bytes()


def _mirrored_qform(found: nib.Nifti1Image, rng: np.random.Generator) -> bytes:
    found.set_qform(np.diag([-1.0, 1.0, 1.0, 1.0]) @ AFFINE_RAS, code=1)
    return found.to_bytes()


def _turned_qform(found: nib.Nifti1Image, rng: np.random.Generator) -> bytes:
    angle = rng.uniform(0.1, 1.0)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    found.set_qform(turn @ AFFINE_RAS, code=1)
    return found.to_bytes()


def _with(shape: tuple[int, ...], dtype: Any, value: int = 0) -> Harm:
    return lambda found, rng: nib.Nifti1Image(np.full(shape, value, dtype=dtype), AFFINE_RAS).to_bytes()


_BROKEN: tuple[tuple[str, Harm, str], ...] = (
    ("web page", lambda found, rng: b"<html>404 not found</html>", "not-nifti"),
    ("random bytes", lambda found, rng: rng.bytes(int(rng.integers(1, 5000))), "not-nifti"),
    ("cut", lambda found, rng: found.to_bytes()[: -int(rng.integers(1, 200))], "too-short"),
    ("longer", lambda found, rng: found.to_bytes() + rng.bytes(int(rng.integers(1, 50))), "too-long"),
    ("cut in the header", lambda found, rng: found.to_bytes()[: int(rng.integers(1, 348))], "not-nifti"),
    ("one file of a pair", _header(magic=b"ni1"), "not-nifti"),
    ("not a number", _voxel(np.nan), "not-finite"),
    ("infinity", _voxel(np.inf), "not-finite"),
    ("constant", _with((6, 7, 4), np.int16, 5), "constant-image"),
    ("two volumes", _with((6, 7, 4, 2), np.int16), "not-3d"),
    ("vectors", _with((6, 7, 4, 1, 3), np.float32), "not-3d"),
    ("one plane", _with((6, 7), np.int16), "not-3d"),
    ("complex values", _with((6, 7, 4), np.complex64), "voxel-type"),
    ("colors", _with((6, 7, 4), [("R", "u1"), ("G", "u1"), ("B", "u1")]), "voxel-type"),
    ("unknown voxel type", _header(datatype=77), "voxel-type"),
    ("bits of another type", _header(bitpix=16), "voxel-type"),
    ("scale zero with offset", _header(scl_slope=0, scl_inter=7), "scale"),
    ("scale infinite", _header(scl_slope=np.inf, scl_inter=0), "scale"),
    ("offset not a number", _header(scl_slope=2, scl_inter=np.nan), "scale"),
    ("voxels in the header", _header(vox_offset=20), "voxel-offset"),
    ("voxels at half a byte", _header(vox_offset=352.5), "voxel-offset"),
    ("huge", _header(dim=[3, 30000, 30000, 30000, 1, 1, 1, 1]), "image-too-large"),
    ("negative size", _header(dim=[3, -6, 7, 4, 1, 1, 1, 1]), "not-3d"),
    ("no dimensions", _header(dim=[0, 6, 7, 4, 1, 1, 1, 1]), "not-3d"),
)
_MISPLACED: tuple[tuple[str, Harm, str], ...] = (
    ("no position", _header(sform_code=0, qform_code=0), "no-position"),
    ("metres", _header(xyzt_units=1), "units-not-mm"),
    ("micrometres", _header(xyzt_units=3), "units-not-mm"),
    ("unknown unit", _header(xyzt_units=7), "units-not-mm"),
    ("voxel size zero", _header(pixdim=[1, 0.5, 0, 2, 0, 0, 0, 0]), "voxel-size"),
    ("voxel size negative", _header(pixdim=[1, 0.5, -0.6, 2, 0, 0, 0, 0]), "voxel-size"),
    ("voxel size of another image", _header(pixdim=[1, 0.5, 0.6, 3, 0, 0, 0, 0], qform_code=0), "spacing-contradicts"),
    ("second form elsewhere", _shifted_qform, "forms-contradict"),
    ("second form mirrored", _mirrored_qform, "forms-contradict"),
    ("second form turned", _turned_qform, "forms-contradict"),
    ("no rotation", _header(quatern_b=1.0, quatern_c=1.0), "no-position"),
    ("sheared", _header(srow_x=[-0.5, 0.1, 0, 3], qform_code=0, pixdim=[1, 0.5, 0.608, 2, 0, 0, 0, 0]), "grid-shear"),
    ("position not a number", _header(srow_x=[-0.5, 0, 0, np.nan], qform_code=0), "no-position"),
)


def _writer(harm: Harm) -> Callable[[Path, np.random.Generator], Path]:
    def make(folder: Path, rng: np.random.Generator) -> Path:
        content = harm(image(rng), rng)
        packed = bool(rng.random() < 0.5)
        path = folder / ("image.nii.gz" if packed else "image.nii")
        path.write_bytes(gzip.compress(content) if packed else content)
        return path

    return make


def _packed(harm: Callable[[bytes, np.random.Generator], bytes]) -> Callable[[Path, np.random.Generator], Path]:
    def make(folder: Path, rng: np.random.Generator) -> Path:
        path = folder / "image.nii.gz"
        path.write_bytes(harm(gzip.compress(image(rng).to_bytes()), rng))
        return path

    return make


def _flip(content: bytes, rng: np.random.Generator) -> bytes:
    """One bit of the checksum, which no decompression needs."""
    changed = bytearray(content)
    changed[-int(rng.integers(5, 9))] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _empty(folder: Path, rng: np.random.Generator) -> Path:
    path = folder / "image.nii.gz"
    path.write_bytes(b"")
    return path


def _folder(folder: Path, rng: np.random.Generator) -> Path:
    path = folder / "image.nii.gz"
    path.mkdir()
    return path


def _pipe(folder: Path, rng: np.random.Generator) -> Path:
    path = folder / "image.nii.gz"
    os.mkfifo(path)
    return path


def _dangling(folder: Path, rng: np.random.Generator) -> Path:
    path = folder / "image.nii.gz"
    path.symlink_to(folder / "nowhere")
    return path


def _loop(folder: Path, rng: np.random.Generator) -> Path:
    path = folder / "image.nii.gz"
    path.symlink_to(path)
    return path


def _sparse(folder: Path, rng: np.random.Generator) -> Path:
    path = folder / "image.nii"
    with path.open("wb") as stream:
        stream.truncate(10**12)
    return path


MALFORMED_NIFTI: tuple[Malformed, ...] = (
    *(Malformed(f"NIfTI: {name}", code, _writer(harm), read) for name, harm, code in _BROKEN),
    *(Malformed(f"NIfTI: {name}", code, _writer(harm), read, is_geometry=True) for name, harm, code in _MISPLACED),
    Malformed("NIfTI: gzip cut", "damaged-gzip", _packed(lambda content, rng: content[: len(content) // 2]), read),
    Malformed("NIfTI: gzip without its checksum", "damaged-gzip", _packed(lambda c, rng: c[:-8]), read),
    Malformed("NIfTI: gzip with a wrong checksum", "damaged-gzip", _packed(_flip), read),
    Malformed("NIfTI: bytes after the gzip", "damaged-gzip", _packed(lambda c, rng: c + rng.bytes(20)), read),
    Malformed("NIfTI: empty file", "file-empty", _empty, read),
    Malformed("NIfTI: a folder of that name", "not-a-file", _folder, read),
    Malformed("NIfTI: a pipe of that name", "not-a-file", _pipe, read),
    Malformed("NIfTI: a link to nowhere", "file-unreadable", _dangling, read),
    Malformed("NIfTI: a link to itself", "file-unreadable", _loop, read),
    Malformed("NIfTI: a sparse file of 1 TB", "file-too-large", _sparse, read),
)
