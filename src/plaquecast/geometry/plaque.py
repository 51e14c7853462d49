"""Which part of a labeled vessel wall is plaque."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from plaquecast.domain.anatomy import COMPONENTS, Tissue
from plaquecast.domain.grid import Grid

PLAQUE_THICKNESS_MM = 1.5
"""Wall thicker than this is plaque, as are all components."""


def plaque_mask(labels: NDArray[np.uint8], grid: Grid) -> NDArray[np.bool_]:
    """Wall thicker than `PLAQUE_THICKNESS_MM` in the plane of its slice, and every component, bool as `labels`.

    Thickness at a pixel is its distance to the lumen plus its distance to the outside; each runs to a pixel's
    center half a pixel beyond the boundary, so one pixel is taken off.

    >>> labels = np.zeros((1, 5, 10), dtype=np.uint8)
    >>> labels[0, :, 1:9], labels[0, :, 3:5] = Tissue.WALL, Tissue.LUMEN  # 1 mm of wall here, 2 mm there
    >>> plaque_mask(labels, Grid.axis_aligned((1, 5, 10), (2.0, 0.5, 0.5)))[0, 0].astype(int).tolist()
    [0, 0, 0, 0, 0, 1, 1, 1, 1, 0]
    """
    plaque = np.isin(labels, COMPONENTS)
    spacing = grid.spacing_mm[1:]
    for k, layer in enumerate(labels):
        lumen, outside = layer == Tissue.LUMEN, layer == Tissue.BACKGROUND
        if lumen.any():
            thickness = np.asarray(ndimage.distance_transform_edt(~lumen, spacing)) + np.asarray(
                ndimage.distance_transform_edt(~outside, spacing)
            )
            wall = ~lumen & ~outside
            plaque[k] |= wall & (thickness - spacing[0] > PLAQUE_THICKNESS_MM)
    return plaque
