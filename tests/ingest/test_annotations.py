"""Annotations of readers: truth comes back as it was written, hand-made label maps are understood, slips are named."""

import json
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from plaquecast.domain.anatomy import NOT_ANNOTATED, Side, Tissue, Weighting
from plaquecast.domain.clinical import ClinicalRecord
from plaquecast.domain.grid import Grid
from plaquecast.domain.missing import Missing, Reason
from plaquecast.domain.visit import AlignedVisit
from plaquecast.domain.volume import ArterySegmentation, Centerline, LabelMap, Volume
from plaquecast.errors import InputError
from plaquecast.ingest.annotations import annotation_path, read_annotations
from plaquecast.settings import IngestSettings
from plaquecast.store.segmentations import write_segmentation
from plaquecast.store.spatial import ras_of_lps

GRID = Grid.axis_aligned((8, 60, 220), (2.0, 0.6, 0.5), (-55.0, -18.0, 0.0))
CENTER = {Side.LEFT: 150, Side.RIGHT: 70}


def visit() -> AlignedVisit:
    image = np.random.default_rng(0).normal(100, 10, GRID.shape).astype(np.float32)
    return AlignedVisit(
        "01", "baseline", Missing(Reason.ABSENT), Weighting.T1W, {Weighting.T1W: Volume(GRID, image, Weighting.T1W)},
        {}, {}, ClinicalRecord(),
    )  # fmt: skip


def tube(side: Side, slices: slice = slice(2, 7)) -> np.ndarray:
    """A round artery: lumen of radius 3 mm in a wall of 1.2 mm."""
    rows, columns = np.meshgrid(np.arange(60), np.arange(220), indexing="ij")
    radius = np.hypot(0.6 * (rows - 30), 0.5 * (columns - CENTER[side]))
    section = np.where(radius < 3, Tissue.LUMEN, np.where(radius < 4.2, Tissue.WALL, Tissue.BACKGROUND))
    labels = np.zeros(GRID.shape, dtype=np.uint8)
    labels[slices] = section
    return labels


def write(root: Path, side: Side, labels: np.ndarray, grid: Grid = GRID, sidecar: dict | None = None) -> Path:
    path = annotation_path(root / "derivatives/reader1", "01", "baseline", side, "dseg")
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(labels.T, ras_of_lps(grid.affine)), path)
    if sidecar is not None:
        path.with_name(path.name.replace(".nii.gz", ".json")).write_text(json.dumps(sidecar))
    return path


def read(root: Path) -> dict[Side, ArterySegmentation]:
    return read_annotations(root, "reader1", visit(), IngestSettings())


def test_what_the_project_writes_comes_back_as_it_was(tmp_path: Path):
    grid = GRID.crop((1, 10, 130), (6, 40, 40))
    labels = tube(Side.LEFT)[1:7, 10:50, 130:170]
    fractions = np.zeros((len(Tissue), *grid.shape), dtype=np.float32)
    for tissue in Tissue:
        fractions[tissue] = labels == tissue
    line = Centerline(np.array([[20.0, 0.0, 2.0], [20.0, 0.5, 14.0]]), np.array([-4.0, 8.0]), 0.75)
    has_lumen = (labels == Tissue.LUMEN).any(axis=(1, 2))
    written = ArterySegmentation(
        Side.LEFT, LabelMap(grid, labels), line, np.arange(6) * 2.0 - 4.0, np.full(6, 0.5), has_lumen, "reader 1",
        fractions, labels == Tissue.WALL,
    )  # fmt: skip
    write_segmentation(tmp_path / "derivatives/reader1", "01", "baseline", written, Weighting.T1W)
    (found,) = read(tmp_path).values()
    for name in ("slice_position_mm", "slice_confidence", "covered", "probabilities", "plaque"):
        assert np.array_equal(getattr(found, name), getattr(written, name))
    assert (found.labels.array == labels).all()
    assert found.grid.matches(grid)
    assert np.array_equal(found.centerline.points_mm, line.points_mm)
    assert (found.model_id, found.centerline.bifurcation_confidence) == ("reader 1", 0.75)


def test_a_label_map_alone_gives_axis_and_covered_slices(tmp_path: Path):
    write(tmp_path, Side.LEFT, tube(Side.LEFT))
    write(tmp_path, Side.RIGHT, tube(Side.RIGHT, slice(0, 3)))
    found = read(tmp_path)
    left = found[Side.LEFT]
    assert left.covered.tolist() == [False, False, True, True, True, True, True, False]
    assert np.isnan(left.slice_position_mm).all()
    assert left.centerline.bifurcation_confidence == 0.0
    assert np.allclose(left.centerline.points_mm[:, 0], -55.0 + 0.5 * 150)
    assert found[Side.RIGHT].covered.sum() == 3
    assert left.model_id == "annotation reader1"


def test_positions_start_at_the_flow_divider_where_the_reader_names_it(tmp_path: Path):
    sidecar = {"BifurcationLpsMm": [20.0, 0.0, 9.0]}
    write(tmp_path, Side.LEFT, tube(Side.LEFT), sidecar=sidecar)
    left = read(tmp_path)[Side.LEFT]
    assert np.allclose(left.slice_position_mm[2:7], [-5.0, -3.0, -1.0, 1.0, 3.0])
    assert left.centerline.bifurcation_confidence == 1.0


def test_other_values_are_understood_by_their_label_table(tmp_path: Path):
    other = np.array([0, 10, 20], dtype=np.uint8)[tube(Side.LEFT)]
    path = write(tmp_path, Side.LEFT, other)
    table = "index\tname\n10\tLumen\n20\twall\n"
    path.with_name(path.name.replace(".nii.gz", ".tsv")).write_text(table)
    assert (read(tmp_path)[Side.LEFT].labels.array == tube(Side.LEFT)).all()


def test_what_was_not_judged_stays_so(tmp_path: Path):
    labels = tube(Side.LEFT)
    labels[2, 28:32] = NOT_ANNOTATED
    write(tmp_path, Side.LEFT, labels)
    assert (read(tmp_path)[Side.LEFT].labels.array == labels).all()


def test_no_annotation_is_no_error(tmp_path: Path):
    assert read(tmp_path) == {}


def _shifted(root: Path) -> None:
    write(root, Side.LEFT, tube(Side.LEFT), Grid.axis_aligned(GRID.shape, GRID.spacing_mm, (-54.8, -18.0, 0.0)))


def _swapped(root: Path) -> None:
    write(root, Side.LEFT, tube(Side.RIGHT))
    write(root, Side.RIGHT, tube(Side.LEFT))


def _bare(root: Path) -> None:
    write(root, Side.LEFT, np.where(tube(Side.LEFT) == Tissue.LUMEN, Tissue.LUMEN, 0).astype(np.uint8))


def _sidecar(text: str) -> Callable[[Path], None]:
    def harm(root: Path) -> None:
        path = write(root, Side.LEFT, tube(Side.LEFT))
        path.with_name(path.name.replace(".nii.gz", ".json")).write_text(text)

    return harm


def _beside(kind: str, array: np.ndarray) -> Callable[[Path], None]:
    def harm(root: Path) -> None:
        write(root, Side.LEFT, tube(Side.LEFT))
        path = annotation_path(root / "derivatives/reader1", "01", "baseline", Side.LEFT, kind)
        nib.save(nib.Nifti1Image(array.T, ras_of_lps(GRID.affine)), path)

    return harm


SLIPS: list[tuple[Callable[[Path], None], str]] = [
    (_shifted, "annotation-grid"),
    (_swapped, "side-swapped"),
    (lambda root: write(root, Side.LEFT, tube(Side.RIGHT)), "side-swapped"),
    (_bare, "lumen-without-wall"),
    (lambda root: write(root, Side.LEFT, np.zeros(GRID.shape, dtype=np.uint8)), "empty-annotation"),
    (lambda root: write(root, Side.LEFT, tube(Side.LEFT) * 9), "unknown-label"),
    (lambda root: write(root, Side.LEFT, tube(Side.LEFT) * np.float32(0.5)), "unknown-label"),
    (_sidecar("{"), "sidecar-unreadable"),
    (_sidecar('{"BifurcationLpsMm": [1, 2]}'), "sidecar-unreadable"),
    (_sidecar('{"Centerline": 3}'), "sidecar-unreadable"),
    (_sidecar('{"Slices": {"Covered": [true]}}'), "sidecar-unreadable"),
    (_beside("probseg", np.zeros((8, *GRID.shape), dtype=np.float32)), "fractions"),
    (_beside("probseg", np.zeros(GRID.shape, dtype=np.float32)), "not-3d"),
    (_beside("plaque", np.full(GRID.shape, 2, dtype=np.uint8)), "unknown-label"),
    (_beside("plaque", np.ones((8, 60, 219), dtype=np.uint8)), "annotation-grid"),
]


@pytest.mark.parametrize(("harm", "code"), SLIPS)
def test_a_slip_of_the_annotator_is_named(tmp_path: Path, harm: Callable[[Path], None], code: str):
    harm(tmp_path)
    with pytest.raises(InputError) as caught:
        read(tmp_path)
    assert caught.value.code == code
    assert all((caught.value.expected, caught.value.found, caught.value.where, caught.value.remedy))


def test_a_label_table_with_an_unknown_name_is_refused(tmp_path: Path):
    path = write(tmp_path, Side.LEFT, tube(Side.LEFT))
    path.with_name(path.name.replace(".nii.gz", ".tsv")).write_text("index\tname\n1\tblood\n")
    with pytest.raises(InputError) as caught:
        read(tmp_path)
    assert caught.value.code == "label-table"
    assert "row 2" in caught.value.where
