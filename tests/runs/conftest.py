"""One tiny cohort with its undisturbed run, for all tests of disturbed ones."""

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import tiny_run


@pytest.fixture(autouse=True)
def few_objects() -> Iterator[None]:
    """Each stage cleans up before it measures its memory; what tests have loaded is left out of it."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def folder_in_memory() -> Path:
    """A folder in memory where there is one: hundreds of runs wait for hundreds of flushes each otherwise."""
    memory = "/dev/shm"
    folder = Path(tempfile.mkdtemp(dir=memory if os.access(memory, os.W_OK) else None))
    folder.chmod(0o755)
    return folder


@pytest.fixture(scope="session")
def tiny() -> Iterator[tiny_run.Tiny]:
    """Two patients, two visits each."""
    root = folder_in_memory()
    yield tiny_run.make(root)
    shutil.rmtree(root)


@pytest.fixture(scope="session")
def single(tiny: tiny_run.Tiny) -> tiny_run.Tiny:
    """One patient, two visits: for what is done to it dozens of times."""
    root = tiny.run.parent / "single"
    return tiny.copy_for(tiny_run.write_dataset(root / "data", ("01",)), root / "whole")


@pytest.fixture
def quick_folder() -> Iterator[Path]:
    """A new folder in memory."""
    folder = folder_in_memory()
    yield folder
    shutil.rmtree(folder)
