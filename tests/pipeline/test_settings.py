"""What a user writes for a setting is taken, and it is known from where, or it is refused in a sentence that helps."""

import json
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
from tests.walk.conftest import done

from plaquecast.errors import InputError
from plaquecast.settings import Settings, deciding_origins, load_settings, settings_as_dict

NUMBERS = [
    (f"{step.name}.{entry.name}", entry.metadata["limits"], getattr(getattr(Settings(), step.name), entry.name))
    for step in fields(Settings)
    if step.name != "origins"
    for entry in fields(getattr(Settings(), step.name))
    if "limits" in entry.metadata
]


@pytest.mark.parametrize(
    ("override", "code", "told"),
    [
        ("measure.plaque_thicknes_mm=2", "unknown-setting", "Did you mean 'measure.plaque_thickness_mm'?"),
        ("plaque_thickness_mm=2", "unknown-setting", "Did you mean 'measure.plaque_thickness_mm'?"),
        ("nonsense=2", "unknown-setting", "found 'nonsense', in --set nonsense=2. `plaquecast config show` lists"),
        ("measure.plaque_thickness_mm", "setting-form", "Write it like"),
        ("run.workers=two", "setting-type", "a whole number from 1 to 10000 for run.workers"),
        ("run.workers=-1", "setting-type", "a whole number from 1 to 10000 for run.workers"),
        ("measure.n_angles=72.5", "setting-type", "a whole number from 12 to 720"),
        ("measure.plaque_thickness_mm=nan", "setting-type", "a number from 0 to 10"),
        ("measure.plaque_thickness_mm=inf", "setting-type", "a number from 0 to 10"),
    ],
)
def test_a_setting_that_does_not_fit_is_refused_with_help(override: str, code: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        Settings().with_overrides([override])
    assert caught.value.code == code
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[measure]\nplaque_thickness = 2", "unknown-setting"),
        ("measure = 2", "unknown-setting"),
        ("[run]\nworkers = true", "setting-type"),
        ("[run]\nworkers = 2.5", "setting-type"),
        ("[run", "settings-file"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_by_its_name(tmp_path: Path, text: str, code: str) -> None:
    (tmp_path / "chosen.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"chosen\.toml") as caught:
        load_settings(tmp_path / "chosen.toml")
    assert caught.value.code == code


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match=r"found no such file or directory, in nowhere\.toml"):
        load_settings(Path("nowhere.toml"))


def test_what_config_shows_is_read_back_with_where_it_was_chosen(tmp_path: Path) -> None:
    file = tmp_path / "chosen.toml"
    file.write_text("[measure]\nn_angles = 36\n[run]\nworkers = 3\n", encoding="utf-8")
    words = ("--settings", file, "--set", "change.detection_z=2.5")
    shown = done("config", "show", *words).out
    chosen = load_settings(file, ["change.detection_z=2.5"])
    assert tomllib.loads(shown) == settings_as_dict(chosen) == json.loads(done("config", "show", "--json", *words).out)
    assert "n_angles = 36  # chosen.toml\n" in shown
    assert "detection_z = 2.5  # --set\n" in shown
    assert deciding_origins(chosen) == {"change.detection_z": "--set", "measure.n_angles": "chosen.toml"}


def test_every_number_has_limits() -> None:
    numbers = {
        f"{step.name}.{entry.name}"
        for step in fields(Settings)
        if step.name != "origins"
        for entry in fields(getattr(Settings(), step.name))
        if isinstance(getattr(getattr(Settings(), step.name), entry.name), int | float)
    }
    assert numbers == {name for name, _, _ in NUMBERS}


@pytest.mark.parametrize(("name", "limits", "default"), NUMBERS)
def test_a_number_beyond_its_limits_is_refused(name: str, limits: tuple[float, float], default: float) -> None:
    assert limits[0] <= default <= limits[1]
    beyond = [int(limits[0]) - 1, int(limits[1]) + 1]
    for value in [*beyond, *(["nan", "inf"] if isinstance(default, float) else [])]:
        with pytest.raises(InputError, match="from"):
            Settings().with_overrides([f"{name}={value}"])
