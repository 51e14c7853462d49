"""Bright, round spots in slices of a bright-blood image: what an artery running through them looks like."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from plaquecast.domain.grid import FloatArray
from plaquecast.domain.volume import Volume

PIXEL_MM = 0.75
"""Slices are looked at with square pixels of this edge: a third of the smallest radius sought is enough."""
RADII_MM = (1.5, 2.0, 2.7, 3.6, 4.8)
"""Radii of spots that are sought: from a small external to a large common carotid artery."""
LEAST_STRENGTH = 0.04
"""Curvature of a spot, as a share of the tissue around it, below which it is texture."""
MOST_SPOTS = 40
"""Strongest spots of a slice that are kept."""
_BACKGROUND_MM = 27.0
_AIR_SHARE = 0.12

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Spots:
    """Spots of one slice: centers (n, 2) in mm from the first pixel (row, column), radii (n,) mm, strengths (n,)."""

    centers_mm: FloatArray
    radii_mm: FloatArray
    strengths: FloatArray


def brightness(volume: Volume) -> Array:
    """Slices on square pixels of `PIXEL_MM` as multiples of the tissue around each point, (slices, rows, columns).

    The tissue around a point is the median over 27 mm, which takes out coil shading and lets no vessel in; in air it is
    held at a share of the slice's bright tissue, so that noise does not count as bright.
    """
    slice_mm, row_mm, column_mm = volume.grid.spacing_mm
    _, n_rows, n_columns = volume.grid.shape
    image = volume.array
    if slice_mm < 1.5:  # thin slices are noisy, and a vessel hardly moves from one to the next
        image = np.asarray(ndimage.gaussian_filter1d(image, 0.8 / slice_mm, axis=0))
    rows = np.arange(int((n_rows - 1) * row_mm / PIXEL_MM) + 1) * PIXEL_MM / row_mm
    columns = np.arange(int((n_columns - 1) * column_mm / PIXEL_MM) + 1) * PIXEL_MM / column_mm
    blur = [0.35 * PIXEL_MM / mm if mm < PIXEL_MM else 0.0 for mm in (row_mm, column_mm)]
    places = np.meshgrid(rows, columns, indexing="ij")
    smooth = (np.asarray(ndimage.gaussian_filter(layer, blur)) for layer in image)
    return np.stack(
        [
            _by_background(np.asarray(ndimage.map_coordinates(layer, places, order=1), dtype=np.float64))
            for layer in smooth
        ]
    )


def _by_background(layer: FloatArray) -> Array:
    coarse = np.asarray(ndimage.uniform_filter(layer, 4))[2::4, 2::4]
    background = np.asarray(ndimage.median_filter(coarse, int(_BACKGROUND_MM / (4 * PIXEL_MM))))
    background = np.maximum(background, _AIR_SHARE * np.percentile(layer, 95.0) + 1e-6)
    factors = [fine / rough for fine, rough in zip(layer.shape, background.shape, strict=True)]
    return np.clip(layer / np.asarray(ndimage.zoom(background, factors, order=1)), 0.0, 4.0).astype(np.float32)


def bright_spots(layer: Array) -> Spots:
    """Spots of one slice of `brightness`: local maxima of the smaller of the two main curvatures, over `RADII_MM`.

    Across a ridge one curvature vanishes, so fat planes and skin do not count; at the center of a disk of the sought
    radius both are largest (scale-normalized Hessian, Lindeberg 1998).

    >>> rows, columns = np.mgrid[:60, :60] * PIXEL_MM
    >>> disk = 1.0 + (np.hypot(rows - 15.0, columns - 30.0) < 3.0)
    >>> spots = bright_spots(disk.astype(np.float32))
    >>> spots.centers_mm[0].tolist(), float(spots.radii_mm[0])
    ([15.0, 30.0], 2.7)
    """
    best, radii = np.full(layer.shape, -np.inf), np.zeros(layer.shape)
    for radius in RADII_MM:
        sigma = radius / np.sqrt(2.0) / PIXEL_MM
        down, across, mixed = (
            sigma**2 * np.asarray(ndimage.gaussian_filter(layer, sigma, order))  # pyright: ignore[reportArgumentType]
            for order in ((2, 0), (0, 2), (1, 1))
        )
        smaller = -0.5 * (down + across + np.hypot(down - across, 2.0 * mixed))
        radii = np.where(smaller > best, radius, radii)
        best = np.maximum(best, smaller)
    places = np.argwhere((ndimage.maximum_filter(best, 5) == best) & (best > LEAST_STRENGTH))
    strengths = best[tuple(places.T)].astype(np.float64)
    order = np.argsort(-strengths, kind="stable")[:MOST_SPOTS]
    kept = places[order]
    return Spots(np.asarray(kept * PIXEL_MM, dtype=np.float64), radii[tuple(kept.T)], strengths[order])
