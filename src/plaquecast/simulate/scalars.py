"""Functions of one number that drawing a person needs everywhere."""

import numpy as np


def clamped(value: float, low: float, high: float) -> float:
    """The value, or the bound that it lies beyond.

    >>> clamped(2.5, 0.0, 1.0)
    1.0
    """
    return float(min(max(value, low), high))


def chance(logit: float) -> float:
    """The probability (0–1) of the given log odds.

    >>> chance(0.0)
    0.5
    """
    return float(1.0 / (1.0 + np.exp(-logit)))


def number(value: object) -> float:
    """An entry of a complete record as a number; gaps are made only after arteries are drawn."""
    assert isinstance(value, int | float), "complete records are drawn before gaps are made"
    return float(value)
