"""One measurement over several slices: its values, extremes and ratios, or the reason why there is none."""

from collections.abc import Sequence

import numpy as np

from plaquecast.domain.grid import FloatArray
from plaquecast.domain.missing import Measured, Missing, Reason
from plaquecast.domain.morphology import SliceMorphology

NOT_COVERED = Missing(Reason.NOT_COVERED)


def values_of(slices: Sequence[SliceMorphology], name: str) -> FloatArray | Missing:
    """A measurement of every slice, float64 (n,), or the first reason why one has none.

    >>> values_of((), "lumen_area_mm2")
    Missing(reason=<Reason.NOT_COVERED: 'not covered'>, detail='')
    """
    values = [getattr(section, name) for section in slices]
    missing = next((value for value in values if isinstance(value, Missing)), None)
    return missing or (np.array(values, dtype=np.float64) if values else NOT_COVERED)


def ratio(part: Measured, whole: Measured, scale: float = 1.0) -> Measured:
    """`scale` × part / whole, or the reason of the one that is missing; of nothing there is no share.

    >>> ratio(1.0, 4.0, 100.0)
    25.0
    """
    if isinstance(part, Missing) or isinstance(whole, Missing):
        return part if isinstance(part, Missing) else whole
    return scale * part / whole if whole > 0.0 else NOT_COVERED
