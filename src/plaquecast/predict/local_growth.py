"""Where the wall will thicken: an artery's forecast laid over its wall, by how thick each place is today.

Few numbers are learned, for one place of one map is mostly error: 0.2 mm a year of it beside 0.1 mm of change. They are
learned by least absolute error, which draws towards no change as far as the data speak for it.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.optimize import nnls

from plaquecast.domain.grid import FloatArray

BLOCK = (2, 6)
"""Places (4 mm × 60°) over which measured change is averaged before anything is learned from it."""
LEAST_KNOWN = 0.5
"""Share of a block's places that must be known."""
N_STEPS = 40
LEAST_ERROR_MM = 1e-3
"""An error below this, mm/yr, counts no more than it when rows are weighted by its inverse."""


def thickness_around(thickness: FloatArray) -> FloatArray:
    """Thickness (n, 16, 36) of the places next to each one in the slices above and below; NaN where not covered.

    The place's own reading is left out: its error stands in the measured change with the opposite sign, and a thick
    reading would seem to shrink.

    >>> wall = np.full((1, 16, 36), 1.0)
    >>> wall[0, 8, 9] = 4.0
    >>> around = thickness_around(wall)
    >>> float(around[0, 8, 9]), float(around[0, 7, 9])
    (1.0, 1.5)
    """
    padded = np.pad(thickness, ((0, 0), (1, 1), (0, 0)), constant_values=np.nan)
    near = [np.roll(rows, turn, axis=2) for rows in (padded[:, :-2], padded[:, 2:]) for turn in (-1, 0, 1)]
    return np.where(np.isfinite(thickness), _mean(np.stack(near), axis=0), np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class LocalGrowth:
    """Thickening of a place, mm/yr: a·t + b·g·s + c·g·s².

    t is the thickness around the place (mm), s the same as a share of the artery's mean, and g the forecast thickening
    of the whole artery (mm/yr): a plaque that grows may add most where it is thickest already. `coefficients` are
    (a, b, c). The variance of measured minus forecast change is `variances[0]` / years² + `variances[1]` · t²; `tails`
    are the ends of the middle of residuals in units of its root.
    """

    coefficients: FloatArray
    variances: FloatArray
    tails: tuple[float, float]
    n_arteries: int

    @staticmethod
    def of(
        thickness: FloatArray, growth: FloatArray, thickening: FloatArray, years: FloatArray, level: float = 0.9
    ) -> "LocalGrowth":
        """Learn from n arteries: `thickness` and measured `thickening` (n, 16, 36), NaN where not known.

        `growth` (n,) must be forecast by models that never saw the artery; `years` (n,) are the intervals.
        """
        around = thickness_around(thickness)
        terms = _terms(around, growth)
        known = np.isfinite(terms[0]) & np.isfinite(thickening)
        blocks = [_block_means(np.where(known, values, np.nan)) for values in (*terms, thickening)]
        weight = np.broadcast_to(years[:, None, None], blocks[0].shape)
        used = np.isfinite(blocks[-1])
        design = np.column_stack([block[used] for block in blocks[:-1]])
        coefficients = _least_absolute(design, blocks[-1][used], weight[used])
        residuals = (thickening - np.tensordot(coefficients, terms, axes=1))[known]
        bases = np.column_stack([np.broadcast_to(years[:, None, None] ** -2.0, known.shape)[known], around[known] ** 2])
        scale = bases.mean(axis=0)
        variances = nnls(bases / scale, residuals**2)[0] / scale
        scaled = residuals / np.sqrt(bases @ variances)
        low, high = np.quantile(scaled, [0.5 * (1.0 - level), 0.5 * (1.0 + level)])
        return LocalGrowth(coefficients, variances, (float(low), float(high)), int(known.any(axis=(1, 2)).sum()))

    def predict(self, thickness: FloatArray, growth: FloatArray) -> FloatArray:
        """Expected thickening (n, 16, 36) mm/yr of arteries whose mean is forecast to grow by `growth` (n,) mm/yr."""
        return np.tensordot(self.coefficients, _terms(thickness_around(thickness), growth), axes=1)

    def interval(self, thickness: FloatArray, expected: FloatArray, years: FloatArray) -> tuple[FloatArray, FloatArray]:
        """What would be measured at each place over `years` (n,): lower and upper ends (n, 16, 36), mm/yr."""
        around = thickness_around(thickness)
        sd = np.sqrt(self.variances[0] / years[:, None, None] ** 2 + self.variances[1] * around**2)
        return expected + self.tails[0] * sd, expected + self.tails[1] * sd

    def as_state(self) -> dict[str, Any]:
        """Everything as plain values and arrays."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The map's law from its state."""
        low, high = state["tails"]
        arrays = (np.array(state[name], float) for name in ("coefficients", "variances"))
        return cls(*arrays, (float(low), float(high)), int(state["n_arteries"]))


def _terms(around: FloatArray, growth: FloatArray) -> FloatArray:
    share = around / _mean(around, axis=(1, 2))[:, None, None]
    rate = growth[:, None, None]
    return np.stack([around, rate * share, rate * share**2])


def _block_means(values: FloatArray) -> FloatArray:
    n, rows, columns = values.shape
    blocks = values.reshape(n, rows // BLOCK[0], BLOCK[0], columns // BLOCK[1], BLOCK[1])
    is_enough = np.isfinite(blocks).mean(axis=(2, 4)) >= LEAST_KNOWN
    return np.where(is_enough, _mean(blocks, axis=(2, 4)), np.nan)


def _mean(values: FloatArray, axis: int | tuple[int, ...]) -> FloatArray:
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0.0).sum(axis=axis)
    return np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)


def _least_absolute(design: FloatArray, wanted: FloatArray, weight: FloatArray) -> FloatArray:
    """Coefficients of the least weighted sum of absolute errors, by reweighted least squares (Schlossmacher 1973)."""
    coefficients = np.zeros(design.shape[1])
    for _ in range(N_STEPS):
        errors = np.abs(wanted - design @ coefficients)
        root = np.sqrt(weight / np.maximum(errors, LEAST_ERROR_MM))
        coefficients = np.linalg.lstsq(design * root[:, None], wanted * root, rcond=None)[0]
    return coefficients
