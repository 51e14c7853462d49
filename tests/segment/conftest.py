"""One small trained segmenter for all tests of this room."""

from pathlib import Path

import pytest
from tests.segment.small_visit import case

from plaquecast.segment.training import train_segmenter
from plaquecast.settings import SegmentSettings


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a segmenter that knows the made-up neck of `small_visit`."""
    folder = tmp_path_factory.mktemp("segmenter")
    settings = SegmentSettings(pixel_mm=0.5, region_pixels=32, base_channels=8, max_epochs=60, max_minutes=10.0)
    train_segmenter([case(f"p{seed}", seed) for seed in range(3)], settings, folder, origin="made-up tubes")
    return folder
