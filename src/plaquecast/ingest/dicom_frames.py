"""DICOM objects, classic or enhanced, as single frames: each with its place, its scale and what it shows."""

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from plaquecast.domain.grid import FloatArray
from plaquecast.errors import InputError
from plaquecast.ingest.door import OpenedFile

IMAGE_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.4": "MR image",
    "1.2.840.10008.5.1.4.1.1.4.1": "enhanced MR image",
    "1.2.840.10008.5.1.4.1.1.4.3": "enhanced MR color image",
    "1.2.840.10008.5.1.4.1.1.4.4": "legacy converted enhanced MR image",
    "1.2.840.10008.5.1.4.1.1.2": "CT image",
    "1.2.840.10008.5.1.4.1.1.2.1": "enhanced CT image",
    "1.2.840.10008.5.1.4.1.1.7": "secondary capture",
}
"""Storage classes of which a volume may be tried; everything else (reports, segmentations, ...) is passed over."""

_FUNCTIONAL_GROUPS = (
    "PixelMeasuresSequence",
    "PlanePositionSequence",
    "PlaneOrientationSequence",
    "PixelValueTransformationSequence",
    "FrameContentSequence",
    "MRImageFrameTypeSequence",
    "MRTimingAndRelatedParametersSequence",
    "MREchoSequence",
    "MRModifierSequence",
    "MRImagingModifierSequence",
    "MRDiffusionSequence",
    "SegmentIdentificationSequence",
    "CTImageFrameTypeSequence",
)

_MOST_PIXELS = 2**28
"""A thousand slices of 512 x 512; no object of the neck holds more."""

_META_BYTES = 2048
"""Within these first bytes an object names its encoding."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One plane of pixels: `attributes` are those of the frame, before those shared by the object, by keyword."""

    attributes: Mapping[str, Any]
    dataset: Dataset
    index: int
    file: str

    def get(self, keyword: str, default: Any = None) -> Any:
        """A value as pydicom reads it, or the default if it is absent or empty."""
        value = self.attributes.get(keyword)
        if value is None:
            value = self.dataset.get(keyword)
        return default if value is None or value == "" else value

    def text(self, *keywords: str) -> str:
        """The first of the given attributes that holds something, as one line of plain text (empty: none does)."""
        for keyword in keywords:
            value = self.get(keyword)
            if value is not None:
                texts = value if isinstance(value, (list, tuple, MultiValue)) else [value]
                return re.sub(r"[^\x20-\x7e]", " ", "\\".join(str(text) for text in texts)).strip()
        return ""

    def exact(self, keyword: str) -> str:
        """The attribute as it is written, to compare people by; it never goes into a message."""
        return str(self.get(keyword, ""))

    def number(self, *keywords: str) -> float | None:
        """The first of the given attributes that holds a finite number."""
        for keyword in keywords:
            numbers = self.numbers(keyword, 1)
            if numbers is not None:
                return float(numbers[0])
        return None

    def numbers(self, keyword: str, count: int) -> FloatArray | None:
        """Exactly `count` finite numbers, or None."""
        value = self.get(keyword)
        try:
            numbers = np.asarray(value, dtype=np.float64).reshape(-1)
        except (TypeError, ValueError):
            return None
        return numbers if len(numbers) == count and np.isfinite(numbers).all() else None


def parse_dicom(opened: OpenedFile) -> Dataset:
    """Parse the bytes of one DICOM file.

    Raises:
        InputError: if they are no DICOM file, or one that cannot be understood to its end.
    """
    if DeflatedExplicitVRLittleEndian.encode() in opened.content[:_META_BYTES]:  # pydicom would unpack it unbounded
        remedy = "Send the images without deflating them."
        raise _refused(opened.name, "an object that is not deflated", "a deflated one", remedy, "no-decoder")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = pydicom.dcmread(BytesIO(opened.content))
            dataset.walk(lambda _, element: element.value)  # values are read late; what is broken shows here
        except MemoryError:
            raise
        except Exception as problem:  # pydicom raises at least eight kinds for damaged files
            found = f"{type(problem).__name__} while it was read"
            remedy = "Fetch the file again from its source, or take it out of the folder."
            raise _refused(opened.name, "a whole DICOM file", found, remedy, "dicom-unreadable") from problem
    stated = dataset.file_meta.get("MediaStorageSOPClassUID") if "file_meta" in vars(dataset) else None
    kind = dataset.get("SOPClassUID")
    if not kind or (stated and stated != kind):  # a header cut early is no object of another kind
        remedy = "Fetch the file again from its source, or take it out of the folder."
        raise _refused(opened.name, "a whole DICOM file", "no clear kind of object in it", remedy, "dicom-unreadable")
    return dataset


def is_image(dataset: Dataset) -> bool:
    """Whether an object is of a class that can hold images of the body."""
    return str(dataset.get("SOPClassUID", "")) in IMAGE_CLASSES


def frames_of(dataset: Dataset, file: str) -> Iterator[Frame]:
    """The frames of one object, those of an enhanced one with their functional groups.

    Raises:
        InputError: if pixels or places are not as many as the object says.
    """
    _check_pixel_data(dataset, file)
    shared = _groups(dataset.get("SharedFunctionalGroupsSequence"), 0)
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence")
    n_frames = int(dataset.get("NumberOfFrames") or 1)
    if n_frames > 1 and (per_frame is None or len(per_frame) != n_frames):
        found = f"{0 if per_frame is None else len(per_frame)} places for {n_frames} frames"
        remedy = "Export the series again as enhanced or as single-frame objects."
        raise _refused(file, "a place for each frame", found, remedy, "frames-without-place")
    for index in range(n_frames):
        yield Frame(shared | _groups(per_frame, index), dataset, index, file)


def pixels_of(dataset: Dataset, file: str) -> np.ndarray[Any, Any]:
    """All stored values of one object, (frames, rows, columns), not yet rescaled.

    Raises:
        InputError: if pixels are missing, cut, colored, or compressed in a way that cannot be decoded here.
    """
    if int(dataset.get("SamplesPerPixel", 1) or 1) != 1:
        remedy = "Send the original images, not colored maps or screen shots."
        raise _refused(file, "gray images", "images of several values per pixel", remedy, "color")
    if dataset.get("PhotometricInterpretation") != "MONOCHROME2":
        remedy = "Send the original images, in which larger values are brighter."
        raise _refused(file, "images in MONOCHROME2", "another way of coloring", remedy, "color")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            array = dataset.pixel_array
        except MemoryError:
            raise
        except Exception as problem:  # each decoder has its own kinds of exception
            raise _undecodable(dataset, file, problem) from problem
    shape = (int(dataset.get("NumberOfFrames") or 1), int(dataset.Rows), int(dataset.Columns))
    if array.size != np.prod(shape):
        found = f"{array.size} values for {shape}"
        raise _refused(file, "one value per pixel", found, "Send the images again.", "pixel-data")
    return array.reshape(shape)


def _groups(sequence: Any, index: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if sequence is None or len(sequence) <= index:
        return found
    for name in _FUNCTIONAL_GROUPS:
        for item in sequence[index].get(name) or ():
            found |= {element.keyword: element.value for element in item if element.keyword and element.VR != "SQ"}
    return found


def _can_decode(syntax: UID | None) -> bool:
    try:
        return syntax is not None and get_decoder(UID(syntax)).is_available
    except NotImplementedError:  # pydicom knows of no decoder for it
        return False


def name_of_uid(uid: Any, otherwise: str) -> str:
    """The standard's name of a UID; what it does not know may hold anything, so it is not shown."""
    name = UID(str(uid)).name if uid else otherwise
    return otherwise if name == str(uid) else name


def _check_pixel_data(dataset: Dataset, file: str) -> None:
    """Refuse an object whose pixels are missing, or of another number than it declares; nothing is decoded."""
    keywords = ("Rows", "Columns", "BitsAllocated")
    rows, columns, bits = (int(dataset.get(keyword) or 0) for keyword in keywords)
    n_pixels = rows * columns * int(dataset.get("NumberOfFrames") or 1)
    if n_pixels > _MOST_PIXELS:
        remedy = "Take the damaged object out of the folder."
        raise _refused(file, f"at most {_MOST_PIXELS} pixels", f"{n_pixels} declared", remedy, "image-too-large")
    if "PixelData" not in dataset or not n_pixels * bits:
        raise _refused(file, "pixels", "none", "Send the images again; they were sent without pixels.", "no-pixels")
    syntax = _syntax(dataset)
    if syntax is not None and syntax.is_compressed:
        return
    needed = n_pixels * bits * int(dataset.get("SamplesPerPixel") or 1) // 8
    given = len(dataset.PixelData)
    if not needed <= given <= needed + 1:  # one byte makes an odd length even
        found = f"{given} bytes"
        raise _refused(file, f"{needed} bytes of pixels", found, "Fetch the file again from its source.", "pixel-data")


def _syntax(dataset: Dataset) -> UID | None:
    meta: Any = getattr(dataset, "file_meta", None)
    return None if meta is None else meta.get("TransferSyntaxUID")


def _undecodable(dataset: Dataset, file: str, problem: Exception) -> InputError:
    syntax = _syntax(dataset)
    name = name_of_uid(syntax, "an unknown encoding")
    if not _can_decode(syntax):
        remedy = "Send the images uncompressed, or in JPEG 2000, JPEG-LS or RLE."
        return _refused(file, "pixels that can be decoded here", name, remedy, "no-decoder")
    found = f"{type(problem).__name__} in {name}"
    return _refused(file, "whole pixels", found, "Fetch the file again from its source.", "pixel-data")


def shown_files(frames: Sequence[Frame]) -> str:
    """The files of some frames, for a message."""
    names = sorted({frame.file for frame in frames})
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _refused(file: str, expected: str, found: str, remedy: str, code: str) -> InputError:
    return InputError(expected=expected, found=found, where=file, remedy=remedy, code=code)
