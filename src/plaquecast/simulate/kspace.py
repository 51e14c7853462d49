"""From a finely rendered slice to what a scanner shows: truncated, blurred, moved, noisy, zero-filled k-space."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Image = NDArray[np.float32]
Spectrum = NDArray[np.complex64]
Scalar = TypeVar("Scalar", bound=np.generic)


def centered_frequencies(n_samples: int, pixel_mm: float) -> NDArray[np.float32]:
    """Spatial frequencies in 1/mm of an acquired axis in ascending order, float32 (n_samples,)."""
    return np.fft.fftshift(np.fft.fftfreq(n_samples, pixel_mm)).astype(np.float32)


def acquire(image: Image, acquired_shape: tuple[int, int], pixel_mm: float) -> Spectrum:
    """Sample the center of k-space of one slice (rows, columns) rendered with `pixel_mm`.

    Returns complex64 `acquired_shape`, frequencies ascending, scaled so that their sum is the image's first
    pixel. A scanner samples the Fourier transform of matter itself; the averaging over rendered pixels is undone.
    """
    # Columns that truncation drops are dropped before the second transform.
    by_column = fft.fftshift(fft.fft(image, axis=1, norm="forward"), axes=1)
    kept = _center(by_column, (image.shape[0], acquired_shape[1]))
    spectrum = fft.fftshift(fft.fft(kept, axis=0, norm="forward"), axes=0)
    cropped = _center(spectrum, acquired_shape)
    rows, columns = (
        1.0 / np.sinc(centered_frequencies(n, pixel_mm * full / n) * pixel_mm)
        for n, full in zip(acquired_shape, image.shape, strict=True)
    )
    return (cropped * rows[:, None] * columns).astype(np.complex64)


def show(spectrum: Spectrum, shown_shape: tuple[int, int]) -> Spectrum:
    """Zero-fill k-space to `shown_shape` and transform back; complex64, intensities as in the rendered slice."""
    tall = np.zeros((shown_shape[0], spectrum.shape[1]), dtype=np.complex64)
    _center(tall, spectrum.shape)[...] = spectrum
    by_row = np.asarray(fft.ifft(fft.ifftshift(tall, axes=0), axis=0, norm="forward"))
    padded = np.zeros(shown_shape, dtype=np.complex64)
    _center(padded, by_row.shape)[...] = by_row
    return np.asarray(fft.ifft(fft.ifftshift(padded, axes=1), axis=1, norm="forward"))


def _center(array: NDArray[Scalar], shape: tuple[int, ...]) -> NDArray[Scalar]:
    """View of the middle of a shifted spectrum, zero frequency on zero frequency."""
    start = [full // 2 - part // 2 for full, part in zip(array.shape, shape, strict=True)]
    return array[start[0] : start[0] + shape[0], start[1] : start[1] + shape[1]]


def noise(rng: np.random.Generator, shape: tuple[int, int], sd: float) -> Spectrum:
    """Complex white noise that gives real and imaginary part of the shown image the SD `sd`."""
    parts = rng.standard_normal((2, *shape), dtype=np.float32) * np.float32(sd / np.sqrt(shape[0] * shape[1]))
    return (parts[0] + 1j * parts[1]).astype(np.complex64)


def echo_decay(n_lines: int, train_ms: float, t2_ms: float) -> NDArray[np.float32]:
    """Weight of each phase-encoding line (rows) when a train runs from the center outwards: e^(−train·|k|/T2)."""
    return np.exp(-np.abs(np.linspace(-1.0, 1.0, n_lines)) * train_ms / t2_ms).astype(np.float32)


def edge_filter(n_samples: int, strength: float) -> NDArray[np.float32]:
    """A scanner's own ringing filter, 1 − strength·sin²(πk/2k_max): 0 is none, 0.5 is strong."""
    return (1.0 - strength * np.sin(np.linspace(-0.5, 0.5, n_samples) * np.pi) ** 2).astype(np.float32)


def swallow(rng: np.random.Generator, n_lines: int, pixel_mm: float, shift_mm: float, share: float) -> Spectrum:
    """Factor per phase-encoding line of a neck that sits `shift_mm` away during `share` of the lines, in bursts."""
    burst = max(2, n_lines // 24)
    n_bursts = max(1, round(share * n_lines / burst))
    moved = np.zeros(n_lines, dtype=np.float32)
    for start in rng.integers(0, n_lines - burst, n_bursts):
        # The very center stays: a swallow there would ruin the scan, and it would be repeated.
        if abs(start + burst / 2 - n_lines / 2) > 1.5 * burst:
            moved[start : start + burst] = rng.uniform(0.5, 1.0)
    phase = -2.0 * np.pi * centered_frequencies(n_lines, pixel_mm) * shift_mm * moved
    return np.exp(1j * phase).astype(np.complex64)


def pulsation(rng: np.random.Generator, n_lines: int, strength: float) -> Spectrum:
    """Factor per phase-encoding line of a signal that swings with the pulse; makes ghosts along the rows."""
    cycles, phase = rng.uniform(2.5, 7.5), rng.uniform(0.0, 2.0 * np.pi)
    swing = np.sin(2.0 * np.pi * cycles * np.arange(n_lines) / 8.0 + phase)
    return (1.0 + strength * swing).astype(np.complex64)
