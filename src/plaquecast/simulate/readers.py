"""Simulated readers: label maps as a person would draw them, who neither sees the truth nor draws alike twice."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from plaquecast.domain.anatomy import COMPONENTS, N_TISSUES, Tissue
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.volume import ArterySegmentation, LabelMap

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Reader:
    """Habits of a reader; all SDs in mm.

    A contour is off by a bias of the whole scan, one of the slice, and a jitter that is alike over `grain_mm` along the
    contour. Components are drawn less surely than walls, and small ones may be passed over: half of those of
    `overlooked_mm2` per slice are.
    """

    name: str = "reader"
    scan_bias_mm: float = 0.012
    slice_bias_mm: float = 0.03
    jitter_mm: float = 0.1
    grain_mm: float = 1.2
    component_scan_bias_mm: float = 0.04
    component_jitter_mm: float = 0.06
    calcification_scan_bias_mm: float = 0.01
    calcification_jitter_mm: float = 0.05
    """Calcification is black on every weighting, and its border drawn more surely than that of soft components."""
    overlooked_mm2: float = 0.3
    draws_cap: bool = False
    """Whether the cap is drawn; most readers leave it in the wall."""


def drawn_by(reader: Reader, truth: ArterySegmentation, rng: np.random.Generator) -> ArterySegmentation:
    """The label map that a reader draws over a scan whose truth is known; labels only, no fractions.

    Lumen and outer wall are drawn first, then each component inside the wall, the rarer over the commoner; what lies in
    no component is wall. Slices without lumen stay empty.
    """
    spacing = truth.grid.spacing_mm[1:]
    biases = {name: float(rng.normal()) for name in ("lumen", "outer", *COMPONENTS)}
    drawn = np.zeros_like(truth.labels.array)
    for k, layer in enumerate(truth.labels.array):
        if (layer == Tissue.LUMEN).any():
            drawn[k] = _slice(reader, _fractions(truth, k), spacing, biases, rng)
    return replace(truth, labels=LabelMap(truth.grid, drawn), model_id=reader.name, probabilities=None, plaque=None)


def _fractions(truth: ArterySegmentation, k: int) -> FloatArray:
    """Fraction of each tissue in each pixel of a slice (tissue, rows, columns)."""
    if truth.probabilities is not None:
        return np.asarray(truth.probabilities[:, k], dtype=np.float64)
    return (truth.labels.array[k] == np.arange(N_TISSUES)[:, None, None]).astype(np.float64)


def _slice(
    reader: Reader,
    fractions: FloatArray,
    spacing: tuple[float, ...],
    biases: dict[str | Tissue, float],
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    lumen_shift, outer_shift = (
        reader.scan_bias_mm * biases[name] + reader.slice_bias_mm * rng.normal() for name in ("lumen", "outer")
    )
    outer = _redrawn(1.0 - fractions[Tissue.BACKGROUND], outer_shift, reader.jitter_mm, reader, spacing, rng)
    lumen = _redrawn(fractions[Tissue.LUMEN], lumen_shift, reader.jitter_mm, reader, spacing, rng)
    drawn = np.where(outer | lumen, Tissue.WALL, Tissue.BACKGROUND).astype(np.uint8)
    for tissue in _COMPONENTS:
        fraction = fractions[tissue]
        area_mm2 = float(fraction.sum()) * spacing[0] * spacing[1]
        draw = rng.random()  # drawn for what is absent too, so that one component moves no other
        is_drawn = draw >= 0.5 ** (area_mm2 / reader.overlooked_mm2) and fraction.max() > 0.5
        if is_drawn and (tissue is not Tissue.FIBROUS_CAP or reader.draws_cap):
            bias_mm, jitter_mm = reader.component_scan_bias_mm, reader.component_jitter_mm
            if tissue is Tissue.CALCIFICATION:
                bias_mm, jitter_mm = reader.calcification_scan_bias_mm, reader.calcification_jitter_mm
            drawn[_redrawn(fraction, bias_mm * biases[tissue], jitter_mm, reader, spacing, rng) & outer] = tissue
    drawn[lumen] = Tissue.LUMEN
    return drawn


_COMPONENTS = (
    Tissue.LOOSE_MATRIX,
    Tissue.FIBROUS_CAP,
    Tissue.LIPID_RICH_NECROTIC_CORE,
    Tissue.INTRAPLAQUE_HEMORRHAGE,
    Tissue.CALCIFICATION,
)


def _redrawn(
    fraction: FloatArray,
    shift_mm: float,
    jitter_mm: float,
    reader: Reader,
    spacing: tuple[float, ...],
    rng: np.random.Generator,
) -> Mask:
    """The region with its border moved outward by `shift_mm` and a smooth random field of SD `jitter_mm`."""
    mask = fraction > 0.5
    inside, outside = (np.asarray(ndimage.distance_transform_edt(part, spacing)) for part in (mask, ~mask))
    # distances run to pixel centers; where the border crosses a pixel, the fraction says where
    distance = np.where(mask, inside - 0.5 * spacing[0], 0.5 * spacing[0] - outside)
    crossed = (fraction > 0.0) & (fraction < 1.0)
    signed = np.where(crossed & (np.abs(distance) < spacing[0]), (fraction - 0.5) * spacing[0], distance)
    sigma = [reader.grain_mm / mm for mm in spacing]
    field = ndimage.gaussian_filter(rng.standard_normal(mask.shape), sigma, mode="wrap")
    field *= 2.0 * np.sqrt(np.pi * sigma[0] * sigma[1])
    return signed + shift_mm + jitter_mm * field > 0.0
