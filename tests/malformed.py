"""Files with one thing wrong, made from a seed: each class names the code with which the door must refuse it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True, slots=True)
class Malformed:
    """One class of defect: `make` writes a file or folder and gives its path, `read` is the way in that refuses it."""

    name: str
    code: str
    make: Callable[[Path, np.random.Generator], Path]
    read: Callable[[Path], object]
    is_geometry: bool = False
