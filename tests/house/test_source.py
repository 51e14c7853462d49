"""What must hold for every source file: it says what it is for, prints nothing, and has a name of its own."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src/plaquecast").rglob("*.py"))
EVERYTHING = [*SOURCES, *sorted((ROOT / "tests").rglob("*.py")), *sorted((ROOT / "benchmarks").rglob("*.py"))]
DRAWERS = {"utils", "helpers", "common", "misc", "manager", "handler"}


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", EVERYTHING, ids=_name)
def test_a_file_opens_with_a_sentence(path: Path) -> None:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert text, f"{path.name} has no docstring"
    assert text.splitlines()[0].endswith("."), f"{path.name}: the first line is not a sentence"


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_only_the_command_line_talks_to_people(path: Path) -> None:
    if path.is_relative_to(ROOT / "src/plaquecast/cli"):
        return
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    assert not [node.lineno for node in calls if isinstance(node.func, ast.Name) and node.func.id == "print"]


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_nothing_unpickles_or_evaluates_what_a_user_gave(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not imported & {"pickle", "marshal", "shelve"}
    assert not called & {"eval", "exec"}


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_no_file_is_opened_past_the_door(path: Path) -> None:
    """Readers that trust a file, and unpackers that trust an archive, are called nowhere."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    named = {node.func.attr for node in calls if isinstance(node.func, ast.Attribute)}
    assert not named & {"ReadImage", "extract", "extractall", "unpack_archive", "get_volume_from_series"}
    assert not {ast.unparse(node.func) for node in calls} & {"nib.load", "nibabel.load", "np.load", "numpy.load"}
    assert not [key for node in calls for key in node.keywords if key.arg == "shell"]


def test_no_module_is_a_drawer() -> None:
    assert not [path for path in SOURCES if path.stem in DRAWERS]


def test_constraints_pull_no_cuda() -> None:
    pinned = (ROOT / "constraints.txt").read_text(encoding="utf-8").lower()
    assert "torch==2.13.0" in pinned
    assert "nvidia" not in pinned
    assert "cuda" not in pinned.replace("no cuda", "")
