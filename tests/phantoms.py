"""Arteries of closed form, drawn on a grid as tissue fractions or labels: what is measured on them is known by hand."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from plaquecast.domain.anatomy import N_TISSUES, Side, Tissue
from plaquecast.domain.grid import FloatArray, Grid
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.volume import ArterySegmentation, Centerline, LabelMap

Classify = Callable[[FloatArray, FloatArray, FloatArray], NDArray[np.uint8]]
"""Tissue at x (towards the flow divider), y (anterior) and s (along the artery, from the bifurcation), all mm."""

DIVIDER_LEFT = np.array([-1.0, -1.0, 0.0]) / np.sqrt(2.0)
"""Where the flow divider of a straight left artery lies by anatomy: towards the midline and forwards (LPS)."""


def tube(lumen_mm: float, outer_mm: float, shift_mm: float = 0.0) -> Classify:
    """A round lumen in a round vessel whose center lies `shift_mm` away from the flow divider."""

    def classify(x: FloatArray, y: FloatArray, s: FloatArray) -> NDArray[np.uint8]:
        tissue = np.where(np.hypot(x + shift_mm, y) < outer_mm, Tissue.WALL, Tissue.BACKGROUND)
        return np.where(np.hypot(x, y) < lumen_mm, Tissue.LUMEN, tissue).astype(np.uint8)

    return classify


def ellipse(lumen_mm: tuple[float, float], outer_mm: tuple[float, float]) -> Classify:
    """Elliptical lumen and vessel with half axes (towards the flow divider, anterior)."""

    def classify(x: FloatArray, y: FloatArray, s: FloatArray) -> NDArray[np.uint8]:
        tissue = np.where(np.hypot(x / outer_mm[0], y / outer_mm[1]) < 1, Tissue.WALL, Tissue.BACKGROUND)
        return np.where(np.hypot(x / lumen_mm[0], y / lumen_mm[1]) < 1, Tissue.LUMEN, tissue).astype(np.uint8)

    return classify


def with_core(lumen_mm: float, outer_mm: float, cap_mm: float, core_mm: float, half_width: float = 1.0) -> Classify:
    """A round tube with a core `core_mm` thick under a cap of `cap_mm`, opposite to the flow divider.

    Core and cap reach `half_width` (radians) to both sides.
    """
    plain = tube(lumen_mm, outer_mm)

    def classify(x: FloatArray, y: FloatArray, s: FloatArray) -> NDArray[np.uint8]:
        tissue, depth = plain(x, y, s), np.hypot(x, y) - lumen_mm
        inside = (np.abs(np.arctan2(y, -x)) < half_width) & (depth >= 0.0)
        tissue[inside & (depth < cap_mm)] = Tissue.FIBROUS_CAP
        tissue[inside & (depth >= cap_mm) & (depth < cap_mm + core_mm)] = Tissue.LIPID_RICH_NECROTIC_CORE
        return tissue

    return classify


def with_wedge(
    lumen_mm: float, outer_mm: float, depth_mm: tuple[float, float], half_width: float, tissue: Tissue
) -> Classify:
    """A round tube in which one tissue lies between two depths, `half_width` (radians) around opposite the divider."""
    plain = tube(lumen_mm, outer_mm)

    def classify(x: FloatArray, y: FloatArray, s: FloatArray) -> NDArray[np.uint8]:
        found, depth = plain(x, y, s), np.hypot(x, y) - lumen_mm
        found[(np.abs(np.arctan2(y, -x)) < half_width) & (depth >= depth_mm[0]) & (depth < depth_mm[1])] = tissue
        return found

    return classify


def narrowed(common_mm: float, internal_mm: float, narrowest_mm: float, at_mm: float, wall_mm: float = 1.0) -> Classify:
    """A common carotid that tapers to its internal carotid between 0 and 8 mm, narrowed over 6 mm to both sides.

    The lumen's radius is a parabola there, whose bottom is `narrowest_mm`.
    """

    def classify(x: FloatArray, y: FloatArray, s: FloatArray) -> NDArray[np.uint8]:
        normal = np.interp(s, [0.0, 8.0], [common_mm, internal_mm])
        there = float(np.interp(at_mm, [0.0, 8.0], [common_mm, internal_mm]))
        narrow = narrowest_mm + (there - narrowest_mm) * ((s - at_mm) / 6.0) ** 2
        radius = np.hypot(x, y)
        tissue = np.where(radius < normal + wall_mm, Tissue.WALL, Tissue.BACKGROUND)
        return np.where(radius < np.minimum(normal, narrow), Tissue.LUMEN, tissue).astype(np.uint8)

    return classify


def draw(
    classify: Classify,
    spacing_mm: tuple[float, float, float] = (2.0, 0.25, 0.25),
    n_slices: int = 8,
    tilt_degrees: float = 0.0,
    with_fractions: bool = True,
    samples: int = 4,
    field_mm: float = 18.0,
    offset_mm: tuple[float, float] = (0.07, -0.04),
    side: Side = Side.LEFT,
    pose: RigidTransform | None = None,
) -> ArterySegmentation:
    """Draw a straight artery whose bifurcation lies in the middle of the grid, `samples`³ points per voxel.

    `tilt_degrees` leans the artery towards +y; `offset_mm` keeps its center off the voxels' centers; `pose` moves the
    whole scene (grid and artery) in space.
    """
    n_pixels = [round(field_mm / mm) for mm in spacing_mm[1:]]
    shape = (n_slices, n_pixels[0], n_pixels[1])
    extent = np.array([(n - 1) * mm for n, mm in zip(shape, spacing_mm, strict=True)])
    low = -0.5 * extent
    tilt = np.radians(tilt_degrees)
    axis = np.array([0.0, np.sin(tilt), np.cos(tilt)])
    toward = DIVIDER_LEFT * (side.sign_x, 1.0, 1.0)
    toward = toward - (toward @ axis) * axis
    toward /= np.linalg.norm(toward)
    anterior = np.cross(axis, toward)
    anterior = -anterior if anterior[1] > 0 else anterior
    center = np.array([offset_mm[0], offset_mm[1], 0.0])
    fine = [low[i] + spacing_mm[i] * (np.arange(shape[i] * samples) + 0.5 - samples / 2) / samples for i in range(3)]
    fractions = np.zeros((N_TISSUES, *shape), dtype=np.float32)
    for k in range(n_slices):
        layers = fine[0][k * samples : (k + 1) * samples]
        z, y, x = np.meshgrid(layers, fine[1] - offset_mm[1], fine[2] - offset_mm[0], indexing="ij", sparse=True)
        tissue = classify(*(x * way[0] + y * way[1] + z * way[2] for way in (toward, anterior, axis)))
        blocks = tissue.reshape(samples, shape[1], samples, shape[2], samples)
        for value in np.flatnonzero(np.bincount(tissue.ravel())):
            # one axis after the other, the slowest first, in small numbers: many times faster than their mean
            found = (blocks == value).sum(axis=0, dtype=np.uint8).sum(axis=1, dtype=np.uint8).sum(axis=2)
            fractions[value, k] = found / samples**3
    move = pose or RigidTransform.identity()
    grid = Grid.axis_aligned(shape, spacing_mm, (low[2], low[1], low[0]))
    height = grid.to_mm(np.stack([np.arange(n_slices), *[np.zeros(n_slices)] * 2], axis=1))[:, 2]
    along = np.linspace(height[0] - 4.0, height[-1] + 4.0, 40) / axis[2]
    return ArterySegmentation(
        side=side,
        labels=LabelMap(Grid(shape, move.matrix_mm @ grid.affine), fractions.argmax(axis=0).astype(np.uint8)),
        centerline=Centerline(move.apply(center + along[:, None] * axis), along, 1.0),
        slice_position_mm=height / axis[2],
        slice_confidence=np.ones(n_slices),
        covered=np.ones(n_slices, dtype=bool),
        model_id="phantom",
        probabilities=fractions if with_fractions else None,
    )
