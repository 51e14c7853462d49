"""The table of tissue networks that `segment.network` may name."""

from collections.abc import Callable
from typing import Protocol

from torch import Tensor, nn

from plaquecast.errors import InputError
from plaquecast.segment.mask_rcnn import MaskRcnn
from plaquecast.segment.unet import Prediction, TissueNetwork


class TissueModel(Protocol):
    """What every tissue network does beside being an `nn.Module`."""

    def __call__(self, images: Tensor, flags: Tensor) -> Prediction:
        """Tissues, position and features of a batch of regions."""
        ...

    def loss(self, images: Tensor, flags: Tensor, fractions: Tensor, judged: Tensor, position: Tensor) -> Tensor:
        """What a batch of `TissueSamples` costs, a scalar."""
        ...


ARCHITECTURES: dict[str, Callable[[int], nn.Module]] = {"unet": TissueNetwork, "mask-rcnn": MaskRcnn}
"""Name → what makes the network from the channels of its first level."""

CHANNEL_GROUP = 8
"""Channels are normalized in groups of so many."""


def build_tissue_network(name: str, base_channels: int) -> nn.Module:
    """A new, untrained network.

    Raises:
        InputError: if there is none of that name, or the channels cannot be normalized in groups of eight.

    >>> type(build_tissue_network("unet", 8)).__name__
    'TissueNetwork'
    """
    if name not in ARCHITECTURES:
        raise InputError(
            expected=f"one of the networks {', '.join(ARCHITECTURES)}", found=f"'{name}'", where="segment.network",
            remedy="Name one of them.", code="unknown-network",
        )  # fmt: skip
    if base_channels % CHANNEL_GROUP:
        raise InputError(
            expected=f"a multiple of {CHANNEL_GROUP} channels", found=str(base_channels), where="segment.base_channels",
            remedy="Choose 8, 16 or 24.", code="channels",
        )  # fmt: skip
    return ARCHITECTURES[name](base_channels)
