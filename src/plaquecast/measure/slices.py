"""An artery unwrapped slice by slice: contours, streamlines through the wall, and what lies along them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from plaquecast.domain.anatomy import CORE, N_TISSUES, NOT_ANNOTATED, Tissue
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
from plaquecast.geometry.cross_section import CrossSection, WallFrame, cross_section
from plaquecast.geometry.thickness import lengths, mid_arc, streamlines

N_DEPTHS = 40
"""Tissues are looked up at this many depths of the wall."""
TELLING_MM = 0.1
"""A tissue shows on the wall map where a streamline runs through this much of it."""
LEAST_MM2 = 1e-6
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
    """What lies in the wall, on rays from the lumen's middle (m,).

    `cap_mm` is the depth of the core below the lumen's surface, NaN where the ray meets none; `tissue_mm2`
    (N_TISSUES, m) the area of each component, and `near_calcification_mm2` that of calcification near the lumen;
    `telling` the most telling tissue (uint8).
    """

    cap_mm: FloatArray
    tissue_mm2: FloatArray
    near_calcification_mm2: FloatArray
    telling: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class UnwrappedSlice:
    """The plane across the artery at one slice, around the lumen.

    `streamlines` (m, n, 2) run through the plane from the lumen to the outer wall. Per streamline (m,): thickness, and
    the length of the wall's middle line that it stands for.
    """

    plane: CrossSection
    contours: Contours
    streamlines: FloatArray
    thickness_mm: FloatArray
    arc_mm: FloatArray
    content: WallContent


def unwrap(segmentation: ArterySegmentation, n_angles: int) -> list[UnwrappedSlice]:
    """Every usable slice of an artery, unwrapped, from the chest to the head.

    Left out are slices that are not covered, hold voxels nobody judged, cut the artery too obliquely, or show no closed
    vessel with a lumen.
    """
    fractions = _settled(_fractions(segmentation))
    planes, contours, contents = [], [], []
    frame = WallFrame.of(segmentation.centerline, segmentation.side)
    for plane in _planes(segmentation, frame):
        layer = fractions[:, plane.slice_index]
        found = radial_contours(layer[Tissue.LUMEN], 1.0 - layer[Tissue.BACKGROUND], plane, n_angles)
        if found is not None:
            planes.append(plane)
            contours.append(found)
            contents.append(_content(layer, plane, found))
    contents = _square_contents(contents, wall_seen_at(contours, planes, frame), planes) if planes else []
    contours = square_contours(contours, planes, frame)
    return [_unwrapped(*each) for each in zip(planes, contours, contents, strict=True)]


def _fractions(segmentation: ArterySegmentation) -> Array:
    """Tissue fractions (N_TISSUES, slices, rows, columns); a label is a fraction of 1."""
    if segmentation.probabilities is not None:
        return segmentation.probabilities
    tissues = np.arange(N_TISSUES)[:, None, None, None]
    return (segmentation.labels.array == tissues).astype(np.float32)


def _settled(fractions: Array) -> Array:
    """Fractions in which components count only where they are more likely than not, and in the voxels around.

    Elsewhere they are a segmenter's doubt, which adds up over a wall to a component that is not there; it goes to the
    wall. A cap may be thinner than a voxel: it counts wherever it lies at a core. Whether a voxel of core has bled is
    doubt, too, and no mixture: the likelier kind has all of the core there.
    """
    settled = fractions.copy()
    at_core = np.zeros(fractions.shape[1:], dtype=bool)
    for kinds in (CORE, (Tissue.FIBROUS_CAP,), (Tissue.CALCIFICATION,), (Tissue.LOOSE_MATRIX,)):
        place = _around(fractions[list(kinds)].sum(axis=0) >= HALF)
        if kinds == CORE:
            at_core = place
        elif kinds == (Tissue.FIBROUS_CAP,):
            place = place | at_core
        for kind in kinds:
            settled[Tissue.WALL] += np.where(place, 0.0, fractions[kind])
            settled[kind] = np.where(place, fractions[kind], 0.0)
    lipid, bled = settled[list(CORE)]
    has_bled = bled >= lipid
    settled[list(CORE)] = np.stack([~has_bled, has_bled]) * (lipid + bled)
    return settled


def _around(places: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Voxels (slices, rows, columns) that are among the given ones or touch one."""
    return np.asarray(ndimage.binary_dilation(places, np.ones((3, 3, 3), dtype=bool)), dtype=bool)


def _planes(segmentation: ArterySegmentation, frame: WallFrame) -> Iterator[CrossSection]:
    position = segmentation.slice_position_mm
    unjudged = (segmentation.labels.array == NOT_ANNOTATED).any(axis=(1, 2))
    usable = np.flatnonzero(segmentation.covered & np.isfinite(position) & ~unjudged)
    for k in usable[np.argsort(position[usable], kind="stable")]:
        plane = cross_section(segmentation.grid, int(k), float(position[k]), frame)
        if plane is not None:
            yield plane


def _unwrapped(plane: CrossSection, contours: Contours, content: WallContent) -> UnwrappedSlice:
    lines = streamlines(contours.lumen_mm, contours.outer_mm)
    return UnwrappedSlice(plane, contours, contours.middle_mm + lines, lengths(lines), mid_arc(lines), content)


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
    element_mm2 = radius / radius.sum(axis=1, keepdims=True) * contours.sector_wall_mm2[:, None]
    on_rays = np.einsum("tij,ij->ti", tissue, element_mm2)
    exact = _scaled(on_rays, _tissue_areas(layer, plane))
    near = np.einsum(
        "ij,ij->i", tissue[Tissue.CALCIFICATION], element_mm2 * (depth * wall_mm[:, None] <= NEAR_LUMEN_MM)
    )
    calcified = exact[Tissue.CALCIFICATION].sum() / max(on_rays[Tissue.CALCIFICATION].sum(), LEAST_MM2)
    return WallContent(
        cap_mm=_first_depth(tissue[list(CORE)].sum(axis=0)) * wall_mm * contours.lumen_cosine,
        tissue_mm2=exact,
        near_calcification_mm2=near * calcified,
        telling=telling,
    )


def _tissue_areas(layer: Array, plane: CrossSection) -> FloatArray:
    """Area of each tissue (N_TISSUES,) in a slice: the sum of fractions over the vessel and its rim."""
    rim = np.asarray(ndimage.binary_dilation(layer[Tissue.BACKGROUND] < HALF), dtype=bool)
    return layer[:, rim].sum(axis=1, dtype=np.float64) * plane.pixel_mm2


def _scaled(on_rays: FloatArray, area_mm2: FloatArray) -> FloatArray:
    """Areas on rays (N_TISSUES, m) scaled to the tissues' areas; a speck that no ray meets lies on all of them."""
    found = on_rays.sum(axis=1)
    is_met = (found > LEAST_MM2)[:, None]
    even = np.full_like(on_rays, 1.0 / on_rays.shape[1])
    return np.where(is_met, on_rays / np.maximum(found, LEAST_MM2)[:, None], even) * area_mm2[:, None]


def _first_depth(fraction: FloatArray) -> FloatArray:
    """Depth (m,), 0 to 1, at which fractions (m, n) at n even depths first reach one half; NaN where they never do."""
    inside = fraction >= HALF
    first = inside.argmax(axis=1)
    rows = np.arange(len(fraction))
    before, after = fraction[rows, np.maximum(first - 1, 0)], fraction[rows, first]
    back = np.clip((after - HALF) / np.maximum(after - before, 1e-9), 0.0, 1.0)
    depth = np.maximum(first - back, 0.0) / (fraction.shape[1] - 1)
    return np.where(inside.any(axis=1), depth, np.nan)


def _square_contents(
    contents: list[WallContent], seen_at_mm: FloatArray, planes: list[CrossSection]
) -> list[WallContent]:
    """Areas and tissues in the planes across the artery, from where the slices show them (slices, m).

    The cap stays as each slice shows it: between slices there is no sharp surface to measure from.
    """
    position = np.array([plane.position_mm for plane in planes])
    areas = np.stack([np.vstack([each.tissue_mm2, each.near_calcification_mm2]) for each in contents], axis=1)
    areas = np.stack([along_lines(values, seen_at_mm, position) for values in areas])
    number = np.broadcast_to(np.arange(float(len(contents)))[:, None], seen_at_mm.shape)
    nearest = np.rint(along_lines(number, seen_at_mm, position)).astype(np.intp)
    telling = np.take_along_axis(np.stack([each.telling for each in contents]), nearest, axis=0)
    return [WallContent(each.cap_mm, areas[:-1, k], areas[-1, k], telling[k]) for k, each in enumerate(contents)]
