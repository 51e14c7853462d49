"""An annotation of any tool goes into a dataset and comes out of it as the label map that was drawn."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from tests.ingest.test_annotations import CENTER, GRID, read, tube

from plaquecast.domain.anatomy import Side, Weighting
from plaquecast.domain.volume import Volume
from plaquecast.errors import InputError
from plaquecast.ingest.annotation_files import CascadeHabits
from plaquecast.pipeline.import_annotations import import_annotation
from plaquecast.settings import Settings
from plaquecast.store.bids import write_dataset_description, write_image, write_participants
from plaquecast.store.spatial import ras_of_lps


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    root = tmp_path / "dataset"
    image = np.random.default_rng(0).normal(100, 10, GRID.shape).astype(np.float32)
    write_dataset_description(root, "test", simulated=True)
    write_participants(root, {})
    write_image(root, "01", "baseline", Volume(GRID, image, Weighting.T1W))
    return root


def _import(dataset: Path, file: Path, names: tuple[str, ...] = (), cascade: CascadeHabits | None = None) -> Path:
    middle = [-55.0 + 0.5 * CENTER[Side.LEFT], 0.0, 8.0]
    return import_annotation(dataset, file, "01", "baseline", Side.LEFT, "reader1", names, middle, cascade, Settings())


def _nrrd(path: Path, labels: np.ndarray) -> Path:
    slices, rows, columns = labels.shape
    header = (
        "NRRD0004\ntype: unsigned char\ndimension: 3\nspace: left-posterior-superior\n"
        f"sizes: {columns} {rows} {slices}\n"
        "space directions: (0.5,0,0) (0,0.6,0) (0,0,2)\nkinds: domain domain domain\nencoding: raw\n"
        "space origin: (-55,-18,0)\nSegment0_LabelValue:=1\nSegment0_Name:=lumen\nSegment1_LabelValue:=2\n"
        "Segment1_Name:=my wall\n\n"
    )
    path.write_bytes(header.encode() + labels.tobytes())
    return path


def _nifti(path: Path, labels: np.ndarray) -> Path:
    nib.save(nib.Nifti1Image(labels.T, ras_of_lps(GRID.affine)), path)
    return path


@pytest.mark.parametrize("tool", ["nrrd", "nifti"])
def test_labels_of_another_tool_are_read_back_as_they_were_drawn(dataset: Path, tmp_path: Path, tool: str):
    labels = tube(Side.LEFT)
    if tool == "nrrd":
        _import(dataset, _nrrd(tmp_path / "left.seg.nrrd", labels), ("my wall=wall",))
    else:
        _import(dataset, _nifti(tmp_path / "left.nii.gz", labels))
    (found,) = read(dataset).values()
    assert (found.labels.array == labels).all()
    assert found.slice_position_mm[2:7] == pytest.approx([-4.0, -2.0, 0.0, 2.0, 4.0])


def test_an_annotation_of_the_other_side_is_refused(dataset: Path, tmp_path: Path):
    with pytest.raises(InputError) as caught:
        _import(dataset, _nifti(tmp_path / "left.nii.gz", tube(Side.RIGHT)))
    assert caught.value.code == "side-swapped"


def test_contours_of_cascade_need_to_be_told_how_they_lie(dataset: Path, tmp_path: Path):
    (tmp_path / "left.QVS").write_text("<root/>")
    with pytest.raises(InputError) as caught:
        _import(dataset, tmp_path / "left.QVS")
    assert "--from-chest" in caught.value.remedy
