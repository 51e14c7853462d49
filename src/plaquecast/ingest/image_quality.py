"""Is a scan good enough for what follows: noise, saturation, coverage, field of view; a score and its reason."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plaquecast.domain.volume import Volume
from plaquecast.settings import IngestSettings


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
    saturated = _saturated_share(volume.array)
    aspects = (
        (snr / settings.min_signal_to_noise,
         f"signal to noise {snr:.1f}, at least {settings.min_signal_to_noise:g} is asked"),
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


def _saturated_share(array: NDArray[np.float32]) -> float:
    top = array.max()
    bright = array > np.median(array)
    return float((array == top).sum() / max(1, bright.sum()))
