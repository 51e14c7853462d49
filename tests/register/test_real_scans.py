"""Real scans lie where the transforms given with them say."""

from pathlib import Path

import numpy as np
import pytest
from benchmarks.register_real import KnownPair, brain_pairs

from plaquecast.register.rigid import prepare, register_rigid
from plaquecast.settings import RegisterSettings


@pytest.fixture(scope="module")
def pairs(shared_data: Path) -> dict[str, KnownPair]:
    return {pair.name: pair for pair in brain_pairs(shared_data / "two-visit-brain")}


@pytest.mark.parametrize("name", ["visit 1: FLAIR, T2W", "FLAIR: visit 1, visit 2"])
def test_a_real_brain_lies_where_the_given_transform_says(pairs: dict[str, KnownPair], name: str) -> None:
    pair = pairs[name]
    settings = RegisterSettings()
    found = register_rigid(prepare(pair.reference, settings), prepare(pair.other, settings))
    errors = pair.errors_mm(found)
    # slices are 3 mm apart; the given transforms are affine, and no rigid one comes closer than about 0.3 mm (median)
    assert np.median(pair.errors_mm(pair.best_rigid())) < 0.31
    assert np.median(errors) < 0.5
    assert np.percentile(errors, 95) < 1.0
