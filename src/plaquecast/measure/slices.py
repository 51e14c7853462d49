"""One slice of an artery, unwrapped: contours, streamlines through the wall, and what lies along them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from plaquecast.domain.anatomy import COMPONENTS, CORE, Tissue
from plaquecast.domain.grid import FloatArray
from plaquecast.geometry.contours import HALF, Contours, radial_contours, sample_bilinear
from plaquecast.geometry.cross_section import CrossSection
from plaquecast.geometry.thickness import lengths, mid_arc, streamlines

SAMPLES_PER_DEPTH = 3
"""Tissues are looked up this many times between two surfaces of the streamlines."""
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
class UnwrappedSlice:
    """One slice around the lumen: per streamline (m,) thickness and cap, along it (m, n) tissues and places.

    `cap_mm` is the depth of the core below the lumen, NaN where the streamline meets none. `tissue` float32
    (N_TISSUES, m, n) are fractions and `index` (m, n, 2) pixels (row, column) at even depths. `area_mm2[tissue]` is
    the tissue's area in the plane across the artery.
    """

    plane: CrossSection
    contours: Contours
    thickness_mm: FloatArray
    arc_mm: FloatArray
    cap_mm: FloatArray
    tissue: Array
    index: FloatArray
    area_mm2: FloatArray

    @property
    def component_mm2(self) -> FloatArray:
        """Area of all components per angle (m,)."""
        share = self.tissue[list(COMPONENTS)].sum(axis=0).mean(axis=1)
        return share * self.contours.sector_wall_mm2

    @property
    def telling(self) -> NDArray[np.uint8]:
        """The most telling tissue of each streamline (m,)."""
        found = np.full(len(self.thickness_mm), Tissue.WALL, dtype=np.uint8)
        for tissue in TELLING_ORDER:
            found[self.tissue[tissue].mean(axis=1) * self.thickness_mm > TELLING_MM] = tissue
        return found


def unwrap_slice(fractions: Array, plane: CrossSection, pixel_mm2: float, n_angles: int) -> UnwrappedSlice | None:
    """Unwrap one slice, or None where it shows no closed vessel with a lumen.

    `fractions` is float32 (N_TISSUES, rows, columns). Contours lie where fractions pass one half. Areas of tissues are
    sums of fractions over the vessel and its rim, times the cosine of the artery's obliquity.
    """
    vessel = 1.0 - fractions[Tissue.BACKGROUND]
    contours = radial_contours(fractions[Tissue.LUMEN], vessel, plane, n_angles)
    if contours is None:
        return None
    lines = streamlines(contours.lumen_mm, contours.outer_mm)
    points = _finer(lines)
    index = plane.index(points, contours.origin_index)
    tissue = sample_bilinear(fractions, index.reshape(-1, 2)).reshape(len(fractions), *points.shape[:2])
    thickness = lengths(lines)
    rim = np.asarray(ndimage.binary_dilation(vessel > HALF), dtype=bool)
    areas = fractions[:, rim].sum(axis=1, dtype=np.float64) * pixel_mm2 * plane.cosine
    return UnwrappedSlice(
        plane, contours, thickness, mid_arc(lines), _core_depth(tissue, thickness), tissue, index, areas
    )


def _finer(lines: FloatArray) -> FloatArray:
    """Streamlines (m, n, 2) with points put between theirs."""
    n_points = lines.shape[1]
    place = np.linspace(0.0, n_points - 1.0, (n_points - 1) * SAMPLES_PER_DEPTH + 1)
    low = np.minimum(place.astype(np.intp), n_points - 2)
    share = (place - low)[None, :, None]
    return lines[:, low] * (1.0 - share) + lines[:, low + 1] * share


def _core_depth(tissue: Array, thickness_mm: FloatArray) -> FloatArray:
    """Depth (m,) at which each streamline enters the core, mm; NaN where it meets none."""
    core = tissue[list(CORE)].sum(axis=0).astype(np.float64)
    inside = core >= 0.5
    first = inside.argmax(axis=1)
    rows = np.arange(len(core))
    before, after = core[rows, np.maximum(first - 1, 0)], core[rows, first]
    back = np.clip((after - 0.5) / np.maximum(after - before, 1e-9), 0.0, 1.0)
    depth = np.maximum(first - back, 0.0) / (core.shape[1] - 1) * thickness_mm
    return np.where(inside.any(axis=1), depth, np.nan)
