"""Annotations of other tools: segments, layers, frames and contours become the labels that were drawn."""

from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pydicom
import pytest
import SimpleITK
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from plaquecast.domain.anatomy import Tissue
from plaquecast.domain.grid import Grid
from plaquecast.errors import InputError
from plaquecast.ingest.cascade import draw_contours, read_qvj, read_qvs
from plaquecast.ingest.dicom_drawn import STRUCTURE_SET, read_dicom_drawn
from plaquecast.ingest.drawn import Drawn, drawn_names, labels_of
from plaquecast.ingest.orientation import arrange
from plaquecast.ingest.seg_nrrd import read_seg_nrrd
from plaquecast.settings import IngestSettings

SETTINGS = IngestSettings()
GRID = Grid.axis_aligned((4, 40, 60), (2.0, 0.5, 0.5), (-15.0, -10.0, 0.0))


@pytest.mark.parametrize("name", ["Segmentation.seg.nrrd", "SegmentationOverlapping.seg.nrrd"])
def test_slicer_segments_are_those_of_another_reader(shared_data: Path, name: str):
    path = shared_data / "segmentations/slicerio/slicerio/data" / name
    drawn = read_seg_nrrd(path, SETTINGS)
    image = SimpleITK.ReadImage(str(path))
    array = SimpleITK.GetArrayFromImage(image)
    layers = array[..., np.newaxis] if array.ndim == 3 else array
    assert drawn.grid.shape == (34, 128, 128)
    assert drawn.grid.spacing_mm == pytest.approx((10.0, 3.04687595, 3.04687595))
    header = {key: image.GetMetaData(key) for key in image.GetMetaDataKeys()}
    for number in range(len(drawn.regions)):
        mask = drawn.regions[header[f"Segment{number}_Name"]]
        layer = int(header.get(f"Segment{number}_Layer", 0))
        truth = layers[..., layer] == int(header[f"Segment{number}_LabelValue"])
        assert (mask == truth[:, ::-1, ::-1]).all()  # rows and columns of this file run to the front and to the right
    assert drawn.grid.affine[:3, 3] == pytest.approx(
        np.array([193.09599304 - 127 * 3.0468759536, 216.39599609 - 127 * 3.0468759536, -340.25])
    )


def test_overlapping_segments_stay_apart(shared_data: Path):
    path = shared_data / "segmentations/slicerio/slicerio/data/SegmentationOverlapping.seg.nrrd"
    masks = list(read_seg_nrrd(path, SETTINGS).regions.values())
    assert any((one & other).any() for i, one in enumerate(masks) for other in masks[:i])


@pytest.mark.parametrize(
    "name",
    ["ct_binary", "ct_binary_overlap", "ct_binary_fractional", "ct_true_fractional", "ct_binary_single_frame"],
)
def test_segmentation_objects_are_those_of_highdicom(shared_data: Path, name: str):
    path = shared_data / f"segmentations/highdicom/data/test_files/seg_image_{name}.dcm"
    whole = highdicom.seg.Segmentation.from_dataset(pydicom.dcmread(path))
    volume = whole.get_volume(combine_segments=False, rescale_fractional=True)
    placed, affine = arrange(volume.array[..., 0], volume.affine)
    reference = Grid((placed.shape[0], placed.shape[1], placed.shape[2]), affine)
    drawn = read_dicom_drawn(path, reference, SETTINGS)
    assert list(drawn.regions) == [str(segment.SegmentLabel) for segment in whole.SegmentSequence]
    for number, mask in enumerate(drawn.regions.values()):
        truth, _ = arrange(volume.array[..., number], volume.affine)
        assert (mask == (truth >= 0.5)).all()


def test_a_segmentation_of_another_image_is_refused(shared_data: Path):
    path = shared_data / "segmentations/highdicom/data/test_files/seg_image_ct_binary.dcm"
    with pytest.raises(InputError) as caught:
        read_dicom_drawn(path, GRID, SETTINGS)
    assert caught.value.code == "annotation-grid"


def _structure_set(folder: Path, contours: list[tuple[str, np.ndarray]]) -> Path:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = STRUCTURE_SET, ExplicitVRLittleEndian
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.Modality = STRUCTURE_SET, "1.2.3", "RTSTRUCT"
    names = list(dict.fromkeys(name for name, _ in contours))
    dataset.StructureSetROISequence = [_item(ROINumber=n, ROIName=name) for n, name in enumerate(names, 1)]
    dataset.ROIContourSequence = [
        _item(
            ReferencedROINumber=number,
            ContourSequence=[
                _item(
                    ContourGeometricType="CLOSED_PLANAR",
                    NumberOfContourPoints=len(points),
                    ContourData=[f"{value:.6f}" for value in points.reshape(-1)],
                )
                for other, points in contours
                if other == name
            ],
        )
        for number, name in enumerate(names, 1)
    ]
    dataset.save_as(folder / "contours.dcm", enforce_file_format=True)
    return folder / "contours.dcm"


def _item(**values: Any) -> Dataset:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def _circle(radius_mm: float, z_mm: float) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    return np.stack([radius_mm * np.cos(angle), radius_mm * np.sin(angle), np.full_like(angle, z_mm)], axis=1)


def _disk(radius_mm: float) -> np.ndarray:
    rows, columns = np.meshgrid(np.arange(40) * 0.5 - 10.0, np.arange(60) * 0.5 - 15.0, indexing="ij")
    return np.hypot(rows, columns) < radius_mm


def test_contours_of_a_structure_set_are_filled_and_make_holes(tmp_path: Path):
    rings = [("Outer_Wall", _circle(5.1, 2.0)), ("Outer_Wall", _circle(3.1, 2.0)), ("lumen", _circle(3.1, 2.0))]
    drawn = read_dicom_drawn(_structure_set(tmp_path, rings), GRID, SETTINGS)
    labels = labels_of(drawn, {}, "reader 1")
    # no voxel center lies within 0.01 mm of either circle, so filling is exact
    assert (labels.array[1] == np.where(_disk(3.1), Tissue.LUMEN, np.where(_disk(5.1), Tissue.WALL, 0))).all()
    assert not labels.array[[0, 2, 3]].any()


def test_contours_between_the_slices_are_refused(tmp_path: Path):
    with pytest.raises(InputError) as caught:
        read_dicom_drawn(_structure_set(tmp_path, [("lumen", _circle(3.0, 1.0))]), GRID, SETTINGS)
    assert caught.value.code == "annotation-grid"


def _qvs(folder: Path, points: np.ndarray, number: int = 2) -> Path:
    body = "".join(f'<Point x="{x:.4f}" y="{y:.4f}"/>' for x, y in [points[0], *points])  # CASCADE repeats points
    contour = f"<QVAS_Contour><ContourType>Lumen</ContourType><Contour_Point>{body}</Contour_Point></QVAS_Contour>"
    path = folder / "E1.QVS"
    path.write_text(
        f'<root><QVAS_Image ImageName="E1S101I1"/><QVAS_Image ImageName="E1S101I{number}">{contour}</QVAS_Image></root>'
    )
    return path


@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("lowest_first", [True, False])
def test_cascade_contours_are_filled_where_they_were_drawn(tmp_path: Path, padded: bool, lowest_first: bool):
    index = GRID.to_index(_circle(3.1, 0.0))
    height, width = (60, 60) if padded else (40, 60)
    points = np.stack([(index[:, 2] + 0.5) / width, (index[:, 1] + 0.5) / height], axis=1) * 512.0
    contours = read_qvs(_qvs(tmp_path, points), SETTINGS)
    assert len(contours[0].points) == 200
    drawn = draw_contours(contours, GRID, padded, lowest_first, "E1.QVS")
    at = 1 if lowest_first else 2
    assert (drawn.regions["Lumen"][at] == _disk(3.1)).all()
    assert drawn.regions["Lumen"].sum() == _disk(3.1).sum()
    assert labels_of(drawn, {}, "E1.QVS").array.max() == Tissue.LUMEN


def test_a_qvj_file_names_its_contours(tmp_path: Path):
    path = tmp_path / "case.QVJ"
    path.write_text(
        "<j><QVAS_Loaded_Series_List><QVASSeriesFileName>C:\\x\\E1.QVS</QVASSeriesFileName></QVAS_Loaded_Series_List></j>"
    )
    assert read_qvj(path, SETTINGS) == ("E1.QVS",)


@pytest.mark.parametrize(
    "text",
    ["", "<a", "<root/>", '<!DOCTYPE a [<!ENTITY b "c">]><root>&b;</root>', '<root><QVAS_Image ImageName="x"/></root>'],
)
def test_what_is_no_cascade_file_is_refused(tmp_path: Path, text: str):
    path = tmp_path / "E1.QVS"
    path.write_text(text)
    with pytest.raises(InputError):
        read_qvs(path, SETTINGS)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"NRRD0004", b"NXXD0004", "not-nrrd"),
        (b"unsigned char", b"double", "voxel-type"),
        (b"sizes: 128 128 34", b"sizes: 128 128 35", "too-short"),
        (b"sizes: 128 128 34", b"sizes: 128 128 33", "too-long"),
        (b"sizes: 128 128 34", b"sizes: 128 128", "not-3d"),
        (b"left-posterior-superior", b"scanner-xyz", "no-position"),
        (b"encoding: gzip", b"encoding: bzip2", "nrrd-encoding"),
        (b"_Name", b"_Nome", "no-segments"),
        (b"Segment1_Name:=cervical vertebral column", b"Segment1_Name:=ribs", "region-twice"),
    ],
)
def test_a_damaged_nrrd_is_refused_by_name(shared_data: Path, tmp_path: Path, old: bytes, new: bytes, code: str):
    content = (shared_data / "segmentations/slicerio/slicerio/data/Segmentation.seg.nrrd").read_bytes()
    assert old in content
    path = tmp_path / "a.seg.nrrd"
    path.write_bytes(content.replace(old, new))
    with pytest.raises(InputError) as caught:
        read_seg_nrrd(path, SETTINGS)
    assert caught.value.code == code


def test_names_that_nobody_knows_are_asked():
    drawn = Drawn(GRID, {"CA": np.ones(GRID.shape, dtype=np.bool_)})
    with pytest.raises(InputError) as caught:
        labels_of(drawn, {}, "reader 1")
    assert "'CA'" in caught.value.found
    assert labels_of(drawn, drawn_names(["CA=calcification"]), "reader 1").array.min() == Tissue.CALCIFICATION
    with pytest.raises(InputError):
        drawn_names(["CA"])
