"""Probabilities that mean what they say: temperature and offset per tissue, fitted on patients not learned from."""

import torch
from torch import Tensor
from torch.nn import functional

from plaquecast.domain.anatomy import N_TISSUES

STEPS = 150
PRIOR_PIXELS = 2000.0
"""Weight of "leave it as it is", in pixels: a tissue that validation hardly shows keeps its temperature of one."""


def fit_calibration(logits: Tensor, fractions: Tensor) -> tuple[Tensor, Tensor]:
    """Factors and offsets (N_TISSUES,) on logits (pixels, N_TISSUES) that make the shares fit the fractions best.

    Minimizes the cross-entropy (vector scaling, Guo et al. 2017, "On calibration of modern neural networks").

    >>> _ = torch.manual_seed(0)
    >>> true = torch.randn(20000, N_TISSUES)
    >>> factors, offsets = fit_calibration(3.0 * true + 1.0, true.softmax(dim=1))
    >>> bool(((factors - 1 / 3).abs() < 0.02).all())
    True
    """
    factors = torch.zeros(N_TISSUES, requires_grad=True)  # logarithms
    offsets = torch.zeros(N_TISSUES, requires_grad=True)
    optimizer = torch.optim.Adam([factors, offsets], lr=0.05)
    for _ in range(STEPS):
        shares = functional.log_softmax(logits * factors.exp() + offsets, dim=1)
        prior = PRIOR_PIXELS / max(len(logits), 1) * (factors**2 + offsets**2).sum()
        loss = -(fractions * shares).sum(dim=1).mean() + 0.01 * prior
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return factors.detach().exp(), offsets.detach()


def calibration_errors(shares: Tensor, fractions: Tensor, n_bins: int = 10) -> Tensor:
    """Expected calibration error of each tissue (N_TISSUES,): mean |share − fraction| over bins of the share.

    Each bin counts by its pixels; pixels that are surely not the tissue (share below 0.01) do not count, for they would
    hide all others. Both inputs are (pixels, N_TISSUES).

    >>> shares = torch.full((100, N_TISSUES), 0.5)
    >>> calibration_errors(shares, torch.full((100, N_TISSUES), 0.4))[0].item().__round__(3)
    0.1
    """
    errors = torch.zeros(shares.shape[1])
    for tissue in range(shares.shape[1]):
        judged = shares[:, tissue] >= 0.01
        share, fraction = shares[judged, tissue], fractions[judged, tissue]
        bins = (share * n_bins).long().clamp(0, n_bins - 1)
        gap = torch.zeros(n_bins).index_add_(0, bins, share - fraction)
        errors[tissue] = gap.abs().sum() / max(1, len(share))
    return errors
