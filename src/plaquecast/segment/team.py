"""One network trained by several processes that torchrun started: each works on its share of every batch.

Every process draws the whole batch, computes its own share of the predictions, and is given the others'. The loss is
that of the whole batch, as one process would compute it, and the sum of the gradients is its gradient.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise
from typing import TypeVar

import torch
from torch import Tensor, distributed, nn

Thing = TypeVar("Thing")

_PATIENCE = timedelta(days=1)
"""How long a process waits for the others: the first one trains the localizer alone."""


@contextmanager
def joined() -> Iterator[None]:
    """Meet the other processes, if torchrun started any."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or distributed.is_initialized():
        yield
        return
    distributed.init_process_group("gloo", timeout=_PATIENCE)
    try:
        yield
    finally:
        distributed.destroy_process_group()


def size() -> int:
    """How many processes train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def is_first() -> bool:
    """Whether this process is the one that writes and speaks."""
    return not distributed.is_initialized() or distributed.get_rank() == 0


def share(n: int) -> slice:
    """Which of `n` pieces of a batch this process works on.

    >>> share(12)
    slice(0, 12, None)
    """
    return _shares(n)[distributed.get_rank() if distributed.is_initialized() else 0]


def whole(own: Tensor, n: int) -> Tensor:
    """The `n` pieces of all processes in order; only its own pieces teach a process anything (shape (n, …)).

    >>> whole(torch.arange(3.0), 3)
    tensor([0., 1., 2.])
    """
    if size() == 1:
        return own
    parts = []
    for rank, piece in enumerate(_shares(n)):
        is_own = rank == distributed.get_rank()
        shape = (piece.stop - piece.start, *own.shape[1:])
        sent = own.detach().contiguous() if is_own else torch.empty(shape, dtype=own.dtype)
        distributed.broadcast(sent, rank)
        parts.append(own if is_own else sent)
    return torch.cat(parts)


def sum_gradients(network: nn.Module) -> None:
    """Give every process the sum of all gradients."""
    if size() > 1:
        for parameter in network.parameters():
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            distributed.all_reduce(parameter.grad)


def from_first(make: Callable[[], Thing]) -> Thing:
    """What the first process makes, given to all; the others wait."""
    if size() == 1:
        return make()
    made = [make() if is_first() else None]
    distributed.broadcast_object_list(made)
    return made[0]  # type: ignore[return-value]


def now() -> float:
    """The first process's monotonic time in seconds, so that all stop training in the same step."""
    return from_first(time.monotonic)


def _shares(n: int) -> list[slice]:
    edges = [n * rank // size() for rank in range(size() + 1)]
    return [slice(start, stop) for start, stop in pairwise(edges)]
