"""Training of the localizer: heat maps at the known centers of both carotids."""

import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from plaquecast.errors import InputError
from plaquecast.segment.localize import COARSE_PIXEL_MM, heat_targets, padded_shape
from plaquecast.segment.precision import autocast, laid_out
from plaquecast.segment.regions import (
    CHANNELS,
    TrainingCase,
    annotated_slices,
    centered,
    coarse_block,
    coarse_counts,
    coarse_slices,
    presence,
)
from plaquecast.segment.schedule import Clock
from plaquecast.segment.unet import HeatNetwork
from plaquecast.settings import SegmentSettings

Report = Callable[[str, int, int, str], None]
"""Called with what is being trained, percent done, 100, and how good it is."""

BATCH = 6
RATE = 3e-3


def train_localizer(
    network: HeatNetwork, cases: Sequence[TrainingCase], settings: SegmentSettings, seconds: float, tell: Report
) -> dict[str, float]:
    """Train the heat network in place on slices in which both carotids are known; give its last loss and its steps."""
    rng = np.random.default_rng([settings.seed, 1])
    inputs, flags, targets = _heat_samples(cases)
    clock = Clock(settings.max_epochs * max(1, len(inputs) // BATCH), seconds)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-4)
    laid_out(network).train()
    loss_now = float("nan")
    while not clock.over:
        for group in optimizer.param_groups:
            group["lr"] = RATE * clock.annealing
        which = rng.integers(0, len(inputs), BATCH)
        images, wanted = _moved(inputs[which], targets[which], rng)
        images, seen = _without_some(images, flags[which], rng)
        with autocast(images.device):
            logits = network(images.contiguous(memory_format=torch.channels_last), seen)
        # two targets cover some 30 of 6 000 pixels
        loss = functional.binary_cross_entropy_with_logits(logits.float(), wanted, pos_weight=torch.tensor(20.0))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss_now = 0.95 * loss_now + 0.05 * float(loss.detach()) if clock.steps else float(loss.detach())
        clock.tick(time.monotonic())
        if clock.steps % 10 == 0:
            tell("localizer", clock.percent, 100, f"loss {loss_now:.3f}")
    tell("localizer", 100, 100, f"loss {loss_now:.3f}")
    return {"localizer_loss": loss_now, "localizer_steps": float(clock.steps)}


def _heat_samples(cases: Sequence[TrainingCase]) -> tuple[Tensor, Tensor, Tensor]:
    """Inputs (n, channels, rows, columns), flags (n, channels) and heat maps (n, rows, columns)."""
    counts = [coarse_counts(case.visit.grid, coarse_block(case.visit.grid, COARSE_PIXEL_MM)) for case in cases]
    shape = padded_shape((max(rows for rows, _ in counts), max(columns for _, columns in counts)))
    inputs, flags, targets = [], [], []
    for case, own in zip(cases, counts, strict=True):
        centers = {
            side: {k: place[:2] for k, place in annotated_slices(annotation, case.visit.grid).items()}
            for side, annotation in case.annotations.items()
        }
        known = sorted(set.intersection(*(set(found) for found in centers.values()))) if len(centers) == 2 else []
        if not known:
            continue
        inputs.append(centered(coarse_slices(case.visit.volumes, COARSE_PIXEL_MM, own), shape)[known])
        targets.append(heat_targets(centers, case.visit.grid, shape)[known])
        flags.append(np.repeat(presence(case.visit.volumes)[None], len(known), axis=0))
    if not inputs:
        raise InputError(
            expected="slices in which both carotids are annotated", found="none", where="the annotations",
            remedy="Annotate left and right in the same slices of at least one visit.", code="no-annotations",
        )  # fmt: skip
    return tuple(torch.from_numpy(np.concatenate(part)) for part in (inputs, flags, targets))  # type: ignore[return-value]


def _moved(images: Tensor, targets: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Shift the whole batch and, half of the time, mirror it."""
    shift = [int(value) for value in rng.integers(-6, 7, 2)]
    images, targets = torch.roll(images, shift, (2, 3)), torch.roll(targets, shift, (1, 2))
    if rng.random() < 0.5:
        images, targets = images.flip(3), targets.flip(2)
    gain = torch.from_numpy(np.exp(rng.normal(0, 0.2, (len(images), images.shape[1], 1, 1))).astype(np.float32))
    return images * gain, targets


def _without_some(images: Tensor, flags: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Leave weightings out, 40 % of the time, never all of a slice."""
    if rng.random() > 0.4:
        return images, flags
    keep = torch.from_numpy((rng.random((len(images), len(CHANNELS))) > 0.3).astype(np.float32)) * flags
    keep = torch.where(keep.sum(dim=1, keepdim=True) > 0, keep, flags)
    return images * keep[:, :, None, None], keep
