"""One tiny cohort with its undisturbed run, for all tests of disturbed ones."""

import gc
from collections.abc import Iterator

import pytest
from tests import tiny_run


@pytest.fixture(autouse=True)
def few_objects() -> Iterator[None]:
    """Each stage cleans up before it measures its memory; what tests have loaded is left out of it."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tiny_run.Tiny:
    """Two patients, two visits each."""
    return tiny_run.make(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def single(tiny: tiny_run.Tiny, tmp_path_factory: pytest.TempPathFactory) -> tiny_run.Tiny:
    """One patient, two visits: for what is done to it dozens of times."""
    root = tmp_path_factory.mktemp("single")
    return tiny.copy_for(tiny_run.write_dataset(root / "data", ("01",)), root / "whole")
