"""A NIfTI file as a volume: the whole file is checked, and what its header leaves open or contradicts is refused."""

import math
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.grid import FloatArray, Grid
from plaquecast.domain.volume import Volume
from plaquecast.errors import InputError
from plaquecast.ingest.door import OpenedFile, gunzip_start, gunzip_whole, open_whole
from plaquecast.ingest.orientation import arrange
from plaquecast.settings import IngestSettings

FORM_TOLERANCE_MM = 0.1
"""How far the positions that a header states twice may lie apart at any corner of the image."""

_HEADERS = {348: nib.Nifti1Header, 540: nib.Nifti2Header}
_START_BYTES = 544
_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_UNITS_MM = (0, 2)
"""`xyzt_units`, spatial part: millimetres, or not stated, which the field reads as millimetres."""


def read_nifti(path: Path, weighting: Weighting, settings: IngestSettings, name: str = "") -> Volume:
    """Read one image; index order and LPS as everywhere, axes arranged by `orientation.arrange`.

    Args:
        path: `.nii` or `.nii.gz`, NIfTI-1 or -2, one volume.
        weighting: what the image is.
        settings: the largest file and image.
        name: what to call the file in messages; its own name if empty.

    Raises:
        InputError: if a byte is missing, damaged or too many; if it is not one 3-D volume of plain numbers in mm with
            one clear position; or if voxels are not finite or all the same.
    """
    image_name = name or path.name
    array, affine = read_nifti_array(path, settings, image_name)
    try:
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused as such
            volume = Volume(Grid(_shape(array), affine), array.astype(np.float32), weighting)
    except InputError as problem:
        raise _refused(image_name, problem.expected, problem.found, problem.remedy, problem.code) from problem
    if volume.array.min() == volume.array.max():
        found = f"{volume.array.max():g} in every voxel"
        raise _refused(image_name, "an image", found, "Export the image again.", "constant-image")
    return volume


def read_nifti_array(
    path: Path, settings: IngestSettings, name: str, n_volumes: int = 1
) -> tuple[NDArray[Any], FloatArray]:
    """The scaled values of a file in their arrangement, (slices, rows, columns), and the affine to LPS mm.

    With `n_volumes` > 1 the file must hold exactly so many, and the values are (volumes, slices, rows, columns).

    Raises:
        InputError: as `read_nifti`, but for what the values themselves may be.
    """
    opened = open_whole(path, settings.max_file_bytes, name)
    header = _header(opened)
    _check_header(header, name, settings, n_volumes)
    affine = _affine(header, name)
    dtype = header.get_data_dtype()
    shape = (*(int(n) for n in header["dim"][1:4]), n_volumes)
    start = int(header["vox_offset"])
    n_bytes = start + math.prod(shape) * dtype.itemsize
    content = gunzip_whole(opened, n_bytes) if opened.is_gzip else opened.content
    if len(content) != n_bytes:
        code = "too-short" if len(content) < n_bytes else "too-long"
        remedy = "Fetch the file again from its source."
        raise _refused(name, f"{n_bytes} bytes, as its header says", f"{len(content)} bytes", remedy, code)
    array = _scaled(np.frombuffer(content, dtype, offset=start), header, name).reshape(shape, order="F")
    volumes = [arrange(array[..., index], _RAS_TO_LPS @ affine) for index in range(n_volumes)]
    return (volumes[0][0] if n_volumes == 1 else np.stack([volume for volume, _ in volumes])), volumes[0][1]


def _shape(array: NDArray[Any]) -> tuple[int, int, int]:
    slices, rows, columns = array.shape
    return slices, rows, columns


def _header(opened: OpenedFile) -> Any:
    start = gunzip_start(opened, _START_BYTES) if opened.is_gzip else opened.content[:_START_BYTES]
    for order in ("<", ">"):
        size = int(np.frombuffer(start[:4].ljust(4, b"\0"), f"{order}i4")[0])
        if size in _HEADERS and len(start) >= size:
            header = _HEADERS[size](start[:size], endianness=order, check=False)
            if bytes(header["magic"])[:3] in (b"n+1", b"n+2"):
                return header
    found = repr(bytes(start[:8]))[:40]
    remedy = "Convert the image to NIfTI in one file (.nii.gz)."
    raise _refused(opened.name, "a NIfTI file", f"a file that begins with {found}", remedy, "not-nifti")


def _check_header(header: Any, name: str, settings: IngestSettings, n_volumes: int) -> None:
    dimensions = [int(n) for n in header["dim"]]
    n_dimensions = dimensions[0]
    volumes = math.prod(dimensions[4 : n_dimensions + 1]) if 3 <= n_dimensions <= 7 else 0
    if volumes != n_volumes or min(dimensions[1:4]) < 1:
        found = f"dimensions {dimensions[1 : max(1, min(n_dimensions, 7)) + 1]}"
        expected = f"{n_volumes} volume{'s' if n_volumes > 1 else ''} of three dimensions"
        raise _refused(name, expected, found, "Give one volume per file.", "not-3d")
    dtype = _plain_dtype(header, name)
    n_bytes = n_volumes * math.prod(dimensions[1:4]) * max(dtype.itemsize, np.dtype(np.float32).itemsize)
    if n_bytes > settings.max_image_bytes:
        expected = f"an image of at most {settings.max_image_bytes} bytes"
        remedy = "Give the image alone, or raise ingest.max_image_bytes."
        raise _refused(name, expected, f"{n_bytes} bytes", remedy, "image-too-large")
    units = int(header["xyzt_units"]) & 7
    if units not in _UNITS_MM:
        found = {1: "metres", 3: "micrometres"}.get(units, f"the code {units}")
        raise _refused(name, "millimetres", found, "Convert the header to millimetres.", "units-not-mm")
    start = float(header["vox_offset"])
    if not (header.sizeof_hdr <= start <= settings.max_image_bytes and start == int(start)):
        found = f"they begin at byte {start:g}"
        raise _refused(name, "voxels after the header", found, "Export the image again.", "voxel-offset")


def _plain_dtype(header: Any, name: str) -> np.dtype[Any]:
    try:
        dtype = header.get_data_dtype()
    except (HeaderDataError, KeyError):
        dtype = np.dtype(np.void)
    if dtype.kind not in "iuf" or dtype.itemsize > 8 or int(header["bitpix"]) != 8 * dtype.itemsize:
        found = f"data type {int(header['datatype'])} of {int(header['bitpix'])} bits"
        remedy = "Export magnitude images of one number per voxel, not colors or complex values."
        raise _refused(name, "whole or floating-point numbers", found, remedy, "voxel-type")
    return dtype


def _affine(header: Any, name: str) -> FloatArray:
    """From the index in the file to RAS mm; form codes, both forms and voxel sizes must tell the same."""
    remedy = "Export the image again with one correct position, or mend the header."
    if not header["sform_code"] and not header["qform_code"]:
        raise _refused(name, "a position in the header", "form codes 0 and 0", remedy, "no-position")
    spacing = np.asarray(header["pixdim"][1:4], dtype=np.float64)
    if not (np.isfinite(spacing).all() and (spacing > 0).all()):
        found = f"voxels of {spacing.tolist()} mm"
        raise _refused(name, "voxels of positive size", found, remedy, "voxel-size")
    forms = []
    try:
        if header["sform_code"]:
            forms.append(np.asarray(header.get_sform(), dtype=np.float64))
        if header["qform_code"]:
            forms.append(np.asarray(header.get_qform(), dtype=np.float64))
    except (ValueError, HeaderDataError) as problem:
        raise _refused(name, "a rotation in the header", str(problem)[:80], remedy, "no-position") from problem
    ends = np.asarray(header["dim"][1:4], dtype=np.float64) - 1
    corners = np.array(np.meshgrid(*[(0.0, end) for end in ends], indexing="ij")).reshape(3, -1)
    places = [form[:3, :3] @ corners + form[:3, 3:] for form in forms]
    if not all(np.isfinite(place).all() for place in places):
        raise _refused(name, "a finite position", "NaN or infinity", remedy, "no-position")
    apart = float(np.abs(places[0] - places[-1]).max())
    if apart > FORM_TOLERANCE_MM:
        found = f"sform and qform {apart:.1f} mm apart"
        raise _refused(name, "one position", found, remedy, "forms-contradict")
    stretch = float((np.abs(np.linalg.norm(forms[0][:3, :3], axis=0) - spacing) * np.maximum(ends, 1)).max())
    if stretch > FORM_TOLERANCE_MM:
        found = f"voxels of {spacing.round(4).tolist()} mm that end {stretch:.1f} mm elsewhere"
        raise _refused(name, "voxel sizes that fit the position", found, remedy, "spacing-contradicts")
    return forms[0]


def _scaled(array: NDArray[Any], header: Any, name: str) -> NDArray[Any]:
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    unscaled = slope == 0 or np.isnan(slope)  # 0 by the standard, NaN as nibabel writes it
    if (unscaled and (intercept == 0 or np.isnan(intercept))) or (slope == 1 and intercept == 0):
        return array
    if unscaled or not np.isfinite([slope, intercept]).all():
        found = f"slope {slope:g} and intercept {intercept:g}"
        raise _refused(name, "a finite scale of the values", found, "Export the image again.", "scale")
    with np.errstate(over="ignore", invalid="ignore"):
        return array * slope + intercept


def _refused(name: str, expected: str, found: str, remedy: str, code: str) -> InputError:
    return InputError(expected=expected, found=found, where=name, remedy=remedy, code=code)
