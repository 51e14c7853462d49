"""The command line starts light: heavy packages are imported by the command that needs them, not before."""

import subprocess
import sys

import pytest

# pydantic is not among them: typer itself checks arguments by it
HEAVY = [
    "numpy",
    "scipy",
    "torch",
    "SimpleITK",
    "sklearn",
    "lightgbm",
    "interpret",
    "pandas",
    "pyarrow",
    "matplotlib",
    "jinja2",
    "nibabel",
    "pydicom",
    "highdicom",
    "joblib",
    "distributed",
    "skimage",
]


@pytest.mark.parametrize("arguments", [["--help"], ["examine", "--help"], ["demo", "--help"], ["config", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    script = (
        "import sys\n"
        f"sys.argv = ['plaquecast', *{arguments!r}]\n"
        "from plaquecast.cli.main import main\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
        f"heavy = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "assert not heavy, heavy\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_the_package_itself_imports_nothing() -> None:
    script = f"import sys, plaquecast; assert not [name for name in {HEAVY!r} if name in sys.modules]"
    subprocess.run([sys.executable, "-c", script], check=True)
