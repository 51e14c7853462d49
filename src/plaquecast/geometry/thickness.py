"""Wall thickness by Laplace's equation: the length of the streamlines that run from the lumen to the outer wall.

Between both contours a harmonic function rises from 0 to 1. Its streamlines start and end at right angles to the
contours, never cross, and give one thickness per point of either contour (Jones, Buchbinder and Aharon 2000).
"""

from itertools import pairwise

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spsolve

from plaquecast.domain.grid import FloatArray
from plaquecast.geometry.contours import even_angles

THINNEST_MM = 1e-3
"""Where both contours meet they are kept this far apart, so that there is something to solve."""
N_DEPTHS = 12
STEEPEST = 2.0
"""Largest turn of a streamline, radians over the whole wall; it holds back rays from torn contours."""


def streamlines(lumen_mm: FloatArray, outer_mm: FloatArray, n_depths: int = N_DEPTHS) -> FloatArray:
    """Streamlines from the lumen to the outer wall, float64 (m, n_depths + 1, 2), mm from the middle.

    `lumen_mm` and `outer_mm` (m,) are distances of both contours from a middle inside the lumen, at m even angles.
    Streamline i starts on the lumen at angle i; its points lie on n_depths + 1 surfaces between both contours.

    >>> lines = streamlines(np.full(36, 2.0), np.full(36, 3.5))
    >>> lengths(lines).round(6)[:2].tolist()
    [1.5, 1.5]
    """
    outer_mm = np.maximum(outer_mm, lumen_mm + THINNEST_MM)
    turn = _turn(lumen_mm, outer_mm, n_depths)
    angle = even_angles(len(lumen_mm))
    step = 1.0 / n_depths
    path = [angle]
    for before, after in pairwise(turn):  # Heun's method, from surface to surface
        first = _around(before, path[-1])
        second = _around(after, path[-1] + step * first)
        path.append(path[-1] + 0.5 * step * (first + second))
    along = np.stack(path, axis=1)
    share = np.linspace(0.0, 1.0, n_depths + 1)
    inner, outer = _around(lumen_mm, along), _around(outer_mm, along)
    radius = inner + share * (outer - inner)
    return np.stack([radius * np.cos(along), radius * np.sin(along)], axis=-1)


def lengths(lines: FloatArray) -> FloatArray:
    """Length of each streamline (m,), mm."""
    return np.linalg.norm(np.diff(lines, axis=1), axis=-1).sum(axis=1)


def mid_arc(lines: FloatArray) -> FloatArray:
    """Length of the wall's middle line that each streamline stands for (m,), mm: the weights of a mean over the wall.

    A mean so weighted depends neither on which contour the streamlines start from nor on where the middle lies.
    """
    middle = lines[:, lines.shape[1] // 2]
    step = np.linalg.norm(np.roll(middle, -1, axis=0) - middle, axis=1)
    return 0.5 * (step + np.roll(step, 1))


def _turn(lumen_mm: FloatArray, outer_mm: FloatArray, n_depths: int) -> FloatArray:
    """Turn of the streamlines, dφ/dρ, at every node (n_depths + 1, m); ρ is 0 on the lumen and 1 on the outer wall."""
    share = np.linspace(0.0, 1.0, n_depths + 1)[:, None]
    across, mixed, around = _metric(lumen_mm, outer_mm, share)
    potential = _potential(lumen_mm, outer_mm, n_depths)
    along_depth = np.gradient(potential, 1.0 / n_depths, axis=0, edge_order=2)
    along_angle = _slope(potential)
    outward = across * along_depth + mixed * along_angle
    sideways = mixed * along_depth + around * along_angle
    return np.clip(sideways / np.maximum(outward, 1e-9), -STEEPEST, STEEPEST)


def _metric(lumen_mm: FloatArray, outer_mm: FloatArray, share: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Coefficients of Laplace's equation in (ρ, φ) with r = lumen + ρ · wall: √g·gρρ, √g·gρφ, √g·gφφ."""
    wall = outer_mm - lumen_mm
    radius = lumen_mm + share * wall
    slope = _slope(lumen_mm) + share * _slope(wall)
    return (radius**2 + slope**2) / (wall * radius), -slope / radius, wall / radius


def _potential(lumen_mm: FloatArray, outer_mm: FloatArray, n_depths: int) -> FloatArray:
    """The harmonic function on the nodes (n_depths + 1, m), by finite volumes of second order."""
    n_angles = len(lumen_mm)
    d_share, d_angle = 1.0 / n_depths, 2.0 * np.pi / n_angles
    nodes = np.linspace(0.0, 1.0, n_depths + 1)[:, None]
    _, mixed, around = _metric(lumen_mm, outer_mm, nodes)
    across = _metric(lumen_mm, outer_mm, nodes[:-1] + 0.5 * d_share)[0]
    out, back = across[1:] / d_share**2, across[:-1] / d_share**2
    next_angle = 0.5 * (around + np.roll(around, -1, axis=1))[1:-1] / d_angle**2
    last_angle = np.roll(next_angle, 1, axis=1)
    cross = mixed / (4.0 * d_share * d_angle)
    ahead, behind = np.roll(cross, -1, axis=1)[1:-1], np.roll(cross, 1, axis=1)[1:-1]
    stencil = {
        (0, 0): -(out + back + next_angle + last_angle),
        (1, 0): out, (-1, 0): back, (0, 1): next_angle, (0, -1): last_angle,
        (1, 1): cross[2:] + ahead, (1, -1): -(cross[2:] + behind),
        (-1, 1): -(cross[:-2] + ahead), (-1, -1): cross[:-2] + behind,
    }  # fmt: skip
    inner = _solve(stencil, n_depths - 1, n_angles)
    return np.vstack([np.zeros(n_angles), inner, np.ones(n_angles)])


def _solve(stencil: dict[tuple[int, int], FloatArray], n_layers: int, n_angles: int) -> FloatArray:
    """Solve the stencil on the inner nodes (n_layers, n_angles): 0 below the first layer, 1 above the last."""
    layer, angle = np.meshgrid(np.arange(n_layers), np.arange(n_angles), indexing="ij")
    number = angle * n_layers + layer
    rows, columns, values, right = [], [], [], np.zeros((n_layers, n_angles))
    for (up, on), coefficient in stencil.items():
        there = layer + up
        known = (there >= 0) & (there < n_layers)
        rows.append(number[known])
        columns.append((((angle + on) % n_angles) * n_layers + there)[known])
        values.append(coefficient[known])
        right -= np.where(there == n_layers, coefficient, 0.0)
    size = n_layers * n_angles
    matrix = sparse.csc_matrix(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(size, size)
    )
    return spsolve(matrix, right.T.ravel()).reshape(n_angles, n_layers).T


def _slope(values: FloatArray) -> FloatArray:
    """Derivative along the last axis, which goes once around."""
    step = 2.0 * np.pi / values.shape[-1]
    return (np.roll(values, -1, axis=-1) - np.roll(values, 1, axis=-1)) / (2.0 * step)


def _around(values: FloatArray, angle: FloatArray) -> FloatArray:
    """Values (m,) at even angles, linear between them, at any angles."""
    place = angle * (len(values) / (2.0 * np.pi))
    low = np.floor(place).astype(np.intp)
    share = place - low
    return values[low % len(values)] * (1.0 - share) + values[(low + 1) % len(values)] * share
