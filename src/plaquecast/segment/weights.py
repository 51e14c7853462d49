"""A segmenter on disk: safetensors and a card; while it trains, a checkpoint of tensors and plain values."""

import hashlib
import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from plaquecast.domain.anatomy import Tissue
from plaquecast.errors import ModelError
from plaquecast.segment.architectures import ARCHITECTURES, build_tissue_network
from plaquecast.segment.familiarity import Familiarity
from plaquecast.segment.regions import CHANNELS
from plaquecast.segment.unet import HeatNetwork

WEIGHTS_FILE = "weights.safetensors"
CARD_FILE = "card.json"

CONTRACT: Mapping[str, object] = {
    "kind": "segmenter",
    "input_version": 1,
    "channels": [weighting.value for weighting in CHANNELS],
    "labels": {tissue.label: int(tissue) for tissue in Tissue},
}
"""What a card must say word for word: how inputs are made, the order of weightings, and the label scheme."""


@dataclass(frozen=True, slots=True, eq=False)
class SegmenterModel:
    """All that was learned: localizer, tissue network, the temperature of its logits, and what is familiar to it."""

    heat: HeatNetwork
    tissue: nn.Module
    temperature: float
    familiarity: Familiarity


def save_segmenter(folder: Path, model: SegmenterModel, card: Mapping[str, Any]) -> dict[str, Any]:
    """Write weights and card of a segmenter into a folder, each whole or not at all; give the card as written.

    The card gets the contract, the hash of the weights, and a `model_id` made of the network's name and that hash.
    """
    folder.mkdir(parents=True, exist_ok=True)
    familiar = model.familiarity
    tensors = {f"heat.{name}": value.contiguous() for name, value in model.heat.state_dict().items()}
    tensors |= {f"tissue.{name}": value.contiguous() for name, value in model.tissue.state_dict().items()}
    tensors["temperature"] = torch.tensor(model.temperature)
    tensors |= {"familiar.mean": familiar.mean, "familiar.precision": familiar.precision.contiguous()}
    tensors["familiar.limit"] = torch.tensor(familiar.limit)
    content = save(tensors)
    digest = hashlib.sha256(content).hexdigest()
    whole = {"model_id": f"{card['network']}-{digest[:8]}", **CONTRACT, **card, "weights_sha256": digest}
    write_whole(folder / WEIGHTS_FILE, content)
    write_whole(folder / CARD_FILE, (json.dumps(whole, indent=2, ensure_ascii=False) + "\n").encode())
    return whole


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)


def read_segmenter(folder: Path) -> tuple[SegmenterModel, dict[str, Any]]:
    """Read weights and card of a segmenter.

    Raises:
        ModelError: if the folder is no segmenter, is one for other inputs or labels, or if weights and card do not
            belong together.
    """
    try:
        card = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
        _check_contract(folder, card)
        content = (folder / WEIGHTS_FILE).read_bytes()
        if hashlib.sha256(content).hexdigest() != card["weights_sha256"]:
            raise ValueError("weights that are not those of the card")
        return _model_of(load(content), card), card
    except ModelError:
        raise
    except Exception as problem:  # safetensors raises errors of its own kind; each of them means the same to a user
        raise ModelError(
            expected="a folder with the card and weights of a segmenter", found=f"{type(problem).__name__}: {problem}",
            where=folder.name, remedy="Name the folder that `plaquecast train-segmenter` wrote, whole.",
            code="no-segmenter",
        ) from problem  # fmt: skip


def _check_contract(folder: Path, card: Mapping[str, Any]) -> None:
    for name, needed in CONTRACT.items():
        if card.get(name) != needed:
            raise ModelError(
                expected=f"a segmenter with {name} {needed}", found=str(card.get(name)), where=f"card of {folder.name}",
                remedy="Use a model of this version of plaquecast, or train one again.", code="other-contract",
            )  # fmt: skip
    if card["network"] not in ARCHITECTURES or not 0.05 <= float(card["pixel_mm"]) <= 2.0:
        raise ModelError(
            expected=f"one of the networks {', '.join(ARCHITECTURES)} on pixels of 0.05 to 2 mm",
            found=f"{card['network']} on pixels of {card['pixel_mm']} mm", where=f"card of {folder.name}",
            remedy="Use a model of this version of plaquecast, or train one again.", code="other-contract",
        )  # fmt: skip


def _model_of(tensors: Mapping[str, Tensor], card: Mapping[str, Any]) -> SegmenterModel:
    heat, tissue = HeatNetwork(), build_tissue_network(card["network"], int(card["base_channels"]))
    for network, prefix in ((heat, "heat."), (tissue, "tissue.")):
        own = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
        network.load_state_dict(own)
        network.eval()
    limit = float(tensors["familiar.limit"])
    familiarity = Familiarity(tensors["familiar.mean"], tensors["familiar.precision"], limit)
    return SegmenterModel(heat, tissue, float(tensors["temperature"]), familiarity)


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write the state of a training run, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    torch.save(state, content)
    write_whole(path, content.getvalue())


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """Read the state of a training run; None if there is none. Only tensors and plain values are ever read.

    Raises:
        ModelError: if the file is none, or holds anything else.
    """
    if not path.exists():
        return None
    try:
        return torch.load(path, weights_only=True)
    except Exception as problem:  # torch raises errors of many kinds; each of them means the same to a user
        raise ModelError(
            expected="a checkpoint of an unfinished training", found=f"{type(problem).__name__}",
            where=path.name, remedy="Delete the file to train from the beginning.", code="no-checkpoint",
        ) from problem  # fmt: skip
