"""A simulated cohort on disk: BIDS, read back as it was, resumed, refused over foreign files, same bytes always."""

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from plaquecast.domain.anatomy import Side, Weighting
from plaquecast.domain.change import Factor
from plaquecast.domain.missing import Missing, is_number
from plaquecast.domain.transform import RigidTransform
from plaquecast.errors import InputError
from plaquecast.ingest.dataset import read_dataset
from plaquecast.pipeline import simulate as road
from plaquecast.pipeline.progress import Progress
from plaquecast.pipeline.simulate import write_simulated_cohort, write_simulated_tables
from plaquecast.settings import RunSettings, Settings
from plaquecast.simulate.cohort import simulate_patient
from plaquecast.simulate.people import SimulatedPatient
from plaquecast.simulate.table import simulate_table
from plaquecast.store.change_tables import read_change_factors_table
from plaquecast.store.clinical_table import read_clinical_table
from plaquecast.store.segmentations import read_segmentation
from plaquecast.store.spatial import read_nifti_array
from plaquecast.store.table_files import read_table
from plaquecast.store.tables import read_arteries_tables
from plaquecast.store.transforms import read_transform

SEED = 5
ONE_WORKER = replace(Settings(), run=RunSettings(workers=1))


class StoppedError(RuntimeError):
    """The run was stopped."""


def stop(progress: Progress) -> None:
    raise StoppedError(progress.note)


@pytest.fixture(scope="module")
def patient() -> SimulatedPatient:
    return simulate_patient(0, SEED, ONE_WORKER.simulate)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory, patient: SimulatedPatient) -> Path:
    """One patient, written by a command that was stopped after him and started again."""
    out = tmp_path_factory.mktemp("cohort") / "dataset"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(road, "simulate_patient", lambda *_, **__: patient)
        with pytest.raises(StoppedError):
            write_simulated_cohort(out, 1, SEED, ONE_WORKER, stop)
        assert not out.exists(), "a cohort that is not whole must not bear its name"
        patch.delattr(road, "simulate_patient")  # whoever is written is not simulated again
        write_simulated_cohort(out, 1, SEED, ONE_WORKER)
    return out


def test_it_is_valid_bids(dataset: Path) -> None:
    beside_python = Path(sys.executable).parent / "bids-validator-deno"
    validator = shutil.which("bids-validator-deno") or (str(beside_python) if beside_python.exists() else None)
    if validator is None:
        pytest.skip("the BIDS validator (bids-validator-deno) is not installed")
    for root in (dataset, dataset / "derivatives" / "truth"):
        result = subprocess.run([validator, str(root), "--json"], capture_output=True, text=True, check=False)
        issues = json.loads(result.stdout)["issues"]["issues"]
        assert [issue for issue in issues if issue["severity"] == "error"] == []


def test_it_reads_back_as_a_dataset_without_findings(dataset: Path, patient: SimulatedPatient) -> None:
    found = read_dataset(dataset)
    assert found.simulated
    assert found.findings == ()
    (source,) = found.patients
    assert [visit.session_id for visit in source.visits] == ["baseline", "followup"]
    for read, simulated in zip(source.visits, patient.visits, strict=True):
        assert read.acquired == simulated.visit.acquired
        assert read.clinical == simulated.visit.clinical
        assert set(read.images) == set(simulated.visit.volumes)


def test_images_lose_nothing(dataset: Path, patient: SimulatedPatient) -> None:
    (source,) = read_dataset(dataset).patients
    for weighting, volume in patient.visits[0].visit.volumes.items():
        array = read_nifti_array(source.visits[0].images[weighting], volume.grid)
        assert np.array_equal(array, volume.array)
        assert array.dtype == np.int16


def test_truth_lies_beside_it(dataset: Path, patient: SimulatedPatient) -> None:
    truth = dataset / "derivatives" / "truth"
    for simulated in patient.visits:
        visit = simulated.visit
        for side, segmentation in simulated.truth.items():
            read = read_segmentation(truth, visit.patient_id, visit.session_id, side)
            assert np.array_equal(read.labels.array, segmentation.labels.array)
            assert read.probabilities is not None
    arteries = read_arteries_tables(truth / "tables")
    assert len(arteries) == 4
    first = arteries[0].morphology
    assert not isinstance(first, Missing)
    assert first.wall_volume_mm3 == patient.visits[0].morphology[Side.LEFT].wall_volume_mm3
    assert first.wall_map is not None
    changes = read_change_factors_table(truth / "tables")
    assert [entry.change.absolute_per_year for entry in changes if entry.change.side is Side.RIGHT] == list(
        patient.true_change[Side.RIGHT].values()
    )
    assert all(entry.change.error_per_year == 0.0 for entry in changes if is_number(entry.change.absolute_per_year))
    oracle = read_table(truth / "tables", "expected_change").rows()
    assert {row["factor"] for row in oracle} == set(Factor)
    card = json.loads((truth / "card.json").read_text())
    assert card["simulated"] is True
    assert card["seed"] == SEED
    assert {"name", "value", "unit", "source"} == set(card["parameters"][0])


def test_the_true_transforms_are_kept(dataset: Path, patient: SimulatedPatient) -> None:
    folder = dataset / "derivatives" / "truth" / "sub-sim0001" / "ses-followup" / "anat"
    baseline, follow_up = patient.visits
    kept = read_transform(folder / "sub-sim0001_ses-followup_from-baseline_to-followup_xfm.txt")
    there = follow_up.neck_from_model @ baseline.neck_from_model.inverse()
    assert np.array_equal(kept.matrix_mm, there.matrix_mm)
    for weighting in set(Weighting) & follow_up.transforms.keys() - {follow_up.reference}:
        moved = read_transform(folder / f"sub-sim0001_ses-followup_from-T1W_to-{weighting}_xfm.txt")
        assert np.array_equal(moved.matrix_mm, follow_up.transforms[weighting].matrix_mm)


def test_foreign_files_are_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    for write in (write_simulated_cohort, write_simulated_tables):
        with pytest.raises(InputError, match="new or empty folder"):
            write(tmp_path, 1, SEED, ONE_WORKER)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_tables_are_a_run_of_the_same_people(tmp_path: Path) -> None:
    out = tmp_path / "tables"
    write_simulated_tables(out, 4, SEED, ONE_WORKER)
    table = simulate_table(4, SEED, ONE_WORKER.simulate)
    arteries = {(a.patient_id, a.session_id, a.side): a.morphology for a in read_arteries_tables(out / "tables")}
    records = {(v.patient_id, v.session_id): v for v in read_clinical_table(out / "tables")}
    changes = {
        (c.patient_id, c.change.side, c.change.factor): c.change for c in read_change_factors_table(out / "tables")
    }
    assert len(arteries) == 16
    assert len(records) == 8
    for row, artery in enumerate(table.arteries):
        found = arteries[artery.patient_id, "baseline", artery.side]
        assert not isinstance(found, Missing)
        assert found.wall_volume_mm3 == artery.morphology.wall_volume_mm3
        assert records[artery.patient_id, "baseline"].clinical == artery.clinical
        change = changes[artery.patient_id, artery.side, Factor.WALL_VOLUME]
        assert change.absolute_per_year == table.measured.values[Factor.WALL_VOLUME][row]
        assert change.error_per_year == pytest.approx(table.measured.error_per_year[Factor.WALL_VOLUME][row])
    assert json.loads((out / "run.json").read_text())["simulated"] is True
    assert json.loads((out / "dataset_description.json").read_text())["Simulated"] is True
    assert len(read_arteries_tables(out / "derivatives" / "truth" / "tables")) == 16


def test_wall_maps_come_on_request(tmp_path: Path) -> None:
    write_simulated_tables(tmp_path / "maps", 1, SEED, ONE_WORKER, wall_maps=True)
    for artery in read_arteries_tables(tmp_path / "maps" / "tables"):
        assert not isinstance(artery.morphology, Missing)
        assert artery.morphology.wall_map is not None
        assert len(artery.morphology.slices) == 16


def test_more_visits_leave_the_first_two_as_they_were_and_truth_says_each_change(tmp_path: Path) -> None:
    write_simulated_tables(tmp_path / "two", 2, SEED, ONE_WORKER)
    write_simulated_tables(tmp_path / "three", 2, SEED, ONE_WORKER, visits=3)
    two, three = (tmp_path / name / "derivatives" / "truth" / "tables" for name in ("two", "three"))
    sessions = {visit.session_id for visit in read_clinical_table(three)}
    assert sessions == {"baseline", "followup", "followup2"}
    first_two = [visit for visit in read_clinical_table(three) if visit.session_id != "followup2"]
    assert first_two == list(read_clinical_table(two))
    assert read_change_factors_table(three / "until-followup") == read_change_factors_table(two)
    arteries = {(a.patient_id, a.session_id, a.side): a.morphology for a in read_arteries_tables(three)}
    for entry in read_change_factors_table(three):
        if entry.change.factor is Factor.WALL_VOLUME and entry.change.side is not None:
            last = arteries[entry.patient_id, "followup2", entry.change.side]
            assert not isinstance(last, Missing)
            assert entry.change.follow_up == last.wall_volume_mm3


def test_transforms_survive_the_file(tmp_path: Path) -> None:
    transform = RigidTransform.from_euler((1.0, -2.0, 3.0), (0.1, 20.0, -7.0), (5.0, 6.0, 7.0))
    from plaquecast.store.transforms import write_transform

    write_transform(tmp_path / "a_xfm.txt", transform)
    assert np.array_equal(read_transform(tmp_path / "a_xfm.txt").matrix_mm, transform.matrix_mm)
    (tmp_path / "b_xfm.txt").write_text("nothing of the kind")
    with pytest.raises(InputError, match="a transform as it was written"):
        read_transform(tmp_path / "b_xfm.txt")


@pytest.mark.slow
def test_one_or_two_workers_write_the_same_bytes(tmp_path: Path) -> None:
    digests = []
    for workers in (1, 2):
        out = tmp_path / str(workers)
        settings = replace(Settings(), run=RunSettings(workers=workers))
        write_simulated_cohort(out, 2, SEED, settings, repeat_scans=2)
        files = sorted(path for path in out.rglob("*") if path.is_file())
        digests.append({str(p.relative_to(out)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files})
        sessions = [visit.session_id for visit in read_dataset(out).patients[0].visits]
        assert sessions == ["baseline", "rescan", "followup"]
    assert digests[0] == digests[1]
