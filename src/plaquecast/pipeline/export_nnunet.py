"""Annotated visits as a raw nnU-Net dataset (version 2), so that the strongest outsider learns on the same split."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from plaquecast.domain.anatomy import NOT_ANNOTATED, Side, Tissue, Weighting
from plaquecast.errors import InputError
from plaquecast.ingest.dataset import read_dataset
from plaquecast.pipeline.executor import run_cases
from plaquecast.pipeline.progress import Listener, Progress
from plaquecast.pipeline.train_segmenter import AnnotatedVisit, align_one, annotated_visits
from plaquecast.segment.regions import CHANNELS, TrainingCase, corner_of
from plaquecast.segment.training import split_patients
from plaquecast.settings import Settings
from plaquecast.store.atomic import write_json
from plaquecast.store.run_folder import refuse_used_folder
from plaquecast.store.spatial import write_nifti

IGNORED = len(Tissue)
"""nnU-Net's `ignore` label, which must be the highest: nobody annotated this voxel."""


@dataclass(frozen=True, slots=True, eq=False)
class _Export:
    visit: AnnotatedVisit
    channels: tuple[Weighting, ...]
    out: Path


@dataclass(frozen=True, slots=True)
class ExportedDataset:
    """What was written: cases to learn from and to validate on, channels, and weightings that some visit lacks."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    channels: tuple[Weighting, ...]
    left_out: tuple[Weighting, ...]


def export_nnunet(dataset: Path, annotations: str, out: Path, settings: Settings, listen: Listener) -> ExportedDataset:
    """Align every annotated visit and write it below `out`, with the split that `train-segmenter` uses as fold 0.

    nnU-Net wants the same channels in every case, so only weightings that all annotated visits have are written.

    Raises:
        InputError: if nobody is annotated, no weighting that shows the wall is in every visit, `out` has something in
            it, or an image or annotation cannot be read.
    """
    refuse_used_folder(out, "the exported dataset")
    found = read_dataset(dataset)
    wanted = annotated_visits(found, annotations, "both", settings)
    channels, left_out = _channels(wanted)
    cases = [_Export(each, channels, out) for each in wanted]
    written: list[str] = []
    for outcome in run_cases(_write_case, cases, [_name(each) for each in wanted], settings.run):
        if outcome.error is not None:
            raise outcome.error
        written.append(outcome.case)
        listen(Progress("exported visits", len(written), len(wanted), outcome.case))
    _, held_out = split_patients([each.patient.patient_id for each in wanted])
    validation = tuple(_name(each) for each in wanted if each.patient.patient_id in held_out)
    train = tuple(_name(each) for each in wanted if each.patient.patient_id not in held_out)
    write_json(out / "splits_final.json", [{"train": train, "val": validation}])
    labels = {"background": 0} | {tissue.label: int(tissue) for tissue in Tissue if tissue} | {"ignore": IGNORED}
    write_json(
        out / "dataset.json",
        {
            "channel_names": {str(index): weighting.value for index, weighting in enumerate(channels)},
            "labels": labels,
            "numTraining": len(written),
            "file_ending": ".nii.gz",
            "description": f"{'simulated' if found.simulated else 'annotated'} carotid visits of {found.root.name}",
        },
    )
    return ExportedDataset(train, validation, channels, left_out)


def _channels(wanted: Sequence[AnnotatedVisit]) -> tuple[tuple[Weighting, ...], tuple[Weighting, ...]]:
    """Weightings that every visit has, and those that only some have, in the order of the networks' channels."""
    have = [set(each.visit.images) for each in wanted]
    shared, some = set.intersection(*have), set.union(*have)
    if not any(weighting.shows_wall for weighting in shared):
        raise InputError(
            expected="a weighting that shows the wall in every annotated visit", found="none",
            where="the annotated visits", remedy="Leave out the visits that lack it.", code="no-shared-weighting",
        )  # fmt: skip
    channels = tuple(weighting for weighting in CHANNELS if weighting in shared)
    return channels, tuple(weighting for weighting in CHANNELS if weighting in some - shared)


def _name(each: AnnotatedVisit) -> str:
    return f"{each.patient.patient_id}_{each.visit.session_id}"


def _write_case(case: _Export) -> None:
    found, name = align_one(case.visit), _name(case.visit)
    for index, weighting in enumerate(case.channels):
        volume = found.visit.volumes.get(weighting)
        if volume is None:
            raise InputError(
                expected=f"{weighting.value} aligned with {found.visit.reference.value}", found="it failed the gate",
                where=name, remedy="Leave this visit out, or align it by hand.", code="not-aligned",
            )  # fmt: skip
        write_nifti(case.out / "imagesTr" / f"{name}_{index:04d}.nii.gz", volume.grid, volume.array)
    write_nifti(case.out / "labelsTr" / f"{name}.nii.gz", found.visit.grid, labels_of(found))


def labels_of(case: TrainingCase) -> NDArray[np.uint8]:
    """Tissue per voxel of a visit's whole grid, uint8 (slices, rows, columns), `IGNORED` where nobody annotated.

    With one side annotated only, all beyond its crop is ignored: the other artery is not background.
    """
    grid = case.visit.grid
    whole = all(side in case.annotations for side in Side)
    labels = np.full(grid.shape, Tissue.BACKGROUND if whole else IGNORED, dtype=np.uint8)
    for annotation in case.annotations.values():
        own = np.where(annotation.labels.array == NOT_ANNOTATED, IGNORED, annotation.labels.array).astype(np.uint8)
        own[~annotation.covered] = IGNORED
        corner = corner_of(annotation, grid)
        box = tuple(slice(first, first + size) for first, size in zip(corner, own.shape, strict=True))
        labels[box] = np.where(own == Tissue.BACKGROUND, labels[box] if whole else own, own)
    return labels
