"""The residual U-Net: on a region with its neighbor slices and flags of the weightings there, and on whole slices."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from plaquecast.domain.anatomy import N_TISSUES
from plaquecast.segment import team
from plaquecast.segment.losses import tissue_loss
from plaquecast.segment.precision import autocast
from plaquecast.segment.regions import CHANNELS, NEIGHBORS


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions with group normalization, around a shortcut; channel counts are multiples of 8.

    Groups of 8 channels normalize each sample by itself, like instance normalization, at half of its cost on a CPU.
    """

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(n_in, n_out, 3, padding=1, bias=False)
        self.first_norm = nn.GroupNorm(n_out // 8, n_out)
        self.second = nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)
        self.second_norm = nn.GroupNorm(n_out // 8, n_out)
        self.shortcut = nn.Identity() if n_in == n_out else nn.Conv2d(n_in, n_out, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, n_in, rows, columns) → (batch, n_out, rows, columns)."""
        y = functional.leaky_relu(self.first_norm(self.first(x)), 0.01)
        return functional.leaky_relu(self.second_norm(self.second(y)) + self.shortcut(x), 0.01)


class UNet(nn.Module):
    """Encoder and decoder with skips; rows and columns must be multiples of 2^(levels − 1).

    `forward` gives logits (batch, n_out, rows, columns) and the pooled deepest features (batch, channels).
    """

    def __init__(self, n_in: int, n_out: int, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.down = nn.ModuleList()
        for index, width in enumerate(channels):
            self.down.append(ResidualBlock(n_in if index == 0 else channels[index - 1], width))
        self.up = nn.ModuleList(
            ResidualBlock(channels[index] + channels[index + 1], channels[index]) for index in range(len(channels) - 1)
        )
        self.head = nn.Conv2d(channels[0], n_out, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and the pooled deepest features."""
        skips = []
        for index, block in enumerate(self.down):
            x = block(x if index == 0 else functional.max_pool2d(x, 2))
            skips.append(x)
        deepest = x.mean(dim=(2, 3))
        for index in reversed(range(len(self.up))):
            x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = self.up[index](torch.cat([skips[index], x], dim=1))
        return self.head(x), deepest


class Prediction(NamedTuple):
    """What a tissue network says of a batch of regions.

    `logits` (batch, N_TISSUES, n, n); `position` along the artery in 10 mm (batch,); `features` (batch, n_features):
    what the region looks like to the network, by which unfamiliar images are told.
    """

    logits: Tensor
    position: Tensor
    features: Tensor


class TissueNetwork(nn.Module):
    """The residual U-Net on one region: tissues, position along the artery, and features."""

    def __init__(self, base_channels: int) -> None:
        super().__init__()
        channels = (base_channels, 2 * base_channels, 4 * base_channels, 6 * base_channels)
        self.body = UNet(len(CHANNELS) * (len(NEIGHBORS) + 1), N_TISSUES, channels)
        self.position = nn.Sequential(nn.Linear(channels[-1], 32), nn.LeakyReLU(0.01), nn.Linear(32, 1))

    def forward(self, images: Tensor, flags: Tensor) -> Prediction:
        """From images (batch, channels · 3, n, n) and flags (batch, channels)."""
        planes = flags[:, :, None, None].expand(-1, -1, *images.shape[2:])
        logits, deepest = self.body(torch.cat([images, planes], dim=1))
        return Prediction(logits, self.position(deepest)[:, 0], deepest)

    def loss(self, images: Tensor, flags: Tensor, fractions: Tensor, judged: Tensor, position: Tensor) -> Tensor:
        """`tissue_loss` of a batch as `TissueSamples.draw` gives it; several processes may each predict a share."""
        own, n = team.share(len(images)), len(images)
        with autocast(images.device):
            found = self(images[own].contiguous(memory_format=torch.channels_last), flags[own])
        return tissue_loss(team.whole(found.logits, n), team.whole(found.position, n), fractions, judged, position)


class HeatNetwork(nn.Module):
    """Where the carotids are in a coarse slice: logits (batch, rows, columns)."""

    def __init__(self, base_channels: int = 8) -> None:
        super().__init__()
        channels = (base_channels, 2 * base_channels, 3 * base_channels, 4 * base_channels)
        self.body = UNet(2 * len(CHANNELS), 1, channels)

    def forward(self, slices: Tensor, flags: Tensor) -> Tensor:
        """From slices (batch, channels, rows, columns) and flags (batch, channels)."""
        planes = flags[:, :, None, None].expand(-1, -1, *slices.shape[2:])
        return self.body(torch.cat([slices, planes], dim=1))[0][:, 0]
