"""The numbers of a fitted model as JSON text, exact to the last bit and free of anything that could run."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from plaquecast.errors import ModelError

STATE = "model.json"


def write_state(**entries: Any) -> bytes:
    """Entries (plain values and arrays) as JSON; a float's shortest decimal form reads back as the same float.

    >>> read_state({STATE: write_state(slope=np.array([0.1, 1 / 3]))})["slope"][1] == 1 / 3
    True
    """
    plain = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in entries.items()}
    return json.dumps(plain, sort_keys=True, allow_nan=False).encode()


def read_state(files: Mapping[str, bytes], name: str = STATE) -> dict[str, Any]:
    """The entries of `write_state`.

    Raises:
        ModelError: if the file is missing or is not such a text.
    """
    try:
        state = json.loads(files[name].decode("utf-8"))
        if not isinstance(state, dict):
            raise ValueError(type(state).__name__)
        return state
    except (KeyError, ValueError, RecursionError) as problem:
        raise broken_model(name, f"{type(problem).__name__}: {problem}") from problem


def files_below(files: Mapping[str, bytes], folder: str) -> dict[str, bytes]:
    """The files of a folder, by their names in it."""
    return {name.removeprefix(folder): content for name, content in files.items() if name.startswith(folder)}


def broken_model(where: str, found: str) -> ModelError:
    """The error for a model's file that is not what was saved."""
    return ModelError(
        expected="the file of a predictor as it was saved",
        found=found,
        where=where,
        remedy="Fetch the model again from where it was made, or train it again.",
        code="predictor-broken",
    )
