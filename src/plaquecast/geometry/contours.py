"""Sub-voxel contours of lumen and outer wall on rays around the lumen, from tissue fractions of one slice."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from plaquecast.domain.grid import FloatArray
from plaquecast.geometry.cross_section import CrossSection

REACH_MM = 14.0
STEP_MM = 0.1
HALF = 0.5
"""A boundary lies where the fraction passes one half: exact for straight edges, whatever their place in the voxel."""


@dataclass(frozen=True, slots=True, eq=False)
class Contours:
    """Distances of lumen and outer wall from the lumen's middle, mm, float64 (m,) at m even angles from 0 (radians).

    Angle 0 faces the flow divider and angles rise towards anterior. `origin_index` is the middle as (row, column).
    """

    origin_index: FloatArray
    lumen_mm: FloatArray
    outer_mm: FloatArray

    @property
    def angle(self) -> FloatArray:
        """The angles in radians (m,)."""
        return even_angles(len(self.lumen_mm))

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


def sample_bilinear(fields: NDArray[np.float32], index: FloatArray) -> NDArray[np.float32]:
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
    u, v = (place - low).T.astype(np.float32)
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
    origin = _middle(lumen)
    if origin is None:
        return None
    angle = even_angles(n_angles)
    radius = np.arange(0.0, REACH_MM + STEP_MM / 2, STEP_MM)
    rays = np.stack([np.cos(angle), np.sin(angle)], axis=1)[:, None, :] * radius[None, :, None]
    index = plane.index(rays, origin)
    along = sample_bilinear(np.stack([lumen, vessel]), index.reshape(-1, 2)).reshape(2, n_angles, len(radius))
    inside_image = np.all((index > 0) & (index < np.array(lumen.shape) - 1), axis=2)
    outside = along[1] < HALF
    end = outside.argmax(axis=1)
    rows = np.arange(n_angles)
    if (end == 0).any() or not inside_image[rows, end].all():
        return None
    inward = 0.5 * np.einsum("ij,jk,ik->i", rays[:, 1], plane.blur_mm2, rays[:, 1]) / STEP_MM**2
    outer = _unblurred(_crossing(along[1], end, radius), inward)
    is_lumen = (along[0] >= HALF) & (np.arange(len(radius)) < end[:, None])
    last = np.where(is_lumen.any(axis=1), len(radius) - 1 - is_lumen[:, ::-1].argmax(axis=1), 0)
    inner = np.minimum(_unblurred(_crossing(along[0], last + 1, radius), inward), outer)
    return Contours(origin, inner, outer)


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


def _crossing(values: NDArray[np.float32], first_below: NDArray[np.intp], radius: FloatArray) -> FloatArray:
    """Radius (m,) at which values (m, n) pass one half just before the sample `first_below` (m,)."""
    rows = np.arange(len(values))
    after, before = (values[rows, first_below - back].astype(np.float64) for back in (0, 1))
    share = np.clip((before - HALF) / np.maximum(before - after, 1e-9), 0.0, 1.0)
    return radius[first_below - 1] + share * (radius[first_below] - radius[first_below - 1])
