"""Training: what is drawn, what is refused, what is resumed."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.segment.small_visit import case, truth, visit

from plaquecast.domain.anatomy import NOT_ANNOTATED, Side
from plaquecast.domain.volume import ArterySegmentation, LabelMap
from plaquecast.errors import InputError, ModelError
from plaquecast.segment.finishing import finish
from plaquecast.segment.folds import train_folds
from plaquecast.segment.regions import CHANNELS, TrainingCase
from plaquecast.segment.samples import TissueSamples
from plaquecast.segment.schedule import Clock
from plaquecast.segment.training import train_segmenter
from plaquecast.segment.unet import HeatNetwork, TissueNetwork
from plaquecast.settings import SegmentSettings

SMALL = SegmentSettings(pixel_mm=0.5, region_pixels=32, base_channels=8, max_epochs=40, max_minutes=10.0)


class BrokenOffError(Exception):
    """Raised in the place of a crash."""


def test_a_sample_has_the_shapes_of_the_contract() -> None:
    samples = TissueSamples([case("p0", 0)], SMALL)
    images, flags, fractions, judged, position = samples.draw(0, np.random.default_rng(0))
    assert len(samples) == 12
    assert images.shape == (len(CHANNELS) * 3, 32, 32)
    assert fractions.shape == (8, 32, 32)
    assert judged.shape == (32, 32)
    assert position.shape == ()
    # shares are kept as bytes: each of two that meet at an edge is rounded by up to half of 1/255
    np.testing.assert_allclose(fractions.sum(dim=0), 1.0, atol=1.001 / 255)
    absent = [channel for channel in range(len(CHANNELS)) if flags[channel] == 0.0]
    assert len(absent) >= len(CHANNELS) - 2
    assert not images.unflatten(0, (len(CHANNELS), 3))[absent].any()


def test_what_was_not_judged_teaches_nothing() -> None:
    whole = truth(Side.LEFT)
    labels = whole.labels.array.copy()
    labels[:, :, :126] = NOT_ANNOTATED  # up to some 2 mm before the artery's center
    partial = ArterySegmentation(
        Side.LEFT, LabelMap(whole.grid, labels), whole.centerline, whole.slice_position_mm, whole.slice_confidence,
        whole.covered, "reader",
    )  # fmt: skip
    shown = visit("p0", 0)
    samples = TissueSamples([TrainingCase(shown, {Side.LEFT: partial})], SMALL)
    parts = [torch.stack(part) for part in zip(samples.draw(0, np.random.default_rng(0)), strict=True)]
    assert float(parts[3].min()) == 0.0
    assert float(parts[3].max()) == pytest.approx(1.0)
    torch.manual_seed(0)
    network = TissueNetwork(8).eval()
    before = network.loss(*parts)
    parts[2][:, :, parts[3][0] == 0.0] = 0.125
    after = network.loss(*parts)
    assert float(after.detach()) == pytest.approx(float(before.detach()), abs=1e-6)


def test_a_broken_off_training_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    cases = [case(f"p{seed}", seed) for seed in range(2)]

    def stop_in_the_middle(what: str, done: int, of: int, text: str) -> None:
        if "epoch 20" in text:
            raise BrokenOffError

    whole = train_segmenter(cases, SMALL, tmp_path / "whole")
    with pytest.raises(BrokenOffError):
        train_segmenter(cases, SMALL, tmp_path / "resumed", stop_in_the_middle)
    resumed = train_segmenter(cases, SMALL, tmp_path / "resumed")
    assert resumed["weights_sha256"] == whole["weights_sha256"]
    assert len(resumed["history"]["epochs"]) == 40


def test_nobody_is_learned_from_and_validated_on(small_model: Path) -> None:
    card = json.loads((small_model / "card.json").read_text())
    assert card["train_patients"]
    assert card["validation_patients"]
    assert not set(card["train_patients"]) & set(card["validation_patients"])


def test_without_annotations_nothing_is_trained(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="annotated"):
        train_segmenter([], SMALL, tmp_path)


def test_a_network_that_sees_background_everywhere_is_refused() -> None:
    network = TissueNetwork(8)
    with torch.no_grad():
        network.body.head.bias[0] = 100.0
    with pytest.raises(ModelError, match=r"found 0\.00"):
        finish(HeatNetwork(), network, TissueSamples([case("p0", 0)], SMALL), None)


def test_the_clock_counts_steps_as_long_as_the_time_is_enough() -> None:
    clock = Clock(n_steps=100, seconds=200.0)
    for _ in range(50):
        clock.tick(clock.started + 1.0)
    assert clock.progress == 0.5
    for _ in range(10):
        clock.tick(clock.started + 14.0)
    assert clock.progress == pytest.approx(190.0 / 200.0)
    clock.tick(clock.started + 14.0)
    assert clock.over


def test_training_goes_on_from_a_model_with_its_network_and_patients(small_model: Path, tmp_path: Path) -> None:
    parent = json.loads((small_model / "card.json").read_text())
    other_size = replace(SMALL, base_channels=16, max_epochs=1)
    card = train_segmenter([case("new", 7)], other_size, tmp_path, start=small_model)
    assert card["started_from"] == parent["model_id"]
    assert card["base_channels"] == parent["base_channels"]
    assert card["n_train"] == parent["n_train"] + 1
    assert set(card["train_patients"]) == {*parent["train_patients"], "new"}
    # one epoch from random weights finds no lumen at all and would be refused
    with pytest.raises(ModelError, match="lumen"):
        train_segmenter([case("new", 7)], other_size, tmp_path / "fresh")


def test_a_member_does_not_start_from_a_model_that_saw_its_patients(small_model: Path, tmp_path: Path) -> None:
    known = json.loads((small_model / "card.json").read_text())["train_patients"][0]
    with pytest.raises(InputError, match="never learned from"):
        train_folds([case(known, 1), case("new", 7)], SMALL, tmp_path, 2, start=small_model)
