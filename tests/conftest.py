"""Fixtures for all tests: the folder of real public data, figures told at the end of a run, and hypothesis profiles."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("dev", max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("dev"), derandomize=True)
settings.register_profile("nightly", parent=settings.get_profile("dev"), max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

_FIGURES: list[str] = []


@pytest.fixture
def figure() -> Callable[[str], None]:
    """Say one line at the end of the run: what came out of a block of trials."""
    return _FIGURES.append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures."""
    for line in _FIGURES:
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real public scans and tables that lies beside the repository, or a skip with a sentence."""
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("PLAQUECAST_SHARED_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"real public data are not at {folder}; set PLAQUECAST_SHARED_DATA to run this test")
    return folder
