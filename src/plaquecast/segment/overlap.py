"""Overlap of two segmentations of one artery whose label maps are crops of one grid."""

import numpy as np
from numpy.typing import NDArray

from plaquecast.domain.anatomy import CORE, NOT_ANNOTATED, Tissue
from plaquecast.domain.volume import ArterySegmentation

Labels = NDArray[np.uint8]

_GROUPS: dict[str, tuple[Tissue, ...]] = {
    "lumen": (Tissue.LUMEN,),
    "vessel": tuple(tissue for tissue in Tissue if tissue is not Tissue.BACKGROUND),
    "wall": tuple(tissue for tissue in Tissue if tissue not in (Tissue.BACKGROUND, Tissue.LUMEN)),
    "calcification": (Tissue.CALCIFICATION,),
    "lipid_rich_necrotic_core": CORE,
    "intraplaque_hemorrhage": (Tissue.INTRAPLAQUE_HEMORRHAGE,),
    "fibrous_cap": (Tissue.FIBROUS_CAP,),
    "loose_matrix": (Tissue.LOOSE_MATRIX,),
}
"""What is scored: `wall` is the whole ring with its components, the core includes its hemorrhage."""


def dice_by_tissue(truth: ArterySegmentation, found: ArterySegmentation | None) -> dict[str, float]:
    """Dice of each structure over the slices that `truth` covers; 0 where it was not found.

    A structure that is truly absent has no Dice: false volume is scored elsewhere. Plaque is compared where both
    segmentations have a plaque mask.
    """
    true, other = on_common_grid(truth, found)
    judged = true != NOT_ANNOTATED
    scores = {}
    for name, tissues in _GROUPS.items():
        is_true, is_found = np.isin(true, tissues) & judged, np.isin(other, tissues) & judged
        if is_true.any():
            scores[name] = _dice(is_true, is_found)
    if truth.plaque is not None and truth.plaque[truth.covered].any():
        plaque = None if found is None else found.plaque
        is_true = truth.plaque[truth.covered]
        scores["plaque"] = 0.0 if found is None or plaque is None else _dice(is_true, _placed(plaque, found, truth) > 0)
    return scores


def on_common_grid(truth: ArterySegmentation, found: ArterySegmentation | None) -> tuple[Labels, Labels]:
    """Labels of both over the covered slices of `truth`, on its grid; background where nothing was found."""
    true = truth.labels.array[truth.covered]
    return true, np.zeros_like(true) if found is None else _placed(found.labels.array, found, truth)


def _placed(array: NDArray[np.generic], found: ArterySegmentation, truth: ArterySegmentation) -> Labels:
    """An array of `found` on the covered slices of the grid of `truth`; both are crops of one grid."""
    start = np.rint(found.grid.to_index(truth.grid.to_mm(np.zeros(3)))).astype(int)
    placed = np.zeros(truth.grid.shape, dtype=np.uint8)
    into, out_of = [], []
    for axis in range(3):
        low, high = max(0, -start[axis]), min(truth.grid.shape[axis], found.grid.shape[axis] - start[axis])
        into.append(slice(low, max(low, high)))
        out_of.append(slice(low + start[axis], max(low, high) + start[axis]))
    placed[tuple(into)] = array[tuple(out_of)]
    return placed[truth.covered]


def _dice(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """2·|A ∩ B| / (|A| + |B|) (Dice 1945)."""
    return float(2.0 * (one & other).sum() / (one.sum() + other.sum()))
