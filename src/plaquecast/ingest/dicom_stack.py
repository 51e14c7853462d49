"""Frames of one series that belong together as one volume: split by rule, checked, sorted and placed by highdicom."""

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from highdicom.spatial import create_affine_matrix_from_attributes, get_volume_positions
from numpy.typing import NDArray

from plaquecast.domain.grid import FloatArray, Grid
from plaquecast.errors import InputError
from plaquecast.ingest.dicom_frames import Frame, pixels_of, shown_files
from plaquecast.ingest.orientation import arrange

MIN_SLICES = 3
"""The fewest slices between which a missing one would show."""

_SPACING_TOLERANCE = 0.01
"""Slices may lie off their place by this share of the spacing: what scanners round, far below a missing slice."""

_SPLITTING = (
    "SeriesInstanceUID", "EffectiveEchoTime", "EchoTime", "InversionTime", "TriggerTime", "TemporalPositionIndex",
    "TemporalPositionIdentifier", "DiffusionBValue", "DiffusionDirectionality", "StackID", "Rows", "Columns",
)  # fmt: skip
"""Frames that differ in one of these are of different volumes."""

_SAME = ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "FrameOfReferenceUID")
"""What must be the same in all frames of a volume; their values never stand in a message."""


_ENCODING = (
    "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PhotometricInterpretation", "SamplesPerPixel",
)  # fmt: skip
"""How pixels are written; one slice that says otherwise is damaged, and its values would be others."""


def split_frames(frames: Sequence[Frame]) -> list[tuple[Frame, ...]]:
    """Frames by volume: echoes, phase and magnitude, stacks, orientations, times and diffusion weightings apart."""
    groups: dict[Hashable, list[Frame]] = {}
    for frame in frames:
        groups.setdefault(_volume_key(frame), []).append(frame)
    return [tuple(group) for group in groups.values()]


def stack(frames: Sequence[Frame]) -> tuple[Grid, NDArray[np.float32]]:
    """One volume from the frames of one group, rescaled, arranged as everywhere.

    Raises:
        InputError: if they are of more than one patient, study or frame of reference; too few, twice at one place,
            unevenly spaced, tilted, of different size or scale; or if pixels cannot be had.
    """
    _check_same(frames)
    orientation = _orientation(frames[0])
    positions = np.stack([_vector(frame, "ImagePositionPatient", 3) for frame in frames])
    spacing = _pixel_spacing(frames)
    slope, intercept = _scale(frames)
    _check_count(frames)
    slice_mm, places = _places(frames, positions, orientation)
    order = np.argsort(places)
    pixels: dict[int, NDArray[Any]] = {}
    planes = []
    for index in order:
        frame = frames[index]
        key = id(frame.dataset)
        if key not in pixels:
            pixels[key] = pixels_of(frame.dataset, frame.file)
        planes.append((pixels[key][frame.index] * slope + intercept).astype(np.float32))
    affine = create_affine_matrix_from_attributes(
        positions[order[0]].tolist(),
        orientation.tolist(),
        spacing.tolist(),
        slice_mm,
        index_convention="DR",
        slices_first=True,
    )
    array, affine = arrange(np.stack(planes), affine)
    return _grid(array, affine, frames), array


def _grid(array: NDArray[np.float32], affine: FloatArray, frames: Sequence[Frame]) -> Grid:
    try:
        return Grid((array.shape[0], array.shape[1], array.shape[2]), affine)
    except InputError as problem:
        raise _refused(frames, problem.expected, problem.found, problem.remedy, problem.code) from problem


def _volume_key(frame: Frame) -> Hashable:
    cosines = frame.numbers("ImageOrientationPatient", 6)
    orientation = () if cosines is None else tuple(np.round(cosines, 2).tolist())
    return (*(frame.text(keyword) for keyword in _SPLITTING), component(frame), orientation)


def component(frame: Frame) -> str:
    """What of the complex signal a frame shows: M magnitude, P phase, R real, I imaginary, or another word."""
    given = frame.text("ComplexImageComponent")
    if given and given != "MIXED":
        return {"MAGNITUDE": "M", "PHASE": "P", "REAL": "R", "IMAGINARY": "I"}.get(given, given)
    words = frame.text("FrameType", "ImageType").split("\\")[2:]
    return next((word for word in words if word in ("M", "P", "R", "I", "PHASE MAP", "VELOCITY MAP")), "M")


def _check_same(frames: Sequence[Frame]) -> None:
    for keyword in (*_SAME, *_ENCODING):
        values = Counter(frame.exact(keyword) for frame in frames)
        if len(values) > 1:
            (usual, _), *_ = values.most_common(1)
            others = [frame for frame in frames if frame.exact(keyword) != usual]
            found = f"{len(values)} values of it"
            remedy = "Find out whose images these are and separate them."
            code = "two-patients" if keyword.startswith("Patient") else "mixed-series"
            code = "mixed-encoding" if keyword in _ENCODING else code
            raise _refused(others, f"one {keyword} in all slices", found, remedy, code)


def _orientation(frame: Frame) -> FloatArray:
    cosines = _vector(frame, "ImageOrientationPatient", 6)
    row, column = cosines[:3], cosines[3:]
    wrong = max(abs(float(row @ row) - 1), abs(float(column @ column) - 1), abs(float(row @ column)))
    if wrong > 1e-3:  # the standard's own example files keep 1e-4; 1e-3 is 0.06 degrees
        found = np.array2string(cosines, precision=4).replace("\n", "")
        raise _refused([frame], "two unit vectors at a right angle", found, "Send the images again.", "orientation")
    return cosines


def _vector(frame: Frame, keyword: str, count: int) -> FloatArray:
    numbers = frame.numbers(keyword, count)
    if numbers is None:
        found = repr(frame.text(keyword)[:40]) if frame.text(keyword) else "none"
        remedy = "Send the original images; without their place nothing can be measured."
        raise _refused([frame], f"{count} numbers in {keyword}", found, remedy, "no-position")
    return numbers


def _pixel_spacing(frames: Sequence[Frame]) -> FloatArray:
    values = np.stack([_vector(frame, "PixelSpacing", 2) for frame in frames])
    if (values <= 0).any():
        raise _refused(
            frames, "pixels of positive size", f"{values.min():g} mm", "Send the images again.", "voxel-size"
        )
    other = np.abs(values - np.median(values, axis=0)).max(axis=1) > 1e-4 * values.max()
    if other.any():
        found = f"{values[other][0].tolist()} mm beside {np.median(values, axis=0).tolist()} mm"
        odd = [frame for frame, is_other in zip(frames, other, strict=True) if is_other]
        raise _refused(odd, "one pixel spacing", found, "Separate the series.", "mixed-spacing")
    return values[0]


def _scale(frames: Sequence[Frame]) -> tuple[float, float]:
    scales = {(frame.text("RescaleSlope"), frame.text("RescaleIntercept")) for frame in frames}
    if len(scales) > 1:
        found = f"{len(scales)} scales"
        raise _refused(frames, "one rescale slope and intercept", found, "Separate the series.", "mixed-scale")
    frame = frames[0]
    numbers = [frame.number("RescaleSlope"), frame.number("RescaleIntercept")]
    given = [frame.text("RescaleSlope"), frame.text("RescaleIntercept")]
    slope, intercept = (
        default if not text else number for number, text, default in zip(numbers, given, (1.0, 0.0), strict=True)
    )
    if not slope or intercept is None:
        found = f"slope {given[0][:20]!r} and intercept {given[1][:20]!r}"
        raise _refused(frames, "a usable rescale slope and intercept", found, "Send the images again.", "scale")
    return slope, intercept


def _check_count(frames: Sequence[Frame]) -> None:
    if len(frames) < MIN_SLICES:
        found = f"{len(frames)}"
        remedy = "Send the whole series; between fewer slices a missing one would not show."
        raise _refused(frames, f"at least {MIN_SLICES} slices", found, remedy, "too-few-slices")


def _places(frames: Sequence[Frame], positions: FloatArray, orientation: FloatArray) -> tuple[float, list[int]]:
    """Slice spacing in mm and each frame's place in the stack, by highdicom; if there is none, the reason in words."""
    spacing, places = get_volume_positions(positions.tolist(), orientation.tolist(), rtol=_SPACING_TOLERANCE)
    if spacing is not None and places is not None and spacing > 0:
        return spacing, places
    normal = np.cross(orientation[:3], orientation[3:])
    along = positions @ normal
    order = np.argsort(along)
    steps = np.diff(along[order])
    shown = ", ".join(f"{value:.2f}" for value in along[order][:12])
    usual = float(np.median(steps))
    if steps.min() < 0.01 + _SPACING_TOLERANCE * usual:
        twice = [frames[order[i]] for i in np.flatnonzero(steps < 0.01 + _SPACING_TOLERANCE * usual)]
        remedy = "Separate the series, or remove the copies."
        raise _refused(twice, "one slice at each place", f"slices at {shown} mm", remedy, "slice-twice")
    if (np.abs(steps - usual) > _SPACING_TOLERANCE * usual).any():
        remedy = "Send the whole series; a slice is missing or the spacing changes."
        raise _refused(frames, "evenly spaced slices", f"slices at {shown} mm", remedy, "uneven-slices")
    aside = positions[order[-1]] - positions[order[0]] - (along[order[-1]] - along[order[0]]) * normal
    found = f"a stack that leans {np.linalg.norm(aside):.1f} mm to the side"
    remedy = "Resample the tilted stack on a straight grid, or acquire without gantry tilt."
    raise _refused(frames, "slices straight above each other", found, remedy, "tilted-stack")


def _refused(frames: Sequence[Frame], expected: str, found: str, remedy: str, code: str) -> InputError:
    return InputError(expected=expected, found=found, where=shown_files(frames), remedy=remedy, code=code)
