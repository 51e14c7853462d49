"""A cohort in which something is wrong: it is said in a sentence, nothing is lost, and the others are finished."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
import pytest
from tests.walk.conftest import Answer, Walk, linked, speak

pytestmark = pytest.mark.timeout(900)


def truncate_an_image(cohort: Path) -> None:
    path = cohort / "sub-sim0001/ses-followup/anat/sub-sim0001_ses-followup_PDw.nii.gz"
    content = path.read_bytes()
    path.unlink()  # the copy is a link to the original, which must stay whole
    path.write_bytes(content[: len(content) // 2])


def take_a_weighting_away(cohort: Path) -> None:
    for path in (cohort / "sub-sim0003/ses-baseline/anat").glob("*_PDw*"):
        path.unlink()


def date_the_follow_up_first(cohort: Path) -> None:
    days = ["2020-05-01T00:00:00", "2018-05-01T00:00:00"]
    edit_sessions(cohort, "sim0001", lambda table: table.assign(acq_time=days))


def leave_a_unit_undeclared(cohort: Path) -> None:
    edit_sessions(cohort, "sim0003", lambda table: table.rename(columns={"glucose_mmol_per_l": "glucose"}))


def list_a_patient_twice(cohort: Path) -> None:
    edit_participants(cohort, "sub-sim0003\tfemale\n")


def list_a_patient_without_images(cohort: Path) -> None:
    edit_participants(cohort, "sub-sim0009\tfemale\n")


def edit_sessions(cohort: Path, patient: str, edit: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    path = cohort / f"sub-{patient}/sub-{patient}_sessions.tsv"
    table = edit(pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False))
    path.unlink()
    table.to_csv(path, sep="\t", index=False)


def edit_participants(cohort: Path, line: str) -> None:
    path = cohort / "participants.tsv"
    text = path.read_text(encoding="utf-8")
    path.unlink()
    path.write_text(text + line, encoding="utf-8")


Harms = Mapping[str, Callable[[Path], None]]
COST_A_PART: Harms = {
    "PDw.nii.gz": truncate_an_image,
    "PDW": take_a_weighting_away,
    "glucose": leave_a_unit_undeclared,
}
COST_PATIENTS: Harms = {
    "before": date_the_follow_up_first,
    "sim0003": list_a_patient_twice,
    "sim0009": list_a_patient_without_images,
}
"""By a word of what is said: what is done to the first or third patient, or the table."""


def of_the_second(run: Path) -> pd.DataFrame:
    """Every number of the patient with whom all is well."""
    arteries = pd.read_parquet(run / "tables/arteries.parquet")
    return arteries[arteries.participant_id == "sub-sim0002"].reset_index(drop=True)


@pytest.mark.parametrize(
    ("harms", "code", "examined"),
    [
        (COST_A_PART, 0, {"sub-sim0001", "sub-sim0002", "sub-sim0003"}),
        (COST_PATIENTS, 3, {"sub-sim0002"}),
    ],
)
def test_the_rest_of_the_cohort_is_finished(
    walk: Walk, lean: Path, tmp_path: Path, harms: Harms, code: int, examined: set[str]
) -> None:
    run = tmp_path / "run"
    for harm in harms.values():
        harm(lean)
    answer = speak("run", lean, "--segmenter", walk.segmenter, "--out", run)
    assert answer.code == code, answer.err + answer.out
    assert "Traceback" not in answer.err
    assert [word for word in harms if word not in told(answer, run)] == []
    pd.testing.assert_frame_equal(of_the_second(run), of_the_second(walk.run), check_exact=True)
    assert (run / "reports/sub-sim0002.html").is_file()
    assert set(pd.read_parquet(run / "tables/arteries.parquet").participant_id) == examined


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
