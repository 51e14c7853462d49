"""How many predictors a cohort can carry: the criteria of Riley and others (2019, part I, continuous outcomes)."""

import math

EXPECTED_R2 = 0.15
"""What change of carotid plaque may be expected to be explained; no published figure is higher."""
SHRINKAGE, OPTIMISM, SPREAD_ROWS = 0.9, 0.05, 234


def is_enough(n_patients: int, n_predictors: int, r2: float) -> bool:
    """Whether a linear model keeps shrinkage ≥ 0.9, optimism of R² ≤ 0.05 and the residual SD within 10 %.

    >>> is_enough(918, 25, 0.2), is_enough(917, 25, 0.2)
    (True, False)
    """
    if n_patients < SPREAD_ROWS + n_predictors:
        return False
    unexplained = (1.0 - r2) * (n_patients - n_predictors - 1) / (n_patients - 1)
    shrinkage = 1.0 + (n_predictors - 2) / (n_patients * math.log(unexplained))
    return shrinkage >= SHRINKAGE and (1.0 - r2) - unexplained <= OPTIMISM


def supported_predictors(n_patients: int, r2: float = EXPECTED_R2) -> int:
    """The largest number of predictors for which a cohort is enough; 0 if for none.

    >>> supported_predictors(984), supported_predictors(60)
    (20, 0)
    """
    supported = 0
    while is_enough(n_patients, supported + 1, r2):
        supported += 1
    return supported
