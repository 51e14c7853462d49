"""Simulated readers: label maps as a person would draw them, who neither sees the truth nor draws alike twice."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from plaquecast.domain.anatomy import COMPONENTS, Tissue
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
    scan_bias_mm: float = 0.045
    slice_bias_mm: float = 0.06
    jitter_mm: float = 0.12
    grain_mm: float = 1.2
    component_scan_bias_mm: float = 0.06
    component_jitter_mm: float = 0.25
    overlooked_mm2: float = 0.6
    draws_cap: bool = False
    """Whether the cap is drawn; most readers leave it in the wall."""


def drawn_by(reader: Reader, truth: ArterySegmentation, rng: np.random.Generator) -> ArterySegmentation:
    """The label map that a reader draws over a scan whose truth is known; labels only, no fractions.

    Lumen and outer wall are drawn first, then each component inside the wall, the rarer over the commoner; what lies in
    no component is wall. Slices that the artery does not cover stay empty, as do all others outside the outer contour.
    """
    labels = truth.labels.array
    spacing = truth.grid.spacing_mm[1:]
    biases = {name: float(rng.normal()) for name in ("lumen", "outer", *COMPONENTS)}
    drawn = np.zeros_like(labels)
    for k, layer in enumerate(labels):
        if (layer == Tissue.LUMEN).any():
            drawn[k] = _slice(reader, layer, spacing, biases, rng)
    return replace(truth, labels=LabelMap(truth.grid, drawn), model_id=reader.name, probabilities=None, plaque=None)


def _slice(
    reader: Reader,
    layer: NDArray[np.uint8],
    spacing: tuple[float, ...],
    biases: dict[str | Tissue, float],
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    lumen_shift, outer_shift = (
        reader.scan_bias_mm * biases[name] + reader.slice_bias_mm * rng.normal() for name in ("lumen", "outer")
    )
    outer = _redrawn(layer != Tissue.BACKGROUND, outer_shift, reader.jitter_mm, reader, spacing, rng)
    lumen = _redrawn(layer == Tissue.LUMEN, lumen_shift, reader.jitter_mm, reader, spacing, rng)
    drawn = np.where(outer | lumen, Tissue.WALL, Tissue.BACKGROUND).astype(np.uint8)
    for tissue in (Tissue.LOOSE_MATRIX, Tissue.FIBROUS_CAP, *_CORE_AND_CALCIFICATION):
        mask = layer == tissue
        area_mm2 = float(mask.sum()) * spacing[0] * spacing[1]
        draw = rng.random()  # drawn for what is absent too, so that one component moves no other
        overlooked = draw < 0.5 ** (area_mm2 / reader.overlooked_mm2)
        if tissue is Tissue.FIBROUS_CAP and not reader.draws_cap:
            continue
        if mask.any() and not overlooked:
            shift = reader.component_scan_bias_mm * biases[tissue]
            drawn[_redrawn(mask, shift, reader.component_jitter_mm, reader, spacing, rng) & outer] = tissue
    drawn[lumen] = Tissue.LUMEN
    return drawn


_CORE_AND_CALCIFICATION = (Tissue.LIPID_RICH_NECROTIC_CORE, Tissue.INTRAPLAQUE_HEMORRHAGE, Tissue.CALCIFICATION)


def _redrawn(
    mask: Mask, shift_mm: float, jitter_mm: float, reader: Reader, spacing: tuple[float, ...], rng: np.random.Generator
) -> Mask:
    """The mask with its border moved outward by `shift_mm` and a smooth random field of SD `jitter_mm`."""
    inside, outside = (np.asarray(ndimage.distance_transform_edt(part, spacing)) for part in (mask, ~mask))
    signed: FloatArray = inside - outside
    sigma = [reader.grain_mm / mm for mm in spacing]
    field = ndimage.gaussian_filter(rng.standard_normal(mask.shape), sigma, mode="wrap")
    field *= 2.0 * np.sqrt(np.pi * sigma[0] * sigma[1])
    return signed + shift_mm + jitter_mm * field > 0.0
