"""Mutual information between an image and sampled points of another, fast enough to be asked hundreds of times."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from plaquecast.domain.grid import FloatArray
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.volume import Volume


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Points (n, 3) mm of an image, and the lower histogram bin of each intensity with that bin's weight."""

    points_mm: FloatArray
    bins: NDArray[np.intp]
    weight: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Moving:
    """An image to be asked at points: smoothed, in units of histogram bins."""

    image: NDArray[np.float32]
    index_from_mm: FloatArray


def smoothed(volume: Volume, sigma_mm: float) -> NDArray[np.float32]:
    """The image blurred by a Gaussian of that many mm along each axis."""
    sigma = [sigma_mm / spacing for spacing in volume.grid.spacing_mm]
    return ndimage.gaussian_filter(volume.array, sigma, mode="nearest", truncate=3.0)


def in_bins(image: NDArray[np.float32], n_bins: int) -> NDArray[np.float32]:
    """Intensities as fractional histogram bins; the range is cut at the 0.5th and 99.5th percentile."""
    low, high = np.percentile(image[:, ::4, ::4], (0.5, 99.5))
    scaled = (image - low) * np.float32((n_bins - 1) / max(float(high - low), 1e-9))
    return np.clip(scaled, 0.0, n_bins - 1.001)


def draw_samples(
    volume: Volume, sigma_mm: float, n_points: int, n_bins: int, seed: int, near_mm: FloatArray | None = None,
    reach_mm: float = 15.0,
) -> Samples:  # fmt: skip
    """Draw points where the image tells something: in tissue, more often where its intensity changes.

    With `near_mm` (m, 3), only voxels within `reach_mm` of one of these points are drawn. Points lie anywhere within
    their voxel's slice plane but on slice centers, where nothing has to be interpolated.
    """
    image = smoothed(volume, sigma_mm)
    change = np.hypot(*np.gradient(image, axis=(1, 2)))
    weight = (change / max(float(np.percentile(change, 95)), 1e-9)).clip(0.0, 1.0) ** 2 + 0.02
    weight[image < 0.15 * np.percentile(image, 95)] *= 0.2  # air and noise tell little
    if near_mm is not None:
        weight[~_is_near(volume, near_mm, reach_mm)] = 0.0
    cumulative = np.cumsum(weight, dtype=np.float64).ravel()
    rng = np.random.default_rng(seed)
    drawn = np.searchsorted(cumulative, rng.random(n_points) * cumulative[-1])
    index = np.stack(np.unravel_index(np.minimum(drawn, image.size - 1), image.shape), axis=1)
    values = in_bins(image, n_bins)[tuple(index.T)]
    bins = values.astype(np.intp)
    return Samples(volume.grid.to_mm(index), bins, (1.0 - (values - bins)).astype(np.float32))


def _is_near(volume: Volume, points_mm: FloatArray, reach_mm: float) -> NDArray[np.bool_]:
    """Voxels within reach of the axis point at their own height."""
    grid = volume.grid
    near = np.zeros(grid.shape, dtype=bool)
    places = grid.to_index(points_mm)
    order = np.argsort(places[:, 0])
    rows, columns = np.mgrid[: grid.shape[1], : grid.shape[2]]
    for k in range(grid.shape[0]):
        if places[order[0], 0] - 1.0 <= k <= places[order[-1], 0] + 1.0:
            row, column = (np.interp(k, places[order, 0], places[order, axis]) for axis in (1, 2))
            distance = np.hypot((rows - row) * grid.spacing_mm[1], (columns - column) * grid.spacing_mm[2])
            near[k] = distance < reach_mm
    return near


def as_moving(volume: Volume, sigma_mm: float, n_bins: int) -> Moving:
    """Prepare an image to be asked at points."""
    return Moving(in_bins(smoothed(volume, sigma_mm), n_bins), np.linalg.inv(volume.grid.affine))


def mutual_information(samples: Samples, moving: Moving, transform: RigidTransform, n_bins: int) -> float:
    """Mutual information in nats between sampled points and the image at their images under the transform.

    Joint histogram with linear weights on both sides (Collignon 1995), over the points that fall inside; too few of
    them count as none.
    """
    matrix = moving.index_from_mm[:3] @ transform.matrix_mm
    index = samples.points_mm @ matrix[:, :3].T + matrix[:, 3]
    inside = np.all((index >= 0.0) & (index <= np.array(moving.image.shape) - 1.0), axis=1)
    n_inside = int(inside.sum())
    if n_inside < 0.3 * len(inside):
        return 0.0
    values = ndimage.map_coordinates(moving.image, index[inside].T, order=1, mode="nearest", prefilter=False)
    lower = values.astype(np.intp)
    upper_weight = (values - lower).astype(np.float64)
    own, own_weight = samples.bins[inside], samples.weight[inside].astype(np.float64)
    base = own * n_bins + lower
    histogram = np.zeros(n_bins * n_bins + n_bins + 1)
    for shift, weight in (
        (0, own_weight * (1 - upper_weight)),
        (1, own_weight * upper_weight),
        (n_bins, (1 - own_weight) * (1 - upper_weight)),
        (n_bins + 1, (1 - own_weight) * upper_weight),
    ):
        histogram += np.bincount(base + shift, weight, minlength=len(histogram))[: len(histogram)]
    joint = histogram[: n_bins * n_bins].reshape(n_bins, n_bins) / n_inside
    outer = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    filled = joint > 0
    return float((joint[filled] * np.log(joint[filled] / outer[filled])).sum())
