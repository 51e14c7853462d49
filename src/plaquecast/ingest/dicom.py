"""DICOM files as volumes with their tags: each series is split by rule, whole and unambiguous, or refused in words."""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.dataset import Finding, Severity
from plaquecast.domain.grid import Grid
from plaquecast.domain.missing import Measured, Missing, Reason
from plaquecast.domain.volume import Volume
from plaquecast.errors import InputError
from plaquecast.ingest.dataset_tables import finding_of
from plaquecast.ingest.dicom_frames import Frame, frames_of, is_image, parse_dicom
from plaquecast.ingest.dicom_stack import component, split_frames, stack
from plaquecast.ingest.door import files_below, open_whole
from plaquecast.ingest.table_dates import read_date
from plaquecast.settings import IngestSettings

_ABSENT = Missing(Reason.ABSENT)
_IDENTITY = ("PatientID", "PatientName", "PatientBirthDate")
_DATES = ("AcquisitionDate", "AcquisitionDateTime", "SeriesDate", "StudyDate")


@dataclass(frozen=True, slots=True)
class SeriesTags:
    """What the header says of how and when a volume was acquired.

    Times in ms, angle in degrees, field in tesla. `sequence` holds scanning sequence and variant (SE, GR, IR, ...),
    `component` M, P, R or I (magnitude, phase, real, imaginary). Texts are empty where the header has none.
    `identity` is equal for equal patient ID, name and birth date, to tell people apart; it is never written.
    """

    identity: str
    number: str
    modality: str
    manufacturer: str
    description: str
    sequence: tuple[str, ...]
    options: tuple[str, ...]
    image_type: tuple[str, ...]
    component: str
    acquisition: str
    contrast_agent: bool
    diffusion: bool
    echo_time_ms: Measured
    repetition_time_ms: Measured
    inversion_time_ms: Measured
    flip_angle_degrees: Measured
    field_tesla: Measured
    acquired: date | Missing
    lossy: bool
    burned_in: bool


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One volume as it was found: which weighting it is remains to be said."""

    tags: SeriesTags
    grid: Grid
    array: NDArray[np.float32]

    def as_volume(self, weighting: Weighting) -> Volume:
        """The volume, now that its weighting is known."""
        return Volume(self.grid, self.array, weighting)


@dataclass(frozen=True, slots=True, eq=False)
class DicomContent:
    """All volumes of some files, every finding about the rest, and how many files of other kinds were passed over."""

    series: tuple[Series, ...]
    findings: tuple[Finding, ...]
    passed_over: Mapping[str, int]


def read_series(folder: Path, weighting: Weighting, settings: IngestSettings) -> tuple[Volume, SeriesTags]:
    """Read a folder that holds one volume, and nothing that cannot be read.

    Args:
        folder: a folder of DICOM files of any names, or one file.
        weighting: what the volume is.
        settings: the largest file and image.

    Raises:
        InputError: if there is no volume or more than one, or any image in the folder is refused.
    """
    content = read_folder(folder, settings)
    for finding in content.findings:
        if finding.severity is Severity.REFUSED:
            raise InputError(
                expected=finding.expected,
                found=finding.found,
                where=f"{finding.where} of {folder.name}",
                remedy=finding.remedy,
                code=finding.code,
            )
    if len(content.series) != 1:
        raise InputError(
            expected="one volume",
            found="; ".join(shown(series.tags) for series in content.series) or "no MR image",
            where=folder.name,
            remedy="Give the folder of one series, or import the study with `plaquecast import`.",
            code="not-one-volume",
        )
    (series,) = content.series
    return series.as_volume(weighting), series.tags


def read_folder(folder: Path, settings: IngestSettings) -> DicomContent:
    """Read all volumes of a folder and its subfolders; what is refused stands in the findings."""
    return read_files([(path, path.name) for path in files_below(folder)], settings)


def read_files(files: Sequence[tuple[Path, str]], settings: IngestSettings) -> DicomContent:
    """Read all volumes of the given files, each with the name to use in messages."""
    frames: list[Frame] = []
    findings: list[Finding] = []
    passed_over: Counter[str] = Counter()
    left_bytes = settings.max_image_bytes
    for path, name in files:
        try:
            dataset = _parsed(path, name, min(settings.max_file_bytes, left_bytes))
            left_bytes -= len(dataset.get("PixelData", b""))
            kind = dataset.get("SOPClassUID")
            if is_image(dataset):
                frames += frames_of(dataset, name)
            else:
                passed_over[getattr(kind, "name", "unknown kind")] += 1
        except InputError as problem:
            findings.append(finding_of(problem, Severity.REFUSED))
    series = []
    for group in split_frames(frames):
        try:
            series.append(_series(group))
        except InputError as problem:
            findings.append(finding_of(problem, Severity.REFUSED))
    return DicomContent(tuple(series), tuple(findings), passed_over)


def shown(tags: SeriesTags) -> str:
    """A series in a few words that name nobody.

    >>> from dataclasses import fields
    >>> tags = SeriesTags(**{field.name: "" for field in fields(SeriesTags)} | {"number": "3", "echo_time_ms": 11.0})
    >>> shown(tags)
    'series 3 (TE 11 ms)'
    """
    echo = "" if isinstance(tags.echo_time_ms, Missing) else f" (TE {tags.echo_time_ms:g} ms)"
    return f"series {tags.number}{echo}"


def _parsed(path: Path, name: str, max_bytes: int) -> Dataset:
    return parse_dicom(open_whole(path, max_bytes, name))


def _series(frames: Sequence[Frame]) -> Series:
    tags = _tags(frames[0])
    where = shown(tags)
    try:
        grid, array = stack(frames)
        if tags.modality != "MR":
            raise _refused(where, "magnetic resonance images", f"modality {tags.modality!r}", _OTHER_SERIES, "not-mr")
        if array.min() == array.max():
            raise _refused(where, "an image", f"{array.min():g} in every voxel", _OTHER_SERIES, "constant-image")
    except InputError as problem:
        place = problem.where if problem.where == where else f"{problem.where} of {where}"
        raise _refused(place, problem.expected, problem.found, problem.remedy, problem.code) from problem
    return Series(tags, grid, array)


_OTHER_SERIES = "Leave this series out, or send it again."


def _tags(frame: Frame) -> SeriesTags:
    return SeriesTags(
        identity=hashlib.sha256("\n".join(frame.text(name) for name in _IDENTITY).encode()).hexdigest(),
        number=frame.text("SeriesNumber") or "without a number",
        modality=frame.text("Modality"),
        manufacturer=frame.text("Manufacturer"),
        description=" ".join(dict.fromkeys(_words(frame, "SeriesDescription", "ProtocolName"))),
        sequence=_words(frame, *_SEQUENCE_KEYWORDS),
        options=_words(frame, *_OPTION_KEYWORDS),
        image_type=_words(frame, "FrameType") or _words(frame, "ImageType"),
        component=component(frame),
        acquisition=frame.text("MRAcquisitionType"),
        contrast_agent=_has_contrast_agent(frame),
        diffusion=(frame.number("DiffusionBValue") or 0.0) > 0 or "DIFFUSION" in frame.text("ImageType"),
        echo_time_ms=_measured(frame, "EffectiveEchoTime", "EchoTime"),
        repetition_time_ms=_measured(frame, "RepetitionTime"),
        inversion_time_ms=_measured(frame, "InversionTime", "InversionTimes"),
        flip_angle_degrees=_measured(frame, "FlipAngle"),
        field_tesla=_measured(frame, "MagneticFieldStrength"),
        acquired=_acquired(frame),
        lossy=frame.text("LossyImageCompression") == "01",
        burned_in=frame.text("BurnedInAnnotation") == "YES",
    )


_SEQUENCE_KEYWORDS = ("ScanningSequence", "SequenceVariant", "SequenceName", "PulseSequenceName", "EchoPulseSequence")
_OPTION_KEYWORDS = ("ScanOptions", "SpectrallySelectedSuppression", "AcquisitionContrast", "InversionRecovery")


def _words(frame: Frame, *keywords: str) -> tuple[str, ...]:
    return tuple(word for keyword in keywords for word in frame.text(keyword).split("\\") if word)


def _measured(frame: Frame, *keywords: str) -> Measured:
    number = frame.number(*keywords)
    return _ABSENT if number is None else number


def _has_contrast_agent(frame: Frame) -> bool:
    agent = frame.text("ContrastBolusAgent", "ContrastBolusIngredient").strip().casefold()
    return agent not in ("", "no", "none", "n") or frame.get("ContrastBolusAgentSequence") is not None


def _acquired(frame: Frame) -> date | Missing:
    """The day of the scan: the first usable date from the acquisition outwards, or what stands in its place."""
    texts = [text for text in (frame.text(keyword) for keyword in _DATES) if text]
    for text in texts:
        day = read_date(text[:8], "%Y%m%d") if re.match(r"\d{8}", text) else _ABSENT
        if not isinstance(day, Missing):
            return day
    shown_text = "" if not texts or re.search(r"\w", texts[0]) else f", only {texts[0][:20]!r}"  # words may be a name
    return Missing(Reason.ABSENT, f"no usable date in the images{shown_text}")


def _refused(where: str, expected: str, found: str, remedy: str, code: str) -> InputError:
    return InputError(expected=expected, found=found, where=where, remedy=remedy, code=code)
