"""What is measured: per slice, per artery, and as a map over the unwrapped wall."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from plaquecast.domain.anatomy import Side, Weighting
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.lesion import Lesion
from plaquecast.domain.missing import Measured


@dataclass(frozen=True, slots=True)
class SliceMorphology:
    """Measurements of one cross-section; areas are perpendicular to the artery's axis.

    `position_mm` counts from the bifurcation along the artery, positive towards the head; `length_mm` of artery around
    it stand under this slice. The cap's thickness is the reading as it is, even where it is finer than an image
    resolves; `fibrous_cap_arc_degrees` is the angle over which the lumen faces a core.
    """

    position_mm: float
    length_mm: Measured
    lumen_area_mm2: Measured
    vessel_area_mm2: Measured
    wall_area_mm2: Measured
    normalized_wall_index: Measured
    mean_wall_thickness_mm: Measured
    max_wall_thickness_mm: Measured
    eccentricity_index: Measured
    calcification_area_mm2: Measured
    near_lumen_calcification_area_mm2: Measured
    lipid_rich_necrotic_core_area_mm2: Measured
    non_hemorrhagic_core_area_mm2: Measured
    intraplaque_hemorrhage_area_mm2: Measured
    fibrous_cap_area_mm2: Measured
    loose_matrix_area_mm2: Measured
    plaque_area_mm2: Measured
    fibrous_cap_min_thickness_mm: Measured
    fibrous_cap_mean_thickness_mm: Measured
    fibrous_cap_arc_degrees: Measured
    confidence: float


@dataclass(frozen=True, slots=True, eq=False)
class WallMap:
    """The artery unwrapped: position along it × angle around it.

    `position_mm` (n,) from the bifurcation; `angle_degrees` (m,) with 0 at the flow divider, rising towards
    anterior on both sides; `wall_thickness_mm` float (n, m), NaN where the slice was not covered; `tissue`
    uint8 (n, m), the most telling tissue along the ray (component before wall); `intensity[w]` float (n, m).
    """

    position_mm: FloatArray
    angle_degrees: FloatArray
    wall_thickness_mm: FloatArray
    tissue: NDArray[np.uint8]
    intensity: Mapping[Weighting, FloatArray] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class ArteryMorphology:
    """Measurements of one artery at one visit over the slices in which it was found.

    LRNC includes its hemorrhage; `non_hemorrhagic_core` does not. `percent_wall_volume` is 100 × wall / vessel.
    `narrowest_position_mm` is where the stenosis was read and `distal_reference_position_mm` the middle of the internal
    carotid it was compared with. A cap thinner than `fibrous_cap_resolution_mm` is `Missing` as below resolution.
    """

    side: Side
    slices: tuple[SliceMorphology, ...]
    covered_length_mm: Measured
    lumen_volume_mm3: Measured
    vessel_volume_mm3: Measured
    wall_volume_mm3: Measured
    percent_wall_volume: Measured
    normalized_wall_index: Measured
    mean_wall_thickness_mm: Measured
    max_wall_thickness_mm: Measured
    remodeling_index: Measured
    stenosis_nascet_percent: Measured
    stenosis_ecst_percent: Measured
    stenosis_area_percent: Measured
    narrowest_position_mm: Measured
    distal_reference_position_mm: Measured
    plaque_volume_mm3: Measured
    plaque_length_mm: Measured
    calcification_volume_mm3: Measured
    near_lumen_calcification_volume_mm3: Measured
    lipid_rich_necrotic_core_volume_mm3: Measured
    non_hemorrhagic_core_volume_mm3: Measured
    intraplaque_hemorrhage_volume_mm3: Measured
    loose_matrix_volume_mm3: Measured
    fibrous_cap_min_thickness_mm: Measured
    fibrous_cap_percentile5_thickness_mm: Measured
    fibrous_cap_mean_thickness_mm: Measured
    fibrous_cap_resolution_mm: Measured
    confidence: float
    model_id: str
    wall_map: WallMap | None = None
    lesion: Lesion | None = None
