"""Is a scan good enough for what follows: noise, motion, saturation, coverage, field of view; score and reason."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from plaquecast.domain.volume import Volume
from plaquecast.settings import IngestSettings

_GHOST_PLANES = 9
_EDGE_PIXELS = 6
_LEAST_AIR = 0.02
"""Ghosts are looked for in so many slices, so far from the body, where air takes this share of each axis."""


@dataclass(frozen=True, slots=True)
class ImageQuality:
    """`score` in 0–1 (1 best) is that of the worst aspect, `reason` names it, `passed` is the gate's verdict."""

    score: float
    passed: bool
    reason: str


def image_quality(volume: Volume, settings: IngestSettings) -> ImageQuality:
    """Judge one image by itself.

    Each aspect scores the ratio of what was found to the least that is asked (at most 1); the gate asks for all.

    - signal to noise: 90th percentile of the image over the SD of its noise, estimated from second differences along
      rows and columns (Immerkaer 1996), which anatomy hardly touches;
    - motion: ghosts of what moves lie along the phase-encoding axis, so the air beside the body is brighter along one
      axis than along the other; the difference over the signal is the ghosting ratio of the American College of
      Radiology's phantom test. Where the body fills the slices, it is not judged;
    - saturation: share of the brighter half of the voxels that hold the very largest value;
    - coverage: length of the stack towards the head;
    - field of view: the smaller side of a slice must hold an artery and its surroundings.

    >>> from plaquecast.domain.anatomy import Weighting
    >>> from plaquecast.domain.grid import Grid
    >>> rng = np.random.default_rng(0)
    >>> image = (100 + rng.normal(0, 60, (12, 64, 64))).astype(np.float32)
    >>> noisy = Volume(Grid.axis_aligned((12, 64, 64), (2.0, 1.0, 1.0)), image, Weighting.T1W)
    >>> image_quality(noisy, IngestSettings()).reason
    'signal to noise 3.1, at least 4 is asked'
    """
    length_mm = volume.grid.shape[0] * volume.grid.slice_spacing_mm
    width_mm = min(np.multiply(volume.grid.shape[1:], volume.grid.spacing_mm[1:]))
    snr = _signal_to_noise(volume.array)
    ghosts = _ghost_share(volume.array)
    saturated = _saturated_share(volume.array)
    aspects = (
        (snr / settings.min_signal_to_noise,
         f"signal to noise {snr:.1f}, at least {settings.min_signal_to_noise:g} is asked"),
        (settings.max_ghost_share / max(ghosts, 1e-9),
         f"ghosts of {100 * ghosts:.1f} % of the signal, at most {100 * settings.max_ghost_share:g} %"),
        (settings.max_saturated_share / max(saturated, 1e-9),
         f"{100 * saturated:.1f} % of the bright voxels saturated, at most {100 * settings.max_saturated_share:g} %"),
        (length_mm / settings.min_coverage_mm,
         f"{length_mm:.0f} mm covered along the neck, at least {settings.min_coverage_mm:g} mm is asked"),
        (width_mm / settings.min_field_of_view_mm,
         f"slices {width_mm:.0f} mm wide, at least {settings.min_field_of_view_mm:g} mm is asked"),
    )  # fmt: skip
    score, reason = min(aspects, key=lambda aspect: aspect[0])
    return ImageQuality(float(min(score, 1.0)), bool(score >= 1.0), reason)


def _signal_to_noise(array: NDArray[np.float32]) -> float:
    middle = array[len(array) // 4 : len(array) // 4 + max(1, len(array) // 2)]
    signal = float(np.percentile(middle, 90.0))
    tissue = middle[:, 1:-1, 1:-1] > 0.25 * signal
    if not tissue.any():
        return 0.0
    along_rows = middle[:, :-2] - 2 * middle[:, 1:-1] + middle[:, 2:]
    residual = along_rows[..., :-2] - 2 * along_rows[..., 1:-1] + along_rows[..., 2:]
    # the weights 1, -2, 1 on both axes have squares that sum to 36; 0.6745 is the median of |a standard normal|
    noise = float(np.median(np.abs(residual[tissue]))) / 0.6745 / 6.0
    return signal / noise if noise > 0 else np.inf


def _ghost_share(array: NDArray[np.float32]) -> float:
    """Difference of the air beside the body along rows and along columns, over the signal; 0 where there is no air."""
    planes = array[np.linspace(0, len(array) - 1, num=min(len(array), _GHOST_PLANES) + 2).astype(int)[1:-1]]
    signal = float(np.percentile(planes, 90.0))
    shares = []
    for plane in planes:
        body = ndimage.binary_fill_holes(ndimage.binary_opening(ndimage.uniform_filter(plane, 5) > 0.2 * signal))
        air = ~np.asarray(ndimage.binary_dilation(body, iterations=_EDGE_PIXELS), dtype=np.bool_)
        rows = np.asarray(~air.all(axis=1, keepdims=True), dtype=np.bool_)
        columns = np.asarray(~air.all(axis=0, keepdims=True), dtype=np.bool_)
        beside, above = air & rows & ~columns, air & columns & ~rows
        if min(beside.mean(), above.mean()) > _LEAST_AIR:
            shares.append(abs(float(plane[beside].mean() - plane[above].mean())) / max(signal, 1e-9))
    return float(np.median(shares)) if shares else 0.0


def _saturated_share(array: NDArray[np.float32]) -> float:
    top = array.max()
    bright = array > np.median(array)
    return float((array == top).sum() / max(1, bright.sum()))
