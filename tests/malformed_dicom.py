"""Malformed DICOM series: slices lost, doubled, strayed or damaged, and objects that are no images of the body."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless, JPEGLosslessSV1, JPEGLSLossless, RLELossless
from tests.dicom_files import AXIAL, datasets_of, enhanced_dataset, pattern, write_series
from tests.malformed import Malformed

from plaquecast.domain.anatomy import Weighting
from plaquecast.ingest.dicom import read_series
from plaquecast.settings import IngestSettings

N_SLICES = 12
Harm = Callable[[Dataset, int, np.random.Generator], None]


def read(path: Path, settings: IngestSettings | None = None) -> object:
    """Read a folder as one T1W series."""
    return read_series(path, Weighting.T1W, settings or IngestSettings())


def _array(rng: np.random.Generator) -> np.ndarray:
    rows, columns = rng.integers(8, 20, 2)
    return pattern((N_SLICES, int(rows), int(columns)), int(rng.integers(1000)))


def _series(harm: Harm) -> Callable[[Path, np.random.Generator], Path]:
    """A series in which `harm` changes each slice before it is written."""

    def make(folder: Path, rng: np.random.Generator) -> Path:
        at = int(rng.integers(2, N_SLICES - 2))
        return write_series(folder / "series 3", _array(rng), change=lambda ds, index: harm(ds, index - at, rng))

    return make


def _files(harm: Callable[[list[Path], np.random.Generator], None]) -> Callable[[Path, np.random.Generator], Path]:
    """A series of which `harm` changes the files."""

    def make(folder: Path, rng: np.random.Generator) -> Path:
        series = write_series(folder / "series 3", _array(rng))
        harm(sorted(series.iterdir()), rng)
        return series

    return make


def _enhanced(harm: Callable[[FileDataset, np.random.Generator], None]) -> Callable[[Path, np.random.Generator], Path]:
    def make(folder: Path, rng: np.random.Generator) -> Path:
        dataset = enhanced_dataset(_array(rng))
        harm(dataset, rng)
        (folder / "series 3").mkdir()
        dataset.save_as(folder / "series 3" / "object", enforce_file_format=True)
        return folder / "series 3"

    return make


def all_(keyword: str, value: object) -> Harm:
    """Set, or with None remove, an attribute in all slices."""
    return lambda dataset, offset, rng: _set(dataset, keyword, value)


def one(keyword: str, value: object) -> Harm:
    """Set an attribute in one slice."""
    return lambda dataset, offset, rng: _set(dataset, keyword, value) if offset == 0 else None


def _set(dataset: Dataset, keyword: str, value: object) -> None:
    if value is None:
        delattr(dataset, keyword)
    else:
        setattr(dataset, keyword, value)


def _lean(dataset: Dataset, offset: int, rng: np.random.Generator) -> None:
    x, y, z = dataset.ImagePositionPatient
    dataset.ImagePositionPatient = [x + 0.3 * offset, y, z]


def _widen(dataset: Dataset, offset: int, rng: np.random.Generator) -> None:
    x, y, z = dataset.ImagePositionPatient
    dataset.ImagePositionPatient = [x, y, z + max(0, offset)]


def _shift_one(dataset: Dataset, offset: int, rng: np.random.Generator) -> None:
    x, y, z = dataset.ImagePositionPatient
    if offset == 0:
        dataset.ImagePositionPatient = [x, y, float(z) + float(rng.choice([-1, 1]) * rng.uniform(0.1, 0.9))]


def _twice(dataset: Dataset, offset: int, rng: np.random.Generator) -> None:
    if offset == 0:
        x, y, z = dataset.ImagePositionPatient
        dataset.ImagePositionPatient = [x, y, z + 2]


def _half_coronal(dataset: Dataset, offset: int, rng: np.random.Generator) -> None:
    """The upper slices are turned, but stand where axial ones would."""
    if offset > 0:
        dataset.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]


def _cut_pixels(dataset: Dataset, offset: int, rng: np.random.Generator) -> None:
    if offset == 0:
        dataset.PixelData = dataset.PixelData[: -2 * int(rng.integers(1, 20))]


def _grow_pixels(dataset: Dataset, offset: int, rng: np.random.Generator) -> None:
    if offset == 0:
        dataset.PixelData += rng.bytes(2 * int(rng.integers(1, 20)))


def _compressed(syntax: str, stream: bytes) -> Harm:
    def harm(dataset: Dataset, offset: int, rng: np.random.Generator) -> None:
        dataset.PixelData = encapsulate([stream or rng.bytes(200)])
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
        dataset.file_meta.TransferSyntaxUID = syntax  # type: ignore[attr-defined]

    return harm


def _colored(dataset: Dataset, offset: int, rng: np.random.Generator) -> None:
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 3, "RGB"
    dataset.PixelData *= 3


def _report(dataset: Dataset, offset: int, rng: np.random.Generator) -> None:
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.22"
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID  # type: ignore[attr-defined]


def _drop_place(dataset: FileDataset, rng: np.random.Generator) -> None:
    del dataset.PerFrameFunctionalGroupsSequence[int(rng.integers(N_SLICES))]


def _double_place(dataset: FileDataset, rng: np.random.Generator) -> None:
    frames = dataset.PerFrameFunctionalGroupsSequence
    frames[5].PlanePositionSequence = frames[6].PlanePositionSequence


def _drop_frames(dataset: FileDataset, rng: np.random.Generator) -> None:
    dataset.PixelData = dataset.PixelData[: len(dataset.PixelData) // 2]


def _two_echoes(dataset: FileDataset, rng: np.random.Generator) -> None:
    """Two echoes at the same places in one object: two volumes, of which none is named."""
    frames = dataset.PerFrameFunctionalGroupsSequence
    for index, frame in enumerate(frames):
        echo = Dataset()
        echo.EffectiveEchoTime = 10.0 if index < N_SLICES // 2 else 90.0
        frame.MREchoSequence = [echo]
        frame.PlanePositionSequence = frames[index % (N_SLICES // 2)].PlanePositionSequence


def _coronal_stack(files: list[Path], rng: np.random.Generator) -> None:
    for index, dataset in enumerate(datasets_of(pattern((6, 16, 14)), AXIAL[:, [1, 0, 2, 3]])):
        dataset.save_as(files[0].with_name(f"coronal{index}"), enforce_file_format=True)


def _other_matrix(files: list[Path], rng: np.random.Generator) -> None:
    dataset = datasets_of(pattern((N_SLICES, 30, 30)))[5]
    dataset.save_as(files[5], enforce_file_format=True)


def _write(content: Callable[[bytes, np.random.Generator], bytes]) -> Callable[[list[Path], np.random.Generator], None]:
    def harm(files: list[Path], rng: np.random.Generator) -> None:
        file = files[int(rng.integers(len(files)))]
        file.write_bytes(content(file.read_bytes(), rng))

    return harm


_GEOMETRY: tuple[tuple[str, Callable[[Path, np.random.Generator], Path], str], ...] = (
    ("one inner slice missing", _files(lambda files, rng: files[5].unlink()), "uneven-slices"),
    ("one position twice", _series(_twice), "slice-twice"),
    ("half axial, half coronal", _series(_half_coronal), "slice-twice"),
    ("a sheared stack", _series(_lean), "tilted-stack"),
    ("2 mm then 3 mm", _series(_widen), "uneven-slices"),
    ("one slice moved", _series(_shift_one), "uneven-slices"),
    ("no position", _series(one("ImagePositionPatient", None)), "no-position"),
    ("no orientation", _series(all_("ImageOrientationPatient", None)), "no-position"),
    ("orientation of no unit", _series(all_("ImageOrientationPatient", [2, 0, 0, 0, 1, 0])), "orientation"),
    ("axes not at a right angle", _series(all_("ImageOrientationPatient", [1, 0, 0, 0.6, 0.8, 0])), "orientation"),
    ("one slice of other spacing", _series(one("PixelSpacing", [0.6, 0.7])), "mixed-spacing"),
    ("spacing zero", _series(all_("PixelSpacing", [0, 0])), "voxel-size"),
    ("no spacing", _series(all_("PixelSpacing", None)), "no-position"),
    ("one slice of another matrix", _files(_other_matrix), "uneven-slices"),
    ("a second stack", _files(_coronal_stack), "not-one-volume"),
    ("another frame of reference", _series(one("FrameOfReferenceUID", "1.2.3")), "mixed-series"),
    ("a place too few in an enhanced object", _enhanced(_drop_place), "frames-without-place"),
    ("a place twice in an enhanced object", _enhanced(_double_place), "slice-twice"),
    ("two echoes in an enhanced object", _enhanced(_two_echoes), "not-one-volume"),
    ("one slice alone", _files(lambda files, rng: [file.unlink() for file in files[1:]] and None), "too-few-slices"),
)
_CONTENT: tuple[tuple[str, Callable[[Path, np.random.Generator], Path], str], ...] = (
    ("another patient's slice", _series(one("PatientID", "P2")), "two-patients"),
    ("another name in one slice", _series(one("PatientName", "Roe^Richard")), "two-patients"),
    ("another birth date in one slice", _series(one("PatientBirthDate", "19510101")), "two-patients"),
    ("another sex in one slice", _series(one("PatientSex", "M")), "two-patients"),
    ("another study's slice", _series(one("StudyInstanceUID", "1.2.3")), "mixed-series"),
    ("rescale slope zero", _series(all_("RescaleSlope", 0)), "scale"),
    ("one slice of other scale", _series(one("RescaleSlope", 2)), "mixed-scale"),
    ("one slice of other sign", _series(one("PixelRepresentation", 1)), "mixed-encoding"),
    ("one slice of other depth", _series(one("BitsStored", 10)), "mixed-encoding"),
    ("inverted gray", _series(all_("PhotometricInterpretation", "MONOCHROME1")), "color"),
    ("colors", _series(_colored), "color"),
    ("pixels cut", _series(_cut_pixels), "pixel-data"),
    ("pixels too many", _series(_grow_pixels), "pixel-data"),
    ("no pixels", _series(one("PixelData", None)), "no-pixels"),
    ("constant", _series(lambda ds, at, rng: setattr(ds, "PixelData", bytes(len(ds.PixelData)))), "constant-image"),
    ("computed tomography", _series(all_("Modality", "CT")), "not-mr"),
    ("damaged JPEG 2000", _series(_compressed(JPEG2000Lossless, b"")), "pixel-data"),
    ("damaged JPEG-LS", _series(_compressed(JPEGLSLossless, b"")), "pixel-data"),
    ("damaged RLE", _series(_compressed(RLELossless, b"")), "pixel-data"),
    ("lossless JPEG", _series(_compressed(JPEGLosslessSV1, b"")), "no-decoder"),
    ("half the frames of an enhanced object", _enhanced(_drop_frames), "pixel-data"),
    ("an empty file", _files(_write(lambda content, rng: b"")), "file-empty"),
    ("a web page", _files(_write(lambda content, rng: b"<html>404</html>")), "dicom-unreadable"),
    ("random bytes", _files(_write(lambda content, rng: rng.bytes(3000))), "dicom-unreadable"),
    ("a header cut", _files(_write(lambda content, rng: content[: int(rng.integers(1, 400))])), "dicom-unreadable"),
    ("a report instead of images", _series(_report), "not-one-volume"),
)

MALFORMED_DICOM: tuple[Malformed, ...] = (
    *(Malformed(f"DICOM: {name}", code, make, read, is_geometry=True) for name, make, code in _GEOMETRY),
    *(Malformed(f"DICOM: {name}", code, make, read) for name, make, code in _CONTENT),
)
