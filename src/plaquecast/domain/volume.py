"""Images of intensity and images of labels, which are different types."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from plaquecast.domain.anatomy import N_TISSUES, NOT_ANNOTATED, Side, Tissue, Weighting
from plaquecast.domain.grid import FloatArray, Grid
from plaquecast.errors import InputError

Scalar = TypeVar("Scalar", bound=np.generic)


def _read_only(array: NDArray[Scalar]) -> NDArray[Scalar]:
    array = array.view()
    array.setflags(write=False)
    return array


def _check_shape(name: str, found: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if found != expected:
        raise InputError(
            expected=f"{name} of shape {expected}",
            found=f"shape {found}",
            where=name,
            remedy="Give the array on the grid that stands beside it.",
            code="array-shape",
        )


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """Intensity on a grid: `array` is float32 (slices, rows, columns), all finite, arbitrary units."""

    grid: Grid
    array: NDArray[np.float32]
    weighting: Weighting

    def __post_init__(self) -> None:
        array = np.ascontiguousarray(self.array, dtype=np.float32)
        _check_shape(f"{self.weighting} volume", array.shape, self.grid.shape)
        if not np.isfinite(array).all():
            raise InputError(
                expected="finite intensities",
                found=f"{int((~np.isfinite(array)).sum())} voxels that are NaN or infinite",
                where=f"{self.weighting} volume",
                remedy="Export the image again.",
                code="not-finite",
            )
        object.__setattr__(self, "array", _read_only(array))


@dataclass(frozen=True, slots=True, eq=False)
class LabelMap:
    """Tissue per voxel on a grid: `array` is uint8 (slices, rows, columns), values of `Tissue` or 255."""

    grid: Grid
    array: NDArray[np.uint8]

    def __post_init__(self) -> None:
        array = np.ascontiguousarray(self.array, dtype=np.uint8)
        _check_shape("label map", array.shape, self.grid.shape)
        unknown = sorted(set(np.unique(array).tolist()) - set(range(N_TISSUES)) - {NOT_ANNOTATED})
        if unknown:
            raise InputError(
                expected=f"labels 0 to {N_TISSUES - 1} or {NOT_ANNOTATED}",
                found=f"labels {unknown}",
                where="label map",
                remedy="Map the labels to the project's scheme with a label table.",
                code="unknown-label",
            )
        object.__setattr__(self, "array", _read_only(array))

    def mask(self, *tissues: Tissue) -> NDArray[np.bool_]:
        """The voxels of any of the given tissues, bool (slices, rows, columns)."""
        return np.isin(self.array, [int(tissue) for tissue in tissues])


@dataclass(frozen=True, slots=True, eq=False)
class Centerline:
    """The axis of one artery (CCA then ICA), ordered from the chest to the head.

    `points_mm` is float64 (n, 3) LPS mm; `position_mm` (n,) is the arc length from the bifurcation
    (the tip of the flow divider), negative below it. `bifurcation_confidence` lies in 0–1.
    """

    points_mm: FloatArray
    position_mm: FloatArray
    bifurcation_confidence: float

    def __post_init__(self) -> None:
        points = np.array(self.points_mm, dtype=np.float64)
        position = np.array(self.position_mm, dtype=np.float64)
        _check_shape("centerline points", points.shape, (len(position), 3))
        if len(position) < 2 or np.any(np.diff(position) <= 0):
            raise InputError(
                expected="at least two points with rising position",
                found=f"{len(position)} points",
                where="centerline",
                remedy="Trace the artery again.",
                code="centerline",
            )
        object.__setattr__(self, "points_mm", _read_only(points))
        object.__setattr__(self, "position_mm", _read_only(position))

    def at_position(self, position_mm: FloatArray) -> FloatArray:
        """Points (n, 3) LPS mm at the given positions along the axis, held constant beyond its ends."""
        return np.stack([np.interp(position_mm, self.position_mm, axis) for axis in self.points_mm.T], axis=-1)

    def tangent(self, position_mm: FloatArray) -> FloatArray:
        """Unit tangents (n, 3) towards the head, from a central difference over 4 mm."""
        ahead, behind = self.at_position(position_mm + 2.0), self.at_position(position_mm - 2.0)
        step = ahead - behind
        return step / np.linalg.norm(step, axis=-1, keepdims=True)


@dataclass(frozen=True, slots=True, eq=False)
class ArterySegmentation:
    """One artery of one visit: labels, tissue fractions and axis, on a crop of the visit's reference grid.

    `probabilities`, if given, is float32 (tissue, slices, rows, columns), sums to 1 over the tissues in the
    order of `Tissue`, and reads as the fraction of the voxel that is this tissue. `slice_position_mm` (slices,)
    is each slice's position along the artery from the bifurcation; `slice_confidence` (slices,) lies in 0–1.
    `covered` (slices,) says in which slices the artery was found whole. The artery is the CCA and, above the
    flow divider, the ICA; the ECA is background. At its mouth the vessel's outline runs on across the mouth,
    and the ECA's lumen inside the outline is lumen. `external` is the axis of the ECA itself, where it was followed.
    """

    side: Side
    labels: LabelMap
    centerline: Centerline
    slice_position_mm: FloatArray
    slice_confidence: FloatArray
    covered: NDArray[np.bool_]
    model_id: str
    probabilities: NDArray[np.float32] | None = None
    plaque: NDArray[np.bool_] | None = None
    external: Centerline | None = None

    def __post_init__(self) -> None:
        shape, n_slices = self.labels.grid.shape, self.labels.grid.shape[0]
        for name in ("slice_position_mm", "slice_confidence", "covered"):
            _check_shape(name, np.shape(getattr(self, name)), (n_slices,))
        if self.probabilities is not None:
            _check_shape("probabilities", self.probabilities.shape, (N_TISSUES, *shape))
        if self.plaque is not None:
            _check_shape("plaque mask", self.plaque.shape, shape)

    @property
    def grid(self) -> Grid:
        """The grid of labels and probabilities."""
        return self.labels.grid
