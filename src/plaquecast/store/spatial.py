"""Between the project's arrays (slice, row, column; LPS mm) and NIfTI files (column, row, slice; RAS mm)."""

import gzip
import zlib
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray

from plaquecast.domain.grid import FloatArray, Grid
from plaquecast.errors import InputError
from plaquecast.store.atomic import gzip_bytes, write_bytes

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_REVERSE_INDEX = np.array([[0.0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]])
_QFORM_TOLERANCE_MM = 0.01


def ras_of_lps(affine_lps: FloatArray) -> FloatArray:
    """The NIfTI affine, (column, row, slice) to RAS mm, of an affine (slice, row, column) to LPS mm.

    The operation is its own inverse.

    >>> grid = Grid.axis_aligned((4, 5, 6), (2.0, 0.5, 0.6), (-10.0, -20.0, 30.0))
    >>> ras_of_lps(grid.affine)[:3, 3].tolist()
    [10.0, 20.0, 30.0]
    >>> bool((ras_of_lps(ras_of_lps(grid.affine)) == grid.affine).all())
    True
    """
    return _LPS_TO_RAS @ affine_lps @ _REVERSE_INDEX


def write_nifti(path: Path, grid: Grid, array: NDArray[Any]) -> None:
    """Write (…, slices, rows, columns) as `.nii.gz`, bit for bit in its own number type, whole or not at all."""
    affine = ras_of_lps(grid.affine)
    image = nib.Nifti1Image(np.asarray(array).T, affine)
    image.header.set_xyzt_units("mm", "sec")
    image.set_sform(affine, code=1)
    image.set_qform(affine, code=1)
    corners = np.array([[x, y, z, 1] for x in (0, 1) for y in (0, 1) for z in (0, 1)]) * (*grid.shape[::-1], 1)
    if np.abs((image.get_qform() - affine) @ corners.T).max() > _QFORM_TOLERANCE_MM:
        image.set_qform(None, code=0)  # a quaternion cannot hold the slight shear that a grid may have
    write_bytes(path, gzip_bytes(image.to_bytes(), level=4))


def read_nifti_array(path: Path, grid: Grid) -> NDArray[Any]:
    """Read back what `write_nifti` wrote: (…, slices, rows, columns) in the number type of the file.

    Raises:
        InputError: if the file is missing, damaged, or does not lie on the grid (1e-3 mm at any corner).
    """
    try:
        image = nib.Nifti1Image.from_bytes(gzip.decompress(path.read_bytes()))
        array = np.asanyarray(image.dataobj).T
    except (OSError, EOFError, zlib.error, ValueError, ImageFileError) as problem:
        raise _damaged(path, f"{type(problem).__name__}: {problem}") from problem
    on_disk = Grid(array.shape[-3:], ras_of_lps(np.asarray(image.affine, dtype=np.float64)))
    if not on_disk.matches(grid):
        raise _damaged(path, "an image on another grid than its sidecar names")
    return np.ascontiguousarray(array)


def _damaged(path: Path, found: str) -> InputError:
    return InputError(
        expected="the image as it was written",
        found=found,
        where=path.name,
        remedy="Fetch the file again from its source, or make it again.",
        code="damaged-file",
    )
