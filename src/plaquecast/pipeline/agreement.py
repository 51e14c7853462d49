"""How well two series of the same numbers agree: bias, spread and intraclass correlation."""

from dataclasses import asdict, dataclass

import numpy as np

from plaquecast.domain.grid import FloatArray


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of `n` pairs: mean and SD of the differences, and the intraclass correlation (NaN where undefined)."""

    n: int
    bias: float
    sd: float
    icc: float

    def as_dict(self) -> dict[str, float | int | None]:
        """Plain values for JSON; None where a number is undefined."""
        return {name: None if value != value else value for name, value in asdict(self).items()}


def agreement(measured: FloatArray, true: FloatArray) -> Agreement:
    """Compare two series (n,), leaving out pairs in which either is NaN.

    The correlation is ICC(A,1): two-way, absolute agreement, single measurement (McGraw and Wong 1996), so a bias
    lowers it.

    >>> found = agreement(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.1, 2.1, 3.1, 4.1]))
    >>> found.n, round(found.bias, 3), round(found.sd, 3), round(found.icc, 3)
    (4, -0.1, 0.0, 0.997)
    """
    both = np.isfinite(measured) & np.isfinite(true)
    one, other = measured[both], true[both]
    n = int(both.sum())
    if n == 0:
        return Agreement(0, np.nan, np.nan, np.nan)
    difference = one - other
    if n < 3:
        return Agreement(n, float(difference.mean()), np.nan, np.nan)
    return Agreement(n, float(difference.mean()), float(difference.std(ddof=1)), intraclass(np.stack([one, other], 1)))


def intraclass(ratings: FloatArray) -> float:
    """ICC(A,1) of `ratings` (n subjects, k raters); NaN where nothing varies."""
    n, k = ratings.shape
    grand = ratings.mean()
    rows = k * ((ratings.mean(axis=1) - grand) ** 2).sum() / (n - 1)
    columns = n * ((ratings.mean(axis=0) - grand) ** 2).sum() / (k - 1)
    total = ((ratings - grand) ** 2).sum()
    error = (total - rows * (n - 1) - columns * (k - 1)) / ((n - 1) * (k - 1))
    below = rows + (k - 1) * error + k * (columns - error) / n
    return float((rows - error) / below) if below > 0 else float("nan")
