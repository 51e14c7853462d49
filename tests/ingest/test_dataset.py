"""A dataset with one thing wrong: it is said in words, the patient concerned is treated as said, the others go on."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.small_dataset import PATIENTS, SMALL_IMAGES, WEIGHTINGS, visits_of, write_small_dataset

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.clinical import Sex
from plaquecast.domain.dataset import Dataset, Severity
from plaquecast.domain.missing import Missing
from plaquecast.errors import InputError
from plaquecast.ingest.dataset import check_dataset, read_dataset, read_visit
from plaquecast.settings import IngestSettings


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_dataset(tmp_path_factory.mktemp("clean") / "dataset")


@pytest.fixture
def root(clean: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(clean, tmp_path / "dataset"))


def patients_of(dataset: Dataset) -> tuple[str, ...]:
    return tuple(patient.patient_id for patient in dataset.patients)


def codes_of(dataset: Dataset) -> list[str]:
    return [finding.code for finding in dataset.findings]


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def sessions(root: Path, code: str) -> Path:
    return root / f"sub-{code}" / f"sub-{code}_sessions.tsv"


def edit_cell(path: Path, session_id: str, column: str, text: str) -> None:
    lines = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    row = next(line for line in lines if line[0] == f"ses-{session_id}")
    row[lines[0].index(column)] = text
    path.write_text("".join("\t".join(line) + "\n" for line in lines), encoding="utf-8")


def test_a_clean_dataset_is_read_as_it_was_written(root: Path):
    dataset = read_dataset(root)
    assert dataset.findings == ()
    assert dataset.simulated
    assert patients_of(dataset) == PATIENTS
    for patient in dataset.patients:
        for source, visit in zip(patient.visits, visits_of(patient.patient_id), strict=True):
            assert (source.session_id, source.acquired) == (visit.session_id, visit.acquired)
            assert source.clinical == visit.clinical
            assert set(source.images) == set(WEIGHTINGS)


def test_images_of_a_visit_are_those_that_were_written(root: Path):
    patient = read_dataset(root).patient("sub-02")
    visit = read_visit(patient, patient.visit("followup"), IngestSettings())
    written = visits_of("02")[1]
    for weighting, volume in written.volumes.items():
        assert (visit.volumes[weighting].array == volume.array).all()
        assert visit.volumes[weighting].grid.matches(volume.grid)


def test_a_clean_dataset_passes_the_check_of_its_images(root: Path):
    assert check_dataset(root, SMALL_IMAGES) == ()


def break_remove_image(root: Path) -> None:
    (root / "sub-02/ses-baseline/anat/sub-02_ses-baseline_T2w.nii.gz").unlink()


def break_remove_wall_images(root: Path) -> None:
    for suffix in ("T1w", "T2w"):
        (root / f"sub-02/ses-baseline/anat/sub-02_ses-baseline_{suffix}.nii.gz").unlink()


def break_no_units(root: Path) -> None:
    sidecar = sessions(root, "02").with_suffix(".json")
    content = json.loads(sidecar.read_text())
    del content["weight_kg"]["Units"]
    sidecar.write_text(json.dumps(content))


def break_other_unit(root: Path) -> None:
    edit(sessions(root, "02").with_suffix(".json"), '"Units": "mmol/L"', '"Units": "mg/dL"')


def break_star_date(root: Path) -> None:
    edit_cell(sessions(root, "02"), "followup", "acq_time", "***")


def break_slash_date(root: Path) -> None:
    edit_cell(sessions(root, "02"), "followup", "acq_time", "03/04/2021")


def break_future_date(root: Path) -> None:
    edit_cell(sessions(root, "02"), "followup", "acq_time", "2921-03-01")


def break_no_date(root: Path) -> None:
    edit_cell(sessions(root, "02"), "followup", "acq_time", "n/a")


def break_unknown_column(root: Path) -> None:
    edit(sessions(root, "02"), "\tstatin\t", "\tstatine\t")


def break_value(root: Path) -> None:
    edit_cell(sessions(root, "02"), "baseline", "glucose_mmol_per_l", "103")


def break_word(root: Path) -> None:
    edit_cell(sessions(root, "02"), "baseline", "smoking_history", "sometimes")


def break_formula(root: Path) -> None:
    edit_cell(sessions(root, "02"), "baseline", "site", "=HYPERLINK(1)")


def break_no_sessions(root: Path) -> None:
    sessions(root, "02").unlink()


def break_age(root: Path) -> None:
    edit_cell(sessions(root, "02"), "followup", "age_years", "46")


def break_not_in_table(root: Path) -> None:
    edit(root / "participants.tsv", "sub-02\tmale\n", "")


def break_no_participants(root: Path) -> None:
    (root / "participants.tsv").unlink()


def break_description(root: Path) -> None:
    (root / "dataset_description.json").write_text("{")


def break_sidecar(root: Path) -> None:
    sessions(root, "02").with_suffix(".json").write_text("[1, 2")


def break_unknown_image(root: Path) -> None:
    shutil.copy(
        root / "sub-02/ses-baseline/anat/sub-02_ses-baseline_T2w.nii.gz",
        root / "sub-02/ses-baseline/anat/sub-02_ses-baseline_FLAIR.nii.gz",
    )


def break_visit_row(root: Path) -> None:
    with sessions(root, "02").open("a") as stream:
        n_columns = sessions(root, "02").read_text().splitlines()[0].count("\t") + 1
        stream.write("\t".join(["ses-third", "2022-01-01T00:00:00"] + ["n/a"] * (n_columns - 2)) + "\n")


def break_visit_folder(root: Path) -> None:
    path = sessions(root, "02")
    path.write_text("".join(line for line in path.read_text().splitlines(True) if "ses-followup" not in line))


def break_encoding(root: Path) -> None:
    path = sessions(root, "02")
    path.write_bytes(path.read_bytes().replace(b"A1", "Å1".encode("latin-1")))


FLAGGED: list[tuple[Callable[[Path], None], str]] = [
    (break_remove_image, "missing-weighting"),
    (break_remove_wall_images, "wall-not-shown"),
    (break_no_units, "undeclared-unit"),
    (break_other_unit, "unit-contradicts-name"),
    (break_star_date, "unusable-date"),
    (break_slash_date, "unusable-date"),
    (break_future_date, "unusable-date"),
    (break_no_date, "missing-date"),
    (break_unknown_column, "unknown-column"),
    (break_value, "clinical-value"),
    (break_word, "clinical-value"),
    (break_formula, "clinical-value"),
    (break_no_sessions, "no-sessions-table"),
    (break_age, "age-against-date"),
    (break_not_in_table, "not-in-table"),
    (break_no_participants, "no-participants-table"),
    (break_description, "no-description"),
    (break_sidecar, "sidecar-unreadable"),
    (break_unknown_image, "unknown-weighting"),
    (break_visit_row, "visit-without-images"),
    (break_visit_folder, "visit-not-in-table"),
    (break_encoding, "table-encoding"),
]


@pytest.mark.parametrize(("harm", "code"), FLAGGED, ids=lambda value: getattr(value, "__name__", value))
def test_a_flagged_problem_is_named_and_every_patient_goes_on(root: Path, harm: Callable[[Path], None], code: str):
    harm(root)
    dataset = read_dataset(root)
    assert patients_of(dataset) == PATIENTS
    assert code in codes_of(dataset)
    assert set(codes_of(dataset)) <= {code, "missing-weighting"}
    for finding in dataset.findings:
        assert all((finding.expected, finding.found, finding.where, finding.remedy))
        assert finding.remedy.endswith(".")


def break_duplicate(root: Path) -> None:
    with (root / "participants.tsv").open("a") as stream:
        stream.write("sub-02\tmale\n")


def break_no_images(root: Path) -> None:
    shutil.rmtree(root / "sub-02")


def break_empty_folders(root: Path) -> None:
    for image in (root / "sub-02").rglob("*.nii.gz"):
        image.unlink()


def break_order(root: Path) -> None:
    edit_cell(sessions(root, "02"), "followup", "acq_time", "2018-03-01T00:00:00")


def break_same_day(root: Path) -> None:
    edit_cell(sessions(root, "02"), "followup", "acq_time", "2019-03-01T00:00:00")


REFUSED: list[tuple[Callable[[Path], None], str]] = [
    (break_duplicate, "duplicate-patient"),
    (break_no_images, "patient-without-images"),
    (break_empty_folders, "patient-without-images"),
    (break_order, "follow-up-before-baseline"),
    (break_same_day, "same-day-visits"),
]


@pytest.mark.parametrize(("harm", "code"), REFUSED, ids=lambda value: getattr(value, "__name__", value))
def test_a_refused_patient_is_named_and_the_others_are_what_they_were(
    root: Path, clean: Path, harm: Callable[[Path], None], code: str
):
    harm(root)
    dataset = read_dataset(root)
    assert patients_of(dataset) == ("01", "03")
    assert {finding.patient_id for finding in dataset.findings} == {"02"}
    assert code in [finding.code for finding in dataset.findings if finding.severity is Severity.REFUSED]
    for patient in dataset.patients:
        undisturbed = read_dataset(clean).patient(patient.patient_id)
        assert [visit.clinical for visit in patient.visits] == [visit.clinical for visit in undisturbed.visits]


def test_a_patient_whose_zeros_were_lost_is_recognized(root: Path):
    edit(root / "participants.tsv", "sub-02\t", "sub-2\t")
    dataset = read_dataset(root)
    assert sorted(codes_of(dataset)) == ["not-in-table", "patient-without-images"]
    assert all("same patient as sub-" in finding.remedy for finding in dataset.findings)


def test_an_image_named_after_somebody_else_is_not_used(root: Path):
    folder = root / "sub-02/ses-baseline/anat"
    (folder / "sub-02_ses-baseline_T2w.nii.gz").rename(folder / "sub-03_ses-baseline_T2w.nii.gz")
    dataset = read_dataset(root)
    assert "misnamed-image" in codes_of(dataset)
    assert Weighting.T2W not in dataset.patient("02").visit("baseline").images


def test_of_two_files_for_one_weighting_none_is_used(root: Path):
    folder = root / "sub-02/ses-baseline/anat"
    (folder / "sub-02_ses-baseline_T2w.nii").write_bytes(b"")
    dataset = read_dataset(root)
    assert "two-images" in codes_of(dataset)
    assert Weighting.T2W not in dataset.patient("02").visit("baseline").images


def test_a_bad_value_is_missing_and_the_rest_of_the_row_is_kept(root: Path, clean: Path):
    break_value(root)
    broken = read_dataset(root).patient("02").visit("baseline").clinical
    whole = read_dataset(clean).patient("02").visit("baseline").clinical
    assert isinstance(broken.glucose_mmol_per_l, Missing)
    assert broken.weight_kg == whole.weight_kg
    assert broken.sex is Sex.MALE


def test_a_bad_value_that_would_fit_another_unit_says_so_and_is_not_converted(root: Path):
    break_value(root)
    (finding,) = read_dataset(root).findings
    assert "plausible in mg/dl" in finding.remedy
    assert (finding.patient_id, finding.session_id) == ("02", "baseline")
    assert "row 2, column glucose_mmol_per_l" in finding.where


def test_an_undeclared_unit_leaves_the_column_unused(root: Path):
    break_no_units(root)
    dataset = read_dataset(root)
    assert isinstance(dataset.patient("02").visit("baseline").clinical.weight_kg, Missing)
    assert dataset.patient("01").visit("baseline").clinical.weight_kg == 80.5


def test_a_column_in_another_declared_unit_is_converted(root: Path):
    edit(sessions(root, "02"), "\tweight_kg\t", "\tweight\t")
    edit_cell(sessions(root, "02"), "baseline", "weight", "176")
    sidecar = sessions(root, "02").with_suffix(".json")
    sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | {"weight": {"Units": "lb"}}))
    dataset = read_dataset(root)
    assert dataset.findings == ()
    weight = dataset.patient("02").visit("baseline").clinical.weight_kg
    assert weight == pytest.approx(176 * 0.45359237)


def test_the_same_column_problem_of_all_patients_is_said_once(root: Path):
    for code in PATIENTS:
        edit(sessions(root, code), "\tstatin\t", "\tstatine\t")
    (finding,) = read_dataset(root).findings
    assert "sub-01, sub-02, sub-03" in finding.where
    assert "'statin'" in finding.remedy


def test_an_unusable_date_leaves_the_visit_without_one(root: Path):
    break_star_date(root)
    patient = read_dataset(root).patient("02")
    assert [visit.session_id for visit in patient.visits] == ["baseline", "followup"]
    assert isinstance(patient.visit("followup").acquired, Missing)
    assert "'***'" in str(patient.visit("followup").acquired)


def test_an_empty_dataset_is_said_to_be_empty(tmp_path: Path):
    dataset = read_dataset(tmp_path)
    assert dataset.patients == ()
    assert "empty-dataset" in codes_of(dataset)


def test_no_folder_is_an_error(tmp_path: Path):
    with pytest.raises(InputError) as caught:
        read_dataset(tmp_path / "nowhere")
    assert caught.value.code == "no-dataset"


def test_a_truncated_image_is_named_and_the_other_visits_pass(root: Path):
    path = root / "sub-02/ses-baseline/anat/sub-02_ses-baseline_T1w.nii.gz"
    path.write_bytes(path.read_bytes()[:-100])
    (finding,) = check_dataset(root, SMALL_IMAGES)
    assert finding.severity is Severity.REFUSED
    assert (finding.patient_id, finding.session_id) == ("02", "baseline")
    patient = read_dataset(root).patient("02")
    with pytest.raises(InputError):
        read_visit(patient, patient.visit("baseline"), IngestSettings())


def test_the_same_scan_under_two_patients_is_found(root: Path):
    shutil.copy(
        root / "sub-01/ses-baseline/anat/sub-01_ses-baseline_T1w.nii.gz",
        root / "sub-02/ses-baseline/anat/sub-02_ses-baseline_T1w.nii.gz",
    )
    (finding,) = check_dataset(root, SMALL_IMAGES)
    assert finding.code == "same-scan-twice"
    assert "sub-01" in finding.found
    assert "sub-02" in finding.where


def test_an_image_of_poor_quality_is_flagged(root: Path):
    codes = [finding.code for finding in check_dataset(root, IngestSettings())]
    assert set(codes) == {"image-quality"}


def test_the_check_is_told_as_lines_json_and_a_page(root: Path, tmp_path: Path):
    break_value(root)
    command = [sys.executable, "-c", "from plaquecast.cli.main import main; main()", "check", str(root)]
    options = ["--html", str(tmp_path / "check.html"), "--set", "ingest.min_coverage_mm=1"]
    options += ["--set", "ingest.min_field_of_view_mm=1", "--set", "ingest.min_signal_to_noise=0.1"]
    lines = subprocess.run([*command, *options], capture_output=True, text=True, check=True, timeout=60).stdout
    assert lines.splitlines()[-1].endswith("0 refused, 1 flagged")
    machine = subprocess.run([*command, *options, "--json"], capture_output=True, text=True, check=True, timeout=60)
    first, last = (json.loads(line) for line in machine.stdout.splitlines())
    assert (first["code"], first["patient_id"], last["flagged"]) == ("clinical-value", "02", 1)
    page = (tmp_path / "check.html").read_text()
    assert "0 refused, 1 flagged" in page
    assert "glucose_mmol_per_l" in page
