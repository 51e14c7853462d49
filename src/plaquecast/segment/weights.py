"""Weights on disk: safetensors for the model, a checkpoint of tensors and plain values while it is trained."""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save

from plaquecast.errors import ModelError
from plaquecast.segment.unet import HeatNetwork, TissueNetwork

WEIGHTS_FILE = "weights.safetensors"
CARD_FILE = "card.json"


def save_networks(folder: Path, heat: HeatNetwork, tissue: TissueNetwork, card: dict[str, Any]) -> dict[str, Any]:
    """Write weights and card of a segmenter into a folder, each whole or not at all; give the card as written.

    The card gets the hash of the weights, and a `model_id` made of the network's name and that hash.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"heat.{name}": value.contiguous() for name, value in heat.state_dict().items()}
    tensors |= {f"tissue.{name}": value.contiguous() for name, value in tissue.state_dict().items()}
    content = save(tensors)
    digest = hashlib.sha256(content).hexdigest()
    card = {"model_id": f"{card['network']}-{digest[:8]}", **card, "weights_sha256": digest}
    _write(folder / WEIGHTS_FILE, content)
    _write(folder / CARD_FILE, (json.dumps(card, indent=2, ensure_ascii=False) + "\n").encode())
    return card


def _write(path: Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)


def load_networks(folder: Path) -> tuple[HeatNetwork, TissueNetwork, dict[str, Any]]:
    """Read weights and card of a segmenter.

    Raises:
        ModelError: if the folder is no segmenter, or weights and card do not belong together.
    """
    try:
        card = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
        content = (folder / WEIGHTS_FILE).read_bytes()
        if hashlib.sha256(content).hexdigest() != card["weights_sha256"]:
            raise ValueError("the weights are not those of the card")
        tensors = load(content)
        heat, tissue = HeatNetwork(), TissueNetwork(int(card["base_channels"]))
        for network, prefix in ((heat, "heat."), (tissue, "tissue.")):
            own = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
            network.load_state_dict(own)
    except Exception as problem:  # safetensors raises errors of its own kind; each of them means the same to a user
        raise ModelError(
            expected="a folder with the card and weights of a segmenter", found=f"{type(problem).__name__}: {problem}",
            where=folder.name, remedy="Name the folder that `plaquecast train-segmenter` wrote, whole.",
            code="no-segmenter",
        ) from problem  # fmt: skip
    return heat.eval(), tissue.eval(), card


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write the state of a training run, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    torch.save(state, partial)
    partial.replace(path)


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """Read the state of a training run; None if there is none. Only tensors and plain values are ever read."""
    return torch.load(path, weights_only=True) if path.exists() else None
