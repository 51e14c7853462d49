"""The whole road once, small, by the command line; every test of the walk looks at what it left."""

import contextlib
import io
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from plaquecast.cli import output
from plaquecast.cli.main import main


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str


def speak(*words: str | Path) -> Answer:
    """Give the command line these words."""
    out, err, before = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["plaquecast", *map(str, words)]
    output.speak_json(False)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.argv = before
    return Answer(code, out.getvalue(), err.getvalue())


def done(*words: str | Path) -> Answer:
    """Give the command line these words, and expect that it ends well."""
    answer = speak(*words)
    assert answer.code == 0, answer.err + answer.out
    return answer


@dataclass(frozen=True, slots=True)
class Walk:
    """Folders that the walk made, and what its commands said."""

    cohort: Path
    segmenter: Path
    run: Path
    tabular: Path
    predictor: Path
    forecast: Path
    said: dict[str, Answer]


QUICK: Sequence[str] = (
    "--set", "segment.max_epochs=14", "--set", "segment.max_minutes=10", "--set", "segment.base_channels=8",
)  # fmt: skip
"""Epochs, not minutes, end the training, so that a busy machine learns as much as an idle one."""
QUICK_PREDICTOR: Sequence[str] = (
    "--set", "predict.bootstrap_samples=20", "--set", "predict.outer_folds=3", "--set", "predict.inner_folds=2",
)  # fmt: skip


@pytest.fixture(scope="session")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """Three patients are simulated, learned from and examined; sixty more, as tables, teach the predictor.

    One patient has all weightings; two keep what a run needs least.
    """
    root = tmp_path_factory.mktemp("walk")
    made = Walk(*(root / name for name in ("cohort", "segmenter", "run", "tabular", "predictor", "forecast")), said={})
    said = made.said
    said["simulate"] = done("simulate", "--patients", "3", "--seed", "11", "--out", made.cohort)
    keep_two_weightings(made.cohort, "sim0002", "sim0003")
    said["train-segmenter"] = done(
        "train-segmenter", made.cohort, "--annotations", "truth", "--out", made.segmenter, *QUICK
    )
    said["run"] = done("run", made.cohort, "--segmenter", made.segmenter, "--out", made.run)
    said["tables"] = done("simulate", "--patients", "60", "--no-images", "--seed", "12", "--out", made.tabular)
    said["train-predictor"] = done("train-predictor", made.tabular, "--out", made.predictor, *QUICK_PREDICTOR)
    said["predict"] = done(
        "predict", made.cohort, "--patient", "sim0002", "--segmenter", made.segmenter, "--predictor", made.predictor,
        "--horizon", "1.5", "--out", made.forecast,
    )  # fmt: skip
    return made


def linked(source: Path, target: Path) -> Path:
    """A copy whose files are links to the same content."""
    shutil.copytree(source, target, copy_function=lambda one, other: Path(other).hardlink_to(one))
    return target


@pytest.fixture
def lean(walk: Walk, tmp_path: Path) -> Path:
    """A copy of the cohort in which nobody has more than two weightings."""
    cohort = linked(walk.cohort, tmp_path / "cohort")
    keep_two_weightings(cohort, "sim0001")
    return cohort


def keep_two_weightings(cohort: Path, *patients: str) -> None:
    """So that a run is quick."""
    for path in (path for patient in patients for path in cohort.glob(f"sub-{patient}/ses-*/anat/*.nii.gz")):
        if not path.name.endswith(("ses-baseline_T1w.nii.gz", "ses-followup_T1w.nii.gz", "_PDw.nii.gz")):
            path.unlink()
