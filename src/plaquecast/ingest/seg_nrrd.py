"""Segmentations of 3D Slicer (`.seg.nrrd`): named segments, in one layer or in several that overlap."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plaquecast.domain.grid import FloatArray, Grid
from plaquecast.errors import InputError
from plaquecast.ingest.door import OpenedFile, gunzip_whole, open_whole
from plaquecast.ingest.drawn import Drawn
from plaquecast.ingest.orientation import arrange
from plaquecast.settings import IngestSettings

_TYPES = {
    "unsigned char": "u1", "uchar": "u1", "uint8": "u1", "uint8_t": "u1", "signed char": "i1", "int8": "i1",
    "short": "i2", "int16": "i2", "unsigned short": "u2", "ushort": "u2", "uint16": "u2", "int": "i4", "int32": "i4",
    "unsigned int": "u4", "uint": "u4", "uint32": "u4",
}  # fmt: skip
_SPACES = {
    "left-posterior-superior": np.diag([1.0, 1.0, 1.0]),
    "lps": np.diag([1.0, 1.0, 1.0]),
    "right-anterior-superior": np.diag([-1.0, -1.0, 1.0]),
    "ras": np.diag([-1.0, -1.0, 1.0]),
}
_VECTOR = re.compile(r"\(([^)]*)\)")


def read_seg_nrrd(path: Path, settings: IngestSettings) -> Drawn:
    """Read every segment of a segmentation.

    Raises:
        InputError: if the file is damaged, is no segmentation with named segments, or says its place in no way that
            is known.
    """
    opened = open_whole(path, settings.max_file_bytes)
    header, data = _header(opened)
    shape, has_layers = _shape(header, path.name)
    array = _array(header, data, shape, path.name, settings)
    affine = _affine(header, path.name)
    layers = array if has_layers else array[np.newaxis]
    placed = [arrange(layer, affine) for layer in layers]
    grid = Grid((placed[0][0].shape[0], placed[0][0].shape[1], placed[0][0].shape[2]), placed[0][1])
    return Drawn(grid, _segments(header, [layer for layer, _ in placed], path.name))


def _header(opened: OpenedFile) -> tuple[dict[str, str], bytes]:
    end = opened.content.find(b"\n\n")
    windows = opened.content.find(b"\r\n\r\n")
    if windows >= 0 and (end < 0 or windows < end):
        text, data = opened.content[:windows], opened.content[windows + 4 :]
    else:
        text, data = opened.content[: max(end, 0)], opened.content[end + 2 :]
    if not text.startswith(b"NRRD000") or len(text) > 1_000_000:
        raise _refused(opened.name, "an NRRD file with its data inside", "something else", "not-nrrd")
    header: dict[str, str] = {}
    for line in text.decode("utf-8", "replace").splitlines()[1:]:
        key, mark, value = line.partition(":=") if ":=" in line else line.partition(":")
        if mark and not line.startswith("#"):
            header[key.strip()] = value.strip()
    return header, data


def _shape(header: Mapping[str, str], name: str) -> tuple[tuple[int, ...], bool]:
    try:
        sizes = tuple(int(size) for size in header["sizes"].split())
        kinds = header.get("kinds", "domain domain domain").split()
    except (KeyError, ValueError) as problem:
        raise _refused(name, "sizes in the header", "none", "nrrd-header") from problem
    has_layers = len(sizes) == 4 and kinds[0] in ("list", "vector")
    if not (len(sizes) == 3 or has_layers) or min(sizes) < 1:
        raise _refused(name, "three dimensions, and layers before them", f"sizes {sizes}", "not-3d")
    return sizes, has_layers


def _array(
    header: Mapping[str, str], data: bytes, shape: tuple[int, ...], name: str, settings: IngestSettings
) -> NDArray[Any]:
    kind = _TYPES.get(header.get("type", ""))
    if kind is None:
        raise _refused(name, "whole numbers", f"type {header.get('type', '')[:20]!r}", "voxel-type")
    dtype = np.dtype(kind).newbyteorder(">" if header.get("endian") == "big" else "<")
    n_bytes = dtype.itemsize
    for size in shape:
        n_bytes *= size
    if n_bytes > settings.max_image_bytes:
        raise _refused(name, f"at most {settings.max_image_bytes} bytes", f"{n_bytes} bytes", "image-too-large")
    encoding = header.get("encoding", "")
    if encoding in ("gzip", "gz"):
        data = gunzip_whole(OpenedFile(name, data, ""), n_bytes)
    elif encoding != "raw":
        raise _refused(name, "raw or gzip data", f"encoding {encoding[:20]!r}", "nrrd-encoding")
    if len(data) != n_bytes:
        raise _refused(name, f"{n_bytes} bytes of data", f"{len(data)} bytes", "too-short")
    return np.frombuffer(data, dtype).reshape(shape, order="F")


def _affine(header: Mapping[str, str], name: str) -> FloatArray:
    to_lps = _SPACES.get(header.get("space", "").casefold())
    try:
        columns = [[float(part) for part in text.split(",")] for text in _VECTOR.findall(header["space directions"])]
        (origin,) = [[float(part) for part in text.split(",")] for text in _VECTOR.findall(header["space origin"])]
        directions = np.array(columns, dtype=np.float64).reshape(3, 3).T
    except (KeyError, ValueError) as problem:
        raise _refused(name, "three space directions and an origin", "others", "no-position") from problem
    if to_lps is None:
        raise _refused(name, "the space LPS or RAS", f"{header.get('space', '')[:40]!r}", "no-position")
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = to_lps @ directions, to_lps @ np.array(origin)
    return affine


def _segments(header: Mapping[str, str], layers: list[NDArray[Any]], name: str) -> dict[str, NDArray[np.bool_]]:
    found: dict[str, NDArray[np.bool_]] = {}
    for number in range(1000):
        label = header.get(f"Segment{number}_Name")
        if label is None:
            break
        try:
            value = int(header[f"Segment{number}_LabelValue"])
            layer = layers[int(header.get(f"Segment{number}_Layer", "0"))]
        except (KeyError, ValueError, IndexError) as problem:
            raise _refused(name, f"label and layer of segment {number}", "none", "nrrd-header") from problem
        if label in found:
            raise _refused(name, "each segment once", f"segment {number} of a name that was there", "region-twice")
        found[label] = layer == value
    if not found:
        raise _refused(name, "named segments", "none", "no-segments")
    return found


def _refused(name: str, expected: str, found: str, code: str) -> InputError:
    remedy = "Save the segmentation again in 3D Slicer as one .seg.nrrd file."
    return InputError(expected=expected, found=found, where=name, remedy=remedy, code=code)
