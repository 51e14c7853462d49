"""The axis of an artery from its annotated lumen, where the annotator gave labels and no axis."""

import numpy as np
from numpy.typing import NDArray

from plaquecast.domain.anatomy import Tissue
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.volume import Centerline, LabelMap


def axis_of_labels(
    labels: LabelMap, covered: NDArray[np.bool_], bifurcation_mm: FloatArray | None
) -> tuple[Centerline, FloatArray]:
    """The axis through the middle of the lumen of each covered slice, and each slice's position along the artery.

    Position 0 is the point of the axis nearest to `bifurcation_mm`, the tip of the flow divider. Without it no
    position is known: the positions of slices are NaN, and the axis starts at 0 with confidence 0.

    Args:
        labels: at least one covered slice has lumen.
        covered: (slices,), where the artery was annotated.
        bifurcation_mm: LPS mm, or None if the annotator did not say.

    >>> from plaquecast.domain.grid import Grid
    >>> array = np.zeros((3, 5, 5), dtype=np.uint8)
    >>> array[:, 2, 2] = Tissue.LUMEN
    >>> labels = LabelMap(Grid.axis_aligned((3, 5, 5), (2.0, 0.5, 0.5)), array)
    >>> axis, positions = axis_of_labels(labels, np.ones(3, dtype=bool), np.array([1.0, 1.0, 2.0]))
    >>> positions.tolist(), axis.points_mm[0].tolist()
    ([-2.0, 0.0, 2.0], [1.0, 1.0, 0.0])
    """
    slices = np.flatnonzero(covered)
    middles = np.array([_middle(labels, index) for index in slices])
    if len(slices) == 1:  # a line needs two points
        middles = np.stack([middles[0] - 0.5 * labels.grid.affine[:3, 0], middles[0] + 0.5 * labels.grid.affine[:3, 0]])
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(middles, axis=0), axis=1))])
    positions = np.full(labels.grid.shape[0], np.nan)
    if bifurcation_mm is None:
        return Centerline(middles, along, 0.0), positions
    axis = Centerline(middles, along - _nearest(middles, along, bifurcation_mm), 1.0)
    positions[slices] = axis.position_mm if len(slices) > 1 else axis.position_mm.mean()
    return axis, positions


def _middle(labels: LabelMap, index: np.intp) -> FloatArray:
    rows, columns = np.nonzero(labels.array[index] == Tissue.LUMEN)
    return labels.grid.to_mm(np.array([index, rows.mean(), columns.mean()]))


def _nearest(points_mm: FloatArray, along_mm: FloatArray, target_mm: FloatArray) -> float:
    """Arc length of the point of a polyline, or of its straight continuation at the ends, nearest to a target."""
    starts, steps = points_mm[:-1], np.diff(points_mm, axis=0)
    share = ((target_mm - starts) * steps).sum(axis=1) / (steps**2).sum(axis=1)
    low = np.where(np.arange(len(share)) == 0, -np.inf, 0.0)
    high = np.where(np.arange(len(share)) == len(share) - 1, np.inf, 1.0)
    share = np.clip(share, low, high)
    distance = np.linalg.norm(starts + share[:, None] * steps - target_mm, axis=1)
    best = int(np.argmin(distance))
    return float(along_mm[best] + share[best] * (along_mm[best + 1] - along_mm[best]))
