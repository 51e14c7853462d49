"""Measure one artery of one visit: slices across it, the artery as a whole, and its unwrapped wall."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from plaquecast.domain.anatomy import COMPONENTS, NOT_ANNOTATED, Tissue, Weighting
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.missing import Measured, Missing, Reason
from plaquecast.domain.morphology import ArteryMorphology, SliceMorphology
from plaquecast.domain.volume import ArterySegmentation, Volume
from plaquecast.geometry.along_artery import AUTOMATIC, artery_measurements, censored, length_of
from plaquecast.geometry.slice_values import NOT_COVERED
from plaquecast.measure.lesion import read_lesion
from plaquecast.measure.slices import UnwrappedSlice, unwrap
from plaquecast.measure.wall_map import wall_map
from plaquecast.settings import MeasureSettings

SMOOTH_MM = 1.0
"""The largest thickness is sought in means over this much of the wall."""
LEAST_PLAQUE_SLICES = 2
"""Thick wall is plaque if it lasts over this many neighbor slices."""


def measure_artery(
    segmentation: ArterySegmentation, volumes: Mapping[Weighting, Volume], settings: MeasureSettings
) -> ArteryMorphology:
    """Measure an artery over the covered slices, perpendicular to its axis, from its tissue fractions or labels.

    `volumes` give the wall map its intensities; they may be empty. Slices that are not covered, hold voxels nobody
    judged, cut the artery too obliquely, or show no closed vessel are left out, as is what lies beyond
    `settings.reach_mm` from the bifurcation. A segmentation that holds nothing but
    lumen (bright blood) has lumen measurements, and `Missing` as not shown for the rest. Without any usable slice,
    everything is `Missing` as not covered.
    """
    sections = [
        section
        for section in unwrap(segmentation, settings.n_angles)
        if _part_within(section, settings.reach_mm)[1] > 0.0
    ]
    shows_wall = _shows_wall(segmentation)
    plaque = _plaque_areas(sections, settings.plaque_thickness_mm)
    slices = tuple(
        _slice(section, area, segmentation, shows_wall, settings.reach_mm)
        for section, area in zip(sections, plaque, strict=True)
    )
    lengths_mm = np.array([length_of(each) for each in slices])
    used = [section.plane.slice_index for section in sections]
    return ArteryMorphology(
        side=segmentation.side,
        slices=slices,
        **artery_measurements(slices, lengths_mm, settings.cap_resolution_mm, _named_reference(settings)),
        fibrous_cap_percentile5_thickness_mm=_cap_percentile(sections, shows_wall, settings.cap_resolution_mm),
        confidence=float(segmentation.slice_confidence[used].mean()) if used else 0.0,
        model_id=segmentation.model_id,
        wall_map=wall_map(sections, volumes) if used and shows_wall else None,
        lesion=read_lesion(slices, settings),
    )


def describe(settings: MeasureSettings) -> str:
    """How arteries were measured, in sentences for the methods text."""
    return (
        "Lumen and outer wall were traced where tissue fractions pass one half, on"
        f" {settings.n_angles} rays per slice up to {settings.reach_mm:g} mm from the bifurcation, projected across the"
        " artery's axis. Wall thickness is the length of the"
        " streamlines of the harmonic function between both contours. Plaque is wall thicker than"
        f" {settings.plaque_thickness_mm:g} mm over at least {LEAST_PLAQUE_SLICES} slices, and every component."
        " Areas of components are sums of fractions, where these pass one half and in the voxels around."
        f" A fibrous cap thinner than {settings.cap_resolution_mm:g} mm is given as below resolution."
    )


def _shows_wall(segmentation: ArterySegmentation) -> bool:
    """Whether any voxel is anything else than lumen or background: bright blood shows no wall."""
    labels = segmentation.labels.array
    return bool(((labels > Tissue.LUMEN) & (labels != NOT_ANNOTATED)).any())


def _plaque_areas(sections: Sequence[UnwrappedSlice], limit_mm: float) -> FloatArray:
    """Area of plaque per slice (n,): thick wall that lasts, and components where the wall is not thick."""
    if not sections:
        return np.zeros(0)
    thick = np.stack([section.thickness_mm > limit_mm for section in sections])
    lasting = _lasting(np.any(thick, axis=1), np.array([section.plane.slice_index for section in sections]))
    areas = []
    for section, is_thick in zip(sections, thick & lasting[:, None], strict=True):
        wall = np.where(is_thick, section.contours.sector_wall_mm2, 0.0)
        components = section.content.tissue_mm2[list(COMPONENTS)].sum(axis=0)
        areas.append(float(np.maximum(wall, components).sum()))
    return np.array(areas)


def _lasting(flags: NDArray[np.bool_], slice_index: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Flags (n,) that belong to a run of at least `LEAST_PLAQUE_SLICES` neighbor slices."""
    breaks = np.concatenate([[0], np.cumsum((np.abs(np.diff(slice_index)) > 1) | (np.diff(flags.astype(int)) != 0))])
    return flags & (np.bincount(breaks)[breaks] >= LEAST_PLAQUE_SLICES)


def _slice(
    section: UnwrappedSlice, plaque_mm2: float, segmentation: ArterySegmentation, shows_wall: bool, reach_mm: float
) -> SliceMorphology:
    not_shown = Missing(Reason.NOT_SHOWN)

    def wall(value: float) -> Measured:
        return float(value) if shows_wall else not_shown

    lumen_mm2, wall_mm2 = section.contours.sector_lumen_mm2.sum(), section.contours.sector_wall_mm2.sum()
    thickness, area = section.thickness_mm, section.content.tissue_mm2.sum(axis=1)
    position_mm, length_mm = _part_within(section, reach_mm)
    cap = section.content.cap_mm[np.isfinite(section.content.cap_mm)]
    no_cap = Missing(Reason.NO_CORE) if shows_wall else not_shown
    return SliceMorphology(
        position_mm=position_mm,
        length_mm=length_mm,
        lumen_area_mm2=float(lumen_mm2),
        vessel_area_mm2=wall(lumen_mm2 + wall_mm2),
        wall_area_mm2=wall(wall_mm2),
        normalized_wall_index=wall(wall_mm2 / (lumen_mm2 + wall_mm2)),
        mean_wall_thickness_mm=wall(thickness @ section.arc_mm / section.arc_mm.sum()),
        max_wall_thickness_mm=wall(_smooth(thickness, section.arc_mm).max()),
        eccentricity_index=wall((thickness.max() - thickness.min()) / thickness.max()),
        calcification_area_mm2=wall(area[Tissue.CALCIFICATION]),
        near_lumen_calcification_area_mm2=wall(section.content.near_calcification_mm2.sum()),
        lipid_rich_necrotic_core_area_mm2=wall(
            area[Tissue.LIPID_RICH_NECROTIC_CORE] + area[Tissue.INTRAPLAQUE_HEMORRHAGE]
        ),
        non_hemorrhagic_core_area_mm2=wall(area[Tissue.LIPID_RICH_NECROTIC_CORE]),
        intraplaque_hemorrhage_area_mm2=wall(area[Tissue.INTRAPLAQUE_HEMORRHAGE]),
        fibrous_cap_area_mm2=wall(area[Tissue.FIBROUS_CAP]),
        loose_matrix_area_mm2=wall(area[Tissue.LOOSE_MATRIX]),
        plaque_area_mm2=wall(plaque_mm2),
        fibrous_cap_min_thickness_mm=float(cap.min()) if len(cap) else no_cap,
        fibrous_cap_mean_thickness_mm=float(cap.mean()) if len(cap) else no_cap,
        fibrous_cap_arc_degrees=wall(360.0 * len(cap) / len(thickness)),
        confidence=float(segmentation.slice_confidence[section.plane.slice_index]),
    )


def _part_within(section: UnwrappedSlice, reach_mm: float) -> tuple[float, float]:
    """Middle and length, mm, of the part of a slice that lies within `reach_mm` of the bifurcation."""
    half = 0.5 * section.plane.length_mm
    begin = max(section.plane.position_mm - half, -reach_mm)
    end = min(section.plane.position_mm + half, reach_mm)
    return 0.5 * (begin + end), max(end - begin, 0.0)


def _smooth(thickness_mm: FloatArray, arc_mm: FloatArray) -> FloatArray:
    """Thickness (m,) averaged over `SMOOTH_MM` of the wall, so that one torn voxel is no maximum."""
    n_rays = 2 * round(0.5 * SMOOTH_MM / float(arc_mm.mean())) + 1
    return ndimage.uniform_filter1d(thickness_mm, min(n_rays, len(thickness_mm)), mode="wrap")


def _cap_percentile(sections: Sequence[UnwrappedSlice], shows_wall: bool, resolution_mm: float) -> Measured:
    """Thickness that 5 % of the cap do not reach, over all rays that meet a core."""
    if not sections:
        return NOT_COVERED
    if not shows_wall:
        return Missing(Reason.NOT_SHOWN)
    cap = np.concatenate([section.content.cap_mm for section in sections])
    cap = cap[np.isfinite(cap)]
    return censored(float(np.percentile(cap, 5.0)), resolution_mm) if len(cap) else Missing(Reason.NO_CORE)


def _named_reference(settings: MeasureSettings) -> Measured:
    return settings.nascet_reference_mm if settings.nascet_reference_mm > 0.0 else AUTOMATIC
