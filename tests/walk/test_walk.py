"""The whole road by the command line: what each command leaves behind, and what it says."""

import json

import pandas as pd
import pytest
from tests.walk.conftest import Walk, done, speak

from plaquecast.domain.change import Factor

pytestmark = pytest.mark.timeout(900)  # the first test waits for the whole walk


def test_a_run_leaves_tables_reports_and_a_record(walk: Walk) -> None:
    for name in ("arteries", "slices", "wall_maps", "change_factors", "clinical"):
        for ending in ("parquet", "tsv", "json"):
            assert (walk.run / "tables" / f"{name}.{ending}").is_file()
    assert {path.name for path in (walk.run / "reports").iterdir()} == {f"sub-sim000{i}.html" for i in (1, 2, 3)}
    record = json.loads((walk.run / "run.json").read_text(encoding="utf-8"))
    assert record["simulated"] is True
    assert record["counts"]["refused"] == 0
    assert "3 done, 0 refused" in walk.said["run"].out


def test_a_segmenter_finds_arteries_in_patients(walk: Walk) -> None:
    arteries = pd.read_parquet(walk.run / "tables/arteries.parquet")
    assert len(arteries) == 12
    found = arteries.dropna(subset="lumen_volume_mm3")
    assert len(found) >= 10
    assert (found.vessel_volume_mm3 - found.lumen_volume_mm3 - found.wall_volume_mm3).abs().max() < 1e-6


def test_a_trained_segmenter_shows_its_curves_and_its_worst_arteries(walk: Walk) -> None:
    page = (walk.segmenter / "training.html").read_text(encoding="utf-8")
    for words in ("Simulated data", "Loss and Dice by epoch", "Among the worst", "As annotated", "As found"):
        assert words in page


def test_change_stands_per_artery_and_patient_with_its_error(walk: Walk) -> None:
    changes = pd.read_parquet(walk.run / "tables/change_factors.parquet")
    assert set(changes.side) == {"left", "right", "both"}
    assert set(changes.factor) == {factor.value for factor in Factor}
    measured = changes.dropna(subset="absolute_per_year")
    assert len(measured) > 0
    assert (measured.smallest_detectable_per_year / measured.error_per_year - 1.96).abs().max() < 1e-9
    assert changes[changes.absolute_per_year.isna()].missing_reason.notna().all()


def test_a_report_shows_how_the_images_lie_on_each_other(walk: Walk) -> None:
    pages = [path.read_text(encoding="utf-8") for path in (walk.run / "reports").glob("*.html")]
    assert any("Follow-up on baseline" in page and "checkerboard" in page for page in pages)


def test_a_rerun_does_nothing_anew(walk: Walk) -> None:
    before = {path: path.stat().st_mtime_ns for path in walk.run.rglob("*_dseg.nii.gz")}
    assert before
    done("run", walk.cohort, "--segmenter", walk.segmenter, "--out", walk.run)
    assert before == {path: path.stat().st_mtime_ns for path in walk.run.rglob("*_dseg.nii.gz")}


def test_a_forecast_is_for_people_and_for_machines(walk: Walk) -> None:
    forecast = json.loads((walk.forecast / "forecast.json").read_text(encoding="utf-8"))
    assert forecast["simulated"] is True
    rows = forecast["forecasts"]
    assert {row["factor"] for row in rows} == {factor.value for factor in Factor}
    for row in rows:
        if isinstance(row["value"], float):
            assert row["lower"] <= row["value"] <= row["upper"]
            chances = row["p_progression"] + row["p_no_detectable_change"] + row["p_regression"]
            assert chances == pytest.approx(1.0, abs=1e-6)
        else:
            assert row["value"]["missing"]
    page = (walk.forecast / "report.html").read_text(encoding="utf-8")
    assert "Simulated data" in page
    assert "Research use only" in page


def test_a_predictor_stands_beside_naive_models_against_measured_and_true_change(walk: Walk) -> None:
    rows = json.loads((walk.predictor / "card.json").read_text(encoding="utf-8"))["validation"]
    assert {"no change", "population mean", "baseline value only", "chosen"} <= {row["model"] for row in rows}
    assert {row["against"] for row in rows} == {"measured", "true"}


def test_one_visit_is_examined_from_the_dataset_and_from_loose_files(walk: Walk, tmp_path) -> None:
    out = tmp_path / "visit"
    done(
        "examine", walk.cohort, "--patient", "sub-sim0002", "--visit", "followup", "--segmenter", walk.segmenter,
        "--out", out,
    )  # fmt: skip
    in_run = pd.read_parquet(walk.run / "tables/arteries.parquet").query(
        "participant_id == 'sub-sim0002' and session_id == 'ses-followup'"
    )
    alone = pd.read_parquet(out / "tables/arteries.parquet")
    pd.testing.assert_frame_equal(alone.reset_index(drop=True), in_run.reset_index(drop=True))
    anat = walk.cohort / "sub-sim0001/ses-followup/anat"
    answer = done(
        "examine", anat, "--patient", "loose1", "--out", tmp_path / "loose",
        "--weighting", "sub-sim0001_ses-followup_acq-TOF_angio.nii.gz=TOF",
    )  # fmt: skip
    assert "not shown by these weightings" in answer.out


def test_a_run_is_scored_against_its_truth(walk: Walk) -> None:
    answer = done("evaluate", walk.run, "--truth", walk.cohort)
    assert "Overlap with the true masks" in answer.out
    scores = json.loads((walk.run / "evaluation/scores.json").read_text(encoding="utf-8"))
    assert scores["data"] == "simulated patients"
    assert scores["dice"]["lumen"]["mean"] > 0.5


def test_every_word_is_json_for_machines(walk: Walk) -> None:
    answer = done("check", walk.cohort, "--json")
    lines = [json.loads(line) for line in answer.out.splitlines()]
    assert lines[-1]["refused"] == 0


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["train-segmenter", "COHORT", "--annotations", "nobody", "--out", "NEW"], 2, "Check --annotations"),
        (["run", "COHORT", "--segmenter", "COHORT", "--out", "NEW"], 4, "model"),
        (["run", "NEW", "--segmenter", "SEGMENTER", "--out", "NEW2"], 2, "no such folder"),
        (["run", "COHORT", "--segmenter", "SEGMENTER", "--out", "COHORT"], 2, "nothing in this one was touched"),
        (["predict", "COHORT", "--patient", "nobody", "--segmenter", "SEGMENTER", "--predictor", "PREDICTOR",
          "--out", "NEW"], 2, "patient named nobody"),
        (["predict", "COHORT", "--patient", "sim0001", "--segmenter", "SEGMENTER", "--predictor", "PREDICTOR",
          "--horizon", "9.5", "--out", "NEW"], 2, "horizon"),
        (["config", "show", "--set", "measure.plaque_thicknes_mm=2"], 2, "plaque_thickness_mm"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_in_one_sentence(walk: Walk, tmp_path, words, code, told) -> None:
    folders = {
        "COHORT": walk.cohort, "SEGMENTER": walk.segmenter, "PREDICTOR": walk.predictor, "NEW": tmp_path / "new",
        "NEW2": tmp_path / "new2",
    }  # fmt: skip
    answer = speak(*(folders.get(word, word) for word in words))
    assert answer.code == code, answer.err
    assert told in answer.err
    assert "Traceback" not in answer.err
    assert len(answer.err.strip().splitlines()) == 1
