"""The training loop: localizer first, then the tissue network; it resumes, and it knows when it failed."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from plaquecast.domain.anatomy import N_TISSUES, Side, Tissue
from plaquecast.errors import InputError, ModelError
from plaquecast.segment.localize import COARSE_PIXEL_MM, COARSE_SHAPE, heat_targets
from plaquecast.segment.regions import (
    CHANNELS,
    Region,
    TrainingCase,
    annotated_slices,
    coarse_slices,
    presence,
    sample_fractions,
    sample_images,
)
from plaquecast.segment.unet import HeatNetwork, TissueNetwork
from plaquecast.segment.weights import load_checkpoint, save_checkpoint
from plaquecast.settings import SegmentSettings

POSITION_SCALE_MM = 10.0
BATCH = 12
HEAT_SHARE_OF_TIME = 0.25
"""Share of the time budget given to the localizer."""
VALIDATION_SHARE = 0.2
TISSUE_WEIGHT = torch.tensor([0.3, 1.0, 1.5, 3.0, 3.0, 3.0, 3.0, 3.0])
"""Weight of each tissue in the cross-entropy, so that small components count."""

Report = Callable[[str, int, int, str], None]
"""Called with what is being trained, steps (or seconds) done, of how many, and how good it is."""


@dataclass(frozen=True, slots=True)
class TrainedSegmenter:
    """Both networks with averaged weights, and what can be said of their training."""

    heat: HeatNetwork
    tissue: TissueNetwork
    train_patients: tuple[str, ...]
    validation_patients: tuple[str, ...]
    history: tuple[dict[str, float], ...] = field(default_factory=tuple)


def is_validation(patient_id: str, share: float = VALIDATION_SHARE) -> bool:
    """Whether a patient is kept for validation; decided by a hash of the code, so it never changes.

    >>> is_validation("sim0001"), is_validation("sim0001")
    (False, False)
    """
    digest = hashlib.sha256(patient_id.encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32 < share


def split_patients(cases: Sequence[TrainingCase]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Patients to learn from and patients to validate on, by hash; at least one of each when there are two or more.

    Raises:
        InputError: if nobody is annotated.
    """
    patients = sorted({case.visit.patient_id for case in cases})
    if not patients:
        raise InputError(
            expected="at least one annotated visit", found="none", where="the annotations",
            remedy="Check the name of the annotations' folder in derivatives.", code="no-annotations",
        )  # fmt: skip
    validation = [patient for patient in patients if is_validation(patient)]
    if len(patients) > 1 and not validation:
        validation = [min(patients, key=lambda patient: hashlib.sha256(patient.encode()).digest())]
    train = [patient for patient in patients if patient not in validation] or validation[1:] or patients
    return tuple(train), tuple(patient for patient in validation if patient not in train)


def train_networks(
    cases: Sequence[TrainingCase],
    settings: SegmentSettings,
    checkpoint: Path | None = None,
    report: Report | None = None,
) -> TrainedSegmenter:
    """Train localizer and tissue network on annotated visits within the settings' time and epochs.

    With a `checkpoint`, training goes on where it stopped after its last epoch.

    Raises:
        InputError: if no slice is annotated.
        ModelError: if the network ends up seeing background everywhere.
    """
    train, validation = split_patients(cases)
    learned = [case for case in cases if case.visit.patient_id in train]
    torch.manual_seed(settings.seed)
    heat, tissue = HeatNetwork(), TissueNetwork(settings.base_channels)
    tell = report or (lambda *_: None)
    seconds = 60.0 * settings.max_minutes
    history: list[dict[str, float]] = []
    state = load_checkpoint(checkpoint) if checkpoint else None
    if state is None:
        history += _train_heat(heat, learned, settings, HEAT_SHARE_OF_TIME * seconds, tell)
    else:
        heat.load_state_dict(state["heat"])
    samples = TissueSamples(learned, settings)
    history += _train_tissue(
        tissue, heat, samples, settings, (1.0 - HEAT_SHARE_OF_TIME) * seconds, checkpoint, state, tell
    )
    return TrainedSegmenter(heat, tissue, train, validation, tuple(history))


class TissueSamples:
    """Regions around annotated slices: drawn with random shift, turn, size, mirror, gain and missing weightings."""

    def __init__(self, cases: Sequence[TrainingCase], settings: SegmentSettings) -> None:
        self.settings = settings
        self.cases = cases
        self.index: list[tuple[int, Side, int, tuple[float, float, float]]] = []
        for number, case in enumerate(cases):
            for side, annotation in case.annotations.items():
                slices = annotated_slices(annotation, case.visit.grid)
                self.index += [(number, side, k, place) for k, place in slices.items()]
        if not self.index:
            raise InputError(
                expected="at least one annotated slice with a lumen", found="none", where="the annotations",
                remedy="Check that the label maps lie on the visits' reference grid.", code="no-annotations",
            )  # fmt: skip

    def __len__(self) -> int:
        """How many slices are annotated."""
        return len(self.index)

    def draw(self, which: int, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """One augmented sample: images, flags, tissue fractions, position in units of 10 mm."""
        number, side, k, (row_mm, column_mm, position_mm) = self.index[which]
        case, size = self.cases[number], self.settings
        region = Region(
            k, row_mm + float(rng.normal(0, 2.0)), column_mm + float(rng.normal(0, 2.0)), size.region_pixels,
            size.pixel_mm, float(rng.normal(0, 0.2)), float(np.exp(rng.normal(0, 0.1))), bool(rng.random() < 0.5),
        )  # fmt: skip
        images = sample_images(case.visit.volumes, region)
        flags = presence(case.visit.volumes)
        fractions = sample_fractions(case.annotations[side], case.visit.grid, region)
        _disturb(images, flags, rng)
        target = torch.tensor(position_mm / POSITION_SCALE_MM, dtype=torch.float32)
        return torch.from_numpy(images), torch.from_numpy(flags), torch.from_numpy(fractions), target


def _disturb(images: np.ndarray, flags: np.ndarray, rng: np.random.Generator) -> None:
    """Vary contrast and noise of each weighting, and leave some out (never all that show the wall)."""
    depth = len(images) // len(CHANNELS)
    present = np.flatnonzero(flags)
    keep = present[rng.random(len(present)) > 0.15] if rng.random() < 0.5 else present
    shows_wall = [channel for channel in keep if CHANNELS[channel].shows_wall]
    if not shows_wall:
        keep = present
    for channel in present:
        part = images[channel * depth : (channel + 1) * depth]
        if channel not in keep:
            part[:] = 0.0
            flags[channel] = 0.0
            continue
        part *= float(np.exp(rng.normal(0, 0.15)))
        part += float(rng.normal(0, 0.1))
        part += rng.normal(0, float(rng.uniform(0, 0.12)), part.shape).astype(np.float32)


def _train_heat(
    network: HeatNetwork, cases: Sequence[TrainingCase], settings: SegmentSettings, seconds: float, tell: Report
) -> list[dict[str, float]]:
    rng = np.random.default_rng([settings.seed, 1])
    inputs, flags, targets = _heat_samples(cases)
    n_steps = settings.max_epochs * max(1, len(inputs) // 6)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=1e-4)
    network.train()
    start, loss_now, step = time.monotonic(), float("nan"), 0
    for step in range(n_steps):
        spent = (time.monotonic() - start) / seconds
        if spent >= 1.0:
            break
        for group in optimizer.param_groups:
            group["lr"] = 3e-3 * 0.5 * (1.0 + np.cos(np.pi * min(max(spent, step / n_steps), 1.0)))
        which = rng.integers(0, len(inputs), 6)
        images, wanted = _moved(inputs[which], targets[which], rng)
        seen = flags[which]
        if rng.random() < 0.4:
            images, seen = _without_some(images, seen, rng)
        logits = network(images, seen)
        loss = functional.binary_cross_entropy_with_logits(logits, wanted, pos_weight=torch.tensor(20.0))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss_now = float(loss.detach())
        if step % 10 == 0:
            tell("localizer", int(spent * 100), 100, f"loss {loss_now:.3f}")
    tell("localizer", 100, 100, f"loss {loss_now:.3f}")
    return [{"localizer_loss": loss_now, "localizer_steps": float(step + 1)}]


def _heat_samples(cases: Sequence[TrainingCase]) -> tuple[Tensor, Tensor, Tensor]:
    inputs, flags, targets = [], [], []
    for case in cases:
        slices = coarse_slices(case.visit.volumes, COARSE_PIXEL_MM, COARSE_SHAPE)
        centers = {
            side: {k: place[:2] for k, place in annotated_slices(annotation, case.visit.grid).items()}
            for side, annotation in case.annotations.items()
        }
        maps = heat_targets(centers, case.visit.grid)
        known = sorted(set.intersection(*(set(found) for found in centers.values()))) if centers else []
        inputs.append(slices[known])
        targets.append(maps[known])
        flags.append(np.repeat(presence(case.visit.volumes)[None], len(known), axis=0))
    return tuple(torch.from_numpy(np.concatenate(part)) for part in (inputs, flags, targets))  # type: ignore[return-value]


def _moved(images: Tensor, targets: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Shift the whole batch and, half of the time, mirror it (then left is right)."""
    shift = tuple(int(value) for value in rng.integers(-8, 9, 2))
    images, targets = torch.roll(images, shift, (2, 3)), torch.roll(targets, shift, (2, 3))
    if rng.random() < 0.5:
        images, targets = images.flip(3), targets.flip(3).flip(1)
    gain = torch.from_numpy(np.exp(rng.normal(0, 0.2, (len(images), images.shape[1], 1, 1))).astype(np.float32))
    return images * gain, targets


def _without_some(images: Tensor, flags: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    keep = torch.from_numpy((rng.random((len(images), len(CHANNELS))) > 0.3).astype(np.float32)) * flags
    keep = torch.where(keep.sum(dim=1, keepdim=True) > 0, keep, flags)
    return images * keep[:, :, None, None], keep


def _train_tissue(
    network: TissueNetwork,
    heat: HeatNetwork,
    samples: TissueSamples,
    settings: SegmentSettings,
    seconds: float,
    checkpoint: Path | None,
    state: dict | None,
    tell: Report,
) -> list[dict[str, float]]:
    average = TissueNetwork(settings.base_channels)
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-4)
    first, spent = 0, 0.0
    history: list[dict[str, float]] = []
    average.load_state_dict(network.state_dict())
    if state is not None:
        network.load_state_dict(state["tissue"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        first, spent, history = state["epoch"], state["seconds"], list(state["history"])
    for epoch in range(first, settings.max_epochs):
        if spent >= seconds:
            break
        start = time.monotonic()
        rng = np.random.default_rng([settings.seed, 2, epoch])  # by epoch, so a resumed run draws what it would have
        loss, n_batches = 0.0, 0
        network.train()
        for batch in np.array_split(rng.permutation(len(samples)), max(1, len(samples) // BATCH)):
            done = spent + time.monotonic() - start
            rate = 2e-3 * 0.5 * (1.0 + np.cos(np.pi * min(max(done / seconds, epoch / settings.max_epochs), 1.0)))
            for group in optimizer.param_groups:
                group["lr"] = max(rate, 2e-5)
            parts = [torch.stack(part) for part in zip(*(samples.draw(int(i), rng) for i in batch), strict=True)]
            value = _tissue_loss(network, *parts)
            optimizer.zero_grad()
            value.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            _follow(average, network)
            loss, n_batches = loss + float(value.detach()), n_batches + 1
            tell(
                "tissue network",
                int(min(100 * done / seconds, 99)),
                100,
                f"epoch {epoch + 1}, loss {loss / n_batches:.3f}",
            )
            if done > seconds:
                break
        spent += time.monotonic() - start
        history.append({"epoch": float(epoch + 1), "loss": loss / n_batches})
        if checkpoint is not None:
            save_checkpoint(
                checkpoint,
                {
                    "heat": heat.state_dict(), "tissue": network.state_dict(), "average": average.state_dict(),
                    "optimizer": optimizer.state_dict(), "epoch": epoch + 1, "seconds": spent, "history": history,
                },
            )  # fmt: skip
    network.load_state_dict(average.state_dict())
    _refuse_collapse(network, samples)
    tell("tissue network", 100, 100, f"loss {history[-1]['loss']:.3f}")
    return history


def _tissue_loss(network: TissueNetwork, images: Tensor, flags: Tensor, fractions: Tensor, position: Tensor) -> Tensor:
    """Cross-entropy and Dice against tissue fractions, and the error of the position."""
    logits, predicted = network(images, flags)
    log_shares = functional.log_softmax(logits, dim=1)
    weight = TISSUE_WEIGHT[None, :, None, None]
    entropy = -(weight * fractions * log_shares).sum(dim=1).mean()
    shares = log_shares.exp()
    overlap = (shares * fractions).sum(dim=(0, 2, 3))
    total = (shares**2).sum(dim=(0, 2, 3)) + (fractions**2).sum(dim=(0, 2, 3))
    present = fractions.sum(dim=(0, 2, 3)) > 20.0
    dice = 1.0 - ((2.0 * overlap + 1.0) / (total + 1.0))[present].mean()
    return entropy + dice + 0.05 * functional.smooth_l1_loss(predicted, position)


def _follow(average: nn.Module, network: nn.Module, decay: float = 0.98) -> None:
    with torch.no_grad():
        for slow, fast in zip(average.parameters(), network.parameters(), strict=True):
            slow.lerp_(fast, 1.0 - decay)


def _refuse_collapse(network: TissueNetwork, samples: TissueSamples) -> None:
    """A network that sees no lumen in slices that have one has learned nothing; better no model than that one."""
    rng = np.random.default_rng(0)
    some = [samples.draw(int(i), rng) for i in rng.integers(0, len(samples), 8)]
    images, flags, _, _ = (torch.stack(part) for part in zip(*some, strict=True))
    network.eval()
    with torch.inference_mode():
        found = network(images, flags)[0].argmax(dim=1)
    if int((found == int(Tissue.LUMEN)).sum()) == 0 or TISSUE_WEIGHT.numel() != N_TISSUES:
        raise ModelError(
            expected="a network that finds a lumen in its own training slices", found="background everywhere",
            where="train-segmenter", remedy="Train longer, or check that annotations and images belong together.",
            code="collapsed",
        )  # fmt: skip
