"""An artery unwrapped slice by slice: contours, streamlines through the wall, and what lies along them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from plaquecast.domain.anatomy import COMPONENTS, CORE, N_TISSUES, NOT_ANNOTATED, Tissue
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.lesion import NEAR_LUMEN_MM
from plaquecast.domain.volume import ArterySegmentation
from plaquecast.geometry.contours import (
    HALF,
    Contours,
    along_lines,
    radial_contours,
    sample_bilinear,
    square_contours,
    wall_seen_at,
)
from plaquecast.geometry.cross_section import CrossSection, cross_section, flow_divider_direction
from plaquecast.geometry.thickness import lengths, mid_arc, streamlines

N_DEPTHS = 40
"""Tissues are looked up at this many depths of the wall."""
TELLING_MM = 0.1
"""A tissue shows on the wall map where a streamline runs through this much of it."""
TELLING_ORDER = (
    Tissue.LOOSE_MATRIX,
    Tissue.FIBROUS_CAP,
    Tissue.CALCIFICATION,
    Tissue.LIPID_RICH_NECROTIC_CORE,
    Tissue.INTRAPLAQUE_HEMORRHAGE,
)
"""What shows on a wall map, the most telling last."""

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class WallContent:
    """What lies in the wall as one slice shows it, on rays from the lumen's middle (m,).

    `cap_mm` is the depth of the core below the lumen's surface, NaN where the ray meets none; `component_mm2` the area
    of all components per ray, `near_calcification_mm2` that of calcification near the lumen; `telling` the most telling
    tissue (uint8).
    """

    cap_mm: FloatArray
    component_mm2: FloatArray
    near_calcification_mm2: FloatArray
    telling: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class UnwrappedSlice:
    """The plane across the artery at one slice, around the lumen.

    `streamlines` (m, n, 2) run through the plane from the lumen to the outer wall. Per streamline (m,): thickness, and
    the length of the wall's middle line that it stands for. `area_mm2[tissue]` is the tissue's area.
    """

    plane: CrossSection
    contours: Contours
    streamlines: FloatArray
    thickness_mm: FloatArray
    arc_mm: FloatArray
    content: WallContent
    area_mm2: FloatArray


def unwrap(segmentation: ArterySegmentation, n_angles: int) -> list[UnwrappedSlice]:
    """Every usable slice of an artery, unwrapped, from the chest to the head.

    Left out are slices that are not covered, hold voxels nobody judged, cut the artery too obliquely, or show no closed
    vessel with a lumen.
    """
    fractions = _fractions(segmentation)
    planes, contours, contents = [], [], []
    for plane in _planes(segmentation):
        layer = fractions[:, plane.slice_index]
        found = radial_contours(layer[Tissue.LUMEN], 1.0 - layer[Tissue.BACKGROUND], plane, n_angles)
        if found is not None:
            planes.append(plane)
            contours.append(found)
            contents.append(_content(layer, plane, found))
    contents = _squared_contents(contents, contours, planes)
    squared = square_contours(contours, planes)
    return [
        _unwrap_slice(fractions[:, plane.slice_index], plane, each, content)
        for plane, each, content in zip(planes, squared, contents, strict=True)
    ]


def _fractions(segmentation: ArterySegmentation) -> Array:
    """Tissue fractions (N_TISSUES, slices, rows, columns); a label is a fraction of 1."""
    if segmentation.probabilities is not None:
        return segmentation.probabilities
    tissues = np.arange(N_TISSUES)[:, None, None, None]
    return (segmentation.labels.array == tissues).astype(np.float32)


def _planes(segmentation: ArterySegmentation) -> Iterator[CrossSection]:
    position, axis = segmentation.slice_position_mm, segmentation.centerline
    divider = flow_divider_direction(axis, segmentation.side)
    unjudged = (segmentation.labels.array == NOT_ANNOTATED).any(axis=(1, 2))
    usable = np.flatnonzero(segmentation.covered & np.isfinite(position) & ~unjudged)
    for k in usable[np.argsort(position[usable], kind="stable")]:
        plane = cross_section(segmentation.grid, int(k), float(position[k]), axis, divider, segmentation.side)
        if plane is not None:
            yield plane


def _unwrap_slice(layer: Array, plane: CrossSection, contours: Contours, content: WallContent) -> UnwrappedSlice:
    lines = streamlines(contours.lumen_mm, contours.outer_mm)
    rim = np.asarray(ndimage.binary_dilation(layer[Tissue.BACKGROUND] < HALF), dtype=bool)
    area_mm2 = layer[:, rim].sum(axis=1, dtype=np.float64) * plane.pixel_mm2
    return UnwrappedSlice(
        plane, contours, contours.middle_mm + lines, lengths(lines), mid_arc(lines), content, area_mm2
    )


def _content(layer: Array, plane: CrossSection, contours: Contours) -> WallContent:
    """Read the wall of one slice on rays, from the lumen outward."""
    depth = np.linspace(0.0, 1.0, N_DEPTHS)
    wall_mm = contours.outer_mm - contours.lumen_mm
    radius = contours.lumen_mm[:, None] + wall_mm[:, None] * depth
    index = plane.index(contours.points(radius))
    tissue = sample_bilinear(layer, index.reshape(-1, 2)).reshape(len(layer), *radius.shape)
    telling = np.full(len(wall_mm), Tissue.WALL, dtype=np.uint8)
    for kind in TELLING_ORDER:
        telling[tissue[kind].mean(axis=1) * wall_mm > TELLING_MM] = kind
    area_mm2 = radius / radius.sum(axis=1, keepdims=True) * contours.sector_wall_mm2[:, None]
    near = depth * wall_mm[:, None] <= NEAR_LUMEN_MM
    core = _first_depth(tissue[list(CORE)].sum(axis=0))
    return WallContent(
        cap_mm=core * wall_mm * contours.lumen_cosine,
        component_mm2=(tissue[list(COMPONENTS)].sum(axis=0) * area_mm2).sum(axis=1),
        near_calcification_mm2=(tissue[Tissue.CALCIFICATION] * area_mm2 * near).sum(axis=1),
        telling=telling,
    )


def _first_depth(fraction: FloatArray) -> FloatArray:
    """Depth (m,), 0 to 1, at which fractions (m, n) at n even depths first reach one half; NaN where they never do."""
    inside = fraction >= HALF
    first = inside.argmax(axis=1)
    rows = np.arange(len(fraction))
    before, after = fraction[rows, np.maximum(first - 1, 0)], fraction[rows, first]
    back = np.clip((after - HALF) / np.maximum(after - before, 1e-9), 0.0, 1.0)
    depth = np.maximum(first - back, 0.0) / (fraction.shape[1] - 1)
    return np.where(inside.any(axis=1), depth, np.nan)


def _squared_contents(
    contents: list[WallContent], contours: list[Contours], planes: list[CrossSection]
) -> list[WallContent]:
    """Components and tissues at the slices' positions on the axis, from where the slices show them.

    The cap stays as each slice shows it: between slices there is no sharp surface to measure from.
    """
    if not contents:
        return []
    seen_at_mm = wall_seen_at(contours, planes)
    position = np.array([plane.position_mm for plane in planes])
    component = along_lines(np.stack([each.component_mm2 for each in contents]), seen_at_mm, position)
    number = np.broadcast_to(np.arange(float(len(contents)))[:, None], seen_at_mm.shape)
    nearest = np.rint(along_lines(number, seen_at_mm, position)).astype(np.intp)
    telling = np.take_along_axis(np.stack([each.telling for each in contents]), nearest, axis=0)
    return [
        replace(each, component_mm2=area, telling=kind)
        for each, area, kind in zip(contents, component, telling, strict=True)
    ]
