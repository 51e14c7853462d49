"""Simulated visits as DICOM come back through the door as they were: voxels, places, weightings, and as simulated."""

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from tests.dicom_files import picture
from tests.dicom_study import AFFINE, write_patient

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.clinical import ClinicalRecord, Sex
from plaquecast.domain.grid import Grid
from plaquecast.domain.visit import Visit
from plaquecast.domain.volume import Volume
from plaquecast.errors import InputError
from plaquecast.ingest.dataset import read_dataset, read_visit
from plaquecast.ingest.dicom import read_folder
from plaquecast.ingest.dicom_volumes import Series
from plaquecast.ingest.weighting import identify
from plaquecast.pipeline.import_dataset import import_dataset
from plaquecast.pipeline.simulate import write_simulated_cohort
from plaquecast.pipeline.simulated_dicom import SOURCE_TABLE, write_dicom_visits
from plaquecast.settings import IngestSettings, Settings, SimulateSettings
from plaquecast.simulate.dicom_study import DICOM_HABITS
from plaquecast.store.bids import write_source_table

SHAPE = (12, 60, 64)


def visit(number: int = 0, weightings: tuple[Weighting, ...] = tuple(Weighting)) -> Visit:
    """A visit whose images are pictures of whole numbers; SNAP has negative ones."""
    volumes = {}
    for seed, weighting in enumerate(weightings):
        array = picture(SHAPE, 10 * number + seed).astype(np.float32) - (500 if weighting is Weighting.SNAP else 0)
        volumes[weighting] = Volume(Grid(SHAPE, AFFINE), array, weighting)
    record = ClinicalRecord(sex=Sex.FEMALE, age_years=70.2 + 2 * number, weight_kg=80.0)
    name = "followup" if number else "baseline"
    return Visit("sim0001", name, date(2020 + 2 * number, 3, 1), volumes, record)


def read_back(folder: Path) -> Mapping[Weighting | None, Series]:
    content = read_folder(folder, IngestSettings())
    assert content.findings == ()
    found = {}
    for series in content.series:
        identification = identify(series.tags)
        assert identification.confidence >= IngestSettings().min_weighting_confidence, identification
        found[identification.weighting] = series
    assert len(found) == len(content.series)
    return found


def check(before: Volume, after: Series, habit: str) -> None:
    # a number of 16 bits is exact; Philips' 12 bits are off by half a step, and single precision by 6e-8 of 4095 steps
    exact = not habit.startswith("philips")
    step = (before.array.max() - min(before.array.min(), 0.0)) / 4095
    assert np.abs(after.array - before.array).max() <= (0.0 if exact else 0.501 * step)
    assert np.abs(after.grid.affine - before.grid.affine).max() <= 1e-4
    assert after.tags.synthetic


@pytest.mark.parametrize("habit", DICOM_HABITS)
def test_all_weightings_come_back_voxel_by_voxel(tmp_path: Path, habit: str):
    one = visit()
    write_dicom_visits(tmp_path, [one], habit, SimulateSettings(), seed=1)
    found = read_back(tmp_path)
    assert found.keys() == {None, *one.volumes}  # the localizer is none
    for weighting, volume in one.volumes.items():
        check(volume, found[weighting], habit)


def test_a_localizer_lies_in_the_body_it_is_of(tmp_path: Path):
    one = visit()
    write_dicom_visits(tmp_path, [one], "ge", SimulateSettings(), seed=1)
    localizer, image = read_back(tmp_path)[None], one.volumes[Weighting.T1W]
    indices = np.argwhere(localizer.array >= 0)
    values = localizer.array[tuple(indices.T)]
    there = np.rint(image.grid.to_index(localizer.grid.to_mm(indices))).astype(int)
    assert (values == image.array[tuple(there.T)]).all()


@pytest.mark.parametrize("habit", DICOM_HABITS)
def test_two_visits_are_imported_as_simulated_people(tmp_path: Path, habit: str):
    visits = [visit(number, (Weighting.T1W, Weighting.T2W, Weighting.TOF, Weighting.MPRAGE)) for number in (0, 1)]
    write_dicom_visits(tmp_path, visits, habit, SimulateSettings(), seed=1)
    write_source_table(tmp_path / SOURCE_TABLE, {"sim0001": visits})
    imported = import_dataset(
        tmp_path / "sourcedata/dicom", tmp_path / SOURCE_TABLE, None, None, None, tmp_path / "out", Settings()
    )
    assert imported.findings == ()
    dataset = read_dataset(tmp_path / "out")
    assert dataset.simulated
    (patient,) = dataset.patients
    assert [each.session_id for each in patient.visits] == ["baseline", "followup"]
    for before, after in zip(visits, patient.visits, strict=True):
        assert after.clinical == before.clinical
        assert set(read_visit(patient, after, IngestSettings()).volumes) == set(before.volumes)


def test_simulated_people_beside_real_ones_are_refused(tmp_path: Path):
    write_dicom_visits(tmp_path / "both", [visit()], "siemens", SimulateSettings(), seed=1)
    write_patient(tmp_path / "both", "H1")
    with pytest.raises(InputError) as caught:
        import_dataset(tmp_path / "both", None, None, None, None, tmp_path / "out", Settings())
    assert caught.value.code == "simulated-beside-real"
    assert not (tmp_path / "out").exists()


def test_an_unknown_maker_is_refused(tmp_path: Path):
    with pytest.raises(InputError) as caught:
        write_dicom_visits(tmp_path, [visit()], "generic", SimulateSettings(), seed=1)
    assert caught.value.code == "unknown-choice"


@pytest.mark.slow
@pytest.mark.parametrize("habit", DICOM_HABITS)
def test_a_simulated_cohort_is_imported_from_its_dicom(tmp_path: Path, figure: Callable[[str], None], habit: str):
    write_simulated_cohort(tmp_path / "cohort", 1, 5, Settings(), dicom=habit)
    source = tmp_path / "cohort/sourcedata/dicom"
    imported = import_dataset(
        source, tmp_path / "cohort" / SOURCE_TABLE, None, None, None, tmp_path / "out", Settings()
    )
    dataset, again = read_dataset(tmp_path / "cohort"), read_dataset(tmp_path / "out")
    assert again.simulated
    worst, n_images = 0.0, 0
    for before, after in zip(dataset.patients[0].visits, again.patients[0].visits, strict=True):
        assert after.clinical == before.clinical
        first = read_visit(dataset.patients[0], before, IngestSettings())
        second = read_visit(again.patients[0], after, IngestSettings())
        assert first.volumes.keys() == second.volumes.keys()
        for weighting, volume in first.volumes.items():
            there = second.volumes[weighting]
            step = (volume.array.max() - min(volume.array.min(), 0.0)) / 4095 if habit.startswith("philips") else 0.0
            off = float(np.abs(there.array - volume.array).max())
            assert off <= 0.501 * step
            assert np.abs(there.grid.affine - volume.grid.affine).max() <= 1e-4
            worst, n_images = max(worst, off / float(volume.array.max())), n_images + 1
    found = sorted({finding.code for finding in imported.findings})
    figure(f"simulated DICOM of {habit}: {n_images} images imported, voxels off by {worst:.0e}, findings {found}")
    assert set(found) <= {"image-quality"}
