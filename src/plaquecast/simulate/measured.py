"""What a study would have measured of an artery whose truth is known: every number, and the wall's map, with error."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from plaquecast.domain.grid import FloatArray
from plaquecast.domain.measurements import MeasurementError
from plaquecast.domain.missing import Missing, Reason, is_number
from plaquecast.domain.morphology import ArteryMorphology, SliceMorphology, WallMap

MODEL_ID = "simulated measurement"
CAP_RESOLUTION_MM = 0.5
CONFIDENCE = 0.9
MAP_SCALE_ERROR = 0.02
"""SD of the error that all rays of one scan share, as a share of thickness."""
MAP_RAY_ERROR_MM = 0.15
"""SD of the error of one ray's thickness (contours drawn within a fifth of a pixel to half a pixel)."""
MAP_CORRELATION = 0.25
"""Errors of rays are alike over about this part of a radian; slices are drawn independently."""
SLICE_AREA_ERROR = 0.05
"""SD of the error of an area of one slice, as a share of it."""


def measured(
    truth: ArteryMorphology,
    errors: Mapping[str, MeasurementError],
    rng: np.random.Generator,
    map_rng: np.random.Generator,
) -> ArteryMorphology:
    """The artery as measured: each number with its own Gaussian error, a cap below resolution as such.

    A volume that is truly zero stays zero, and none becomes negative. `map_rng` is for slices and wall map, so that
    asking for them moves no other number.
    """
    values: dict[str, Any] = {}
    for name, error in errors.items():
        true = getattr(truth, name)
        draw = float(rng.normal())  # drawn for missing values too, so that one value's absence moves no other
        if is_number(true):
            value = true + float(error.sd(np.array(true))) * draw
            can_be_negative = name.startswith("stenosis")
            values[name] = value if can_be_negative else (max(value, 0.0) if true > 0.0 else 0.0)
    if truth.wall_map is not None:
        values["wall_map"] = _measured_map(truth.wall_map, map_rng)
        values["slices"] = tuple(_measured_slice(section, map_rng) for section in truth.slices)
    scanned = replace(truth, **values, confidence=CONFIDENCE, model_id=MODEL_ID)
    return replace(scanned, **_censored(scanned), fibrous_cap_resolution_mm=CAP_RESOLUTION_MM)


def _censored(scanned: ArteryMorphology) -> dict[str, Missing]:
    """A cap thinner than the image resolves is known only to be thin."""
    names = ("fibrous_cap_min_thickness_mm", "fibrous_cap_percentile5_thickness_mm", "fibrous_cap_mean_thickness_mm")
    thin = {name: getattr(scanned, name) for name in names}
    return {
        name: Missing(Reason.BELOW_RESOLUTION)
        for name, value in thin.items()
        if is_number(value) and value < CAP_RESOLUTION_MM
    }


def _measured_map(truth: WallMap, rng: np.random.Generator) -> WallMap:
    """Thickness with an error of the scan and one of the rays; borders of tissues shifted by up to a ray."""
    noise = _alike_around(rng.standard_normal(truth.wall_thickness_mm.shape), truth.angle_degrees)
    thickness = truth.wall_thickness_mm * (1.0 + MAP_SCALE_ERROR * rng.standard_normal()) + MAP_RAY_ERROR_MM * noise
    return replace(truth, wall_thickness_mm=np.maximum(thickness, 0.2), tissue=_with_moved_borders(truth.tissue, rng))


def _alike_around(noise: FloatArray, angle_degrees: FloatArray) -> FloatArray:
    """Noise (n, m) smoothed around the artery, of SD 1 again."""
    rays = MAP_CORRELATION / np.radians(angle_degrees[1] - angle_degrees[0])
    smooth = ndimage.gaussian_filter1d(noise, rays, axis=1, mode="wrap")
    return smooth * np.sqrt(2.0 * np.sqrt(np.pi) * rays)


def _with_moved_borders(tissue: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    columns = (np.arange(tissue.shape[1]) + rng.integers(-1, 2, tissue.shape)) % tissue.shape[1]
    return np.take_along_axis(tissue, columns, axis=1)


def _measured_slice(truth: SliceMorphology, rng: np.random.Generator) -> SliceMorphology:
    """Areas of lumen, wall and components with an error each; what follows from them is worked out again."""
    areas = [name for name in SliceMorphology.__slots__ if name.endswith("_area_mm2") and name != "vessel_area_mm2"]
    factors = 1.0 + SLICE_AREA_ERROR * rng.standard_normal(len(areas) + 1)
    values = {name: getattr(truth, name) * factor for name, factor in zip(areas, factors[1:], strict=True)}
    lumen, wall = values["lumen_area_mm2"], values["wall_area_mm2"]
    thickness = {
        name: getattr(truth, name) * factors[0] for name in ("mean_wall_thickness_mm", "max_wall_thickness_mm")
    }
    vessel = {"vessel_area_mm2": lumen + wall, "normalized_wall_index": wall / (lumen + wall)}
    return replace(truth, **values, **vessel, **thickness, confidence=CONFIDENCE)
