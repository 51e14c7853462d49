"""The neighbours of the carotids: a neck of smooth, warped shapes that differs between persons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from plaquecast.domain.anatomy import Side
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.volume import Centerline
from plaquecast.simulate.neck_layout import lay_out_neck
from plaquecast.simulate.shapes import Column, Shape
from plaquecast.simulate.tissues import Matter

N_SHADES = 10
"""Steps of the texture: each kind of matter comes in this many shades around its mean signal."""

_TEXTURE_EDGE = 64
_TEXTURE_STEP_MM = 0.6
_CHUNK = 1 << 12


class HasCenterline(Protocol):
    """What the neck must know of an artery: where it runs."""

    @property
    def centerline(self) -> Centerline:
        """The axis of CCA and ICA in model space."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedNeck:
    """The neck of one person in model space (LPS mm, carotid bifurcations near z = 0).

    `shapes` are painted in order, later over earlier; points are first moved by the waves of `warp`, rows of
    (direction of displacement 3, wave vector 3 in rad/mm, phase), so that nothing is an exact ellipse.
    `texture` is a periodic block of shades.
    """

    shapes: tuple[Shape, ...]
    warp: FloatArray
    texture: NDArray[np.uint8]
    _extents: FloatArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        extents = [shape.extent for shape in self.shapes]
        rows = [(*extent.center_mm, *extent.slope, *extent.reach_mm, *extent.z_range_mm) for extent in extents]
        object.__setattr__(self, "_extents", np.array(rows))

    def classify(self, points_mm: ArrayLike) -> NDArray[np.uint8]:
        """Name the kind of matter, `Matter` codes uint8 (n,), at points (n, 3) in model space."""
        points = np.ascontiguousarray(np.asarray(points_mm, dtype=np.float32).T)
        result = np.empty(points.shape[1], dtype=np.uint8)
        for start in range(0, points.shape[1], _CHUNK):
            part = slice(start, start + _CHUNK)
            result[part] = self._classify_part(points[:, part])
        return result

    def _classify_part(self, points: NDArray[np.float32]) -> NDArray[np.uint8]:
        x, y, z = points
        moved = [x.copy(), y.copy(), z.copy()]
        for wave in self.warp.astype(np.float32):
            swing = np.sin(wave[3] * x + wave[4] * y + wave[5] * z + wave[6])
            for axis, amplitude in zip(moved, wave[:3], strict=True):
                axis += amplitude * swing
        found = np.full(points.shape[1], Matter.AIR, dtype=np.uint8)
        for index in self._near(moved):
            self.shapes[index].paint(moved[0], moved[1], moved[2], found)
        return found

    def _near(self, points: Sequence[NDArray[np.float32]]) -> NDArray[np.intp]:
        """Indices of the shapes that may hold any of the points given as x, y, z; errs towards more."""
        (x_low, y_low, z_low), (x_high, y_high, z_high) = (
            [float(limit(axis)) for axis in points] for limit in (np.min, np.max)
        )
        low, high = np.maximum(self._extents[:, 6], z_low), np.minimum(self._extents[:, 7], z_high)
        near = low <= high
        for k, (least, most) in enumerate(((x_low, x_high), (y_low, y_high))):
            center, slope, reach = self._extents[:, k], self._extents[:, 2 + k], self._extents[:, 4 + k]
            at_low, at_high = center + slope * low, center + slope * high
            near &= (np.minimum(at_low, at_high) - reach < most) & (np.maximum(at_low, at_high) + reach > least)
        return np.flatnonzero(near)

    def shade(self, points_mm: ArrayLike) -> NDArray[np.uint8]:
        """Texture at points (n, 3) in model space, uint8 (n,) in 0 … `N_SHADES` − 1 with its mean in the middle."""
        scaled = np.asarray(points_mm, dtype=np.float32) * np.float32(1.0 / _TEXTURE_STEP_MM)
        index = np.floor(scaled).astype(np.int32) & (_TEXTURE_EDGE - 1)
        return self.texture.ravel()[(index[:, 2] * _TEXTURE_EDGE + index[:, 1]) * _TEXTURE_EDGE + index[:, 0]]


def draw_neck(rng: np.random.Generator, arteries: Mapping[Side, HasCenterline]) -> SimulatedNeck:
    """Draw a neck around the given arteries: sizes, fat, veins, nodes and the bends of all outlines vary."""
    shapes: Sequence[Shape] = lay_out_neck(rng)
    veins = [vein for side, artery in arteries.items() for vein in _jugular_vein(rng, side, artery.centerline)]
    return SimulatedNeck((*shapes, *veins), _draw_warp(rng), _draw_texture(rng))


def _jugular_vein(rng: np.random.Generator, side: Side, axis: Centerline) -> list[Shape]:
    """Piecewise straight columns lateral and a little posterior of the artery; the right one is wider on average."""
    half = np.array([rng.uniform(4.0, 7.5), rng.uniform(3.0, 5.0)]) * (1.1 if side is Side.RIGHT else 0.95)
    distance, angle = 6.0 + half[0], np.deg2rad(rng.uniform(0.0, 45.0))
    offset = distance * np.array([side.sign_x * np.cos(angle), np.sin(angle)])
    heights = np.arange(-40.0, 41.0, 10.0)
    order = np.argsort(axis.points_mm[:, 2])
    knots = np.stack([np.interp(heights, axis.points_mm[order, 2], axis.points_mm[order, k]) for k in (0, 1)], axis=1)
    knots = 0.5 * (knots + knots.mean(axis=0)) + offset
    column = Column(Matter.VEIN, (0.0, 0.0), (float(half[0]), float(half[1])), angle_degrees=side.sign_x * 25.0)
    pieces: list[Shape] = []
    for k in range(len(heights) - 1):
        slope = (knots[k + 1] - knots[k]) / 10.0
        base = knots[k] - slope * heights[k]
        pieces.append(
            replace(
                column,
                center_mm=(float(base[0]), float(base[1])),
                slope=(float(slope[0]), float(slope[1])),
                z_range_mm=(float(heights[k]), float(heights[k + 1])),
            )
        )
    return pieces


def _draw_warp(rng: np.random.Generator, n_waves: int = 7) -> FloatArray:
    direction = rng.normal(0.0, 0.55, (n_waves, 3)) * (1.0, 1.0, 0.5)
    wave_vector = rng.normal(0.0, 1.0, (n_waves, 3)) * (1.0, 1.0, 0.5)
    wave_vector *= (2.0 * np.pi / rng.uniform(26.0, 80.0, n_waves) / np.linalg.norm(wave_vector, axis=1))[:, None]
    return np.column_stack([direction, wave_vector, rng.uniform(0.0, 2.0 * np.pi, n_waves)])


def _draw_texture(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Periodic smooth noise: a grain of about 1 mm on patches of about 5 mm, cut into shades."""
    frequency = np.fft.fftfreq(_TEXTURE_EDGE)
    squared = frequency[:, None, None] ** 2 + frequency[:, None] ** 2 + frequency**2
    spectrum = np.exp(-squared / (2 * 0.12**2)) + 12.0 * np.exp(-squared / (2 * 0.03**2))
    block = np.fft.ifftn(np.fft.fftn(rng.standard_normal((_TEXTURE_EDGE,) * 3)) * spectrum).real
    block /= block.std()
    middle = (N_SHADES - 1) / 2
    return np.clip(np.rint(middle + block * middle / 2.5), 0, N_SHADES - 1).astype(np.uint8)
