"""Settings: each value is of its type and within its limits, wherever it comes from."""

from dataclasses import fields
from pathlib import Path

import pytest

from plaquecast.errors import InputError
from plaquecast.settings import Settings, load_settings

NUMBERS = [
    (f"{step.name}.{entry.name}", entry.metadata["limits"], getattr(getattr(Settings(), step.name), entry.name))
    for step in fields(Settings)
    for entry in fields(getattr(Settings(), step.name))
    if "limits" in entry.metadata
]


def test_every_number_has_limits() -> None:
    numbers = {
        f"{step.name}.{entry.name}"
        for step in fields(Settings)
        for entry in fields(getattr(Settings(), step.name))
        if isinstance(getattr(getattr(Settings(), step.name), entry.name), int | float)
    }
    assert numbers == {name for name, _, _ in NUMBERS}


@pytest.mark.parametrize(("name", "limits", "default"), NUMBERS)
def test_a_number_beyond_its_limits_is_refused(name: str, limits: tuple[float, float], default: float) -> None:
    assert limits[0] <= default <= limits[1]
    beyond = [int(limits[0]) - 1, int(limits[1]) + 1]
    for value in [*beyond, *(["nan", "inf"] if isinstance(default, float) else [])]:
        with pytest.raises(InputError, match="between"):
            Settings().with_overrides([f"{name}={value}"])


def test_a_file_is_checked_as_the_command_line_is(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text("[run]\nworkers = 0\n")
    with pytest.raises(InputError, match=r"workers between 1 and 10000, found 0, in own\.toml"):
        load_settings(tmp_path / "own.toml")
