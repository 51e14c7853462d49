"""What a cross-section of an artery must be, whatever a network says: one vessel, and one lumen in it."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from plaquecast.domain.anatomy import Tissue

Array = NDArray[np.float32]

BELOW_HALF = 0.499
"""The most that a soft edge may hold of what is cut off; rounding must not lift it over one half."""


def clean_slice(fractions: Array, center: tuple[float, float]) -> Array:
    """Tissue fractions (N_TISSUES, rows, columns) of one slice, made possible; the vessel nearest to `center` stays.

    The vessel (background below one half) is one connected piece without holes; inside it the lumen (above one half)
    is one connected piece without holes, and never touches the outside. What is cut off becomes background (outside)
    or wall (inside); soft edges stay soft.
    """
    vessel = _nearest_piece(fractions[Tissue.BACKGROUND] < 0.5, center)
    lumen = _lumen_of(fractions, vessel)
    cleaned = fractions.copy()
    _keep_near(cleaned, vessel)
    _move(cleaned, Tissue.BACKGROUND, Tissue.WALL, vessel & (cleaned[Tissue.BACKGROUND] >= 0.5), 0.0)
    elsewhere = ~_grown(lumen)
    _move(cleaned, Tissue.LUMEN, Tissue.WALL, elsewhere & vessel, 0.0)
    _move(cleaned, Tissue.LUMEN, Tissue.BACKGROUND, elsewhere & ~vessel, 0.0)
    _move(cleaned, Tissue.LUMEN, Tissue.WALL, ~lumen, BELOW_HALF)
    enclosed = lumen & (cleaned[Tissue.LUMEN] <= 0.5)
    cleaned[:, enclosed] = 0.0
    cleaned[Tissue.LUMEN, enclosed] = 1.0
    return cleaned


def _keep_near(fractions: Array, vessel: NDArray[np.bool_]) -> None:
    """Nothing but background beyond the vessel's soft edge, and at least half of it in that edge."""
    inside = 1.0 - fractions[Tissue.BACKGROUND]
    allowed = np.where(vessel, 1.0, np.where(_grown(vessel), BELOW_HALF, 0.0))
    fractions[1:] *= np.minimum(1.0, allowed / np.maximum(inside, 1e-6)).astype(np.float32)
    fractions[Tissue.BACKGROUND] = 1.0 - fractions[1:].sum(axis=0)


def _move(fractions: Array, source: Tissue, target: Tissue, where: NDArray[np.bool_], leave: float) -> None:
    """Give what is more than `leave` of one tissue to another."""
    surplus = np.where(where, np.maximum(fractions[source] - np.float32(leave), 0.0), 0.0)
    fractions[source] -= surplus
    fractions[target] += surplus


def _lumen_of(fractions: Array, vessel: NDArray[np.bool_]) -> NDArray[np.bool_]:
    inner = np.asarray(ndimage.binary_erosion(vessel), dtype=bool)
    return np.asarray(ndimage.binary_fill_holes(_largest_piece((fractions[Tissue.LUMEN] > 0.5) & inner)), dtype=bool)


def _grown(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask and the two pixels around it, in which a sampled edge is soft."""
    return np.asarray(ndimage.binary_dilation(mask, iterations=2), dtype=bool)


def _pieces(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    pieces = np.zeros(mask.shape, dtype=np.int32)
    count = ndimage.label(mask, output=pieces)
    assert isinstance(count, int)  # with an output array, only the count comes back
    return pieces, count


def _nearest_piece(mask: NDArray[np.bool_], center: tuple[float, float]) -> NDArray[np.bool_]:
    """The piece that holds the center or comes nearest to it, with its holes filled."""
    pieces, count = _pieces(mask)
    if count == 0:
        return mask
    rows, columns = np.nonzero(mask)
    nearest = int(np.argmin((rows - center[0]) ** 2 + (columns - center[1]) ** 2))
    piece = pieces == pieces[rows[nearest], columns[nearest]]
    return np.asarray(ndimage.binary_fill_holes(piece), dtype=bool)


def _largest_piece(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    pieces, count = _pieces(mask)
    if count <= 1:
        return mask
    return pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
