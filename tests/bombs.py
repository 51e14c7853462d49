"""Files that are small and would become huge, deep or endless where they are trusted."""

import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEG2000Lossless, RLELossless
from tests.dicom_files import datasets_of, enhanced_dataset, pattern, write_series
from tests.malformed_dicom import read as read_dicom
from tests.malformed_nifti import image
from tests.malformed_nifti import read as read_nifti

from plaquecast.ingest.archive import unpack
from plaquecast.ingest.clinical_table import read_clinical_table
from plaquecast.ingest.door import read_json_object
from plaquecast.settings import IngestSettings

GB = 10**9


@dataclass(frozen=True, slots=True)
class Bomb:
    """How it is made and what it is given to."""

    name: str
    make: Callable[[Path], Path]
    read: Callable[[Path], object]


def _zeros(n_bytes: int) -> bytes:
    """So many zeros, gzipped in pieces without holding them."""
    stream = io.BytesIO()
    with gzip.GzipFile(fileobj=stream, mode="wb", compresslevel=1) as packed:
        for _ in range(n_bytes // 10**7):
            packed.write(bytes(10**7))
    return stream.getvalue()


_ZEROS = _zeros(GB)
_CLEAN = image(np.random.default_rng(0)).to_bytes()


def _file(name: str, content: Callable[[], bytes]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content())
        return path

    return make


def _with_dim(*dim: int) -> Callable[[], bytes]:
    def content() -> bytes:
        raw = bytearray(_CLEAN)
        raw[40:56] = np.array([3, *dim, 1, 1, 1, 1], dtype="<i2").tobytes()
        return gzip.compress(bytes(raw))

    return content


def _zip(members: int, n_bytes: int) -> Callable[[], bytes]:
    def content() -> bytes:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for number in range(members):
                with archive.open(f"{number}", "w", force_zip64=True) as member:
                    for _ in range(n_bytes // 10**7):
                        member.write(bytes(10**7))
        return stream.getvalue()

    return content


def _many_files(n_files: int) -> Callable[[], bytes]:
    def content() -> bytes:
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=1) as archive:
            for number in range(n_files):
                archive.addfile(tarfile.TarInfo(f"{number}"), None)
        return stream.getvalue()

    return content


def _tar(n_bytes: int) -> Callable[[], bytes]:
    def content() -> bytes:
        header = tarfile.TarInfo("big")
        header.size = n_bytes
        return gzip.compress(header.tobuf(), 1) + _zeros(n_bytes)

    return content


def _dicom(change: Callable[[Dataset], None]) -> Callable[[Path], Path]:
    """Three slices, each of them changed."""

    def make(folder: Path) -> Path:
        return write_series(_new(folder), pattern((3, 8, 8)), change=lambda dataset, _: change(dataset))

    return make


def _new(folder: Path) -> Path:
    return folder / f"series{sum(1 for _ in folder.iterdir())}"


def _raw_dicom(tail: bytes) -> Callable[[Path], Path]:
    """Three slices that begin soundly and end in raw bytes instead of pixels."""

    def make(folder: Path) -> Path:
        series = write_series(_new(folder), pattern((3, 8, 8)), change=lambda ds, _: delattr(ds, "PixelData"))
        for path in series.iterdir():
            path.write_bytes(path.read_bytes() + tail)
        return series

    return make


def _deflated(folder: Path) -> Path:
    dataset = datasets_of(pattern((1, 8, 8)))[0]
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    content = stream.getvalue()
    packer = zlib.compressobj(1, zlib.DEFLATED, -15)
    body = b"".join([*(packer.compress(bytes(10**7)) for _ in range(100)), packer.flush()])
    path = folder / "object.dcm"
    path.write_bytes(content[: content.index(b"\x02\x00\x13\x00")] + body)
    return path


def _nested(depth: int) -> Callable[[Path], Path]:
    item = b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    sequence = b"\x08\x00\x15\x11SQ\0\0\xff\xff\xff\xff"
    return _raw_dicom((sequence + item) * depth)


def _compressed(syntax: str, stream: bytes, side: int) -> Callable[[Path], Path]:
    def change(dataset: Dataset) -> None:
        dataset.Rows = dataset.Columns = side
        dataset.PixelData = encapsulate([stream])
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
        dataset.file_meta.TransferSyntaxUID = syntax  # type: ignore[attr-defined]

    return _dicom(change)


def _frames(dataset: Dataset) -> None:
    dataset.NumberOfFrames = 2_000_000_000


def _many_frames(folder: Path) -> Path:
    dataset = enhanced_dataset(pattern((4, 8, 8)))
    frame = dataset.PerFrameFunctionalGroupsSequence[0]
    dataset.PerFrameFunctionalGroupsSequence = Sequence([frame] * 3000)
    dataset.NumberOfFrames = 3000
    path = folder / "object.dcm"
    dataset.save_as(path, enforce_file_format=True)
    return path


def _sides(rows: int, columns: int) -> Callable[[Dataset], None]:
    def change(dataset: Dataset) -> None:
        dataset.Rows, dataset.Columns = rows, columns

    return change


def _unpack(path: Path) -> object:
    folder = path.parent / f"{path.name}-unpacked"
    folder.mkdir()
    return unpack(path, folder, IngestSettings())


_RLE_HEADER = np.array([1, 64] + [0] * 14, dtype="<u4").tobytes()

BOMBS = (
    Bomb("1 GB behind a small header", _file("a.nii.gz", lambda: gzip.compress(_CLEAN)[:-8] + _ZEROS), read_nifti),
    Bomb("gzip of 1 GB of zeros", _file("b.nii.gz", lambda: _ZEROS), read_nifti),
    Bomb("gzip member after member", _file("c.nii.gz", lambda: gzip.compress(_CLEAN) + _ZEROS), read_nifti),
    Bomb("30000 cubed", _file("d.nii.gz", _with_dim(30000, 30000, 30000)), read_nifti),
    Bomb("900 cubed of nothing", _file("e.nii.gz", _with_dim(900, 900, 900)), read_nifti),
    Bomb("32767 slices", _file("f.nii.gz", _with_dim(500, 50, 32767)), read_nifti),
    Bomb("ZIP of 1 GB", _file("a.zip", _zip(1, GB)), _unpack),
    Bomb("ZIP of 20 times 100 MB", _file("b.zip", _zip(20, GB // 10)), _unpack),
    Bomb("TAR of 1 GB", _file("a.tar.gz", _tar(GB)), _unpack),
    Bomb("TAR of 60,000 files", _file("b.tar.gz", _many_files(60_000)), _unpack),
    Bomb("ZIP as a table", _file("a.xlsx", _zip(1, GB)), read_clinical_table),
    Bomb("a table of one endless line", _file("a.csv", lambda: b"a," * 20_000_000), read_clinical_table),
    Bomb("a table of a million columns", _file("b.csv", lambda: b"a," * 1_000_000 + b"\n1\n"), read_clinical_table),
    Bomb("a cell of 50 MB", _file("c.csv", lambda: b"a\n" + b"x" * 50_000_000), read_clinical_table),
    Bomb("JSON nested 100,000 deep", _file("a.json", lambda: b"[" * 100_000), read_json_object),
    Bomb("JSON of 200 MB", _file("b.json", lambda: b" " * 200_000_000), read_json_object),
    Bomb("DICOM element of 4 GB", _raw_dicom(b"\x10\x21\x00\x20LT\0\0\xfe\xff\xff\xff"), read_dicom),
    Bomb("DICOM pixels of 4 GB", _raw_dicom(b"\xe0\x7f\x10\x00OW\0\0\xfe\xff\xff\xff" + bytes(100)), read_dicom),
    Bomb("DICOM sequences 400 deep", _nested(400), read_dicom),
    Bomb("DICOM sequences 20,000 deep", _nested(20_000), read_dicom),
    Bomb("DICOM deflated from 1 GB", _deflated, read_dicom),
    Bomb("DICOM of 2,000,000,000 frames", _dicom(_frames), read_dicom),
    Bomb("DICOM of 3000 frames in the space of 4", _many_frames, read_dicom),
    Bomb("DICOM of 65535 x 65535", _dicom(_sides(65535, 65535)), read_dicom),
    Bomb("RLE of 65535 x 65535", _compressed(RLELossless, _RLE_HEADER + b"\x81\0" * 1000, 65535), read_dicom),
    Bomb("JPEG 2000 of 65535 x 65535", _compressed(JPEG2000Lossless, bytes(1000), 65535), read_dicom),
)  # fmt: skip
