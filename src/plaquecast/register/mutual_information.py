"""Mutual information of sampled points and an image, with its slope, fast enough to be asked hundreds of times."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plaquecast.domain.grid import FloatArray
from plaquecast.register.layers import Layer

_EDGE_BINS = 2
"""Empty bins on either side, into which the cubic window of an intensity reaches."""

_FEWEST_INSIDE = 0.3
"""Below this share of points inside the other image there is no agreement to speak of."""


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Points of an image, homogeneous LPS mm (n, 4), and the histogram bin (n,) of the intensity there."""

    points: FloatArray
    bins: NDArray[np.intp]


def draw_samples(layer: Layer, weight: NDArray[np.float32], n_points: int, seed: int) -> Samples:
    """Draw points by weight, anywhere within their voxels.

    Points on voxel centers would favor transforms that take grid to grid, where nothing is blurred by interpolation;
    here both images are interpolated, and equally so wherever they lie. Voxels of no weight, such as padding, change
    nothing of what is drawn.
    """
    cumulative = np.cumsum(weight, dtype=np.float64).ravel()
    rng = np.random.default_rng(seed)
    places = (np.arange(n_points) + rng.random(n_points)) * (cumulative[-1] / n_points)
    drawn = np.minimum(np.searchsorted(cumulative, places, side="right"), weight.size - 1)
    index = np.stack(np.unravel_index(drawn, weight.shape), axis=1) + rng.uniform(-0.5, 0.5, (n_points, 3))
    index = np.clip(index, 0.0, np.array(weight.shape) - 1.0)
    values, _ = interpolate(layer.image, index)
    points = np.concatenate([layer.grid.to_mm(index), np.ones((n_points, 1))], axis=1)
    return Samples(points, np.rint(values).astype(np.intp))


def interpolate(image: NDArray[np.float32], index: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Trilinear values (n,) of an image at fractional indices (n, 3) inside it, and their slopes (n, 3) per index.

    >>> ramp = np.arange(8, dtype=np.float32).reshape(2, 2, 2)
    >>> values, slopes = interpolate(ramp, np.array([[0.25, 0.5, 0.0]]))
    >>> values.tolist(), slopes.tolist()
    ([2.0], [[4.0, 2.0, 1.0]])
    """
    last = np.array(image.shape) - 1
    lower = np.minimum(index.astype(np.intp), np.maximum(last - 1, 0))
    z, y, x = (index - lower).T
    # an axis of one voxel has no neighbor: its step is 0, and so is the slope along it
    step_z, step_y, step_x = (np.array(image.strides) // image.itemsize) * (last > 0)
    start = lower @ (np.array(image.strides) // image.itemsize)
    flat = image.ravel()

    def along_x(offset: int) -> tuple[NDArray[Any], NDArray[Any]]:
        first = flat[start + offset]
        slope = flat[start + (offset + step_x)] - first
        return first + x * slope, slope

    def along_y(offset: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        (first, slope_first), (second, slope_second) = along_x(offset), along_x(offset + step_y)
        return first + y * (second - first), second - first, slope_first + y * (slope_second - slope_first)

    (low, low_by_y, low_by_x), (high, high_by_y, high_by_x) = along_y(0), along_y(step_z)
    slopes = np.stack(
        [high - low, low_by_y + z * (high_by_y - low_by_y), low_by_x + z * (high_by_x - low_by_x)], axis=1
    )
    return (low + z * (high - low)).astype(np.float64), slopes.astype(np.float64)


def mutual_information(samples: Samples, layer: Layer, matrix_mm: FloatArray, n_bins: int) -> tuple[float, FloatArray]:
    """Mutual information (nats) of samples and an image asked at their places, and its slope (3, 4) by the matrix.

    `matrix_mm` (4, 4) takes the samples' points to points of the image. After Mattes 2003: the samples' intensities
    fall into one bin each, the image's are spread by a cubic B-spline, so that the value is smooth in the transform.
    Points outside do not count, those in the outermost voxel count in part, so that none comes or goes at once; when
    less than 0.3 of them count the value is 0.
    """
    index = samples.points @ (layer.index_from_mm @ matrix_mm)[:3].T
    share, share_slope = _share_inside(index, layer.image.shape)
    inside = np.flatnonzero(share)
    share, share_slope, total = share[inside], share_slope[inside], float(share.sum())
    if total < _FEWEST_INSIDE * len(index):
        return 0.0, np.zeros((3, 4))
    values, slopes = interpolate(layer.image, index[inside])
    lower = np.floor(values)
    width = n_bins + 2 * _EDGE_BINS
    first_bin = samples.bins[inside] * width + lower.astype(np.intp) + (_EDGE_BINS - 1)
    windows, window_slopes = _cubic_window(values - lower)
    joint = np.zeros(n_bins * width)
    for shift, window in enumerate(windows):
        joint += np.bincount(first_bin + shift, window * share, minlength=len(joint))
    joint = joint.reshape(n_bins, width) / total
    expected = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)
    log_ratio = np.log(np.divide(joint, expected, out=np.ones_like(joint), where=joint > 0))
    value = float((joint * log_ratio).sum())
    by_value, by_share = np.zeros(len(inside)), np.full(len(inside), -value)
    for shift, (window, slope) in enumerate(zip(windows, window_slopes, strict=True)):
        told = log_ratio.ravel()[first_bin + shift]
        by_value += told * slope
        by_share += told * window
    by_index = (by_value * share)[:, None] * slopes + by_share[:, None] * share_slope
    by_point = by_index @ (layer.index_from_mm[:3, :3] / total)
    return value, by_point.T @ samples.points[inside]


def _share_inside(index: FloatArray, shape: tuple[int, ...]) -> tuple[FloatArray, FloatArray]:
    """How far inside an image indices (n, 3) lie, 0 at the edge to 1 a voxel from it, and its slope (n, 3)."""
    last = np.array(shape) - 1.0
    from_edge = np.minimum(index, last - index)
    axis = from_edge.argmin(axis=1)
    rows = np.arange(len(index))
    nearest = from_edge[rows, axis]
    slope = np.zeros(index.shape)
    fades = (nearest > 0.0) & (nearest < 1.0)
    slope[rows, axis] = np.where(fades, np.sign(last[axis] - 2.0 * index[rows, axis]), 0.0)
    return np.clip(nearest, 0.0, 1.0), slope


def _cubic_window(part: FloatArray) -> tuple[tuple[FloatArray, ...], tuple[FloatArray, ...]]:
    """Weights of the four bins around a value that lies `part` (0–1) above the second of them, and their slopes."""
    rest, square = 1.0 - part, part * part
    cube = square * part
    weights = (rest**3 / 6, (4 - 6 * square + 3 * cube) / 6, (1 + 3 * (part + square - cube)) / 6, cube / 6)
    return weights, (-0.5 * rest**2, 1.5 * square - 2 * part, 0.5 + part - 1.5 * square, 0.5 * square)
