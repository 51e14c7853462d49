"""One arrangement for every image that comes in: slices towards the head, rows to the back, columns to the left."""

from typing import Any

import numpy as np
from nibabel.orientations import io_orientation
from numpy.typing import NDArray

from plaquecast.domain.grid import FloatArray


def arrange(array: NDArray[Any], affine_lps: FloatArray) -> tuple[NDArray[Any], FloatArray]:
    """Reorder and flip the axes of a 3-D array so that they lie nearest to the body's (+z, +y, +x) in LPS.

    No voxel moves and none is interpolated: the same points of the body hold the same values. All 48 arrangements of
    one image become the same one, whatever program wrote it.

    Args:
        array: values along any three axes.
        affine_lps: 4x4, from those indices to LPS mm.

    >>> array = np.arange(24.0).reshape(2, 3, 4)
    >>> affine = np.diag([1.0, -1.0, 2.0, 1.0])  # x, then y towards the front, then z
    >>> arranged, lps = arrange(array, affine)
    >>> arranged.shape, lps[:3].tolist()
    ((4, 3, 2), [[0.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, -2.0], [2.0, 0.0, 0.0, 0.0]])
    """
    orientation = io_orientation(affine_lps)
    sources = [int(np.flatnonzero(orientation[:, 0] == body_axis)[0]) for body_axis in (2, 1, 0)]
    change = np.zeros((4, 4))
    change[3, 3] = 1.0
    for target, source in enumerate(sources):
        flipped = orientation[source, 1] < 0
        change[source, target] = -1.0 if flipped else 1.0
        change[source, 3] = array.shape[source] - 1 if flipped else 0.0
    steps = tuple(slice(None, None, -1 if orientation[source, 1] < 0 else 1) for source in sources)
    return np.ascontiguousarray(np.transpose(array, sources)[steps]), affine_lps @ change + 0.0
