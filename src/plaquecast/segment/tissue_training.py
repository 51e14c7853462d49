"""Training of the tissue network: cross-entropy and Dice against tissue fractions, with averaged weights."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from plaquecast.domain.anatomy import Tissue
from plaquecast.errors import ModelError
from plaquecast.segment.precision import autocast, laid_out
from plaquecast.segment.samples import TissueSamples
from plaquecast.segment.schedule import Clock
from plaquecast.segment.unet import TissueNetwork
from plaquecast.settings import SegmentSettings

Report = Callable[[str, int, int, str], None]

BATCH = 12
RATE = 2e-3
LEAST_DICE = 0.3
"""A network that has learned anything at all finds the lumen better than this."""
FAR_WEIGHT = 0.2
NEAR_PIXELS = 9
"""Pixels further than half of this from the vessel weigh `FAR_WEIGHT` in the cross-entropy, all others 1.

Weights by tissue would bias the shares of edge pixels towards the heavier tissue, and with them area and thickness.
"""


class TissueTraining:
    """A tissue network while it is trained, with everything that is needed to go on another day."""

    def __init__(
        self, network: TissueNetwork, samples: TissueSamples, settings: SegmentSettings, seconds: float
    ) -> None:
        self.network = laid_out(network)
        self.average = TissueNetwork(settings.base_channels)
        self.average.load_state_dict(network.state_dict())
        self.optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-4)
        self.history: list[dict[str, float]] = []
        self._samples = samples
        self._seed = settings.seed
        self._n_batches = max(1, len(samples) // BATCH)
        self._clock = Clock(settings.max_epochs * self._n_batches, seconds)

    @property
    def over(self) -> bool:
        """Whether all epochs are done, or the time is."""
        return self._clock.over

    def state(self) -> dict[str, Any]:
        """Tensors and plain values from which `restore` goes on."""
        return {
            "tissue": self.network.state_dict(), "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(), "history": self.history,
            "steps": self._clock.steps, "spent": self._clock.spent,
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        """Take up the state of an earlier run."""
        self.network.load_state_dict(state["tissue"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.history = list(state["history"])
        self._clock = Clock(self._clock.n_steps, self._clock.seconds, int(state["steps"]), float(state["spent"]))

    def run_epoch(self, tell: Report) -> None:
        """Every annotated slice once, in an order that depends on the seed and the epoch only."""
        epoch = len(self.history)
        rng = np.random.default_rng([self._seed, 2, epoch])
        self._clock.started = time.monotonic()
        self.network.train()
        losses: list[float] = []
        for batch in np.array_split(rng.permutation(len(self._samples)), self._n_batches):
            drawn = [self._samples.draw(int(which), rng) for which in batch]
            losses.append(self._step([torch.stack(part) for part in zip(*drawn, strict=True)]))
            self._clock.tick(time.monotonic())
            tell("tissue network", self._clock.percent, 100, f"epoch {epoch + 1}, loss {np.mean(losses):.3f}")
            if self._clock.over:
                break
        self.history.append({"epoch": float(epoch + 1), "loss": float(np.mean(losses))})

    def _step(self, parts: list[Tensor]) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = RATE * self._clock.annealing
        loss = tissue_loss(self.network, *parts)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimizer.step()
        _follow(self.average, self.network, min(0.99, (1 + self._clock.steps) / (10 + self._clock.steps)))
        return float(loss.detach())


def tissue_loss(
    network: TissueNetwork, images: Tensor, flags: Tensor, fractions: Tensor, judged: Tensor, position: Tensor
) -> Tensor:
    """Cross-entropy and Dice against tissue fractions where they were judged, and the error of the position.

    Both are least where the predicted shares equal the fractions (Dice has squares below the line for that).
    """
    with autocast(images.device):
        logits, predicted = network(images.contiguous(memory_format=torch.channels_last), flags)
    log_shares = functional.log_softmax(logits.float(), dim=1)
    seen = judged[:, None]
    vessel = (1.0 - fractions[:, :1]) * seen
    near = functional.max_pool2d(vessel, NEAR_PIXELS, stride=1, padding=NEAR_PIXELS // 2)
    weight = seen * (FAR_WEIGHT + (1.0 - FAR_WEIGHT) * near)
    entropy = -(weight * fractions * log_shares).sum() / weight.sum().clamp_min(1.0)
    shares, wanted = log_shares.exp() * seen, fractions * seen
    overlap = (shares * wanted).sum(dim=(0, 2, 3))
    total = (shares**2).sum(dim=(0, 2, 3)) + (wanted**2).sum(dim=(0, 2, 3))
    present = wanted.sum(dim=(0, 2, 3)) > 20.0  # a handful of pixels says nothing of overlap
    dice = 1.0 - ((2.0 * overlap + 1.0) / (total + 1.0))[present].mean()
    return entropy + dice + 0.05 * functional.smooth_l1_loss(predicted.float(), position)


def _follow(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Exponential moving average of the weights; short memory at first, when they still change much."""
    with torch.no_grad():
        for slow, fast in zip(average.parameters(), network.parameters(), strict=True):
            slow.lerp_(fast, 1.0 - decay)


def refuse_collapse(network: TissueNetwork, samples: TissueSamples) -> None:
    """Refuse a network that does not see the lumen in slices it has learned: better no model than that one.

    Raises:
        ModelError: if the Dice of the lumen over sixteen of its own training slices is below `LEAST_DICE`.
    """
    rng = np.random.default_rng(0)
    drawn = [samples.draw(int(i), rng) for i in rng.integers(0, len(samples), 16)]
    images, flags, fractions = (torch.stack(part) for part in list(zip(*drawn, strict=True))[:3])
    network.eval()
    with torch.inference_mode():
        found = network(images, flags)[0].argmax(dim=1) == int(Tissue.LUMEN)
    true = fractions[:, Tissue.LUMEN] > 0.5
    dice = 2.0 * float((found & true).sum()) / max(1.0, float(found.sum() + true.sum()))
    if dice < LEAST_DICE:
        raise ModelError(
            expected=f"a lumen Dice of at least {LEAST_DICE} on slices that were learned", found=f"{dice:.2f}",
            where="train-segmenter", remedy="Train longer, or check that annotations and images belong together.",
            code="collapsed",
        )  # fmt: skip
