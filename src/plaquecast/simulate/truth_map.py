"""What is true of every voxel of a scene: tissue fractions, labels, plaque and position along the artery."""

import numpy as np
from numpy.typing import NDArray

from plaquecast.domain.anatomy import N_TISSUES, Side, Tissue
from plaquecast.domain.grid import FloatArray, Grid
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.volume import ArterySegmentation, Centerline, LabelMap
from plaquecast.geometry.plaque import plaque_mask
from plaquecast.simulate.scene import FINE_PER_PIXEL, LAYER_MM, CodeMap
from plaquecast.simulate.tissues import LABEL_OF_MATTER

TRUTH_ID = "truth"
PADDING_MM = 13.0


def true_segmentation(
    side: Side, fine: CodeMap, axis: Centerline, neck_from_model: RigidTransform, grid: Grid
) -> ArterySegmentation:
    """Truth of one artery on a crop of the reference `grid`, at least `PADDING_MM` around it where the grid reaches.

    Fractions count the fine samples of each voxel; labels are the most frequent tissue; ties go to the smaller value.
    `axis` is in model space, the result's in the scanner's.
    """
    fractions, corner = _tissue_fractions(fine, grid)
    present = np.flatnonzero((fractions[1:].sum(axis=0) > 0).any(axis=(1, 2)))
    padding = [int(np.ceil(PADDING_MM / mm)) for mm in grid.spacing_mm[1:]]
    touched = np.argwhere((fractions[1:].sum(axis=(0, 1))) > 0)
    low = np.maximum(touched.min(axis=0) + corner - padding, 0)
    high = np.minimum(touched.max(axis=0) + 1 + corner + padding, np.array(grid.shape[1:]))
    crop = grid.crop((0, int(low[0]), int(low[1])), (grid.shape[0], int(high[0] - low[0]), int(high[1] - low[1])))
    probabilities = np.zeros((N_TISSUES, *crop.shape), dtype=np.float32)
    probabilities[Tissue.BACKGROUND] = 1.0
    inner = fractions[:, :, max(low[0] - corner[0], 0) :, max(low[1] - corner[1], 0) :]
    row, column = (max(int(c - edge), 0) for c, edge in zip(corner, low, strict=True))
    inner = inner[:, :, : crop.shape[1] - row, : crop.shape[2] - column]
    probabilities[:, :, row : row + inner.shape[2], column : column + inner.shape[3]] = inner
    labels = probabilities.argmax(axis=0).astype(np.uint8)
    moved = Centerline(neck_from_model.apply(axis.points_mm), axis.position_mm, axis.bifurcation_confidence)
    position, covered = _slice_positions(moved, crop)
    covered &= np.isin(np.arange(grid.shape[0]), present)
    return ArterySegmentation(
        side=side,
        labels=LabelMap(crop, labels),
        centerline=moved,
        slice_position_mm=position,
        slice_confidence=np.ones(grid.shape[0]),
        covered=covered,
        model_id=TRUTH_ID,
        probabilities=probabilities,
        plaque=plaque_mask(labels, crop),
    )


def _tissue_fractions(fine: CodeMap, grid: Grid) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Fractions (tissue, slices, rows, columns) over the fine box, and the row and column of `grid` it begins at."""
    per_slice = round(grid.slice_spacing_mm / LAYER_MM)
    start = grid.to_index(fine.grid.to_mm((0, (FINE_PER_PIXEL - 1) / 2, (FINE_PER_PIXEL - 1) / 2)))
    first_layer = round((-0.5 - start[0]) * per_slice + 0.5)
    tissue_of = np.zeros(256, dtype=np.uint8)
    for matter, tissue in LABEL_OF_MATTER.items():
        tissue_of[matter] = tissue
    used = fine.matter[first_layer : first_layer + grid.shape[0] * per_slice]
    tissue = tissue_of[used]
    rows, columns = tissue.shape[1] // FINE_PER_PIXEL, tissue.shape[2] // FINE_PER_PIXEL
    blocks = tissue.reshape(grid.shape[0], per_slice, rows, FINE_PER_PIXEL, columns, FINE_PER_PIXEL)
    n_samples = np.float32(per_slice * FINE_PER_PIXEL**2)
    fractions = np.zeros((N_TISSUES, grid.shape[0], rows, columns), dtype=np.float32)
    for value in range(N_TISSUES):
        if value in tissue:
            is_value = (blocks == value).view(np.uint8)
            fractions[value] = is_value.sum(axis=1).sum(axis=2).sum(axis=3) / n_samples
    return fractions, np.rint(start[1:]).astype(np.intp)


def _slice_positions(axis: Centerline, grid: Grid) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Position along the artery at which each slice's plane is crossed, and whether the axis reaches that plane."""
    height = grid.to_mm(np.stack([np.arange(grid.shape[0])] + [np.zeros(grid.shape[0])] * 2, axis=-1))[:, 2]
    rising = np.maximum.accumulate(axis.points_mm[:, 2])
    inside = (height >= rising[0]) & (height <= rising[-1])
    return np.interp(height, rising, axis.position_mm), inside
