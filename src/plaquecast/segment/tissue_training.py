"""Training of the tissue network: cross-entropy and Dice against tissue fractions, with averaged weights."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from plaquecast.domain.anatomy import N_TISSUES, Tissue
from plaquecast.segment import team
from plaquecast.segment.architectures import build_tissue_network
from plaquecast.segment.losses import tissue_loss
from plaquecast.segment.precision import autocast, laid_out
from plaquecast.segment.samples import TissueSamples
from plaquecast.segment.schedule import Clock
from plaquecast.settings import SegmentSettings

Report = Callable[[str, int, int, str], None]

BATCH = 12
RATE = 2e-3
RATE_OF_ONE_TRAINED = 1e-3
"""Highest learning rate of a network that goes on from another one, which it must not forget."""
PATIENCE_EPOCHS = 15
"""Training stops when the loss of held-out patients was least so many epochs ago."""
N_HELD_OUT = 24
"""Slices of held-out patients that are looked at after each epoch."""


class TissueTraining:
    """A tissue network while it is trained, with everything that is needed to go on another day."""

    def __init__(
        self,
        samples: TissueSamples,
        held_out: TissueSamples | None,
        settings: SegmentSettings,
        seconds: float,
        start: nn.Module | None = None,
    ) -> None:
        self.network = laid_out(build_tissue_network(settings.network, settings.base_channels))
        self.average = laid_out(build_tissue_network(settings.network, settings.base_channels))
        if start is not None:
            self.network.load_state_dict(start.state_dict())
        self.average.load_state_dict(self.network.state_dict())
        self._rate = RATE if start is None else RATE_OF_ONE_TRAINED
        self.optimizer = torch.optim.AdamW(self.network.parameters(), lr=self._rate, weight_decay=1e-4)
        self.history: list[dict[str, float]] = []
        self._samples, self._held_out = samples, held_out
        self._seed = settings.seed
        self._n_batches = max(1, len(samples) // BATCH)
        self._clock = Clock(settings.max_epochs * self._n_batches, seconds)

    @property
    def over(self) -> bool:
        """Whether all epochs are done, or the time is, or held-out patients have long been getting no better."""
        losses = [epoch["held_out_loss"] for epoch in self.history if "held_out_loss" in epoch]
        stale = len(losses) - 1 - int(np.argmin(losses)) if losses else 0
        return self._clock.over or stale >= PATIENCE_EPOCHS

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
        self._clock.started = team.now()
        self.network.train()
        losses: list[float] = []
        for batch in np.array_split(rng.permutation(len(self._samples)), self._n_batches):
            drawn = [self._samples.draw(int(which), rng) for which in batch]
            losses.append(self._step([torch.stack(part) for part in zip(*drawn, strict=True)]))
            self._clock.tick(team.now())
            tell("tissue network", self._clock.percent, 100, f"epoch {epoch + 1}, loss {np.mean(losses):.3f}")
            if self._clock.over:
                break
        facts = {"epoch": float(epoch + 1), "loss": float(np.mean(losses)), **self._judge_held_out()}
        self.history.append(facts)
        said = ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in list(facts.items())[1:])
        tell("tissue network", self._clock.percent, 100, f"epoch {epoch + 1}: {said}")

    def _judge_held_out(self) -> dict[str, float]:
        """Loss, and Dice of lumen and wall, of the averaged network on the same held-out slices each time."""
        if self._held_out is None:
            return {}
        rng = np.random.default_rng(0)
        drawn = [
            self._held_out.draw(int(i), rng)
            for i in rng.integers(0, len(self._held_out), min(N_HELD_OUT, len(self._held_out)))
        ]
        images, flags, fractions, judged, position = (torch.stack(part) for part in zip(*drawn, strict=True))
        self.average.eval()
        with torch.inference_mode(), autocast(images.device):
            found = self.average(images.contiguous(memory_format=torch.channels_last), flags)
        labels, true = found.logits.argmax(dim=1), fractions.argmax(dim=1)
        facts = {"held_out_loss": float(tissue_loss(found.logits, found.position, fractions, judged, position))}
        for name, tissues in (("lumen", [int(Tissue.LUMEN)]), ("wall", list(range(int(Tissue.WALL), N_TISSUES)))):
            one, other = (torch.isin(each, torch.tensor(tissues)) for each in (labels, true))
            facts[f"{name}_dice"] = 2.0 * float((one & other).sum()) / max(1.0, float(one.sum() + other.sum()))
        return facts

    def _step(self, parts: list[Tensor]) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate * self._clock.annealing
        loss = self.network.loss(*parts)  # type: ignore[operator]
        self.optimizer.zero_grad()
        loss.backward()
        team.sum_gradients(self.network)
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimizer.step()
        _follow(self.average, self.network, min(0.99, (1 + self._clock.steps) / (10 + self._clock.steps)))
        return float(loss.detach())


def _follow(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Exponential moving average of the weights; short memory at first, when they still change much."""
    with torch.no_grad():
        for slow, fast in zip(average.parameters(), network.parameters(), strict=True):
            slow.lerp_(fast, 1.0 - decay)
