"""The other branch of a carotid above its bifurcation, among the bright spots beside the one that was followed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plaquecast.domain.grid import FloatArray
from plaquecast.segment.bright_pair import DRIFT_MM, Midplane, evidence
from plaquecast.segment.bright_tubes import Spots

DISTANCE_MM = (3.0, 16.0)
"""How far the branches' centers lie apart."""
MERGED_MM = 5.5
"""Branches closer than this have just parted."""
PARTING_MM = 1.5
"""SD of how much further apart they are when first seen, in addition to what they part by within a slice."""
LEAST_RUN_MM = 6.0
LEAST_GAIN = 1.5


@dataclass(frozen=True, slots=True)
class Directions:
    """Which way is lateral and which is the front: signs along `Midplane.beside`'s two axes."""

    lateral: int
    front: int


@dataclass(frozen=True, slots=True, eq=False)
class _Beside:
    """Spots of one slice that may be the branch: their index, offset from the artery (n, 2) mm and gain (n,)."""

    index: NDArray[np.intp]
    offsets_mm: FloatArray
    gains: FloatArray


def follow_branch(
    spots: Sequence[Spots], artery: Mapping[int, int], plane: Midplane, directions: Directions, slice_mm: float
) -> tuple[dict[int, int], bool]:
    """The spots (slice → spot) of the likeliest branch, and whether it lies in front of the artery that was followed.

    `artery` names the spot of the artery in each slice, in order from the chest to the head. The branch begins close to
    the artery, or at the lowest slice, and is one run of slices: the one with the largest sum of gains less the price
    of its way. No branch: an empty mapping.
    """
    best: tuple[float, int, int] = (0.0, -1, -1)
    layers: dict[int, tuple[_Beside, FloatArray, NDArray[np.intp], int]] = {}
    before: int | None = None
    for k, main in artery.items():
        beside = _beside(spots[k], main, plane, directions)
        gains = beside.gains * min(1.0, slice_mm / 2.0)
        distance = np.linalg.norm(beside.offsets_mm, axis=1)
        parted = np.maximum(0.0, distance - MERGED_MM) / (PARTING_MM + DRIFT_MM[1] * slice_mm)
        begin = np.zeros(len(gains)) if before is None else -0.5 * parted**2
        value, came_from = gains + begin, np.full(len(gains), -1, dtype=np.intp)
        if before is not None and len(layers[before][1]) and len(gains):
            way_mm = DRIFT_MM[0] + DRIFT_MM[1] * abs(k - before) * slice_mm
            moved = beside.offsets_mm[:, None] - layers[before][0].offsets_mm[None]
            total = layers[before][1][None] - 0.5 * (moved**2).sum(axis=-1) / way_mm**2
            goes_on = total.max(axis=1) > begin
            came_from = np.where(goes_on, total.argmax(axis=1), -1)
            value = gains + np.maximum(total.max(axis=1), begin)
        layers[k] = (beside, value, came_from, -1 if before is None else before)
        if len(value) and value.max() > best[0]:
            best = (float(value.max()), k, int(value.argmax()))
        before = k
    return _run_back(layers, best, slice_mm, directions, plane, spots, artery)


def _run_back(
    layers: Mapping[int, tuple[_Beside, FloatArray, NDArray[np.intp], int]],
    best: tuple[float, int, int],
    slice_mm: float,
    directions: Directions,
    plane: Midplane,
    spots: Sequence[Spots],
    artery: Mapping[int, int],
) -> tuple[dict[int, int], bool]:
    gain, k, at = best
    run: dict[int, int] = {}
    while at >= 0:
        beside, _, came_from, below = layers[k]
        run[k] = int(beside.index[at])
        k, at = below, int(came_from[at])
    if gain < LEAST_GAIN or len(run) * slice_mm < LEAST_RUN_MM:
        return {}, False
    ahead = []
    for k, index in run.items():
        centers = spots[k].centers_mm[[artery[k], index]]
        ahead.append(directions.front * float(np.subtract(*plane.beside(centers)[1][::-1])))
    return dict(reversed(run.items())), float(np.median(ahead)) > 0.0


def _beside(spots: Spots, main: int, plane: Midplane, directions: Directions) -> _Beside:
    """Spots that lie like a branch: in front and not far out, or straight behind; a jugular vein lies out behind."""
    across, along = plane.beside(spots.centers_mm)
    outward = directions.lateral * (across - across[main])
    forward = directions.front * (along - along[main])
    distance = np.hypot(outward, forward)
    like = (forward > 1.5) & (outward < 8.0) | (forward < -2.5) & (np.abs(outward) < 5.0)
    like &= (distance > DISTANCE_MM[0]) & (distance < DISTANCE_MM[1])
    strength = evidence(spots.strengths)
    index = np.flatnonzero(like & (strength > -0.3))
    gains = np.minimum(1.0, strength[index] + 0.3) - 0.01 * (distance[index] - 7.0) ** 2
    return _Beside(index, spots.centers_mm[index] - spots.centers_mm[main], gains)
