"""Find both carotids in a whole-neck field of view: a heat map per slice, and the best path through the slices."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from plaquecast.domain.anatomy import Side
from plaquecast.domain.grid import FloatArray, Grid
from plaquecast.domain.visit import AlignedVisit
from plaquecast.segment.regions import center_shift, coarse_block, coarse_slices, presence
from plaquecast.segment.unet import HeatNetwork

COARSE_PIXEL_MM = 1.1
COARSE_SHAPE = (112, 128)
"""Coarse slices given to the network: rows, columns."""
SIDES = (Side.RIGHT, Side.LEFT)
"""Order of the heat maps."""
MAX_STEP_MM_PER_MM = 1.5
"""Steepest course of an artery across the slices."""


def locate(visit: AlignedVisit, network: HeatNetwork) -> Mapping[Side, tuple[FloatArray, FloatArray]]:
    """Center of each carotid in every slice: (row mm, column mm) (slices, 2), and confidence (slices,) 0–1."""
    slices = torch.from_numpy(coarse_slices(visit.volumes, COARSE_PIXEL_MM, COARSE_SHAPE))
    flags = torch.from_numpy(presence(visit.volumes)).expand(len(slices), -1)
    network.eval()
    with torch.inference_mode():
        heat = torch.sigmoid(network(slices, flags)).numpy().astype(np.float64)
    return {side: _path(heat[:, index], visit.grid) for index, side in enumerate(SIDES)}


def heat_targets(centers: Mapping[Side, Mapping[int, tuple[float, float]]], grid: Grid) -> NDArray[np.float32]:
    """Heat maps to learn, float32 (slices, 2, rows, columns): a Gaussian of 2 coarse pixels at each known center."""
    block = coarse_block(grid, COARSE_PIXEL_MM)
    rows, columns = np.mgrid[: COARSE_SHAPE[0], : COARSE_SHAPE[1]]
    targets = np.zeros((grid.shape[0], 2, *COARSE_SHAPE), dtype=np.float32)
    for index, side in enumerate(SIDES):
        for k, point in centers.get(side, {}).items():
            row, column = _to_coarse(point, grid, block)
            targets[k, index] = np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2.0 * 2.0**2))
    return targets


def _coarse_count(grid: Grid, block: tuple[int, int]) -> tuple[int, int]:
    sizes = [len(range(block[axis] // 2, grid.shape[axis + 1], block[axis])) for axis in (0, 1)]
    return sizes[0], sizes[1]


def _to_coarse(point: tuple[float, float], grid: Grid, block: tuple[int, int]) -> tuple[float, float]:
    sizes = _coarse_count(grid, block)
    found = [
        (point[axis] / grid.spacing_mm[axis + 1] - block[axis] // 2) / block[axis]
        + center_shift(sizes[axis], COARSE_SHAPE[axis])
        for axis in (0, 1)
    ]
    return found[0], found[1]


def _path(heat: FloatArray, grid: Grid) -> tuple[FloatArray, FloatArray]:
    """The path of greatest heat through the slices (Viterbi), refined to the center of mass around it."""
    block = coarse_block(grid, COARSE_PIXEL_MM)
    sizes = _coarse_count(grid, block)
    pixel_mm = block[0] * grid.spacing_mm[1]
    reach = max(2, int(np.ceil(MAX_STEP_MM_PER_MM * grid.spacing_mm[0] / pixel_mm)))
    score = np.log(np.clip(heat, 1e-4, None))
    best, choices = score[0], []
    offsets = [(dr, dc) for dr in range(-reach, reach + 1) for dc in range(-reach, reach + 1)]
    cost = np.array([0.05 * (dr**2 + dc**2) for dr, dc in offsets])
    for k in range(1, len(score)):
        shifted = np.stack([np.roll(best, offset, axis=(0, 1)) for offset in offsets]) - cost[:, None, None]
        choices.append(shifted.argmax(axis=0))
        best = shifted.max(axis=0) + score[k]
    place = np.unravel_index(int(best.argmax()), best.shape)
    path = [place]
    for choice in reversed(choices):
        dr, dc = offsets[int(choice[path[-1]])]
        path.append(((path[-1][0] - dr) % heat.shape[1], (path[-1][1] - dc) % heat.shape[2]))
    path.reverse()
    points, confidence = np.zeros((len(heat), 2)), np.zeros(len(heat))
    for k, (row, column) in enumerate(path):
        r0, r1, c0, c1 = max(row - 2, 0), row + 3, max(column - 2, 0), column + 3
        patch = heat[k, r0:r1, c0:c1]
        rows, columns = np.mgrid[r0 : r0 + patch.shape[0], c0 : c0 + patch.shape[1]]
        weight = patch / max(patch.sum(), 1e-9)
        fine = (float((weight * rows).sum()), float((weight * columns).sum()))
        for axis in (0, 1):
            index = (fine[axis] - center_shift(sizes[axis], COARSE_SHAPE[axis])) * block[axis] + block[axis] // 2
            points[k, axis] = index * grid.spacing_mm[axis + 1]
        confidence[k] = float(heat[k, row, column])
    return points, confidence
