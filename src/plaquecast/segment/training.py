"""Training of a segmenter: who is learned from, the localizer, then the tissue network; it goes on where it stopped."""

import copy
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from plaquecast.errors import InputError
from plaquecast.segment import team
from plaquecast.segment.finishing import finish
from plaquecast.segment.localizer_training import Report, train_localizer
from plaquecast.segment.regions import CHANNELS, TrainingCase
from plaquecast.segment.samples import TissueSamples
from plaquecast.segment.tissue_training import TissueTraining
from plaquecast.segment.unet import HeatNetwork
from plaquecast.segment.weights import load_checkpoint, read_segmenter, save_checkpoint, save_segmenter
from plaquecast.settings import SegmentSettings

HEAT_SHARE_OF_TIME = 0.12
"""Share of the time given to the localizer."""
VALIDATION_SHARE = 0.2
CHECKPOINT_FILE = ".checkpoint.pt"
INHERITED = ("network", "base_channels", "pixel_mm", "region_pixels")
"""Settings that a model hands down to whatever goes on from it."""


def is_validation(patient_id: str, share: float = VALIDATION_SHARE) -> bool:
    """Whether a patient is kept for validation; decided by a hash of the code, so it never changes.

    >>> [is_validation(f"sim{number:04d}") for number in (1, 2, 3)]
    [True, True, False]
    """
    digest = hashlib.sha256(patient_id.encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32 < share


def split_patients(patients: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Patients to learn from and patients to validate on, by hash; one patient alone is learned from.

    Of two or more there is at least one of each kind, and at most a quarter are validated on.

    >>> split_patients(["sim0002", "sim0001", "sim0003"])
    (('sim0002', 'sim0003'), ('sim0001',))
    """
    ranked = sorted(set(patients), key=lambda patient: hashlib.sha256(patient.encode()).digest())
    n_validation = sum(is_validation(patient) for patient in ranked)
    n_validation = min(max(n_validation, 1), max(1, len(ranked) // 4)) if len(ranked) > 1 else 0
    return tuple(sorted(ranked[n_validation:])), tuple(sorted(ranked[:n_validation]))


def train_segmenter(
    cases: Sequence[TrainingCase],
    settings: SegmentSettings,
    out: Path,
    report: Report | None = None,
    origin: str = "annotated visits",
    keep_checkpoint: bool = False,
    start: Path | None = None,
) -> dict[str, Any]:
    """Train localizer and tissue network on annotated, aligned visits, save them in the folder `out`; give the card.

    With `start`, the folder of a trained model, training goes on from its weights, with its network and regions, and
    the mean of the weights before and after is kept: it knows the new patients and has not forgotten the old ones
    (Wortsman 2022, "Robust fine-tuning of zero-shot models"). The card names the model and counts its patients too.

    `origin` says in a few words where the annotated visits come from; it stands in the card and in every methods text.
    Patients kept for validation are never learned from. Training stops after the settings' epochs or time; where it
    was broken off, the same call goes on after its last whole epoch. Processes that torchrun started share every batch;
    the first one writes. With `keep_checkpoint` the same call gives the same model at once, until `end_training`: for
    whoever has still to write beside it.

    Raises:
        InputError: if no slice is annotated, or several processes are to train a Mask R-CNN.
        ModelError: if the network does not even find the lumen in slices it has learned, or `start` holds no model.
    """
    parent, parent_card = read_segmenter(start) if start else (None, {})
    settings = replace(settings, **{name: parent_card[name] for name in INHERITED if name in parent_card})
    train, validation = split_patients([case.visit.patient_id for case in cases if not case.helper])
    learned = [case for case in cases if case.helper or case.visit.patient_id in train]
    if not learned:
        raise InputError(
            expected="at least one annotated visit", found="none", where="the annotations",
            remedy="Check the name of the annotations' folder in derivatives.", code="no-annotations",
        )  # fmt: skip
    if team.size() > 1 and settings.network != "unet":
        raise InputError(
            expected="the network unet where several processes train", found=settings.network, where="torchrun",
            remedy="Choose --network unet, or start one process.", code="one-process-only",
        )  # fmt: skip
    tell = report if report and team.is_first() else (lambda *_: None)
    seconds = 60.0 * settings.max_minutes
    torch.manual_seed(settings.seed)
    heat = parent.heat if parent else HeatNetwork()
    samples = TissueSamples(learned, settings)
    known = [case for case in cases if not case.helper and case.visit.patient_id in validation]
    held_out = _samples_or_none(known, settings)
    training = TissueTraining(
        samples, held_out, settings, (1.0 - HEAT_SHARE_OF_TIME) * seconds, parent and parent.tissue
    )
    checkpoint = out / CHECKPOINT_FILE

    def begin() -> dict[str, Any]:
        known = load_checkpoint(checkpoint)
        if known is not None:
            return known
        localizer = train_localizer(heat, learned, settings, HEAT_SHARE_OF_TIME * seconds, tell)
        made = {"heat": heat.state_dict(), "localizer": localizer, **training.state()}
        save_checkpoint(checkpoint, made)
        return made

    state = team.from_first(begin)
    heat.load_state_dict(state["heat"])
    training.restore(state)
    while not training.over:
        training.run_epoch(tell)
        if team.is_first():
            save_checkpoint(checkpoint, {"heat": state["heat"], "localizer": state["localizer"], **training.state()})
    tissue = training.average if parent is None else mean_of_weights(parent.tissue, training.average)
    model = finish(heat, tissue, samples, held_out)
    history = {**state["localizer"], "epochs": training.history}
    card = {**_card(settings, learned, history), "train_patients": list(train), "validation_patients": list(validation)}
    card |= {"n_train": len({case.visit.patient_id for case in learned}), "origin": origin}
    card |= _descent(parent_card, card)
    card = team.from_first(lambda: save_segmenter(out, model, card))
    if team.is_first() and not keep_checkpoint:
        end_training(out)
    return card


def mean_of_weights(one: nn.Module, other: nn.Module) -> nn.Module:
    """A network like `other`, each weight of which is the mean of both."""
    mean = copy.deepcopy(other)
    with torch.no_grad():
        for weight, first in zip(mean.parameters(), one.parameters(), strict=True):
            weight.lerp_(first, 0.5)
    return mean


def end_training(out: Path) -> None:
    """Take the checkpoint of a model away, once all that belongs to it is written."""
    (out / CHECKPOINT_FILE).unlink(missing_ok=True)


def _descent(parent: Mapping[str, Any], card: Mapping[str, Any]) -> dict[str, Any]:
    """What a card says otherwise if its model went on from another one: everybody who was ever learned from."""
    if not parent:
        return {}
    return {
        "started_from": parent["model_id"],
        "n_train": parent["n_train"] + card["n_train"],
        "train_patients": sorted({*parent["train_patients"], *card["train_patients"]}),
        "weightings_seen": [
            weighting.value
            for weighting in CHANNELS
            if weighting.value in {*parent["weightings_seen"], *card["weightings_seen"]}
        ],
        "origin": f"{card['origin']}, after {parent['model_id']} ({parent['origin']})",
    }


def _samples_or_none(cases: Sequence[TrainingCase], settings: SegmentSettings) -> TissueSamples | None:
    """Samples of held-out patients, or None if nobody was held out or nothing of them is annotated."""
    try:
        return TissueSamples(cases, settings)
    except InputError:
        return None


def _card(settings: SegmentSettings, learned: Sequence[TrainingCase], history: dict[str, Any]) -> dict[str, Any]:
    """What the model is, and what it needs."""
    seen = {weighting for case in learned for weighting in case.visit.volumes}
    return {
        "network": settings.network,
        "weightings_seen": [weighting.value for weighting in CHANNELS if weighting in seen],
        "pixel_mm": settings.pixel_mm,
        "region_pixels": settings.region_pixels,
        "base_channels": settings.base_channels,
        "seed": settings.seed,
        "history": history,
    }
