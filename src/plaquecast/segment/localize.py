"""Find both carotids in a whole-neck field of view: a heat map per slice, and the best path through the slices."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from plaquecast.domain.anatomy import Side
from plaquecast.domain.grid import FloatArray, Grid
from plaquecast.domain.visit import AlignedVisit
from plaquecast.segment.precision import autocast
from plaquecast.segment.regions import center_shift, coarse_block, coarse_counts, coarse_slices, presence
from plaquecast.segment.unet import HeatNetwork

COARSE_PIXEL_MM = 1.6
HEAT_RADIUS_PIXELS = 1.5
"""Standard deviation of the Gaussian that marks a carotid in a heat map."""
MAX_STEP_MM_PER_MM = 1.5
"""Steepest course of an artery across the slices."""
LEAST_DISTANCE_MM = 15.0
"""Left and right carotid are never closer than this (between 40 and 60 mm in most adults)."""
LEAST_HEAT = 0.1
"""A slice in which the localizer is less sure than this does not show the artery."""

Course = tuple[FloatArray, FloatArray]
"""Center in every slice, (row mm, column mm) from the first pixel's center (slices, 2), and its heat (slices,) 0–1."""


def locate(visit: AlignedVisit, network: HeatNetwork) -> Mapping[Side, Course]:
    """Find each carotid in every slice."""
    shape = padded_shape(coarse_counts(visit.grid, coarse_block(visit.grid, COARSE_PIXEL_MM)))
    slices = torch.from_numpy(coarse_slices(visit.volumes, COARSE_PIXEL_MM, shape))
    flags = torch.from_numpy(presence(visit.volumes)).expand(len(slices), -1)
    network.eval()
    with torch.inference_mode(), autocast(slices.device):
        logits = network(slices.contiguous(memory_format=torch.channels_last), flags)
    heat = torch.sigmoid(logits.float()).numpy().astype(np.float64)
    body = float(_to_mm(np.array([0.0, _middle_of_body(slices.numpy())]), visit.grid, shape)[1])
    return name_sides(heat, visit.grid, body)


def name_sides(heat: FloatArray, grid: Grid, body_mm: float) -> Mapping[Side, Course]:
    """The two hottest courses through heat (slices, rows, columns), named by how they lie to each other.

    Of two arteries the one further to the patient's left is the left one. When only one is hot, it is named by the side
    of the body's middle, at column `body_mm`, on which it lies.
    """
    first = trace(heat, grid)
    pixel_mm = coarse_block(grid, COARSE_PIXEL_MM)[1] * grid.spacing_mm[2]
    columns = _to_mm(np.stack([np.zeros(heat.shape[2]), np.arange(heat.shape[2])], axis=1), grid, heat.shape[1:])[:, 1]
    near = np.abs(columns[None, :] - first[0][:, 1:]) < LEAST_DISTANCE_MM + 0.5 * pixel_mm
    second = trace(np.where(near[:, None, :], 0.0, heat), grid)
    leftward = np.sign(grid.affine[0, 2])
    apart = leftward * float(np.median(first[0][:, 1] - second[0][:, 1]))
    if np.median(second[1]) < LEAST_HEAT <= np.median(first[1]):
        apart = leftward * (float(np.median(first[0][:, 1])) - body_mm)
    return {Side.LEFT: first, Side.RIGHT: second} if apart > 0 else {Side.LEFT: second, Side.RIGHT: first}


def _middle_of_body(slices: NDArray[np.float32]) -> float:
    """Coarse column of the middle of what is not air, in coarse slices (slices, channels, rows, columns)."""
    profile = (slices.max(axis=1) > 0.2).sum(axis=(0, 1))
    return float((profile * np.arange(len(profile))).sum() / max(profile.sum(), 1))


def heat_targets(
    centers: Mapping[Side, Mapping[int, tuple[float, float]]], grid: Grid, shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Heat maps to learn, float32 (slices, *shape): a Gaussian at each known center."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    targets = np.zeros((grid.shape[0], *shape), dtype=np.float32)
    for found in centers.values():
        for k, point in found.items():
            row, column = _to_coarse(np.array(point), grid, shape)
            bump = np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2.0 * HEAT_RADIUS_PIXELS**2))
            targets[k] = np.maximum(targets[k], bump)
    return targets


def padded_shape(counts: tuple[int, int]) -> tuple[int, int]:
    """The least multiples of 8, which is what the network's levels halve."""
    return -(-counts[0] // 8) * 8, -(-counts[1] // 8) * 8


def _to_coarse(points_mm: FloatArray, grid: Grid, shape: tuple[int, ...]) -> FloatArray:
    """Coarse (row, column) of points (…, 2) in mm."""
    block, first, spacing = _frame(grid, shape)
    return (points_mm / spacing - _middle(block)) / block + first


def _to_mm(coarse: FloatArray, grid: Grid, shape: tuple[int, ...]) -> FloatArray:
    """The inverse of `_to_coarse`."""
    block, first, spacing = _frame(grid, shape)
    return ((coarse - first) * block + _middle(block)) * spacing


def _frame(grid: Grid, shape: tuple[int, ...]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Per axis (row, column): grid pixels in a coarse pixel, coarse index of the first one, and the grid's spacing."""
    block = coarse_block(grid, COARSE_PIXEL_MM)
    counts = coarse_counts(grid, block)
    first = [center_shift(count, wanted) for count, wanted in zip(counts, shape, strict=True)]
    return np.array(block, dtype=np.float64), np.array(first, dtype=np.float64), np.array(grid.spacing_mm[1:])


def _middle(block: FloatArray) -> FloatArray:
    """Where the mean of a block lies: `uniform_filter1d` of even size looks half a pixel further back than ahead."""
    return block // 2 - np.where(block % 2 == 0, 0.5, 0.0)


def trace(heat: FloatArray, grid: Grid) -> Course:
    """The course of greatest heat (slices, rows, columns) through the slices, in mm, and the heat along it.

    The sum of log heat minus a price on every step is maximized over all paths (Viterbi); each point is then moved to
    the center of mass of the heat around it.
    """
    pixel_mm = coarse_block(grid, COARSE_PIXEL_MM)[0] * grid.spacing_mm[1]
    reach = max(2, int(np.ceil(MAX_STEP_MM_PER_MM * grid.spacing_mm[0] / pixel_mm)))
    score = np.log(np.clip(heat, 1e-4, None))
    offsets = [(dr, dc) for dr in range(-reach, reach + 1) for dc in range(-reach, reach + 1)]
    cost = np.array([0.05 * (dr**2 + dc**2) for dr, dc in offsets])
    best, choices = score[0], []
    for layer in score[1:]:
        came_from = np.stack([_shifted(best, offset) for offset in offsets]) - cost[:, None, None]
        choices.append(came_from.argmax(axis=0))
        best = came_from.max(axis=0) + layer
    place = np.unravel_index(int(best.argmax()), best.shape)
    path = [(int(place[0]), int(place[1]))]
    for choice in reversed(choices):
        dr, dc = offsets[int(choice[path[-1]])]
        path.append((path[-1][0] - dr, path[-1][1] - dc))
    course = list(zip(heat, path[::-1], strict=True))
    centers = np.array([_mass_center(layer, at) for layer, at in course])
    return _to_mm(centers, grid, heat.shape[1:]), np.array([float(layer[at]) for layer, at in course])


def _shifted(layer: FloatArray, offset: tuple[int, int]) -> FloatArray:
    """The layer moved by an offset; nothing comes in over the border."""
    moved = np.full_like(layer, -np.inf)
    (to_row, from_row), (to_column, from_column) = (_overlap(step) for step in offset)
    moved[to_row, to_column] = layer[from_row, from_column]
    return moved


def _overlap(step: int) -> tuple[slice, slice]:
    if step >= 0:
        return slice(step, None), slice(None, -step or None)
    return slice(None, step), slice(-step, None)


def _mass_center(layer: FloatArray, at: tuple[int, int]) -> tuple[float, float]:
    low = max(at[0] - 2, 0), max(at[1] - 2, 0)
    patch = layer[low[0] : at[0] + 3, low[1] : at[1] + 3]
    rows, columns = np.mgrid[low[0] : low[0] + patch.shape[0], low[1] : low[1] + patch.shape[1]]
    weight = patch / max(float(patch.sum()), 1e-9)
    return float((weight * rows).sum()), float((weight * columns).sum())
