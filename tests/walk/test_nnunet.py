"""What is exported for nnU-Net is what the project itself learns from, in the other one's layout."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
from tests.segment.small_visit import case
from tests.walk.conftest import done, speak

from plaquecast.domain.anatomy import NOT_ANNOTATED, Side, Tissue
from plaquecast.domain.volume import LabelMap
from plaquecast.pipeline.export_nnunet import IGNORED, labels_of

pytestmark = pytest.mark.timeout(900)


def test_every_annotated_visit_becomes_a_case_with_all_channels(lean: Path, tmp_path: Path) -> None:
    """Its layout was checked once with nnU-Net 2.8.1's own verification of a dataset, which is not installed here."""
    out, truth = tmp_path / "nnUNet_raw/Dataset501_Carotid", lean / "derivatives/truth"
    for path in (truth / "sub-sim0001/ses-baseline").rglob("*carotidL*"):
        path.unlink()
    shutil.rmtree(truth / "sub-sim0003")
    answer = done("export-nnunet", lean, "--annotations", "truth", "--out", out)
    assert "2 visits to learn from, 2 to validate on" in answer.out
    about = json.loads((out / "dataset.json").read_text(encoding="utf-8"))
    assert about["channel_names"] == {"0": "T1W", "1": "PDW"}
    assert about["numTraining"] == 4
    (split,) = json.loads((out / "splits_final.json").read_text(encoding="utf-8"))
    assert len({name.split("_")[0] for name in split["train"]} | {name.split("_")[0] for name in split["val"]}) == 2
    for name in (*split["train"], *split["val"]):
        labels = nibabel.Nifti1Image.from_filename(out / f"labelsTr/{name}.nii.gz")
        images = [
            nibabel.Nifti1Image.from_filename(out / f"imagesTr/{name}_{channel:04d}.nii.gz") for channel in range(2)
        ]
        assert all(image.shape == labels.shape and (image.affine == labels.affine).all() for image in images)
        found = set(np.unique(labels.dataobj).tolist())
        assert {int(Tissue.LUMEN), int(Tissue.WALL)} <= found <= set(about["labels"].values())
        assert (IGNORED in found) is (name == "sim0001_baseline")  # where one artery is not annotated
    again = speak("export-nnunet", lean, "--annotations", "truth", "--out", out)
    assert again.code == 2
    assert "new or empty folder" in again.err


def test_what_nobody_annotated_is_ignored_and_not_background() -> None:
    whole = case("p1", 1)
    both = labels_of(whole)
    assert set(np.unique(both)) == {Tissue.BACKGROUND, Tissue.LUMEN, Tissue.WALL}
    left = whole.annotations[Side.LEFT]
    partly = left.labels.array.copy()
    partly[2, :5] = NOT_ANNOTATED
    covered = left.covered.copy()
    covered[0] = False
    annotation = replace(left, labels=LabelMap(left.grid, partly), covered=covered)
    found = labels_of(replace(whole, annotations={**whole.annotations, Side.LEFT: annotation}))
    assert (found[2, :5] == IGNORED).all()
    assert (found[0][whole.annotations[Side.RIGHT].labels.array[0] == 0] == IGNORED).all()
