"""Probabilities that mean what they say: one temperature, fitted on patients that were not learned from."""

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from torch import Tensor
from torch.nn import functional


def fit_temperature(logits: Tensor, fractions: Tensor) -> float:
    """The temperature by which logits (pixels, N_TISSUES) are divided so that the shares fit the fractions best.

    Minimizes the cross-entropy (Guo et al. 2017, "On calibration of modern neural networks"), between 1/4 and 4. One
    temperature for all tissues leaves two tissues that share a pixel equally at one half each, so contours stay where
    they are; a factor or an offset per tissue would move them.

    >>> _ = torch.manual_seed(0)
    >>> true = torch.randn(20000, 8)
    >>> round(fit_temperature(3.0 * true, true.softmax(dim=1)), 2)
    3.0
    """

    def cross_entropy(log_temperature: float) -> float:
        shares = functional.log_softmax(logits / float(np.exp(log_temperature)), dim=1)
        return -float((fractions * shares).sum(dim=1).mean())

    found = minimize_scalar(cross_entropy, bounds=(-np.log(4.0), np.log(4.0)), method="bounded")
    return float(np.exp(found.x))


def calibration_errors(shares: Tensor, fractions: Tensor, n_bins: int = 10) -> Tensor:
    """Expected calibration error of each tissue (N_TISSUES,): mean |share − fraction| over bins of the share.

    Each bin counts by its pixels; pixels that are surely not the tissue (share below 0.01) do not count, for they would
    hide all others. Both inputs are (pixels, N_TISSUES).

    >>> shares = torch.full((100, 8), 0.5)
    >>> calibration_errors(shares, torch.full((100, 8), 0.4))[0].item().__round__(3)
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
