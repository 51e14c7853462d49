"""One person lying in the scanner: what kind of matter is where, finely around the arteries and coarser elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from plaquecast.domain.anatomy import Side
from plaquecast.domain.grid import FloatArray, Grid
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.volume import Centerline
from plaquecast.errors import InputError
from plaquecast.simulate.neck import N_SHADES, SimulatedNeck
from plaquecast.simulate.tissues import Matter

Scalar = TypeVar("Scalar", bound=np.generic)

FINE_PER_PIXEL = 2
"""Fine samples per shown pixel and axis: 0.1375 mm for a pixel of 0.275 mm."""

LAYER_MM = 0.5
"""Distance of fine layers; a slice of 2 mm holds four."""

_COARSE_MM = (1.5, 0.46, 0.46)
_MARGIN_MM = (5.0, 4.0, 4.0)
_PROBE_PIXELS = 2
_REACH_MM = 21.0


class Artery(Protocol):
    """What the scene must know of an artery."""

    @property
    def side(self) -> Side:
        """Which artery it is."""
        ...

    @property
    def centerline(self) -> Centerline:
        """The axis of CCA and ICA in model space."""
        ...

    def classify(self, points_mm: ArrayLike) -> NDArray[np.uint8]:
        """`Matter` codes (n,) at points (n, 3) in model space; `OUTSIDE` where the artery is not."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class CodeMap:
    """Matter and shade per point of a grid: `codes` is uint8, matter × `N_SHADES` + shade."""

    grid: Grid
    codes: NDArray[np.uint8]

    @property
    def matter(self) -> NDArray[np.uint8]:
        """`Matter` per point, shape of the grid."""
        return self.codes // N_SHADES


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A neck in the scanner's space of the reference image: everything coarsely, a box around each artery finely."""

    neck: CodeMap
    arteries: Mapping[Side, CodeMap]


def build_scene(
    neck: SimulatedNeck,
    arteries: Mapping[Side, Artery],
    neck_from_model: RigidTransform,
    grid: Grid,
    recirculation: float = 0.5,
) -> Scene:
    """Lay the person on the table: `neck_from_model` takes model space to the scanner space of the shown `grid`.

    `recirculation` (0 to 1) is how slow blood gets at the outer wall of the bulb, which black-blood images show.
    """
    to_model = neck_from_model.inverse()
    coarse = _classify_neck(neck, to_model, grid)
    fine = {
        side: _classify_artery(artery, neck, coarse, to_model, grid, recirculation) for side, artery in arteries.items()
    }
    return Scene(coarse, fine)


def _classify_neck(neck: SimulatedNeck, to_model: RigidTransform, grid: Grid) -> CodeMap:
    first, last = grid.to_mm((0, 0, 0)), grid.to_mm(np.array(grid.shape) - 1)
    step, margin = np.array(_COARSE_MM), np.array(_MARGIN_MM) + np.array((grid.slice_spacing_mm / 2, 0.0, 0.0))
    low, extent = first[::-1] - margin, (last - first)[::-1] + 2 * margin
    shape = np.ceil(extent / step).astype(int)
    low = low + (extent - (shape - 1) * step) / 2
    lattice = Grid.axis_aligned((int(shape[0]), int(shape[1]), int(shape[2])), _COARSE_MM, tuple(low[::-1]))
    codes = np.empty(lattice.shape, dtype=np.uint8)
    for k in range(lattice.shape[0]):
        points = _layer_points(lattice, k, to_model)
        codes[k] = (neck.classify(points) * N_SHADES + neck.shade(points)).reshape(lattice.shape[1:])
    return CodeMap(lattice, codes)


def _layer_points(grid: Grid, layer: int, to_model: RigidTransform) -> NDArray[np.float32]:
    """Model-space points of one layer of an axial grid, float32 (rows × columns, 3)."""
    matrix = (to_model.matrix_mm @ grid.affine).astype(np.float32)
    rows = np.arange(grid.shape[1], dtype=np.float32)[:, None, None]
    columns = np.arange(grid.shape[2], dtype=np.float32)[None, :, None]
    points = matrix[:3, 1] * rows + matrix[:3, 2] * columns + (matrix[:3, 0] * np.float32(layer) + matrix[:3, 3])
    return points.reshape(-1, 3).astype(np.float32, copy=False)


def _classify_artery(
    artery: Artery,
    neck: SimulatedNeck,
    coarse: CodeMap,
    to_model: RigidTransform,
    grid: Grid,
    recirculation: float,
) -> CodeMap:
    probe = _probe_grid(artery, coarse.grid, to_model.inverse(), grid)
    matter = artery.classify(_all_points(probe, to_model)).reshape(probe.shape)
    box = ndimage.find_objects((matter != Matter.OUTSIDE).astype(np.uint8))
    if not box:
        raise InputError(
            expected=f"the {artery.side} artery in the field of view",
            found="nothing of it",
            where="simulated scan",
            remedy="Give a field of view around the bifurcations.",
            code="artery-outside",
        )
    rows, columns = (
        slice(max(part.start - 4, 0), min(part.stop + 4, n))
        for part, n in zip(box[0][1:], probe.shape[1:], strict=True)
    )
    matter = matter[:, rows, columns]
    probe = probe.crop((0, rows.start, columns.start), matter.shape)
    lattice = _fine_grid(probe, grid)
    repeats = tuple(fine // wide for fine, wide in zip(lattice.shape, probe.shape, strict=True))
    fine = _spread(matter, repeats)
    index = np.flatnonzero(_spread(_is_mixed(matter), repeats))
    points = to_model.apply(lattice.to_mm(np.stack(np.unravel_index(index, lattice.shape), axis=-1)))
    fine.ravel()[index] = artery.classify(points)
    return CodeMap(lattice, _with_shades(fine, lattice, neck, artery, coarse, to_model, recirculation))


def _probe_grid(artery: Artery, coarse: Grid, neck_from_model: RigidTransform, grid: Grid) -> Grid:
    """A grid of 2 × 2 shown pixels × 1 mm around the artery, over the height of the coarse map."""
    axis = neck_from_model.apply(artery.centerline.points_mm)
    z_low, z_high = coarse.to_mm((0, 0, 0))[2], coarse.to_mm((coarse.shape[0] - 1, 0, 0))[2]
    axis = axis[(axis[:, 2] > z_low - 5.0) & (axis[:, 2] < z_high + 5.0)]
    middle = grid.to_index(axis)
    reach = np.array(_REACH_MM) / np.array(grid.spacing_mm[1:])
    low = np.floor(np.clip(middle.min(axis=0)[1:] - reach, 0, None)).astype(int)
    high = np.ceil(np.minimum(middle.max(axis=0)[1:] + reach, np.array(grid.shape[1:]))).astype(int)
    n_layers = round((grid.shape[0] - 1) * grid.slice_spacing_mm + grid.slice_spacing_mm + 2 * _MARGIN_MM[0])
    n_rows, n_columns = ((high - low) // _PROBE_PIXELS).tolist()
    spacing = (2 * LAYER_MM, grid.spacing_mm[1] * _PROBE_PIXELS, grid.spacing_mm[2] * _PROBE_PIXELS)
    corner = grid.to_mm((0, low[0] + (_PROBE_PIXELS - 1) / 2, low[1] + (_PROBE_PIXELS - 1) / 2))
    bottom = corner[2] - grid.slice_spacing_mm / 2 - _MARGIN_MM[0] + LAYER_MM
    return Grid.axis_aligned((n_layers, n_rows, n_columns), spacing, (corner[0], corner[1], bottom))


def _fine_grid(probe: Grid, grid: Grid) -> Grid:
    """The probe's box with `FINE_PER_PIXEL` samples per shown pixel and layers of `LAYER_MM`."""
    per_probe = FINE_PER_PIXEL * _PROBE_PIXELS
    shape = (probe.shape[0] * 2, probe.shape[1] * per_probe, probe.shape[2] * per_probe)
    spacing = (LAYER_MM, grid.spacing_mm[1] / FINE_PER_PIXEL, grid.spacing_mm[2] / FINE_PER_PIXEL)
    inset = (1 / per_probe - 1) / 2
    x, y, z = probe.to_mm((-0.25, inset, inset))
    return Grid.axis_aligned(shape, spacing, (x, y, z))


def _all_points(grid: Grid, to_model: RigidTransform) -> NDArray[np.float32]:
    return np.concatenate([_layer_points(grid, k, to_model) for k in range(grid.shape[0])])


def _spread(array: NDArray[Scalar], repeats: tuple[int, ...]) -> NDArray[Scalar]:
    for axis, times in enumerate(repeats):
        array = np.repeat(array, times, axis=axis)
    return array


def _is_mixed(matter: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Cells that may hold more than one kind of matter: all but those deep inside blood or deep outside."""
    uniform = ndimage.minimum_filter(matter, 3, mode="nearest") == ndimage.maximum_filter(matter, 3, mode="nearest")
    return ~(uniform & np.isin(matter, (Matter.OUTSIDE, Matter.LUMEN, Matter.ECA_LUMEN)))


def _with_shades(
    matter: NDArray[np.uint8],
    lattice: Grid,
    neck: SimulatedNeck,
    artery: Artery,
    coarse: CodeMap,
    to_model: RigidTransform,
    recirculation: float,
) -> NDArray[np.uint8]:
    """Codes of the fine box: what surrounds the artery from the coarse map, texture in walls, slowness in blood."""
    flat = matter.ravel()
    codes = flat * np.uint8(N_SHADES)
    outside = np.flatnonzero(flat == Matter.OUTSIDE)
    nearest = [
        np.clip(np.rint((axis_mm - low) / step), 0, n - 1).astype(np.intp)
        for axis_mm, low, step, n in zip(
            _axes_mm(lattice), coarse.grid.affine[:3, 3][::-1], coarse.grid.spacing_mm, coarse.grid.shape, strict=True
        )
    ]
    codes[outside] = coarse.codes[np.ix_(*nearest)].ravel()[outside]
    solid = np.flatnonzero((flat != Matter.OUTSIDE) & (flat != Matter.LUMEN) & (flat != Matter.ECA_LUMEN))
    codes[solid] += neck.shade(_points_of(solid, lattice, to_model))
    blood = np.flatnonzero(flat == Matter.LUMEN)
    codes[blood] += _slowness(_points_of(blood, lattice, to_model), artery, recirculation)
    return codes.reshape(matter.shape)


def _axes_mm(grid: Grid) -> list[FloatArray]:
    """Coordinates of layers, rows and columns of an axial grid, mm."""
    return [
        low + step * np.arange(n)
        for low, step, n in zip(grid.affine[:3, 3][::-1], grid.spacing_mm, grid.shape, strict=True)
    ]


def _points_of(index: NDArray[np.intp], lattice: Grid, to_model: RigidTransform) -> NDArray[np.float32]:
    matrix = (to_model.matrix_mm @ lattice.affine).astype(np.float32)
    position = np.stack(np.unravel_index(index, lattice.shape), axis=-1).astype(np.float32)
    return position @ matrix[:3, :3].T + matrix[:3, 3]


def _slowness(points: NDArray[np.float32], artery: Artery, strength: float) -> NDArray[np.uint8]:
    """Shade of blood, 0 fast to `N_SHADES` − 1 still: slow at the posterolateral wall of the bulb."""
    axis = artery.centerline
    x, y = (np.interp(points[:, 2], axis.points_mm[:, 2], axis.points_mm[:, k]) for k in (0, 1))
    position = np.interp(points[:, 2], axis.points_mm[:, 2], axis.position_mm)
    outward = (artery.side.sign_x * (points[:, 0] - x) + (points[:, 1] - y)) / np.sqrt(2.0)
    along = np.exp(-(((position - 5.0) / 5.5) ** 2))
    slow = strength * along / (1.0 + np.exp(-(outward - 1.6) / 0.35))
    return np.rint(slow * (N_SHADES - 1)).astype(np.uint8)
