"""All models in one table, from the plainest to the boldest."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from plaquecast.domain.change import Factor
from plaquecast.predict.additive import ExplainableBoosting
from plaquecast.predict.boosting import BoostedTrees
from plaquecast.predict.contract import StoredModel
from plaquecast.predict.hurdle import COMPONENT_FACTORS, Hurdle
from plaquecast.predict.linear import PenalizedLinear
from plaquecast.predict.naive import BaselineOnly, NoChange, StratumMean
from plaquecast.predict.shared import SHARED_BY, SharedGrowth


@dataclass(frozen=True, slots=True)
class ModelKind:
    """One kind of model: its type, and its candidates for a factor and a seed, unfitted; none if it does not apply.

    A kind that `is_partial` sees part of the features, and stands in tables to show what that part is worth. With fewer
    than `least_patients` a kind is not tried.
    """

    name: str
    type: type[StoredModel]
    is_naive: bool
    candidates: Callable[[Factor, int], tuple[StoredModel, ...]]
    is_constant: bool = False
    is_partial: bool = False
    least_patients: int = 0


STRATUM = ("statin", "has_hemorrhage")
SPARSE = (0.5, 0.25, 0.12, 0.06, 0.03)
"""Penalties of the elastic net, as shares of the one that leaves only the mean."""
RIDGE = (5.0, 0.5)
RIDGE_OF_FEW = (3.0, 0.5, 0.1, 0.02)


def _lines(factor: Factor) -> tuple[PenalizedLinear, ...]:
    """Lines for use inside another model: few predictors, and all."""
    few = tuple(PenalizedLinear(factor, strength, 0.0, "prespecified") for strength in RIDGE_OF_FEW)
    return (*few, *(PenalizedLinear(factor, strength, 0.7) for strength in SPARSE[1:4]))


def _penalized_linear(factor: Factor, seed: int) -> tuple[PenalizedLinear, ...]:
    ridge = (PenalizedLinear(factor, strength, 0.0) for strength in RIDGE)
    return (*ridge, *(PenalizedLinear(factor, strength, 0.7) for strength in SPARSE))


def _few_predictors(factor: Factor, seed: int) -> tuple[PenalizedLinear, ...]:
    return tuple(PenalizedLinear(factor, strength, 0.0, "prespecified") for strength in RIDGE_OF_FEW)


def _structured_only(factor: Factor, seed: int) -> tuple[PenalizedLinear, ...]:
    return tuple(PenalizedLinear(factor, strength, 0.7, "structured") for strength in SPARSE)


def _image_only(factor: Factor, seed: int) -> tuple[PenalizedLinear, ...]:
    return tuple(PenalizedLinear(factor, strength, 0.7, "image") for strength in SPARSE)


def _shared_growth(factor: Factor, seed: int) -> tuple[Hurdle, ...]:
    return tuple(Hurdle(factor, SharedGrowth(factor, line)) for line in _lines(factor)) if factor in SHARED_BY else ()


def _hurdle(factor: Factor, seed: int) -> tuple[Hurdle, ...]:
    ways = (False, True) if factor in COMPONENT_FACTORS else (False,)
    return tuple(Hurdle(factor, line, is_share) for line in _lines(factor) for is_share in ways)


def _boosted_trees(factor: Factor, seed: int) -> tuple[BoostedTrees, ...]:
    return tuple(BoostedTrees(factor, leaves, 150, seed) for leaves in (2, 5))


def _explainable_boosting(factor: Factor, seed: int) -> tuple[ExplainableBoosting, ...]:
    return (ExplainableBoosting(factor, 0.05, seed),)


ENOUGH_PATIENTS = 234
"""With fewer patients not even a residual's SD is known to 10 % (Riley 2019), let alone coefficients or steps."""

MODELS: tuple[ModelKind, ...] = (
    ModelKind("no change", NoChange, True, lambda factor, seed: (NoChange(factor),), is_constant=True),
    ModelKind("population mean", StratumMean, True, lambda factor, seed: (StratumMean(factor),), is_constant=True),
    ModelKind("stratum mean", StratumMean, True, lambda factor, seed: (StratumMean(factor, STRATUM),)),
    ModelKind("baseline value only", BaselineOnly, True, lambda factor, seed: (BaselineOnly(factor),)),
    ModelKind("structured only", PenalizedLinear, False, _structured_only, is_partial=True),
    ModelKind("image only", PenalizedLinear, False, _image_only, is_partial=True),
    ModelKind("few predictors", PenalizedLinear, False, _few_predictors),
    ModelKind("penalized linear", PenalizedLinear, False, _penalized_linear),
    ModelKind("shared growth", Hurdle, False, _shared_growth),
    ModelKind("hurdle", Hurdle, False, _hurdle),
    ModelKind(
        "explainable boosting", ExplainableBoosting, False, _explainable_boosting, least_patients=ENOUGH_PATIENTS
    ),
    ModelKind("boosted trees", BoostedTrees, False, _boosted_trees),
)
"""Every model that is compared; what is added here is validated, chosen, stored and loaded like the rest."""

KINDS: Mapping[str, ModelKind] = {kind.name: kind for kind in MODELS}
