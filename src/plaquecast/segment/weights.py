"""Weights on disk: safetensors for the model, a checkpoint of tensors and plain values while it is trained."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from plaquecast.errors import ModelError
from plaquecast.segment.unet import HeatNetwork, TissueNetwork

WEIGHTS_FILE = "weights.safetensors"
CARD_FILE = "card.json"


def save_networks(folder: Path, heat: HeatNetwork, tissue: TissueNetwork, card: dict[str, Any]) -> None:
    """Write weights and card of a segmenter into a folder, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"heat.{name}": value.contiguous() for name, value in heat.state_dict().items()}
    tensors |= {f"tissue.{name}": value.contiguous() for name, value in tissue.state_dict().items()}
    partial = folder / f".{WEIGHTS_FILE}.partial"
    save_file(tensors, partial)
    partial.replace(folder / WEIGHTS_FILE)
    partial = folder / f".{CARD_FILE}.partial"
    partial.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(folder / CARD_FILE)


def load_networks(folder: Path) -> tuple[HeatNetwork, TissueNetwork, dict[str, Any]]:
    """Read weights and card of a segmenter.

    Raises:
        ModelError: if the folder is no segmenter, or weights and card do not belong together.
    """
    try:
        card = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
        tensors = load_file(folder / WEIGHTS_FILE)
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
