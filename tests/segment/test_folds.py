"""Cross-fitting: nobody is segmented by a member that has seen him."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.segment.small_visit import case, visit

from plaquecast.domain.anatomy import Side
from plaquecast.domain.volume import ArterySegmentation
from plaquecast.errors import InputError, ModelError
from plaquecast.segment.folds import FoldedSegmenter, fold_of_patients, open_model, train_folds
from plaquecast.segment.network import NetworkSegmenter, load_segmenter
from plaquecast.settings import SegmentSettings

SMALL = SegmentSettings(pixel_mm=0.5, region_pixels=32, base_channels=8, max_epochs=25, max_minutes=10.0)


@given(st.sets(st.text("abcdef0123", min_size=1, max_size=6), min_size=2, max_size=20), st.data())
def test_folds_are_of_one_size_and_do_not_depend_on_the_order(patients: set[str], data: st.DataObject) -> None:
    n_folds = data.draw(st.integers(2, len(patients)))
    folds = fold_of_patients(sorted(patients), n_folds)
    assert folds == fold_of_patients(sorted(patients, reverse=True), n_folds)
    sizes = [list(folds.values()).count(fold) for fold in range(1, n_folds + 1)]
    assert max(sizes) - min(sizes) <= 1


def test_every_patient_has_a_member_that_never_saw_him(tmp_path: Path) -> None:
    cases = [case(f"p{seed}", seed) for seed in range(4)]
    card = train_folds(cases, SMALL, tmp_path, 2)
    for patient, member in card["members"].items():
        own = json.loads((tmp_path / member / "card.json").read_text())
        assert patient not in own["train_patients"] + own["validation_patients"]
    opened = open_model(tmp_path)
    assert isinstance(opened, FoldedSegmenter)
    found, expected = (
        each.segment(visit("p0", 0))[Side.LEFT] for each in (opened, load_segmenter(tmp_path / card["members"]["p0"]))
    )
    if isinstance(expected, ArterySegmentation):  # a member that learned for seconds may well refuse
        assert isinstance(found, ArterySegmentation)
        assert found.model_id == expected.model_id
    else:
        assert found == expected


def test_a_single_model_opens_too(small_model: Path, tmp_path: Path) -> None:
    assert isinstance(open_model(small_model), NetworkSegmenter)
    with pytest.raises(ModelError):
        open_model(tmp_path)


@pytest.mark.parametrize("n_folds", [0, 1, 3])
def test_folds_that_cannot_be_are_refused(n_folds: int) -> None:
    with pytest.raises(InputError, match="--folds"):
        fold_of_patients(["a", "b"], n_folds)
