"""Sub-voxel contours of lumen and outer wall on rays around the lumen, from tissue fractions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from plaquecast.domain.grid import FloatArray
from plaquecast.geometry.cross_section import CrossSection, WallFrame

REACH_MM = 14.0
STEP_MM = 0.1
HALF = 0.5
"""A boundary lies where the fraction passes one half: exact for straight edges, whatever their place in the voxel."""


@dataclass(frozen=True, slots=True, eq=False)
class Contours:
    """Distances of lumen and outer wall from a middle in the lumen, mm, float64 (m,) at m even angles from 0 (radians).

    Angle 0 faces the flow divider and angles rise towards anterior. `middle_mm` (2,) is the middle as (u, v) of the
    plane across the artery.
    """

    middle_mm: FloatArray
    lumen_mm: FloatArray
    outer_mm: FloatArray

    def points(self, radius_mm: FloatArray) -> FloatArray:
        """Points (m, n, 2) of the plane at distances (m, n) from the middle."""
        return self.middle_mm + radius_mm[:, :, None] * _directions(len(radius_mm))[:, None, :]

    @property
    def lumen_cosine(self) -> FloatArray:
        """Cosine (m,) of the angle between each ray and the normal of the lumen's surface."""
        step = 2.0 * np.pi / len(self.lumen_mm)
        slope = (np.roll(self.lumen_mm, -1) - np.roll(self.lumen_mm, 1)) / (2.0 * step)
        return self.lumen_mm / np.hypot(self.lumen_mm, slope)

    @property
    def sector_lumen_mm2(self) -> FloatArray:
        """Area of the lumen per angle (m,); the sum is its area."""
        return np.pi / len(self.lumen_mm) * self.lumen_mm**2

    @property
    def sector_wall_mm2(self) -> FloatArray:
        """Area of the wall per angle (m,)."""
        return np.pi / len(self.lumen_mm) * (self.outer_mm**2 - self.lumen_mm**2)


def even_angles(n_angles: int) -> FloatArray:
    """`n_angles` even angles from 0, radians."""
    return np.linspace(0.0, 2.0 * np.pi, n_angles, endpoint=False)


def sample_bilinear(fields: NDArray[np.float32], index: FloatArray) -> FloatArray:
    """Values of `fields` (…, rows, columns) at fractional (row, column) `index` (n, 2), linear, edges held; (…, n).

    >>> ramp = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    >>> sample_bilinear(ramp, np.array([[0.5, 0.5], [9.0, 9.0]])).tolist()
    [[2.0, 5.0]]
    """
    size = np.array(fields.shape[-2:])
    place = np.clip(index, 0.0, size - 1.0)
    low = np.minimum(place.astype(np.intp), np.maximum(size - 2, 0))
    row, column = low.T
    below, right = np.minimum(low + 1, size - 1).T
    u, v = (place - low).T
    above = fields[..., row, column] * (1 - v) + fields[..., row, right] * v
    under = fields[..., below, column] * (1 - v) + fields[..., below, right] * v
    return above * (1 - u) + under * u


def radial_contours(
    lumen: NDArray[np.float32], vessel: NDArray[np.float32], plane: CrossSection, n_angles: int
) -> Contours | None:
    """Contours at one half of the fractions of lumen and vessel (rows, columns), or None where there are none.

    Along a ray the vessel ends where its fraction first falls below one half, and the lumen where its own last does
    so inside the vessel. There are none if no pixel is mostly lumen or the vessel runs out of the image.

    Blur of variance σ² moves the half-level of an edge of curvature κ inwards by σ²κ/2 (first order of the heat
    equation), which is put back with 1/radius for κ: over a closed contour that restores its area whatever its shape.
    """
    middle = _middle(lumen)
    if middle is None:
        return None
    middle_mm = np.asarray(np.linalg.solve(plane.matrix, middle - plane.axis_index), dtype=np.float64)
    ray = _directions(n_angles)
    radius = np.arange(0.0, REACH_MM + STEP_MM / 2, STEP_MM)
    index = plane.index(middle_mm + ray[:, None, :] * radius[None, :, None])
    along = sample_bilinear(np.stack([lumen, vessel]), index.reshape(-1, 2)).reshape(2, n_angles, len(radius))
    inside_image = np.all((index > 0) & (index < np.array(lumen.shape) - 1), axis=2)
    outside = along[1] < HALF
    end = outside.argmax(axis=1)
    rows = np.arange(n_angles)
    if (end == 0).any() or not inside_image[rows, end].all():
        return None
    inward = 0.5 * np.einsum("ij,jk,ik->i", ray, plane.blur_mm2, ray)
    outer = _unblurred(_crossing(along[1], end, radius), inward)
    is_lumen = (along[0] >= HALF) & (np.arange(len(radius)) < end[:, None])
    last = np.where(is_lumen.any(axis=1), len(radius) - 1 - is_lumen[:, ::-1].argmax(axis=1), 0)
    inner = np.minimum(_unblurred(_crossing(along[0], last + 1, radius), inward), outer)
    return Contours(middle_mm, inner, outer)


def square_contours(contours: Sequence[Contours], planes: Sequence[CrossSection], frame: WallFrame) -> list[Contours]:
    """Contours in the planes across the artery, from what its slices show.

    A slice through a leaning artery shows its two sides at different positions. Each point of a contour is put at its
    own position along the artery, and points of the same angle are joined by straight lines from slice to slice; the
    contours are read off where these lines pass the planes. Slices are in the order of their positions.
    """
    if len(contours) < 2:
        return list(contours)
    position = np.array([plane.position_mm for plane in planes])
    surfaces = []
    for radius_mm in (np.stack([each.lumen_mm for each in contours]), np.stack([each.outer_mm for each in contours])):
        points, seen_at_mm = _lines(contours, planes, frame, radius_mm)
        surfaces.append(np.stack([along_lines(points[:, :, axis], seen_at_mm, position) for axis in (0, 1)], axis=-1))
    return [_around_middle(lumen, outer) for lumen, outer in zip(*surfaces, strict=True)]


def wall_seen_at(contours: Sequence[Contours], planes: Sequence[CrossSection], frame: WallFrame) -> FloatArray:
    """Positions along the artery, float64 (slices, m), at which the slices show the middle of their walls."""
    middle = np.stack([0.5 * (each.lumen_mm + each.outer_mm) for each in contours])
    return _lines(contours, planes, frame, middle)[1]


def along_lines(values: FloatArray, seen_at_mm: FloatArray, position_mm: FloatArray) -> FloatArray:
    """Values (slices, m), known at `seen_at_mm` (slices, m) along m lines, at the positions (k,): float64 (k, m)."""
    columns = zip(seen_at_mm.T, values.T, strict=True)
    return np.stack([np.interp(position_mm, place, value) for place, value in columns], axis=1)


def _lines(
    contours: Sequence[Contours], planes: Sequence[CrossSection], frame: WallFrame, radius_mm: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """(u, v) of what the slices show at the given distances from the middles, (slices, m, 2), and its positions."""
    rays = radius_mm[:, :, None] * _directions(radius_mm.shape[1])
    shown = [plane.shown_mm(each.middle_mm + ray) for each, plane, ray in zip(contours, planes, rays, strict=True)]
    near = np.repeat([plane.position_mm for plane in planes], radius_mm.shape[1])
    position, points = frame.coordinates(np.concatenate(shown), near)
    return points.reshape(*radius_mm.shape, 2), np.maximum.accumulate(position.reshape(radius_mm.shape), axis=0)


def _directions(n_angles: int) -> FloatArray:
    angle = even_angles(n_angles)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _around_middle(lumen: FloatArray, outer: FloatArray) -> Contours:
    """Closed lines of points (m, 2) as distances at even angles from the center of mass of the lumen."""
    following = np.roll(lumen, -1, axis=0)
    cross = lumen[:, 0] * following[:, 1] - lumen[:, 1] * following[:, 0]
    middle = ((lumen + following) * cross[:, None]).sum(axis=0) / (3.0 * cross.sum())
    angle = even_angles(len(lumen))
    radii = []
    for line in (lumen, outer):
        offset = line - middle
        seen_at = np.arctan2(offset[:, 1], offset[:, 0])
        radii.append(np.interp(angle, seen_at, np.hypot(offset[:, 0], offset[:, 1]), period=2.0 * np.pi))
    return Contours(middle, np.minimum(*radii), radii[1])


def _middle(lumen: NDArray[np.float32]) -> FloatArray | None:
    """Center of mass (row, column) of the largest piece of lumen; its innermost pixel where that lies outside it."""
    pieces = np.zeros(lumen.shape, dtype=np.int32)
    if ndimage.label(lumen > HALF, output=pieces) == 0:
        return None
    largest = pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    rows, columns = np.nonzero(largest)
    weight = lumen[rows, columns].astype(np.float64)
    middle = np.array([rows @ weight, columns @ weight]) / weight.sum()
    if sample_bilinear(lumen[None], middle[None])[0, 0] > HALF:
        return middle
    depth = np.asarray(ndimage.distance_transform_edt(largest))
    return np.array(np.unravel_index(int(np.argmax(depth)), depth.shape), dtype=np.float64)


def _unblurred(radius_mm: FloatArray, half_variance_mm2: FloatArray) -> FloatArray:
    """The radius (m,) of an edge whose blurred half-level was found at `radius_mm`."""
    return radius_mm + half_variance_mm2 / np.maximum(radius_mm, np.sqrt(2.0 * half_variance_mm2))


def _crossing(values: FloatArray, first_below: NDArray[np.intp], radius: FloatArray) -> FloatArray:
    """Radius (m,) at which values (m, n) pass one half just before the sample `first_below` (m,)."""
    rows = np.arange(len(values))
    after, before = (values[rows, first_below - back] for back in (0, 1))
    share = np.clip((before - HALF) / np.maximum(before - after, 1e-9), 0.0, 1.0)
    return radius[first_below - 1] + share * (radius[first_below] - radius[first_below - 1])
