"""How far a training has come, by steps or by time, and the learning rate that goes with it."""

import time
from dataclasses import dataclass, field

import numpy as np

WARM_UP_STEPS = 20
"""The first steps are slower than the rest, and say nothing of how long all will take."""


@dataclass(slots=True)
class Clock:
    """Progress of a training of `n_steps` within `seconds`.

    As long as the time is enough for all steps, progress counts steps only, so that a training that was broken off and
    goes on gives the weights of one that was not. Once the pace says that it is not, progress counts time.

    >>> clock = Clock(n_steps=4, seconds=100.0)
    >>> clock.tick(clock.started + 1.0); clock.progress, clock.over
    (0.25, False)
    """

    n_steps: int
    seconds: float
    steps: int = 0
    spent: float = 0.0
    started: float = field(default_factory=time.monotonic)

    def tick(self, now: float) -> None:
        """One step more is done, at this time of the monotonic clock."""
        self.steps += 1
        self.spent += now - self.started
        self.started = now

    @property
    def progress(self) -> float:
        """Share of the training that is done, 0–1."""
        by_steps = self.steps / self.n_steps
        late = self.steps > WARM_UP_STEPS and self.spent / self.steps * self.n_steps > self.seconds
        return min(1.0, max(by_steps, self.spent / self.seconds)) if late else min(1.0, by_steps)

    @property
    def over(self) -> bool:
        """Whether all steps are done, or the time is."""
        return self.progress >= 1.0 or self.spent >= self.seconds

    @property
    def percent(self) -> int:
        """Progress in whole percent."""
        return int(100.0 * self.progress)

    @property
    def annealing(self) -> float:
        """Factor of the learning rate: half a cosine from 1 to 1 %."""
        return float(max(0.01, 0.5 * (1.0 + np.cos(np.pi * self.progress))))
