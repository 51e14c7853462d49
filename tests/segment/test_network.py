"""The trained segmenter on a made-up neck: what it gives, and what it refuses."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.segment.small_visit import LUMEN_MM, OUTER_MM, truth, visit

from plaquecast.domain.anatomy import Side, Tissue, Weighting
from plaquecast.domain.grid import Grid
from plaquecast.domain.missing import Missing
from plaquecast.domain.volume import ArterySegmentation, Volume
from plaquecast.errors import ModelError
from plaquecast.segment.network import describe, load_segmenter


def found_in(folder: Path, side: Side, seed: int = 11) -> ArterySegmentation:
    found = load_segmenter(folder).segment(visit("unseen", seed))[side]
    assert isinstance(found, ArterySegmentation), found
    return found


@pytest.mark.parametrize("side", list(Side))
def test_tubes_of_an_unseen_visit_are_found_on_their_side(small_model: Path, side: Side) -> None:
    found, true = found_in(small_model, side), truth(side)
    assert found.covered.all()
    np.testing.assert_allclose(found.centerline.points_mm[:, :2], true.centerline.points_mm[:, :2], atol=0.5)
    for tissue, area in ((Tissue.LUMEN, LUMEN_MM**2), (Tissue.WALL, OUTER_MM**2 - LUMEN_MM**2)):
        assert found.probabilities is not None
        areas = found.probabilities[tissue].sum(axis=(1, 2)) * found.grid.pixel_area_mm2
        # a network trained for seconds: within a fifth of a pixel of radius at each of the ring's edges
        np.testing.assert_allclose(areas, np.pi * area, atol=0.2 * 0.5 * 2 * np.pi * (LUMEN_MM + OUTER_MM))


def test_the_result_keeps_the_contract(small_model: Path) -> None:
    found = found_in(small_model, Side.RIGHT)
    assert found.probabilities is not None
    assert found.probabilities.dtype == np.float32
    np.testing.assert_allclose(found.probabilities.sum(axis=0), 1.0, atol=1e-5)
    np.testing.assert_array_equal(found.labels.array, found.probabilities.argmax(axis=0))
    assert found.plaque is not None
    assert not (found.plaque & (found.labels.array <= Tissue.LUMEN)).any()
    assert ((found.slice_confidence >= 0.0) & (found.slice_confidence <= 1.0)).all()
    assert (np.diff(found.slice_position_mm) > 0).all()
    corner = visit("x", 0).grid.to_index(found.grid.to_mm((0, 0, 0)))
    np.testing.assert_allclose(corner, np.rint(corner), atol=1e-6)


def test_a_weighting_may_be_absent(small_model: Path) -> None:
    shown = visit("unseen", 12, (Weighting.T2W,))
    assert isinstance(load_segmenter(small_model).segment(shown)[Side.LEFT], ArterySegmentation)


def test_gain_changes_nothing(small_model: Path) -> None:
    shown = visit("unseen", 13)
    volumes = {w: Volume(v.grid, v.array * np.float32(64.0), w) for w, v in shown.volumes.items()}
    louder = replace(shown, volumes=volumes)
    segmenter = load_segmenter(small_model)
    both = [segmenter.segment(each)[Side.LEFT] for each in (shown, louder)]
    assert all(isinstance(each, ArterySegmentation) for each in both)
    np.testing.assert_array_equal(both[0].labels.array, both[1].labels.array)  # type: ignore[union-attr]


def test_images_that_show_no_wall_are_refused(small_model: Path) -> None:
    with pytest.raises(ModelError, match="at least one of T1W, T2W"):
        load_segmenter(small_model).segment(visit("x", 0, (Weighting.TOF,)))


def test_the_card_says_what_was_learned_from_what(small_model: Path) -> None:
    segmenter = load_segmenter(small_model)
    assert segmenter.card["weightings_seen"] == ["T1W", "T2W"]
    assert segmenter.model_id.startswith("unet-")
    assert "made-up tubes" in describe(segmenter.card)


@pytest.mark.parametrize("name", ["weights.safetensors", "card.json"])
def test_files_that_were_changed_are_refused(small_model: Path, tmp_path: Path, name: str) -> None:
    for file in small_model.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    content = bytearray((tmp_path / name).read_bytes())
    content[len(content) // 2] ^= 0x10
    (tmp_path / name).write_bytes(content)
    if name == "card.json":  # a flipped byte may leave a card that reads; a card of other weights must not
        card = json.loads((small_model / name).read_text())
        (tmp_path / name).write_text(json.dumps({**card, "weights_sha256": "0" * 64}))
    with pytest.raises(ModelError, match="segmenter"):
        load_segmenter(tmp_path)


def test_an_empty_folder_is_no_segmenter(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="plaquecast train-segmenter"):
        load_segmenter(tmp_path)


def test_noise_gets_no_number(small_model: Path) -> None:
    rng = np.random.default_rng(5)
    shown = visit("noise", 0)
    volumes = {
        w: Volume(v.grid, np.abs(rng.normal(0.0, 50.0, v.grid.shape)).astype(np.float32), w)
        for w, v in shown.volumes.items()
    }
    found = load_segmenter(small_model).segment(replace(shown, volumes=volumes))
    assert all(isinstance(each, Missing) for each in found.values()), found


def test_pixels_too_coarse_for_a_wall_are_refused(small_model: Path) -> None:
    grid = Grid.axis_aligned((6, 60, 70), (2.0, 1.5, 1.5))
    shown = visit("coarse", 0)
    volumes = {w: Volume(grid, np.ones(grid.shape, np.float32), w) for w in shown.volumes}
    with pytest.raises(ModelError, match=r"1\.50 mm"):
        load_segmenter(small_model).segment(replace(shown, volumes=volumes))
