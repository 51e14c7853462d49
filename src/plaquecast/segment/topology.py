"""What a cross-section of an artery must be, whatever a network says: one vessel, and one lumen in it."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from plaquecast.domain.anatomy import Tissue

Array = NDArray[np.float32]


def clean_slice(fractions: Array, center: tuple[float, float]) -> Array:
    """Tissue fractions (N_TISSUES, rows, columns) of one slice, made possible; the vessel nearest to `center` stays.

    The vessel is one connected piece without holes; inside it the lumen is one connected piece without holes, and
    never touches the outside. What is cut off becomes background (outside) or wall (inside).
    """
    vessel = _nearest_piece(1.0 - fractions[Tissue.BACKGROUND] > 0.5, center)
    if not vessel.any():
        empty = np.zeros_like(fractions)
        empty[Tissue.BACKGROUND] = 1.0
        return empty
    cleaned = fractions.copy()
    soft = _grown(vessel, 2)  # the soft edge of the vessel stays
    cleaned[1:, ~soft] = 0.0
    cleaned[Tissue.BACKGROUND] = 1.0 - cleaned[1:].sum(axis=0)
    hole = vessel & (cleaned[Tissue.BACKGROUND] > 0.5)
    cleaned[Tissue.WALL, hole] += cleaned[Tissue.BACKGROUND, hole]
    cleaned[Tissue.BACKGROUND, hole] = 0.0
    return _with_one_lumen(cleaned, vessel)


def _with_one_lumen(fractions: Array, vessel: NDArray[np.bool_]) -> Array:
    inner = np.asarray(ndimage.binary_erosion(vessel, border_value=0), dtype=bool)
    lumen = _largest_piece((fractions[Tissue.LUMEN] > 0.5) & inner)
    lumen = np.asarray(ndimage.binary_fill_holes(lumen), dtype=bool)
    stray = ~_grown(lumen, 2)
    fractions[Tissue.WALL, stray & vessel] += fractions[Tissue.LUMEN, stray & vessel]
    outside = stray & ~vessel
    fractions[Tissue.BACKGROUND, outside] += fractions[Tissue.LUMEN, outside]
    fractions[Tissue.LUMEN, stray] = 0.0
    enclosed = lumen & (fractions[Tissue.LUMEN] <= 0.5)
    fractions[:, enclosed] = 0.0
    fractions[Tissue.LUMEN, enclosed] = 1.0
    rim = vessel & ~inner & (fractions[Tissue.LUMEN] > 0.5)
    fractions[Tissue.WALL, rim] += fractions[Tissue.LUMEN, rim] - 0.5
    fractions[Tissue.LUMEN, rim] = 0.5
    return fractions


def _grown(mask: NDArray[np.bool_], pixels: int) -> NDArray[np.bool_]:
    return np.asarray(ndimage.binary_dilation(mask, iterations=pixels), dtype=bool)


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
