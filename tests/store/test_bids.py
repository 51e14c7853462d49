"""A written dataset is BIDS, says what it is, and is the same bytes every time."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from tests.small_dataset import DAYS, random_segmentation, random_volume, write_small_dataset

from plaquecast.domain.anatomy import Side, Weighting
from plaquecast.domain.clinical import ClinicalRecord
from plaquecast.domain.grid import Grid
from plaquecast.domain.visit import Visit
from plaquecast.domain.volume import Volume
from plaquecast.errors import InputError
from plaquecast.store.bids import write_dataset_description, write_image, write_sessions
from plaquecast.store.segmentations import read_segmentation, segmentation_path, write_segmentation


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_small_dataset(tmp_path_factory.mktemp("bids") / "dataset")
    truth = root / "derivatives" / "truth"
    write_dataset_description(truth, "truth", simulated=True, derivative_of="../..")
    for side in Side:
        write_segmentation(truth, "01", "baseline", random_segmentation(side, 7), Weighting.T1W)
    (truth / "tables").mkdir()
    (truth / "tables" / "slices.tsv").write_text("participant_id\n")
    return root


def validator() -> str:
    beside_python = Path(sys.executable).parent / "bids-validator-deno"
    found = shutil.which("bids-validator-deno") or (str(beside_python) if beside_python.exists() else None)
    if found is None:
        pytest.skip("the BIDS validator (bids-validator-deno) is not installed")
    return found


@pytest.mark.parametrize("folder", [".", "derivatives/truth"])
def test_the_validator_finds_no_error(root: Path, folder: str):
    command = [validator(), "--format", "json", str(root / folder)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    issues = json.loads(answer.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []


def test_the_validator_would_find_one(root: Path, tmp_path: Path):
    broken = Path(shutil.copytree(root, tmp_path / "broken"))
    anatomy = broken / "sub-01/ses-baseline/anat"
    (anatomy / "sub-01_ses-baseline_T1w.nii.gz").rename(anatomy / "sub-01_ses-baseline_T1W.nii.gz")
    answer = subprocess.run(
        [validator(), "--format", "json", str(broken)], capture_output=True, text=True, check=False, timeout=60
    )
    issues = json.loads(answer.stdout)["issues"]["issues"]
    assert any(issue["severity"] == "error" for issue in issues)


def test_two_writings_are_the_same_bytes(root: Path, tmp_path: Path):
    again = write_small_dataset(tmp_path / "again")
    for path in again.rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (root / path.relative_to(again)).read_bytes()


def test_another_library_sees_the_image_where_it_lies(tmp_path: Path):
    """A voxel at LPS (x, y, z) must be at RAS (-x, -y, z) with the same intensity."""
    grid = Grid.axis_aligned((3, 4, 5), (2.0, 0.5, 0.25), (10.0, -20.0, 30.0))
    volume = random_volume(Weighting.PDW, 3, grid)
    image = nib.Nifti1Image.from_filename(write_image(tmp_path, "01", "baseline", volume))
    found = np.linalg.solve(image.affine, [-(10.0 + 2 * 0.25), -(-20.0 + 3 * 0.5), 30.0 + 2.0, 1.0])
    column, row, section = np.rint(found[:3]).astype(int)
    assert (section, row, column) == (1, 3, 2)
    assert np.asarray(image.dataobj)[column, row, section] == volume.array[1, 3, 2]
    assert (image.get_sform(coded=True)[1], image.get_qform(coded=True)[1]) == (1, 1)
    assert np.allclose(image.get_qform(), image.get_sform(), atol=1e-5)


def test_a_slightly_sheared_grid_is_written_without_a_quaternion(tmp_path: Path):
    affine = np.array([[0.0, 0.0005, 0.5, -64.0], [0, 0.5, 0, -64.0], [2.0, 0, 0, 0], [0, 0, 0, 1]])
    volume = random_volume(Weighting.T1W, 3, Grid((3, 256, 256), affine))
    image = nib.Nifti1Image.from_filename(write_image(tmp_path, "01", "baseline", volume))
    assert (image.get_sform(coded=True)[1], image.get_qform(coded=True)[1]) == (1, 0)


@pytest.mark.parametrize("code", ["", "a/b", "..", "a b", "a_b", "ä", "x" * 33, "1\n"])
def test_a_code_that_is_unsafe_in_a_path_is_refused(tmp_path: Path, code: str):
    with pytest.raises(InputError) as caught:
        write_image(tmp_path, code, "baseline", random_volume(Weighting.T1W, 1))
    assert caught.value.code == "code-signs"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("site", ["=1+1", "a\tb", "a\nb", " a", "<b>"])
def test_a_site_that_could_do_something_in_a_table_is_refused(tmp_path: Path, site: str):
    volume = Volume(random_volume(Weighting.T1W, 1).grid, random_volume(Weighting.T1W, 1).array, Weighting.T1W)
    visit = Visit("01", "baseline", DAYS["baseline"], {Weighting.T1W: volume}, ClinicalRecord(site=site))
    with pytest.raises(InputError) as caught:
        write_sessions(tmp_path, "01", [visit])
    assert caught.value.code == "site-code"


@pytest.mark.parametrize("kind", ["dseg", "probseg", "plaque"])
def test_a_damaged_segmentation_is_refused(root: Path, tmp_path: Path, kind: str):
    truth = Path(shutil.copytree(root / "derivatives" / "truth", tmp_path / "truth"))
    path = segmentation_path(truth, "01", "baseline", Side.LEFT, kind)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(InputError) as caught:
        read_segmentation(truth, "01", "baseline", Side.LEFT)
    assert caught.value.code == "damaged-file"
    assert caught.value.where == path.name


def test_a_label_map_of_another_place_is_refused(root: Path, tmp_path: Path):
    truth = Path(shutil.copytree(root / "derivatives" / "truth", tmp_path / "truth"))
    sidecar = segmentation_path(truth, "01", "baseline", Side.LEFT, "dseg").with_name(
        "sub-01_ses-baseline_space-orig_desc-carotidL_dseg.json"
    )
    content = json.loads(sidecar.read_text())
    content["Grid"]["IndexToLpsMm"][0][3] += 0.5
    sidecar.write_text(json.dumps(content))
    with pytest.raises(InputError) as caught:
        read_segmentation(truth, "01", "baseline", Side.LEFT)
    assert "another grid" in caught.value.found


def test_a_segmentation_that_is_not_there_is_an_error(tmp_path: Path):
    with pytest.raises(InputError) as caught:
        read_segmentation(tmp_path, "01", "baseline", Side.LEFT)
    assert caught.value.code == "segmentation-sidecar"
