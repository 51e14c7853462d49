"""The main path of training a segmenter: annotated visits are read, aligned and learned from."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import plaquecast
from plaquecast.domain.anatomy import Side
from plaquecast.domain.dataset import Dataset, PatientSource, VisitSource
from plaquecast.domain.examined import ExaminedVisit
from plaquecast.domain.missing import Missing
from plaquecast.domain.protocols import Segmenter
from plaquecast.domain.volume import ArterySegmentation
from plaquecast.errors import InputError
from plaquecast.ingest.annotations import annotation_path, read_annotations
from plaquecast.ingest.dataset import read_dataset, read_visit
from plaquecast.pipeline.executor import run_cases
from plaquecast.pipeline.progress import Listener, Progress
from plaquecast.register.contrasts import align_visit
from plaquecast.report.segmenter import ComparedArtery, segmenter_report
from plaquecast.segment.architectures import build_tissue_network
from plaquecast.segment.folds import open_model, train_folds
from plaquecast.segment.overlap import dice_by_tissue
from plaquecast.segment.regions import TrainingCase
from plaquecast.segment.team import is_first, joined
from plaquecast.segment.training import end_training, train_segmenter
from plaquecast.segment.weights import CARD_FILE
from plaquecast.settings import Settings
from plaquecast.store.atomic import sha256_of_bytes, sha256_of_file, write_json, write_text
from plaquecast.store.model_files import write_model_manifest

VISITS = ("baseline", "follow-up", "both")


@dataclass(frozen=True, slots=True, eq=False)
class AnnotatedVisit:
    """An annotated visit to read and align; small enough to be sent to another process."""

    root: Path
    annotations: str
    patient: PatientSource
    visit: VisitSource
    settings: Settings


def train_segmenter_on(
    dataset: Path,
    annotations: str,
    visits: str,
    out: Path,
    settings: Settings,
    listen: Listener,
    folds: int = 0,
    start: Path | None = None,
) -> dict[str, Any]:
    """Train on the annotated visits of a dataset and save the model with its card; give the facts of the card.

    With `start`, training goes on from the model in that folder. With `folds`, so many members are trained, each
    without one part of the patients. Run again on an unfinished folder, it goes on after the last finished epoch.
    Processes that torchrun started train together; the first writes.

    Raises:
        InputError: if `visits` is not a known choice, nobody is annotated, or there cannot be so many folds.
        ModelError: if the network learned nothing.
    """
    if visits not in VISITS:
        raise InputError(
            expected=f"one of {', '.join(VISITS)}", found=visits, where="--visits", remedy="Choose one of these.",
            code="unknown-visits",
        )  # fmt: skip
    with joined():
        return _train(dataset, annotations, visits, out, settings, listen, folds, start)


def _train(
    dataset: Path,
    annotations: str,
    visits: str,
    out: Path,
    settings: Settings,
    listen: Listener,
    folds: int,
    start: Path | None,
) -> dict[str, Any]:
    build_tissue_network(settings.segment.network, settings.segment.base_channels)  # refused now, not after reading
    found = read_dataset(dataset)
    wanted = annotated_visits(found, annotations, visits, settings)
    cases = align_annotated(wanted, settings, listen)
    origin = "simulated patients" if found.simulated else f"patients annotated by {annotations}"

    def tell(stage: str, done: int, total: int, note: str) -> None:
        listen(Progress(stage, done, total, note))

    if folds:
        card = train_folds(cases, settings.segment, out, folds, tell, origin, start)
    else:
        card = train_segmenter(cases, settings.segment, out, tell, origin, True, start)
    facts = ("model_id", "n_train", "validation_patients")
    if not is_first():
        return {name: card[name] for name in facts}
    network = open_model(out)
    validated = validate(network, [case for case in cases if case.visit.patient_id in card["validation_patients"]])
    card |= {
        "version": plaquecast.__version__,
        "purpose": "research use only",
        "annotations": annotations,
        "visits": visits,
        "data_sha256": _data_hash(wanted),
        "settings": asdict(settings.segment),
        "validation_dice": mean_dice(validated),
    }
    write_text(out / "training.html", segmenter_report(card, worst_arteries(validated), found.simulated))
    write_json(out / CARD_FILE, card)
    model_hash = write_model_manifest(out)
    end_training(out)
    return {name: card[name] for name in (*facts, "validation_dice")} | {"model_sha256": model_hash}


def annotated_visits(dataset: Dataset, annotations: str, visits: str, settings: Settings) -> list[AnnotatedVisit]:
    """The chosen visits of everybody who can be used (the first, the later ones, or all) that have a label map.

    Raises:
        InputError: if none has.
    """
    chosen = {"baseline": slice(0, 1), "follow-up": slice(1, None), "both": slice(None)}[visits]
    folder = dataset.root / "derivatives" / annotations
    annotated = [
        AnnotatedVisit(dataset.root, annotations, patient, visit, settings)
        for patient in dataset.patients
        for visit in patient.visits[chosen]
        if any(annotation_path(folder, patient.patient_id, visit.session_id, s, "dseg").is_file() for s in Side)
    ]
    if not annotated:
        name = annotation_path(Path(), "ID", "VISIT", Side.LEFT, "dseg")
        raise InputError(
            expected=f"at least one annotated visit, with a label map such as {name}",
            found="none", where=f"derivatives/{annotations}",
            remedy="Check --annotations: it names a folder in the dataset's derivatives.", code="no-annotations",
        )  # fmt: skip
    return annotated


def align_annotated(wanted: Sequence[AnnotatedVisit], settings: Settings, listen: Listener) -> list[TrainingCase]:
    """Read and align every annotated visit; one that cannot be used stops the training, for its data are named.

    Raises:
        InputError: if an image or annotation cannot be read.
    """
    names = [f"{each.patient.patient_id} {each.visit.session_id}" for each in wanted]
    cases = []
    for outcome in run_cases(align_one, wanted, names, settings.run):
        if outcome.error is not None:
            raise outcome.error
        if outcome.result is not None:
            cases.append(outcome.result)
        listen(Progress("aligned visits", len(cases), len(wanted), outcome.case))
    return sorted(cases, key=lambda case: (case.visit.patient_id, case.visit.session_id))


def align_one(each: AnnotatedVisit) -> TrainingCase:
    """Read an annotated visit and its annotations, and align its weightings.

    Raises:
        InputError: if an image or annotation cannot be read.
    """
    visit = read_visit(each.patient, each.visit, each.settings.ingest)
    aligned = align_visit(visit, each.settings.register)
    annotations = read_annotations(each.root, each.annotations, aligned, each.settings.ingest)
    return TrainingCase(aligned, annotations)


@dataclass(frozen=True, slots=True, eq=False)
class ValidatedArtery:
    """An annotated artery that the network never learned from: what it found there, and its Dice by structure."""

    case: TrainingCase
    side: Side
    found: ArterySegmentation | Missing
    dice: Mapping[str, float]


def validate(segmenter: Segmenter, cases: Sequence[TrainingCase]) -> list[ValidatedArtery]:
    """Segment every annotated artery of these visits; one that was not found has a Dice of 0."""
    validated = []
    for case in cases:
        found = segmenter.segment(case.visit)
        for side, truth in case.annotations.items():
            artery = found[side]
            dice = dice_by_tissue(truth, None if isinstance(artery, Missing) else artery)
            validated.append(ValidatedArtery(case, side, artery, dice))
    return validated


def mean_dice(validated: Sequence[ValidatedArtery]) -> dict[str, float]:
    """Mean Dice of each structure over the arteries that have it."""
    scores: defaultdict[str, list[float]] = defaultdict(list)
    for artery in validated:
        for name, value in artery.dice.items():
            scores[name].append(value)
    return {name: float(np.mean(values)) for name, values in scores.items()}


def worst_arteries(validated: Sequence[ValidatedArtery], count: int = 3) -> list[ComparedArtery]:
    """The arteries with the least Dice of the wall ring, worst first, for the eyes of whoever trained."""
    ranked = sorted((artery for artery in validated if "wall" in artery.dice), key=lambda artery: artery.dice["wall"])
    return [
        ComparedArtery(
            f"{each.case.visit.patient_id} {each.case.visit.session_id}, {each.side.value}, wall Dice"
            f" {each.dice['wall']:.2f}",
            each.side,
            ExaminedVisit(each.case.visit, {each.side: each.found}, {}),
            ExaminedVisit(each.case.visit, {each.side: each.case.annotations[each.side]}, {}),
        )
        for each in ranked[:count]
    ]


def _data_hash(wanted: Sequence[AnnotatedVisit]) -> str:
    files = [path for each in wanted for path in each.visit.images.values()]
    return sha256_of_bytes("".join(sha256_of_file(path) for path in sorted(files)).encode("utf-8"))
