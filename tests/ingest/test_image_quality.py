"""The gate of image quality: a clean scan passes, each defect fails by its own reason."""

import numpy as np
import pytest

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.grid import Grid
from plaquecast.domain.volume import Volume
from plaquecast.ingest.image_quality import image_quality
from plaquecast.settings import IngestSettings


def neck(noise: float = 5.0, shape: tuple[int, int, int] = (18, 160, 160)) -> np.ndarray:
    rng = np.random.default_rng(0)
    rows, columns = np.meshgrid(*[np.linspace(-1, 1, n) for n in shape[1:]], indexing="ij")
    inside = (np.hypot(rows, columns) < 0.8) * (100.0 + 20.0 * rows)
    return np.abs(inside + rng.normal(0, noise, shape)).astype(np.float32)


def quality(array: np.ndarray, spacing: tuple[float, float, float] = (2.0, 0.6, 0.6)):
    grid = Grid.axis_aligned((array.shape[0], array.shape[1], array.shape[2]), spacing)
    return image_quality(Volume(grid, array, Weighting.T1W), IngestSettings())


@pytest.mark.parametrize("axis", [1, 2])
def test_ghosts_are_measured_along_either_axis(axis: int):
    """Half a field of view away, a tenth of the neck: its middle, 110, over the 90th percentile, 113."""
    grid = Grid.axis_aligned((18, 160, 160), (2.0, 0.6, 0.6))
    moved = neck(1.0) + 0.1 * np.roll(neck(1.0), 80, axis=axis)
    settings = IngestSettings(max_ghost_share=1e-6)
    reason = image_quality(Volume(grid, moved.astype(np.float32), Weighting.T1W), settings).reason
    found = float(reason.split("ghosts of ")[1].split(" %")[0])
    assert found == pytest.approx(10.0, abs=3.0)  # the air near the corners is out of reach of the ghost


def test_a_clean_scan_passes():
    found = quality(neck())
    assert found.passed
    assert found.score == 1.0


@pytest.mark.parametrize("noise", [2.0, 5.0, 10.0])
def test_signal_to_noise_is_that_of_the_scan(noise: float):
    """Signal 120 at most, 118 at the 90th percentile inside; the estimate of the noise is good to a tenth here."""
    grid = Grid.axis_aligned((18, 160, 160), (2.0, 0.6, 0.6))
    settings = IngestSettings(min_signal_to_noise=1000.0)
    reason = image_quality(Volume(grid, neck(noise), Weighting.T1W), settings).reason
    found = float(reason.split("signal to noise ")[1].split(",")[0])
    assert found == pytest.approx(112.0 / noise, rel=0.15)


@pytest.mark.parametrize(
    ("array", "spacing", "word"),
    [
        (neck(40.0), (2.0, 0.6, 0.6), "signal to noise"),
        (neck() + 0.1 * np.roll(neck(), 80, axis=1), (2.0, 0.6, 0.6), "ghosts"),
        (neck().clip(0, 95), (2.0, 0.6, 0.6), "saturated"),
        (neck(shape=(6, 160, 160)), (2.0, 0.6, 0.6), "covered"),
        (neck(shape=(18, 60, 60)), (2.0, 0.5, 0.5), "wide"),
    ],
)
def test_each_defect_fails_by_its_own_reason(array: np.ndarray, spacing: tuple[float, float, float], word: str):
    found = quality(array, spacing)
    assert not found.passed
    assert found.score < 1.0
    assert word in found.reason
