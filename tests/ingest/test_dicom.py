"""DICOM series: voxels and places as their makers' reference says, defects refused by name, echoes told apart."""

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from tests.dicom_files import AXIAL, datasets_of, enhanced_dataset, pattern, write_series

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.dataset import Severity
from plaquecast.domain.missing import Missing
from plaquecast.errors import InputError
from plaquecast.ingest.dicom import read_folder, read_series
from plaquecast.ingest.nifti import read_nifti
from plaquecast.settings import IngestSettings

SETTINGS = IngestSettings()
ARRAY = pattern((12, 16, 14))

GROUND_TRUTH = (
    "anatomical/001", "anatomical/001_implicit", "ge/anatomical/001", "ge/anatomical/001_implicit",
    "generic/anatomical/001", "generic/anatomical/001_implicit", "generic/compressed/001", "generic/compressed_j2k/001",
    "generic/compressed_jpegls/001", "generic/compressed_rle/001", "hitachi/anatomical/001",
    "hitachi/anatomical/001_implicit", "hyperfine/anatomical/001", "philips/anatomical/001",
    "philips/anatomical/001_implicit", "philips_enhanced/anatomical/001", "philips_enhanced/anatomical/001_implicit",
    "siemens/anatomical/001", "siemens/anatomical/001_implicit",
)  # fmt: skip

NAMED_REASONS = {
    "generic/anatomical/002_non_isotropic": "mixed-scale",
    "generic/compressed_jpeg/001": "no-decoder",
    "generic/rgb/001": "color",
    "ge/anatomical/001_single_slice": "too-few-slices",
    "failing/gantrytilting/001": "tilted-stack",
    "failing/notavolume/001": "slice-twice",
    "failing/slicecount/001": "too-few-slices",
    "failing/sliceincrement/001": "uneven-slices",
    "failing/sliceincrement/002": "uneven-slices",
    "failing/sliceorientation/001": "too-few-slices",
}


@pytest.mark.parametrize("name", GROUND_TRUTH)
def test_vendors_files_are_read_as_their_reference_says(shared_data: Path, name: str):
    folder = shared_data / "dicom-vendors/tests/data" / name
    volume, _ = read_series(folder, Weighting.T1W, SETTINGS)
    truth = read_nifti(folder.with_name(f"{folder.name}_ground_truth.nii.gz"), Weighting.T1W, SETTINGS)
    # stored values are whole; where a scale is applied, both round once to single precision
    assert np.abs(volume.array - truth.array).max() <= 1.2e-7 * np.abs(truth.array).max()
    assert np.abs(volume.grid.affine - truth.grid.affine).max() <= 1e-4


@pytest.mark.parametrize(("name", "code"), list(NAMED_REASONS.items()))
def test_vendors_files_that_cannot_be_used_are_refused_by_name(shared_data: Path, name: str, code: str):
    with pytest.raises(InputError) as caught:
        read_series(shared_data / "dicom-vendors/tests/data" / name, Weighting.T1W, SETTINGS)
    assert caught.value.code == code
    assert "series" in caught.value.where


def test_two_echoes_in_one_series_are_two_volumes(shared_data: Path):
    folder = shared_data / "dicom-pd-t2-dual-echo/In/Siemens/VE11"
    content = read_folder(folder, SETTINGS)
    assert content.findings == ()
    assert [series.tags.echo_time_ms for series in content.series] == [11.0, 92.0]
    assert content.series[0].grid.matches(content.series[1].grid)
    with pytest.raises(InputError) as caught:
        read_series(folder, Weighting.PDW, SETTINGS)
    assert "TE 11 ms" in caught.value.found
    assert "TE 92 ms" in caught.value.found


def test_enhanced_objects_are_read_and_reports_passed_over(shared_data: Path):
    content = read_folder(shared_data / "dicom-enhanced-multiframe/In", SETTINGS)
    assert sorted(series.tags.number for series in content.series) == ["5", "6", "8", "8", "9"]
    assert [finding.code for finding in content.findings] == ["color"]
    assert sum(content.passed_over.values()) == 1


def test_a_date_of_stars_is_reported_and_the_images_are_those_of_the_reference(shared_data: Path):
    volume, tags = read_series(shared_data / "neck-uih/dicom_slab_A", Weighting.MPRAGE, SETTINGS)
    assert isinstance(tags.acquired, Missing)
    assert "'***'" in tags.acquired.detail
    crop = read_nifti(shared_data / "neck-uih/subjectA_t1gre_neckcrop.nii.gz", Weighting.TOF, SETTINGS)
    indices = np.stack(np.meshgrid(*[np.arange(n) for n in crop.grid.shape], indexing="ij"), axis=-1).reshape(-1, 3)
    places = volume.grid.to_index(crop.grid.to_mm(indices))
    inside = ((places > -0.5) & (places < np.array(volume.grid.shape) - 0.5)).all(axis=1)
    assert inside.sum() > 100_000
    nearest = np.rint(places[inside]).astype(int)
    assert np.abs(places[inside] - nearest).max() < 1e-3
    assert (volume.array[tuple(nearest.T)] == crop.array[tuple(indices[inside].T)]).all()


def test_a_clean_series_is_read_in_any_order_of_its_files(tmp_path: Path):
    write_series(tmp_path / "series", ARRAY)
    for index, path in enumerate(sorted((tmp_path / "series").iterdir())):
        path.rename(path.with_name(f"{(7 * index) % 12:02d}.anything"))
    volume, tags = read_series(tmp_path / "series", Weighting.T1W, SETTINGS)
    assert (volume.array == ARRAY).all()
    assert np.abs(volume.grid.affine - AXIAL).max() < 1e-9
    assert str(tags.acquired) == "2020-03-01"
    assert (tags.echo_time_ms, tags.repetition_time_ms) == (10.0, 800.0)


def test_an_enhanced_object_is_the_same_image_as_the_classic_series(tmp_path: Path):
    enhanced_dataset(ARRAY).save_as(tmp_path / "enhanced.dcm", enforce_file_format=True)
    volume, tags = read_series(tmp_path / "enhanced.dcm", Weighting.T1W, SETTINGS)
    assert (volume.array == ARRAY).all()
    assert np.abs(volume.grid.affine - AXIAL).max() < 1e-9
    assert (tags.echo_time_ms, tags.repetition_time_ms) == (10.0, 800.0)


def test_an_overlay_in_the_unused_bits_is_no_part_of_the_image(tmp_path: Path):
    def add_overlay(dataset: Dataset, index: int) -> None:
        dataset.PixelData = (ARRAY[index] | 0xF000).tobytes()

    write_series(tmp_path / "series", ARRAY, change=add_overlay)
    volume, _ = read_series(tmp_path / "series", Weighting.T1W, SETTINGS)
    assert (volume.array == ARRAY).all()


def test_one_slice_of_another_matrix_is_split_off_and_refused(tmp_path: Path):
    write_series(tmp_path / "series", ARRAY)
    datasets_of(pattern((1, 20, 14)))[0].save_as(tmp_path / "series" / "other", enforce_file_format=True)
    content = read_folder(tmp_path / "series", SETTINGS)
    assert [series.grid.shape for series in content.series] == [(12, 16, 14)]
    assert [finding.code for finding in content.findings] == ["too-few-slices"]


def test_two_orientations_in_one_series_are_split(tmp_path: Path):
    write_series(tmp_path / "series", ARRAY)
    coronal = AXIAL[:, [1, 0, 2, 3]]
    for index, dataset in enumerate(datasets_of(pattern((6, 16, 14)), coronal)):
        dataset.save_as(tmp_path / "series" / f"coronal{index}", enforce_file_format=True)
    content = read_folder(tmp_path / "series", SETTINGS)
    assert content.findings == ()
    assert sorted(series.grid.shape for series in content.series) == [(12, 16, 14), (16, 6, 14)]


def test_a_file_that_cannot_be_read_refuses_its_folder_as_one_series(tmp_path: Path):
    write_series(tmp_path / "series", ARRAY)
    (tmp_path / "series" / "IM0012").write_bytes(b"")
    with pytest.raises(InputError) as caught:
        read_series(tmp_path / "series", Weighting.T1W, SETTINGS)
    assert caught.value.code == "file-empty"
    assert "IM0012" in caught.value.where
    content = read_folder(tmp_path / "series", SETTINGS)
    assert [finding.severity for finding in content.findings] == [Severity.REFUSED]
