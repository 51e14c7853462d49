"""DICOM files made by a test: a clean classic or enhanced MR series, to be changed by the test in one way."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

from plaquecast.domain.grid import FloatArray

MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4.1"
_ROOT = "1.2.826.0.1.3680043.8.498.7"

AXIAL = np.array([[0.0, 0.0, 0.5, -3.0], [0.0, 0.6, 0.0, 5.0], [2.0, 0.0, 0.0, 40.0], [0.0, 0.0, 0.0, 1.0]])
"""Index (slice, row, column) to LPS mm: slices 2 mm towards the head, rows 0.6 mm back, columns 0.5 mm left."""

TAGS: dict[str, Any] = {
    "Modality": "MR",
    "Manufacturer": "Maker",
    "PatientID": "P1",
    "PatientName": "Doe^Jane",
    "PatientBirthDate": "19500101",
    "PatientSex": "F",
    "StudyInstanceUID": f"{_ROOT}.1",
    "SeriesInstanceUID": f"{_ROOT}.1.1",
    "FrameOfReferenceUID": f"{_ROOT}.1.2",
    "StudyDate": "20200301",
    "SeriesNumber": 3,
    "SeriesDescription": "t1 black blood",
    "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND"],
    "ScanningSequence": "SE",
    "SequenceVariant": "SK",
    "MRAcquisitionType": "2D",
    "RepetitionTime": 800.0,
    "EchoTime": 10.0,
    "FlipAngle": 90.0,
    "MagneticFieldStrength": 3.0,
}

Change = Callable[[Dataset, int], None]
"""Changes the dataset of one slice before it is written."""


def pattern(shape: tuple[int, int, int], seed: int = 0) -> NDArray[np.uint16]:
    """Distinct whole numbers in 12 bits, so that every mix-up of voxels shows."""
    rng = np.random.default_rng(seed)
    return rng.integers(1, 4000, shape).astype(np.uint16)


def picture(shape: tuple[int, int, int], seed: int = 0) -> NDArray[np.uint16]:
    """Something like a neck: bright inside an ellipse, dark outside, with little noise, different for each seed."""
    rng = np.random.default_rng(seed)
    _, rows, columns = np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij")
    inside = np.hypot(rows, columns * rng.uniform(0.8, 1.2)) < 0.8
    shading = 1000.0 + 300.0 * rows * rng.uniform(-1, 1) + 300.0 * columns
    return np.rint(inside * shading + rng.normal(60.0, 20.0, shape).clip(0)).astype(np.uint16)


def datasets_of(
    array: NDArray[np.uint16], affine: FloatArray = AXIAL, tags: Mapping[str, Any] | None = None
) -> list[FileDataset]:
    """One dataset per slice of an array (slices, rows, columns)."""
    found = []
    for index, plane in enumerate(array):
        dataset = _dataset(MR_IMAGE, f"{_ROOT}.1.1.{index + 1}", tags)
        dataset.InstanceNumber = index + 1
        dataset.ImagePositionPatient = _decimals(affine[:3, 3] + index * affine[:3, 0])
        dataset.ImageOrientationPatient = _decimals(_cosines(affine))
        dataset.PixelSpacing = _decimals(np.linalg.norm(affine[:3, 1:3], axis=0))
        dataset.SliceThickness = float(np.linalg.norm(affine[:3, 0]))
        _set_pixels(dataset, plane)
        found.append(dataset)
    return found


def enhanced_dataset(
    array: NDArray[np.uint16], affine: FloatArray = AXIAL, tags: Mapping[str, Any] | None = None
) -> FileDataset:
    """One enhanced multi-frame object of an array (slices, rows, columns)."""
    dataset = _dataset(ENHANCED_MR_IMAGE, f"{_ROOT}.1.1.1", tags)
    for keyword in ("EchoTime", "RepetitionTime", "FlipAngle"):
        del dataset[keyword]
    values = TAGS | dict(tags or {})
    shared = Dataset()
    shared.PixelMeasuresSequence = _item(PixelSpacing=_decimals(np.linalg.norm(affine[:3, 1:3], axis=0)))
    shared.PlaneOrientationSequence = _item(ImageOrientationPatient=_decimals(_cosines(affine)))
    shared.MREchoSequence = _item(EffectiveEchoTime=float(values["EchoTime"]))
    shared.MRTimingAndRelatedParametersSequence = _item(
        RepetitionTime=values["RepetitionTime"], FlipAngle=values["FlipAngle"]
    )
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    frames = []
    for index in range(len(array)):
        frame = Dataset()
        frame.PlanePositionSequence = _item(ImagePositionPatient=_decimals(affine[:3, 3] + index * affine[:3, 0]))
        frame.FrameContentSequence = _item(StackID="1", InStackPositionNumber=index + 1)
        frames.append(frame)
    dataset.PerFrameFunctionalGroupsSequence = Sequence(frames)
    dataset.NumberOfFrames = len(array)
    _set_pixels(dataset, array)
    return dataset


def write_series(
    folder: Path,
    array: NDArray[np.uint16],
    affine: FloatArray = AXIAL,
    tags: Mapping[str, Any] | None = None,
    change: Change | None = None,
) -> Path:
    """Write a classic series into a folder, one file per slice, and give the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, dataset in enumerate(datasets_of(array, affine, tags)):
        if change is not None:
            with disable_value_validation():
                change(dataset, index)
        dataset.save_as(folder / f"IM{index + 1:04d}", enforce_file_format=True)
    return folder


def _dataset(sop_class: str, sop_instance: str, tags: Mapping[str, Any] | None) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = sop_instance
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, sop_instance
    with disable_value_validation():  # what scanners write is not always what the standard allows
        for keyword, value in (TAGS | dict(tags or {})).items():
            setattr(dataset, keyword, value)
    return dataset


def _set_pixels(dataset: Dataset, array: NDArray[np.uint16]) -> None:
    dataset.Rows, dataset.Columns = array.shape[-2:]
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelRepresentation, dataset.SamplesPerPixel = 0, 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.add_new("PixelData", "OW", array.astype("<u2").tobytes())


def _cosines(affine: FloatArray) -> FloatArray:
    row, column = affine[:3, 2], affine[:3, 1]  # DICOM names first the direction in which columns follow each other
    return np.concatenate([row / np.linalg.norm(row), column / np.linalg.norm(column)])


def _decimals(numbers: FloatArray) -> list[str]:
    return [f"{number:.10f}"[:16] for number in numbers]


def _item(**values: Any) -> Sequence:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return Sequence([item])
