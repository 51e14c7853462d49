"""What the tissue network is punished for."""

from torch import Tensor
from torch.nn import functional

FAR_WEIGHT = 0.2
NEAR_PIXELS = 9
"""Pixels further than half of this from the vessel weigh `FAR_WEIGHT` in the cross-entropy, all others 1.

Weights by tissue would bias the shares of edge pixels towards the heavier tissue, and with them area and thickness.
"""
POSITION_WEIGHT = 0.3


def near_vessel(fractions: Tensor, judged: Tensor) -> Tensor:
    """How near each pixel is to a vessel that was judged, (batch, 1, n, n): 1 in it and around it, 0 far away."""
    vessel = (1.0 - fractions[:, :1]) * judged[:, None]
    return functional.max_pool2d(vessel, NEAR_PIXELS, stride=1, padding=NEAR_PIXELS // 2)


def tissue_loss(
    logits: Tensor, predicted_position: Tensor, fractions: Tensor, judged: Tensor, position: Tensor
) -> Tensor:
    """Cross-entropy and Dice against tissue fractions where they were judged, and the error of the position.

    Both are least where the predicted shares equal the fractions (Dice has squares below the line for that).

    >>> import torch
    >>> fractions = torch.zeros(1, 8, 16, 16); fractions[:, 0] = 1.0; fractions[:, :2, 4:8, 4:8] = 0.5
    >>> judged, zero = torch.ones(1, 16, 16), torch.zeros(1)
    >>> shares = (torch.full_like(fractions, 0.01), fractions, fractions[:, [0, 2, 1, 3, 4, 5, 6, 7]])
    >>> worst, best, swapped = (float(tissue_loss((s + 1e-6).log(), zero, fractions, judged, zero)) for s in shares)
    >>> best < swapped and best < worst
    True
    """
    log_shares = functional.log_softmax(logits.float(), dim=1)
    seen = judged[:, None]
    weight = seen * (FAR_WEIGHT + (1.0 - FAR_WEIGHT) * near_vessel(fractions, judged))
    entropy = -(weight * fractions * log_shares).sum() / weight.sum().clamp_min(1.0)
    shares, wanted = log_shares.exp() * seen, fractions * seen
    overlap = (shares * wanted).sum(dim=(0, 2, 3))
    total = (shares**2).sum(dim=(0, 2, 3)) + (wanted**2).sum(dim=(0, 2, 3))
    present = wanted.sum(dim=(0, 2, 3)) > 20.0  # a handful of pixels says nothing of overlap
    dice = 1.0 - ((2.0 * overlap + 1.0) / (total + 1.0))[present].mean()
    return entropy + dice + position_loss(predicted_position, position)


def position_loss(predicted: Tensor, position: Tensor) -> Tensor:
    """The weighted error of the position; NaN marks slices whose annotator named no bifurcation, which teach nothing.

    >>> import torch
    >>> one, two = torch.tensor([1.0, 5.0]), torch.tensor([1.0, float("nan")])
    >>> float(position_loss(one, two)), float(position_loss(one, two * float("nan")))
    (0.0, 0.0)
    """
    known = position.isfinite()
    if not known.any():
        return predicted.float().sum() * 0.0
    return POSITION_WEIGHT * functional.smooth_l1_loss(predicted.float()[known], position[known])
