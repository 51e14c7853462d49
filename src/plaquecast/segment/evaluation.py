"""The challenge score of vessel-wall segmentation, and agreement on what is there at all."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from skimage.draw import polygon2mask
from skimage.measure import find_contours

from plaquecast.domain.anatomy import Tissue
from plaquecast.domain.grid import FloatArray

RASTER_PIXELS = 720
"""Contours are compared on a raster of this many pixels along each edge of the slice."""


@dataclass(frozen=True, slots=True)
class SliceScore:
    """The challenge score of one slice and its parts; `found` is False where there is no prediction (score 0)."""

    score: float
    ring_dice: float
    found: bool


def challenge_score(found: NDArray[np.float32], true: NDArray[np.float32], pixel_mm: tuple[float, float]) -> SliceScore:
    """Score one slice of tissue shares (N_TISSUES, rows, columns) of both, on one grid, as the carotid challenge did.

    0.5·Dice of the wall ring + 0.1·(1 − |ΔA_lumen|)⁺ + 0.1·(1 − |ΔA_outer|)⁺ + 0.2·(1 − |ΔNWI|)⁺
    + 0.05·(1 − HD_outer)⁺ + 0.05·(1 − HD_lumen)⁺, each Δ relative to the truth, each Hausdorff distance divided by the
    *predicted* equivalent radius √(A/π) (Carotid Artery Vessel Wall Segmentation Challenge 2021, its evaluation code).
    Contours are drawn at one half.

    >>> rows, columns = np.mgrid[:60, :60] * 0.5
    >>> radius = np.hypot(rows - 15.0, columns - 15.0)
    >>> shares = np.zeros((8, 60, 60), dtype=np.float32)
    >>> shares[1], shares[0] = np.clip(3.5 - radius, 0, 1), np.clip(radius - 4.5, 0, 1)
    >>> shares[2] = 1.0 - shares[0] - shares[1]
    >>> challenge_score(shares, shares, (0.5, 0.5)).score
    1.0
    """
    outlines = [[_outline(share, pixel_mm) for share in _lumen_and_vessel(each)] for each in (found, true)]
    if any(outline is None for outline in outlines[1]):
        raise ValueError("the true slice has no lumen or no outer wall")
    if any(outline is None for outline in outlines[0]):
        return SliceScore(0.0, 0.0, False)
    (lumen, outer), (true_lumen, true_outer) = outlines
    areas = [_area(outline) for outline in (lumen, outer, true_lumen, true_outer)]
    index, true_index = 1.0 - areas[0] / areas[1], 1.0 - areas[2] / areas[3]
    size = tuple(n * mm for n, mm in zip(found.shape[1:], pixel_mm, strict=True))
    dice = _ring_dice(_ring(lumen, outer, size), _ring(true_lumen, true_outer, size))
    parts = [
        (0.5, dice),
        (0.1, 1.0 - abs(areas[0] - areas[2]) / areas[2]),
        (0.1, 1.0 - abs(areas[1] - areas[3]) / areas[3]),
        (0.2, 1.0 - abs(index - true_index) / true_index),
        (0.05, 1.0 - _hausdorff_mm(outer, true_outer) / np.sqrt(areas[1] / np.pi)),
        (0.05, 1.0 - _hausdorff_mm(lumen, true_lumen) / np.sqrt(areas[0] / np.pi)),
    ]
    return SliceScore(float(sum(weight * max(0.0, value) for weight, value in parts)), dice, True)


def _lumen_and_vessel(shares: NDArray[np.float32]) -> tuple[FloatArray, FloatArray]:
    return shares[Tissue.LUMEN].astype(np.float64), 1.0 - shares[Tissue.BACKGROUND].astype(np.float64)


def _outline(share: FloatArray, pixel_mm: tuple[float, float]) -> FloatArray:
    """The longest contour at one half, (n, 2) mm from the first pixel's edge; None if there is none."""
    contours = find_contours(np.pad(share, 1), 0.5)
    if not contours:
        return None  # type: ignore[return-value]
    longest = max(contours, key=lambda contour: abs(_area(contour)))
    return (longest - 0.5) * np.array(pixel_mm)


def _area(outline: FloatArray) -> float:
    rows, columns = outline.T
    return 0.5 * abs(float(np.dot(rows, np.roll(columns, 1)) - np.dot(columns, np.roll(rows, 1))))


def _ring(lumen: FloatArray, outer: FloatArray, size_mm: tuple[float, ...]) -> NDArray[np.bool_]:
    shape = (RASTER_PIXELS, RASTER_PIXELS)
    scale = np.array([RASTER_PIXELS / mm for mm in size_mm])
    inside = [polygon2mask(shape, outline * scale - 0.5) for outline in (outer, lumen)]
    return inside[0] & ~inside[1]


def _ring_dice(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return float(2.0 * (one & other).sum() / (one.sum() + other.sum()))


def _hausdorff_mm(one: FloatArray, other: FloatArray) -> float:
    distances = cdist(one, other)
    return float(max(distances.min(axis=0).max(), distances.min(axis=1).max()))


def presence_kappa(found: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    """Cohen's kappa of two readings (n,) of "is it there"; NaN where both always say the same one thing.

    >>> presence_kappa(np.array([1, 1, 0, 0], bool), np.array([1, 0, 0, 0], bool))
    0.5
    """
    agree = float((found == true).mean())
    by_chance = float(found.mean() * true.mean() + (~found).mean() * (~true).mean())
    return (agree - by_chance) / (1.0 - by_chance) if by_chance < 1.0 else float("nan")
