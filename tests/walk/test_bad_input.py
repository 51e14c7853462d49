"""A cohort in which something is wrong: it is said in a sentence, nothing is lost, and the others are finished."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from tests.walk.conftest import Answer, Walk, done, linked, speak

pytestmark = pytest.mark.timeout(900)


def truncate_an_image(cohort: Path) -> None:
    path = cohort / "sub-sim0001/ses-followup/anat/sub-sim0001_ses-followup_PDw.nii.gz"
    content = path.read_bytes()
    path.unlink()  # the copy is a link to the original, which must stay whole
    path.write_bytes(content[: len(content) // 2])


def take_a_weighting_away(cohort: Path) -> None:
    for path in (cohort / "sub-sim0001/ses-baseline/anat").glob("*_PDw*"):
        path.unlink()


def date_the_follow_up_first(cohort: Path) -> None:
    edit_sessions(cohort, lambda table: table.assign(acq_time=["2020-05-01T00:00:00", "2018-05-01T00:00:00"]))


def leave_a_unit_undeclared(cohort: Path) -> None:
    edit_sessions(cohort, lambda table: table.rename(columns={"glucose_mmol_per_l": "glucose"}))


def list_a_patient_twice(cohort: Path) -> None:
    edit_participants(cohort, "sub-sim0001\tfemale\n")


def list_a_patient_without_images(cohort: Path) -> None:
    edit_participants(cohort, "sub-sim0009\tfemale\n")


def edit_sessions(cohort: Path, edit: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    path = cohort / "sub-sim0001/sub-sim0001_sessions.tsv"
    table = edit(pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False))
    path.unlink()
    table.to_csv(path, sep="\t", index=False)


def edit_participants(cohort: Path, line: str) -> None:
    path = cohort / "participants.tsv"
    text = path.read_text(encoding="utf-8")
    path.unlink()
    path.write_text(text + line, encoding="utf-8")


CASES = {
    "truncated image": (truncate_an_image, 0, "PDw.nii.gz", True),
    "missing weighting": (take_a_weighting_away, 0, "PDW", True),
    "follow-up before baseline": (date_the_follow_up_first, 3, "before", False),
    "unit not declared": (leave_a_unit_undeclared, 0, "glucose", True),
    "same patient twice": (list_a_patient_twice, 3, "sim0001", False),
    "patient without images": (list_a_patient_without_images, 3, "sim0009", True),
}
"""What is done to the first patient or the table, exit code, a word of what is said, whether he is examined."""


def of_the_other(run: Path) -> pd.DataFrame:
    """Every number of the patient with whom all is well."""
    arteries = pd.read_parquet(run / "tables/arteries.parquet")
    return arteries[arteries.participant_id == "sub-sim0002"].reset_index(drop=True)


@pytest.fixture(scope="module")
def undisturbed(walk: Walk, two: Path, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    run = tmp_path_factory.mktemp("undisturbed") / "run"
    done("run", two, "--segmenter", walk.segmenter, "--out", run)
    return of_the_other(run)


@pytest.mark.parametrize("name", CASES)
def test_the_rest_of_the_cohort_is_finished(
    walk: Walk, two: Path, undisturbed: pd.DataFrame, tmp_path: Path, name: str
) -> None:
    harm, code, word, is_examined = CASES[name]
    cohort, run = linked(two, tmp_path / "cohort"), tmp_path / "run"
    harm(cohort)
    answer = speak("run", cohort, "--segmenter", walk.segmenter, "--out", run)
    assert answer.code == code, answer.err + answer.out
    assert "Traceback" not in answer.err
    assert word in told(answer, run)
    pd.testing.assert_frame_equal(of_the_other(run), undisturbed, check_exact=True)
    assert (run / "reports/sub-sim0002.html").is_file()
    examined = set(pd.read_parquet(run / "tables/arteries.parquet").participant_id)
    assert ("sub-sim0001" in examined) is is_examined


def told(answer: Answer, run: Path) -> str:
    """All that the run said: at the end, and in its record."""
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    parts = [*record["findings"], *(finding for case in record["outcomes"] for finding in case["findings"])]
    for part in parts:
        assert all(part[name] for name in ("expected", "found", "where", "remedy")), part
    return answer.out + json.dumps(parts)


def test_an_empty_dataset_is_refused(tmp_path: Path, walk: Walk) -> None:
    (tmp_path / "empty").mkdir()
    answer = speak("run", tmp_path / "empty", "--segmenter", walk.segmenter, "--out", tmp_path / "run")
    assert answer.code == 2
    assert "at least one patient" in answer.err
    assert not (tmp_path / "run").exists()


def test_a_folder_of_another_run_is_left_alone(tmp_path: Path, walk: Walk) -> None:
    other = linked(walk.cohort, tmp_path / "cohort2")
    before = {path: path.read_bytes() for path in walk.run.rglob("*.tsv")}
    answer = speak("run", other, "--segmenter", walk.segmenter, "--out", walk.run)
    assert answer.code == 2
    assert "another run" in answer.err
    assert before == {path: path.read_bytes() for path in walk.run.rglob("*.tsv")}
