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


QUICK: Sequence[str] = ("--set", "segment.max_minutes=0.6", "--set", "segment.base_channels=8")
QUICK_PREDICTOR: Sequence[str] = (
    "--set", "predict.bootstrap_samples=20", "--set", "predict.outer_folds=3", "--set", "predict.inner_folds=2",
)  # fmt: skip


@pytest.fixture(scope="session")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """Three patients are simulated, learned from and examined; sixty more, as tables, teach the predictor."""
    root = tmp_path_factory.mktemp("walk")
    made = Walk(*(root / name for name in ("cohort", "segmenter", "run", "tabular", "predictor", "forecast")), said={})
    said = made.said
    said["simulate"] = done("simulate", "--patients", "3", "--seed", "11", "--out", made.cohort)
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


@pytest.fixture(scope="session")
def two(walk: Walk, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two patients with two weightings, so that a run is quick; all is well with them."""
    folder = tmp_path_factory.mktemp("two")
    cohort = linked(walk.cohort, folder / "cohort")
    shutil.rmtree(cohort / "sub-sim0003")
    table = cohort / "participants.tsv"
    lines = [line for line in table.read_text(encoding="utf-8").splitlines() if "sim0003" not in line]
    table.unlink()
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for path in cohort.glob("sub-*/ses-*/anat/*.nii.gz"):
        if not path.name.endswith(("ses-baseline_T1w.nii.gz", "ses-followup_T1w.nii.gz", "_PDw.nii.gz")):
            path.unlink()
    return cohort
