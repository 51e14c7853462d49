"""Docs and code are compared: every command, option and setting stands in the reference."""

from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup, TyperOption

from plaquecast.cli import commands
from plaquecast.cli.main import app
from plaquecast.settings import Settings, settings_as_dict

ROOT = Path(__file__).parents[2]
commands.register(app)
GROUP = typer.main.get_command(app)
assert isinstance(GROUP, TyperGroup)
COMMANDS = {name: command for name, command in GROUP.commands.items() if not command.hidden}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_stands_in_the_command_reference(name: str) -> None:
    page = (ROOT / "docs/reference/commands.md").read_text(encoding="utf-8")
    assert f"## plaquecast {name}\n" in page
    part = page.split(f"## plaquecast {name}\n")[1].split("\n## ")[0]
    for parameter in COMMANDS[name].params:
        if isinstance(parameter, TyperOption) and parameter.name != "help":
            assert parameter.opts[0] in part, f"{name} {parameter.opts[0]} is not in docs/reference/commands.md"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example_and_the_common_options(name: str) -> None:
    command = COMMANDS[name]
    if isinstance(command, TyperGroup):
        return
    assert f"plaquecast {name}" in (command.help or ""), f"{name} shows no example"
    assert "--json" in {option for parameter in command.params for option in parameter.opts}


def test_every_setting_stands_in_the_settings_reference() -> None:
    page = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")
    for step, values in settings_as_dict(Settings()).items():
        for name, value in values.items():
            assert f"| `{step}.{name}` | `{value!r}` |" in page


def test_readme_names_the_two_commands_and_they_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("demo", "test"):
        assert f"make {target}" in readme
        assert f"\n{target}:" in makefile


def test_every_link_inside_the_docs_leads_somewhere() -> None:
    import re

    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"
