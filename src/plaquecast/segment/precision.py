"""In which number type and memory layout a network runs on this machine."""

from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def fast_type(device: torch.device) -> torch.dtype:
    """bfloat16 where the processor multiplies it natively (AVX-512 BF16, any GPU), float32 elsewhere.

    Emulated bfloat16 is slower than float32, so it is chosen by what the processor says of itself.
    """
    native = device.type == "cuda" or torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if native else torch.float32


def autocast(device: torch.device) -> AbstractContextManager[object]:
    """Context in which convolutions run in the fast type of the device."""
    kind = fast_type(device)
    return nullcontext() if kind is torch.float32 else torch.autocast(device.type, dtype=kind)


def laid_out(network: Network) -> Network:
    """The network with its weights in channels-last order, which CPU and GPU convolve faster."""
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
