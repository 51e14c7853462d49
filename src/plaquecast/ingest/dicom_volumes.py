"""Parsing, splitting and stacking of DICOM files, as it runs in the bounded child process of `dicom`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.dataset import Finding, Severity
from plaquecast.domain.grid import Grid
from plaquecast.domain.volume import Volume
from plaquecast.errors import InputError
from plaquecast.ingest.dataset_tables import finding_of
from plaquecast.ingest.dicom_frames import Frame, frames_of, is_image, name_of_uid, parse_dicom
from plaquecast.ingest.dicom_stack import split_frames, stack
from plaquecast.ingest.dicom_tags import SeriesTags, shown, tags_of
from plaquecast.ingest.door import open_whole
from plaquecast.settings import IngestSettings

_OTHER_SERIES = "Leave this series out, or send it again."


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


def read_files_here(files: Sequence[tuple[Path, str]], settings: IngestSettings) -> DicomContent:
    """Read all volumes of the given files, each with the name to use in messages."""
    frames: list[Frame] = []
    findings: list[Finding] = []
    passed_over: Counter[str] = Counter()
    for path, name in files:
        try:
            dataset = parse_dicom(open_whole(path, settings.max_file_bytes, name))
            if is_image(dataset):
                frames += frames_of(dataset, name)
            else:
                passed_over[name_of_uid(dataset.get("SOPClassUID"), "unknown kind")] += 1
        except InputError as problem:
            findings.append(finding_of(problem, Severity.REFUSED))
    series = []
    for group in split_frames(frames):
        try:
            series.append(_series(group))
        except InputError as problem:
            findings.append(finding_of(problem, Severity.REFUSED))
    return DicomContent(tuple(series), tuple(findings), passed_over)


def _series(frames: Sequence[Frame]) -> Series:
    tags = tags_of(frames[0])
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


def _refused(where: str, expected: str, found: str, remedy: str, code: str) -> InputError:
    return InputError(expected=expected, found=found, where=where, remedy=remedy, code=code)
