"""Files of a model that do not fit, were tampered with, or are hostile: refused, and no code in them ever runs."""

import json
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.segment.small_visit import case

from plaquecast.errors import ModelError
from plaquecast.segment.network import load_segmenter
from plaquecast.segment.training import CHECKPOINT_FILE, train_segmenter
from plaquecast.segment.weights import CARD_FILE, WEIGHTS_FILE
from plaquecast.settings import SegmentSettings


@pytest.fixture
def model(small_model: Path, tmp_path: Path) -> Path:
    """A copy of the small model that may be spoiled."""
    return Path(shutil.copytree(small_model, tmp_path / "model"))


CARD_BREAKS: dict[str, Callable[[dict[str, Any]], object]] = {
    "order of weightings": lambda card: card["channels"].reverse(),
    "a weighting less": lambda card: card["channels"].pop(),
    "a weighting more": lambda card: card["channels"].append("FLAIR"),
    "labels swapped": lambda card: card["labels"].update(lumen=2, wall=1),
    "a label less": lambda card: card["labels"].pop("fibrous_cap"),
    "other inputs": lambda card: card.update(input_version=2),
    "inputs not stated": lambda card: card.pop("input_version"),
    "another kind of model": lambda card: card.update(kind="predictor"),
    "unknown network": lambda card: card.update(network="transformer"),
    "weights of another network": lambda card: card.update(network="mask-rcnn"),
    "pixel of no size": lambda card: card.update(pixel_mm=0.0),
    "negative pixel": lambda card: card.update(pixel_mm=-0.3),
    "other width": lambda card: card.update(base_channels=16),
    "other weights": lambda card: card.update(weights_sha256="0" * 64),
    "no hash": lambda card: card.pop("weights_sha256"),
}


@pytest.mark.parametrize("what", CARD_BREAKS)
def test_a_card_that_breaks_the_contract_is_refused(model: Path, what: str) -> None:
    card = json.loads((model / CARD_FILE).read_text())
    CARD_BREAKS[what](card)
    (model / CARD_FILE).write_text(json.dumps(card))
    with pytest.raises(ModelError):
        load_segmenter(model)


def test_any_flipped_byte_of_the_weights_is_noticed(model: Path) -> None:
    whole = (model / WEIGHTS_FILE).read_bytes()
    for at in np.random.default_rng(0).integers(0, len(whole), 20):
        spoiled = bytearray(whole)
        spoiled[at] ^= 1
        (model / WEIGHTS_FILE).write_bytes(spoiled)
        with pytest.raises(ModelError, match="not those of the card"):
            load_segmenter(model)


class Payload:
    """Touches a canary when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.canary,)


def _zip_bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.pkl", b"0" * 10_000_000)


HOSTILE: dict[str, tuple[str, Callable[[Path, Path], object]]] = {
    "pickle as weights": (WEIGHTS_FILE, lambda path, canary: path.write_bytes(pickle.dumps(Payload(canary)))),
    "torch file as weights": (WEIGHTS_FILE, lambda path, canary: torch.save(Payload(canary), path)),
    "zip as weights": (WEIGHTS_FILE, lambda path, _: _zip_bomb(path)),
    "header of 2^60 bytes": (WEIGHTS_FILE, lambda path, _: path.write_bytes((2**60).to_bytes(8, "little") + b"{}")),
    "empty weights": (WEIGHTS_FILE, lambda path, _: path.write_bytes(b"")),
    "deep JSON": (CARD_FILE, lambda path, _: path.write_text("[" * 200_000)),
    "JSON of a list": (CARD_FILE, lambda path, _: path.write_text("[1, 2]")),
    "code in JSON": (CARD_FILE, lambda path, _: path.write_text('{"kind": "$eval(__import__(\'os\'))"}')),
    "YAML tags": (CARD_FILE, lambda path, _: path.write_text("!!python/object/apply:os.system ['touch canary']")),
    "no text": (CARD_FILE, lambda path, _: path.write_bytes(b"\xff\xfe\x00\x01")),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_files_are_refused_and_run_nothing(model: Path, tmp_path: Path, what: str) -> None:
    name, spoil = HOSTILE[what]
    canary = tmp_path / "canary"
    spoil(model / name, canary)
    with pytest.raises(ModelError):
        load_segmenter(model)
    assert not canary.exists()


def test_a_hostile_checkpoint_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    torch.save({"heat": Payload(canary)}, tmp_path / CHECKPOINT_FILE)
    with pytest.raises(ModelError, match="Delete the file"):
        train_segmenter([case("p0", 0)], SegmentSettings(pixel_mm=0.5, region_pixels=32, base_channels=8), tmp_path)
    assert not canary.exists()


def test_weights_with_a_tensor_too_many_are_refused(model: Path) -> None:
    tensors = load_file(model / WEIGHTS_FILE) | {"tissue.extra": torch.zeros(3)}
    save_file(tensors, model / WEIGHTS_FILE)
    with pytest.raises(ModelError):
        load_segmenter(model)
