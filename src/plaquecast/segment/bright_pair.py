"""Both carotids among the bright spots of a neck: a symmetric pair of round tubes, medial to the jugular veins."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from plaquecast.domain.grid import FloatArray
from plaquecast.segment.bright_tubes import PIXEL_MM, Spots

HALF_DISTANCE_MM = (26.0, 6.0)
"""Mean and SD of a carotid's distance from the midplane; vertebral arteries run at some 14 mm, jugular veins at 36."""
OFF_MIDPLANE_MM = 6.0
LEVEL_DIFFERENCE_MM = 7.0
"""SDs of how far the pair's middle lies off the midplane, and of how much further back one lies than the other."""
RADIUS_RANGE_MM = (2.2, 4.2)
BESIDE_MM = (4.0, 14.0, 7.0)
"""Where the carotid lies from its jugular vein: between so much and so much medially, and less than this in depth."""
BEHIND_MM = (12.0, 35.0, 14.0)
"""Where the vertebral artery lies from its carotid: between so much and so much behind, less than this to a side."""
DRIFT_MM = (0.8, 0.35)
"""SD of an artery's way from slice to slice: so much at least, and so much per mm between them."""
_TYPICAL_STRENGTH = 0.15
_MOST_PAIRS = 80


@dataclass(frozen=True, slots=True)
class Midplane:
    """Line about which slices are most alike to their mirror image: a point (mm), and its tilt in radians."""

    row_mm: float
    column_mm: float
    tilt: float
    likeness: float

    def beside(self, points_mm: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Signed distance across (towards larger columns) and along (towards larger rows) of points (…, 2)."""
        off = points_mm - (self.row_mm, self.column_mm)
        cos, sin = np.cos(self.tilt), np.sin(self.tilt)
        return off[..., 1] * cos - off[..., 0] * sin, off[..., 0] * cos + off[..., 1] * sin


def find_midplane(brightness: NDArray[np.float32]) -> Midplane:
    """The line that mirrors slices (slices, rows, columns) best onto themselves, tilted by up to 12°."""
    chosen = np.unique(np.linspace(0, len(brightness) - 1, 14).astype(int))
    details = [_detail(np.clip(brightness[k], 0.0, 2.0)) for k in chosen]
    layers = np.stack(details)[:, ::2, ::2]
    pixel_mm = 2.0 * PIXEL_MM
    rows, columns = np.mgrid[: layers.shape[1], : layers.shape[2]] * pixel_mm
    places = np.stack([rows, columns], axis=-1)
    best = Midplane(0.5 * float(rows.max()), 0.5 * float(columns.max()), 0.0, -1.0)
    for tilt in np.deg2rad(np.arange(-12.0, 13.0, 3.0)):
        for column in np.arange(0.3, 0.7, 1.0 / layers.shape[2]) * layers.shape[2] * pixel_mm:
            plane = Midplane(best.row_mm, float(column), float(tilt), 0.0)
            likeness = _likeness(layers, places, plane, pixel_mm)
            if likeness > best.likeness:
                best = Midplane(plane.row_mm, plane.column_mm, plane.tilt, likeness)
    return best


def _detail(layer: NDArray[np.float32]) -> NDArray[np.float32]:
    """Structures of some millimetres: without noise, and without shading."""
    fine, coarse = (np.asarray(ndimage.gaussian_filter(layer, mm / PIXEL_MM)) for mm in (1.2, 6.0))
    return (fine - coarse).astype(np.float32)


def _likeness(layers: NDArray[np.float32], places: FloatArray, plane: Midplane, pixel_mm: float) -> float:
    """Mean correlation of one side with the mirrored other, within 50 mm of the plane."""
    across, _ = plane.beside(places)
    side = (across > 3.0) & (across < 50.0)
    normal = np.array([-np.sin(plane.tilt), np.cos(plane.tilt)])
    mirrored = np.rint((places[side] - 2.0 * across[side][:, None] * normal) / pixel_mm).astype(int)
    inside = ((mirrored >= 0) & (mirrored < layers.shape[1:])).all(axis=1)
    if inside.mean() < 0.6:
        return -1.0
    one = layers[:, side][:, inside]
    other = layers[:, mirrored[inside, 0], mirrored[inside, 1]]
    one, other = (part - part.mean(axis=1, keepdims=True) for part in (one, other))
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return float(((one * other).sum(axis=1) / np.maximum(lengths, 1e-9)).mean())


def evidence(strengths: FloatArray) -> FloatArray:
    """How much a spot's strength speaks for a vessel: 0 at the strength of a weak one, and never endless.

    >>> evidence(np.array([0.15, 10.0, 0.01])).round(2).tolist()
    [0.0, 1.4, -1.0]
    """
    return np.clip(np.log(strengths / _TYPICAL_STRENGTH), -1.0, 1.4)


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """Likely pairs of one slice: index of the spot at smaller and at larger column, both centers (n, 4), score (n,)."""

    spots: NDArray[np.intp]
    centers_mm: FloatArray
    scores: FloatArray


def follow_pair(spots: Sequence[Spots], plane: Midplane, front: int, slice_mm: float) -> dict[int, tuple[int, int]]:
    """The pair of spots of each slice that is likeliest as a whole: slice → spots at smaller and at larger column.

    The sum of the pairs' scores less the price of their way from slice to slice is largest (Viterbi). Slices without
    any spot on one of the sides are left out. `front` is the sign of the way to the front along the midplane.
    """
    layers = {k: pairs for k, found in enumerate(spots) if len((pairs := _pairs(found, plane, front)).scores)}
    if not layers:
        return {}
    order = sorted(layers)
    best, choices = layers[order[0]].scores, []
    for before, k in pairwise(order):
        way_mm = DRIFT_MM[0] + DRIFT_MM[1] * (k - before) * slice_mm
        moved = layers[k].centers_mm[:, None] - layers[before].centers_mm[None]
        price = sum(np.minimum(0.5 * (moved[..., i : i + 2] ** 2).sum(axis=-1) / way_mm**2, 15.0) for i in (0, 2))
        total = best[None] - price
        choices.append(total.argmax(axis=1))
        best = total.max(axis=1) + min(1.0, slice_mm / 2.0) * layers[k].scores
    at = int(best.argmax())
    path = {order[-1]: at}
    for k, choice in zip(order[-2::-1], choices[::-1], strict=True):
        path[k] = at = int(choice[at])
    return {k: (int(layers[k].spots[at, 0]), int(layers[k].spots[at, 1])) for k, at in path.items()}


def _pairs(spots: Spots, plane: Midplane, front: int) -> _Pairs:
    across, along = plane.beside(spots.centers_mm)
    against = _beside_medial_vessel(spots, across, along) + _behind_vessel(spots, across, front * along)
    scores = evidence(spots.strengths) - against - _unlike_in_size(spots.radii_mm)
    low, high = np.flatnonzero((across < -8.0) & (across > -50.0)), np.flatnonzero((across > 8.0) & (across < 50.0))
    one, other = (index.ravel() for index in np.meshgrid(low, high, indexing="ij"))
    half, middle = 0.5 * (across[other] - across[one]), 0.5 * (across[other] + across[one])
    off = (half - HALF_DISTANCE_MM[0]) / HALF_DISTANCE_MM[1], middle / OFF_MIDPLANE_MM
    level = (along[other] - along[one]) / LEVEL_DIFFERENCE_MM
    total = scores[one] + scores[other] - 0.5 * (off[0] ** 2 + off[1] ** 2 + level**2)
    kept = np.argsort(-total, kind="stable")[:_MOST_PAIRS]
    pair = np.stack([one[kept], other[kept]], axis=1)
    return _Pairs(pair, spots.centers_mm[pair].reshape(-1, 4), total[kept])


def _unlike_in_size(radii_mm: FloatArray) -> FloatArray:
    smallest, largest = RADIUS_RANGE_MM
    return 0.5 * (np.maximum(0.0, smallest - radii_mm) + np.maximum(0.0, radii_mm - largest))


def _behind_vessel(spots: Spots, across: FloatArray, forward: FloatArray) -> FloatArray:
    """What speaks against a spot because a bright one lies straight in front of it: then it is the vertebral artery."""
    nearest, farthest, aside = BEHIND_MM
    ahead = forward[None] - forward[:, None]
    neighbors = (ahead > nearest) & (ahead < farthest) & (np.abs(across[:, None] - across[None]) < aside)
    strongest = np.where(neighbors, evidence(spots.strengths)[None], -1.0).max(axis=1, initial=-1.0)
    return np.where(strongest > 0.5, np.minimum(1.2, strongest + 0.2), 0.0)


def _beside_medial_vessel(spots: Spots, across: FloatArray, along: FloatArray) -> FloatArray:
    """What speaks against a spot because a bright one lies just medial of it: then that one is the carotid."""
    nearest, farthest, depth = BESIDE_MM
    medial = np.abs(across)[:, None] - np.abs(across)[None]
    neighbors = (medial > nearest) & (medial < farthest) & (np.abs(along[:, None] - along[None]) < depth)
    neighbors &= np.sign(across)[:, None] == np.sign(across)[None]
    strongest = np.where(neighbors, evidence(spots.strengths)[None], -1.0).max(axis=1, initial=-1.0)
    return np.where(strongest > 0.5, np.minimum(1.2, strongest + 0.2), 0.0)
