"""Import of DICOM studies: a de-identified BIDS dataset comes out, intervals are kept, contradictions are refused."""

import json
import subprocess
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.dicom_files import picture, write_series
from tests.dicom_study import AFFINE, STUDY, hash_of, write_patient

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.dataset import Finding, Severity
from plaquecast.domain.missing import Missing
from plaquecast.errors import InputError
from plaquecast.ingest.dataset import check_dataset, read_dataset, read_visit
from plaquecast.pipeline.import_dataset import import_dataset
from plaquecast.settings import IngestSettings, Settings

HEADER = "participant_id,session_id,acq_time,sex,age_years,weight_kg\n"
ROWS = "H1,baseline,2020-03-01,female,70.2,80\nH1,followup,2022-03-05,female,72.2,81\n"


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import left behind."""

    out: Path
    findings: tuple[Finding, ...]

    @property
    def codes(self) -> list[str]:
        """Codes of the findings."""
        return [finding.code for finding in self.findings]


def run(source: Path, table: str = HEADER + ROWS, out: str = "out", **more: Any) -> Imported:
    root = source.parent
    (root / "table.csv").write_text(table)
    folder = root / out
    imported = import_dataset(
        source, root / "table.csv", None, more.get("key_file"), more.get("weightings"), folder, Settings()
    )
    return Imported(folder, imported.findings)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_patient(tmp_path / "source", "H1")
    return tmp_path / "source"


def test_two_visits_become_a_dataset_that_is_read_without_findings(source: Path):
    imported = run(source)
    assert imported.findings == ()
    assert check_dataset(imported.out, IngestSettings()) == ()
    dataset = read_dataset(imported.out)
    (patient,) = dataset.patients
    assert not dataset.simulated
    assert [visit.session_id for visit in patient.visits] == ["baseline", "followup"]
    first, second = (visit.acquired for visit in patient.visits)
    assert isinstance(first, date)
    assert isinstance(second, date)
    assert (second - first).days == (date(2022, 3, 5) - date(2020, 3, 1)).days
    assert second.year < 1925
    assert patient.visits[1].clinical.weight_kg == 81.0
    visit = read_visit(patient, patient.visits[0], IngestSettings())
    assert set(visit.volumes) == {Weighting.T1W, Weighting.T2W}
    assert (visit.volumes[Weighting.T1W].array == picture((12, 60, 60), 100 * hash_of("H1"))).all()


def test_the_dataset_passes_the_bids_validator(source: Path):
    imported = run(source)
    command = [Path(".venv/bin/bids-validator-deno").resolve(), str(imported.out), "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    issues = json.loads(done.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []
    assert done.returncode == 0


def test_an_archive_is_imported_like_its_folder(source: Path, tmp_path: Path):
    folder = run(source, key_file=tmp_path / "key.csv")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for path in source.rglob("*"):
            archive.write(path, f"../../{path.relative_to(source)}")
    with tarfile.open(tmp_path / "b.tar.gz", "w:gz") as packed:
        packed.add(source, "/etc/source")
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        packed.addfile(link)
    for name in ("a.zip", "b.tar.gz"):
        unpacked = run(tmp_path / name, out=name.replace(".", ""), key_file=tmp_path / "key.csv")
        assert unpacked.findings == ()
        assert _contents(unpacked.out) == _contents(folder.out)


def _contents(root: Path) -> Mapping[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_the_key_file_is_the_owners_alone_and_gives_the_same_dataset_again(source: Path, tmp_path: Path):
    key = tmp_path / "secret" / "key.csv"
    first = run(source, out="first", key_file=key)
    assert key.stat().st_mode & 0o777 == 0o600
    second = run(source, out="second", key_file=key)
    assert _contents(first.out) == _contents(second.out)
    without = run(source, out="third")
    assert _contents(without.out).keys() == _contents(first.out).keys()


def test_what_is_unsure_is_asked_and_the_users_answer_counts(tmp_path: Path):
    write_patient(tmp_path / "source", "H1", {"t1_tse": {"SeriesDescription": "ax_bb_1"}})
    asked = run(tmp_path / "source", out="asked")
    assert asked.codes == ["weighting-unsure", "weighting-unsure"]
    table = (asked.out / "weightings.tsv").read_text()
    assert "T1W\t0.50" in table
    answers = tmp_path / "answers.tsv"
    answers.write_text(table)
    answered = run(tmp_path / "source", out="answered", weightings=answers)
    assert answered.findings == ()
    answers.write_text(table.replace("\tT1W\t", "\tCE_T1W\t").replace("\tT2W\t", "\tnone\t"))
    changed = run(tmp_path / "source", out="changed", weightings=answers)
    (patient,) = read_dataset(changed.out).patients
    assert set(patient.visits[0].images) == {Weighting.CE_T1W}


def test_two_series_of_one_weighting_are_asked(source: Path):
    again = {
        **STUDY["t1_tse"],
        "SeriesInstanceUID": "1.2.9",
        "SeriesNumber": 9,
        "StudyInstanceUID": f"1.2.{hash_of('H1')}.0",
    }
    person = {"PatientID": "H1", "PatientName": "Doe^H1", "StudyDate": "20200301"}
    write_series(source / "again", picture((12, 60, 60), 99), AFFINE, again | person)
    imported = run(source)
    assert imported.codes == ["several-series"]
    assert "series 1 TE 10 and 9 TE 10" in str(imported.findings[0])
    (patient,) = read_dataset(imported.out).patients
    assert Weighting.T1W not in patient.visits[0].images
    assert Weighting.T1W in patient.visits[1].images


def test_a_dual_echo_becomes_pdw_and_t2w(shared_data: Path, tmp_path: Path):
    source = shared_data / "dicom-pd-t2-dual-echo/In"
    findings = import_dataset(source, None, None, None, None, tmp_path / "out", Settings()).findings
    (patient,) = read_dataset(tmp_path / "out").patients
    assert set(patient.visits[0].images) == {Weighting.PDW, Weighting.T2W}
    assert {finding.code for finding in findings} <= {"not-in-table", "image-quality", "body-part"}


def test_stars_for_an_id_are_refused_with_the_way_out(shared_data: Path, tmp_path: Path):
    imported = import_dataset(
        shared_data / "neck-uih/dicom_slab_A", None, None, None, None, tmp_path / "out", Settings()
    )
    assert imported.patients == ()
    (finding,) = imported.findings
    assert finding.code == "no-patient-id"
    assert "--weighting" in finding.remedy


def test_an_undated_visit_is_imported_and_said_to_be_undated(tmp_path: Path):
    write_patient(tmp_path / "source", "H1", days=("***",))
    imported = run(tmp_path / "source", HEADER + "H1,baseline,n/a,female,70.2,80\n")
    assert "unusable-date" in imported.codes
    assert "'***'" in str(imported.findings[imported.codes.index("unusable-date")])
    (patient,) = read_dataset(imported.out).patients
    assert isinstance(patient.visits[0].acquired, Missing)


def test_no_series_of_another_kind_is_taken_for_a_weighting(shared_data: Path, tmp_path: Path):
    """Diffusion and field maps of a real study are passed by; its T1-weighted gradient echoes are MPRAGE twice."""
    source = shared_data / "dicom-enhanced-multiframe/In"
    imported = import_dataset(source, None, None, None, None, tmp_path / "out", Settings())
    assert imported.patients == ()
    assert "several-series" in [finding.code for finding in imported.findings]
    rows = (tmp_path / "out/weightings.tsv").read_text().splitlines()[1:]
    taken = {row.split("\t")[2].split(" ")[0]: row.split("\t")[3] for row in rows}
    assert taken == {"5": "MPRAGE", "6": "MPRAGE", "8": "none", "9": "none"}


def test_ages_beyond_89_are_not_told(source: Path):
    table = HEADER + ROWS.replace("70.2", "n/a").replace("72.2", "97")
    write_patient(source, "H1", {}, born="19250101")
    imported = run(source, table)
    (patient,) = read_dataset(imported.out).patients
    assert patient.visits[1].clinical.age_years == 90.0


def test_an_import_needs_a_new_folder(source: Path, tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("keep")
    with pytest.raises(InputError) as caught:
        run(source)
    assert caught.value.code == "foreign-files"
    assert (tmp_path / "out" / "mine.txt").read_text() == "keep"


def test_a_refused_patient_does_not_stop_the_others(source: Path):
    write_patient(source, "H2", {}, sex="M")
    imported = run(source, HEADER + ROWS + ROWS.replace("H1", "H2"))
    refused = [finding for finding in imported.findings if finding.severity is Severity.REFUSED]
    assert {finding.code for finding in refused} == {"sex-differs"}
    assert [patient.patient_id for patient in read_dataset(imported.out).patients] == ["001"]


def test_nifti_files_sorted_by_patient_and_visit_are_imported(source: Path, tmp_path: Path):
    from_dicom = run(source, key_file=tmp_path / "key.csv")
    for visit in ("baseline", "followup"):
        for suffix in ("T1w", "T2w"):
            target = tmp_path / "nifti" / "H1" / visit / f"{suffix.upper()} of Jane.nii.gz"
            target.parent.mkdir(parents=True, exist_ok=True)
            stem = f"sub-001/ses-{visit}/anat/sub-001_ses-{visit}_{suffix}.nii.gz"
            target.write_bytes((from_dicom.out / stem).read_bytes())
    (tmp_path / "nifti" / "stray.nii.gz").write_bytes(b"x")
    (tmp_path / "nifti" / "H1" / "baseline" / "scan.nii.gz").write_bytes(target.read_bytes())
    imported = run(tmp_path / "nifti", out="again", key_file=tmp_path / "key.csv")
    assert sorted(imported.codes) == ["not-sorted", "weighting-unsure"]
    tables = [
        name for name in _contents(from_dicom.out) if name.endswith((".tsv", ".nii.gz")) and "weightings" not in name
    ]
    assert {name: _contents(imported.out)[name] for name in tables} == {
        name: _contents(from_dicom.out)[name] for name in tables
    }


def test_a_lost_slice_at_the_end_of_a_stack_is_told(source: Path):
    (source / "H1/visit0/t1_tse/IM0012").write_bytes(b"")
    imported = run(source)
    assert sorted(imported.codes) == ["file-empty", "maybe-incomplete"]


def test_scans_of_another_body_part_are_flagged(tmp_path: Path):
    write_patient(tmp_path / "source", "H1", {"t1_tse": {"BodyPartExamined": "KNEE"}})
    assert run(tmp_path / "source").codes == ["body-part", "body-part"]


def test_a_name_written_otherwise_at_the_second_visit_is_told(tmp_path: Path):
    write_patient(tmp_path / "source", "H1", days=("20200301",))
    write_patient(tmp_path / "later", "H1")
    (tmp_path / "later/H1/visit1").rename(tmp_path / "source/H1/visit1")
    for path in (tmp_path / "source/H1/visit1").rglob("IM*"):
        path.write_bytes(path.read_bytes().replace(b"Doe^H1", b"DOE^H1"))
    imported = run(tmp_path / "source")
    assert imported.codes == ["name-differs"]
    assert len(read_dataset(imported.out).patients[0].visits) == 2


@pytest.mark.parametrize(("old", "new"), [(b"19500101", b"19510101"), (b"Doe^H1", b"Roe^H1")])
def test_one_id_for_two_people_is_refused(source: Path, old: bytes, new: bytes):
    for path in (source / "H1/visit1/t1_tse").rglob("IM*"):
        path.write_bytes(path.read_bytes().replace(old, new))
    imported = run(source)
    assert "two-patients" in imported.codes
    assert not (imported.out / "participants.tsv").exists()
