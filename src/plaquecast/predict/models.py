"""All models in one table, from the plainest to the boldest."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from plaquecast.domain.change import Factor
from plaquecast.predict.boosting import BoostedTrees
from plaquecast.predict.contract import StoredModel
from plaquecast.predict.linear import PenalizedLinear
from plaquecast.predict.naive import BaselineOnly, NoChange, StratumMean


@dataclass(frozen=True, slots=True)
class ModelKind:
    """One kind of model: its candidates for a factor and a seed (unfitted, from stiff to bold), and its type.

    A naive kind learns from change as it was measured, regression to the mean included; the others from what is left.
    """

    name: str
    type: type[StoredModel]
    is_naive: bool
    candidates: Callable[[Factor, int], tuple[StoredModel, ...]]
    is_constant: bool = False


STRENGTHS = (0.5, 0.25, 0.12, 0.06, 0.03, 0.015)
"""Penalties of the elastic net, as shares of the one that leaves only the mean."""
RIDGE_STRENGTHS = (10.0, 3.0, 1.0, 0.3, 0.1)

MODELS: tuple[ModelKind, ...] = (
    ModelKind("no change", NoChange, True, lambda factor, seed: (NoChange(factor),), is_constant=True),
    ModelKind("population mean", StratumMean, True, lambda factor, seed: (StratumMean(factor),), is_constant=True),
    ModelKind(
        "stratum mean", StratumMean, True, lambda factor, seed: (StratumMean(factor, ("statin", "has_hemorrhage")),)
    ),
    ModelKind("baseline value only", BaselineOnly, True, lambda factor, seed: (BaselineOnly(factor),)),
    ModelKind(
        "penalized linear", PenalizedLinear, False,
        lambda factor, seed: (
            *(PenalizedLinear(factor, strength, 0.0) for strength in RIDGE_STRENGTHS),
            *(PenalizedLinear(factor, strength, 0.7) for strength in STRENGTHS),
        ),
    ),
    ModelKind(
        "boosted trees", BoostedTrees, False,
        lambda factor, seed: tuple(BoostedTrees(factor, leaves, 150, seed) for leaves in (2, 5)),
    ),
)  # fmt: skip
"""Every model that is compared; what is added here is validated, chosen, stored and loaded like the rest."""

KINDS: Mapping[str, ModelKind] = {kind.name: kind for kind in MODELS}
