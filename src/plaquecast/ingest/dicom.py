"""DICOM files as volumes with their tags: each series is split by rule, whole and unambiguous, or refused in words."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.dataset import Severity
from plaquecast.domain.volume import Volume
from plaquecast.errors import InputError
from plaquecast.ingest.dataset_tables import finding_of
from plaquecast.ingest.dicom_tags import SeriesTags, shown
from plaquecast.ingest.dicom_volumes import DicomContent, read_files_here
from plaquecast.ingest.door import files_below
from plaquecast.ingest.reader_process import READER
from plaquecast.settings import IngestSettings

_SECONDS_PER_FILE = 0.5
"""A slice takes milliseconds, a compressed one of 512 x 512 some 30 ms."""


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
    """Read all volumes of the given files, each with the name to use in messages, in a bounded child process.

    Should the child die of the files as a whole, each is tried alone, and those it dies of are refused.
    """
    try:
        return _read(files, settings)
    except InputError as problem:
        if problem.code != "reader-ended":
            raise
    sound, findings = [], []
    for path, name in files:
        try:
            _read([(path, name)], settings)
            sound.append((path, name))
        except InputError as problem:
            findings.append(replace(finding_of(problem, Severity.REFUSED), where=name))
    content = _read(sound, settings)
    return replace(content, findings=(*findings, *content.findings))


def _read(files: Sequence[tuple[Path, str]], settings: IngestSettings) -> DicomContent:
    seconds = _SECONDS_PER_FILE * len(files)
    return READER.call(read_files_here, files, settings, memory_bytes=settings.max_reader_bytes, seconds=seconds)
