"""The lumen of an artery in one slice of a bright-blood image, between its brightness and that of its surroundings."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from plaquecast.domain.grid import FloatArray

Array = NDArray[np.float32]


def lumen_share(
    layer: Array, spacing_mm: tuple[float, float], center_mm: FloatArray, radius_mm: float, others_mm: FloatArray
) -> Array:
    """Share of each pixel that is lumen, float32 (rows, columns), from the spot at `center_mm` of about `radius_mm`.

    Blood and surroundings are measured at the spot and in a ring around it; the lumen is what is connected above their
    mean (half maximum) and lies nearer to this spot than to any of `others_mm` (n, 2). At its edge the share is where
    the intensity lies between the two.

    >>> rows, columns = np.mgrid[:40, :40] * 0.5
    >>> disk = 1.0 + np.clip(0.5 + (3.0 - np.hypot(rows - 10.0, columns - 10.0)) / 0.5, 0.0, 1.0)
    >>> share = lumen_share(disk.astype(np.float32), (0.5, 0.5), np.array([10.3, 9.8]), 2.7, np.zeros((0, 2)))
    >>> bool(abs(share.sum() * 0.25 - np.pi * 9.0) < 0.3)
    True
    """
    rows, columns = np.mgrid[: layer.shape[0], : layer.shape[1]]
    places = np.stack([rows * spacing_mm[0], columns * spacing_mm[1]], axis=-1)
    distance = np.linalg.norm(places - center_mm, axis=-1)
    elsewhere = np.full(layer.shape, np.inf)
    for other in others_mm:
        elsewhere = np.minimum(elsewhere, np.linalg.norm(places - other, axis=-1))
    own = (distance < elsewhere) & (distance < 1.6 * radius_mm + 1.5)
    ring = (distance > 1.5 * radius_mm + 1.0) & (distance < 2.2 * radius_mm + 3.0) & (elsewhere > 1.5 * radius_mm)
    core = distance <= max(0.6 * radius_mm, float(distance.min()))
    if not ring.any():
        return np.zeros(layer.shape, dtype=np.float32)
    blood, around = float(np.percentile(layer[core], 75.0)), float(np.median(layer[ring]))
    share = np.clip((layer - around) / max(blood - around, 1e-6), 0.0, 1.0)
    pieces, _ = ndimage.label((share > 0.5) & own)  # type: ignore[misc]
    nearest = np.unravel_index(int(np.where(pieces > 0, distance, np.inf).argmin()), layer.shape)
    if pieces[nearest] == 0 or distance[nearest] > radius_mm:
        return np.zeros(layer.shape, dtype=np.float32)
    lumen = np.asarray(ndimage.binary_fill_holes(pieces == pieces[nearest]), dtype=bool)
    edge = ndimage.binary_dilation(lumen) & own
    return np.where(lumen, np.maximum(share, 0.501), np.where(edge, np.minimum(share, 0.499), 0.0)).astype(np.float32)


def center_of(share: Array, spacing_mm: tuple[float, float]) -> FloatArray:
    """Center of mass (row mm, column mm) of shares that are not all zero."""
    rows, columns = np.mgrid[: share.shape[0], : share.shape[1]]
    total = float(share.sum())
    return np.array([float((share * rows).sum()), float((share * columns).sum())]) / total * spacing_mm
