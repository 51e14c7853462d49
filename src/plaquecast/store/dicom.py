"""A series of MR images as DICOM files: one object per slice, or one enhanced object of many frames."""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedMRImageStorage, ExplicitVRLittleEndian, MRImageStorage

from plaquecast.domain.grid import FloatArray
from plaquecast.store.atomic import write_bytes

_CLASSIC_ONLY = (
    "ScanningSequence", "SequenceVariant", "ScanOptions", "RepetitionTime", "EchoTime", "InversionTime", "FlipAngle",
    "RescaleIntercept", "RescaleSlope", "RescaleType",
)  # fmt: skip
"""What an enhanced object says in its functional groups, or in other words."""

_ENHANCED_ONLY = ("EchoPulseSequence", "AcquisitionContrast")

_EMPTY = ("StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName", "PositionReferenceIndicator")
"""Attributes that must be there and may be empty."""


def write_series(
    folder: Path,
    stored: NDArray[np.uint16] | NDArray[np.int16],
    affine: FloatArray,
    attributes: Mapping[str, object],
    enhanced: bool,
) -> tuple[Path, ...]:
    """Write a series into a folder and give its files, in the order of the slices.

    Args:
        folder: made if it does not exist.
        stored: what stands in the pixels, (slices, rows, columns).
        affine: (4, 4), takes an index (slice, row, column) to LPS mm; slices lie straight above each other.
        attributes: values by keyword, `SeriesInstanceUID` and `BitsStored` among them; see `simulate.dicom_study`.
        enhanced: one object of many frames, else one object per slice.

    Raises:
        InputError: if the disk is full or the folder cannot be written to.
    """
    objects = [_enhanced(stored, affine, attributes)] if enhanced else _classic(stored, affine, attributes)
    paths = []
    for number, dataset in enumerate(objects, start=1):
        paths.append(folder / f"IM{number:04d}.dcm")
        content = io.BytesIO()
        dataset.save_as(content, enforce_file_format=True)
        write_bytes(paths[-1], content.getvalue())
    return tuple(paths)


def _classic(
    stored: NDArray[np.uint16] | NDArray[np.int16], affine: FloatArray, attributes: Mapping[str, object]
) -> list[Dataset]:
    objects = []
    for index, plane in enumerate(stored):
        dataset = _object(MRImageStorage, index + 1, attributes, _ENHANCED_ONLY)
        dataset.AcquisitionDate = dataset.SeriesDate = attributes["StudyDate"]
        dataset.EchoTrainLength = None
        dataset.ImagePositionPatient = _position(affine, index)
        dataset.ImageOrientationPatient = _orientation(affine)
        dataset.PixelSpacing, dataset.SliceThickness = _spacing(affine)
        _set_pixels(dataset, plane)
        objects.append(dataset)
    return objects


def _enhanced(
    stored: NDArray[np.uint16] | NDArray[np.int16], affine: FloatArray, attributes: Mapping[str, object]
) -> Dataset:
    dataset = _object(EnhancedMRImageStorage, 1, attributes, (*_CLASSIC_ONLY, *_ENHANCED_ONLY))
    spin = attributes["EchoPulseSequence"] == "SPIN"
    dataset.PulseSequenceName = "TSE" if spin else "T1TFE"
    dataset.EchoPulseSequence = attributes["EchoPulseSequence"]
    dataset.AcquisitionDateTime = f"{attributes['StudyDate']}120000" if attributes["StudyDate"] else None
    kind = [*list(attributes["ImageType"])[:2], str(attributes["AcquisitionContrast"]), "NONE"]  # type: ignore[call-overload]
    dataset.ImageType = kind
    dataset.SharedFunctionalGroupsSequence = Sequence([_shared_groups(affine, attributes, kind)])
    frames = []
    for index in range(len(stored)):
        frame = Dataset()
        frame.PlanePositionSequence = _item(ImagePositionPatient=_position(affine, index))
        frame.FrameContentSequence = _item(
            StackID="1", InStackPositionNumber=index + 1, DimensionIndexValues=[index + 1]
        )
        frames.append(frame)
    dataset.PerFrameFunctionalGroupsSequence = Sequence(frames)
    dataset.NumberOfFrames = len(stored)
    _set_pixels(dataset, stored)
    return dataset


def _shared_groups(affine: FloatArray, attributes: Mapping[str, object], kind: list[str]) -> Dataset:
    spacing, thickness = _spacing(affine)
    is_real = "R" in list(attributes["ImageType"])  # type: ignore[call-overload]
    shared = Dataset()
    shared.PixelMeasuresSequence = _item(PixelSpacing=spacing, SliceThickness=thickness)
    shared.PlaneOrientationSequence = _item(ImageOrientationPatient=_orientation(affine))
    shared.MREchoSequence = _item(EffectiveEchoTime=attributes["EchoTime"])
    shared.MRTimingAndRelatedParametersSequence = _item(
        RepetitionTime=attributes["RepetitionTime"], FlipAngle=attributes["FlipAngle"]
    )
    inversion = attributes.get("InversionTime")
    times = {} if inversion is None else {"InversionTimes": inversion}
    shared.MRModifierSequence = _item(InversionRecovery="NO" if inversion is None else "YES", **times)
    shared.MRImageFrameTypeSequence = _item(
        FrameType=kind,
        PixelPresentation="MONOCHROME",
        VolumetricProperties="VOLUME",
        VolumeBasedCalculationTechnique="NONE",
        ComplexImageComponent="REAL" if is_real else "MAGNITUDE",
        AcquisitionContrast=attributes["AcquisitionContrast"],
    )
    shared.PixelValueTransformationSequence = _item(
        RescaleIntercept=attributes.get("RescaleIntercept", 0.0),
        RescaleSlope=attributes.get("RescaleSlope", 1.0),
        RescaleType="US",
    )
    return shared


def _object(sop_class: str, number: int, attributes: Mapping[str, object], without: tuple[str, ...]) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = sop_class
    dataset.SOPInstanceUID = f"{attributes['SeriesInstanceUID']}.{number}"
    dataset.InstanceNumber = number
    for keyword in _EMPTY:
        setattr(dataset, keyword, None)
    for keyword, value in attributes.items():
        if keyword not in without:
            setattr(dataset, keyword, value)
    return dataset


def _set_pixels(dataset: Dataset, stored: NDArray[np.uint16] | NDArray[np.int16]) -> None:
    dataset.Rows, dataset.Columns = stored.shape[-2:]
    dataset.BitsAllocated, dataset.HighBit = 16, dataset.BitsStored - 1
    dataset.PixelRepresentation = int(stored.dtype.kind == "i")
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.add_new("PixelData", "OW", stored.astype(stored.dtype.newbyteorder("<")).tobytes())


def _position(affine: FloatArray, index: int) -> list[str]:
    return _decimals(affine[:3, 3] + index * affine[:3, 0])


def _orientation(affine: FloatArray) -> list[str]:
    """Direction in which columns follow each other, then that of rows (PS3.3 C.7.6.2)."""
    row, column = affine[:3, 2], affine[:3, 1]
    return _decimals(np.concatenate([row / np.linalg.norm(row), column / np.linalg.norm(column)]))


def _spacing(affine: FloatArray) -> tuple[list[str], str]:
    slice_mm, row_mm, column_mm = np.linalg.norm(affine[:3, :3], axis=0)
    return _decimals(np.array([row_mm, column_mm])), _decimals(np.array([slice_mm]))[0]


def _decimals(numbers: FloatArray) -> list[str]:
    """Decimal strings of at most 16 signs, as the standard allows."""
    return [f"{number:.10f}"[:16] for number in numbers]


def _item(**values: object) -> Sequence:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return Sequence([item])
