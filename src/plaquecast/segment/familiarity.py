"""Whether a region looks like anything the network has learned from: its distance from the features of training."""

from dataclasses import dataclass

import torch
from torch import Tensor

SHRINKAGE = 0.1
LEAST_SAMPLES = 32
QUANTILE = 0.99
MARGIN = 1.15
"""A visit is unfamiliar beyond so many times the distance that 99 % of known slices stay within."""


@dataclass(frozen=True, slots=True, eq=False)
class Familiarity:
    """Mean (n,) and precision matrix (n, n) of known features, and the distance within which most of them lie."""

    mean: Tensor
    precision: Tensor
    limit: float

    def distances(self, features: Tensor) -> Tensor:
        """Mahalanobis distance of features (batch, n), relative to the limit: above 1 is unfamiliar, (batch,)."""
        off = features.float() - self.mean
        return ((off @ self.precision) * off).sum(dim=1).clamp_min(0.0).sqrt() / self.limit

    @staticmethod
    def learn(known: Tensor, others: Tensor) -> "Familiarity":
        """From features (n_samples, n) of learned slices, and of slices not learned from, which set the limit.

        The covariance is shrunk towards its diagonal, so that fewer samples than features still give one.

        >>> _ = torch.manual_seed(0)
        >>> familiar = Familiarity.learn(torch.randn(200, 5), torch.randn(100, 5))
        >>> bool(familiar.distances(torch.zeros(1, 5)) < 0.5), bool(familiar.distances(torch.full((1, 5), 9.0)) > 2.0)
        (True, True)
        """
        mean = known.float().mean(dim=0)
        off = known.float() - mean
        covariance = off.T @ off / max(1, len(known) - 1)
        diagonal = torch.diag(torch.diagonal(covariance))
        ridge = 1e-6 + 1e-3 * float(torch.diagonal(covariance).mean())
        shrunk = (1.0 - SHRINKAGE) * covariance + SHRINKAGE * diagonal + ridge * torch.eye(len(mean))
        unscaled = Familiarity(mean, torch.linalg.inv(shrunk), 1.0)
        return Familiarity(
            mean, unscaled.precision, MARGIN * float(torch.quantile(unscaled.distances(others), QUANTILE))
        )
