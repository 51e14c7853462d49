"""Rigid transforms as ITK text files, which registration tools and 3D Slicer read."""

from pathlib import Path

import numpy as np

from plaquecast.domain.transform import RigidTransform
from plaquecast.errors import InputError
from plaquecast.store.atomic import write_text

_HEADER = "#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_3_3\n"


def write_transform(path: Path, transform: RigidTransform) -> None:
    """Write a transform so that ITK reads the same points (LPS mm) out of it, equal to the last bit.

    ITK's convention is the project's: the transform takes points of the reference to points of the other image.
    """
    rotation, shift = transform.matrix_mm[:3, :3], transform.matrix_mm[:3, 3]
    numbers = " ".join(repr(float(number)) for number in (*rotation.ravel(), *shift))
    write_text(path, f"{_HEADER}Parameters: {numbers}\nFixedParameters: 0 0 0\n")


def read_transform(path: Path) -> RigidTransform:
    """Read back what `write_transform` wrote.

    Raises:
        InputError: if the file is missing, damaged, or no rigid transform about the origin.
    """
    try:
        text = path.read_text(encoding="utf-8")
        entries = dict(line.split(": ", 1) for line in text.splitlines() if not line.startswith("#"))
        if entries["FixedParameters"] != "0 0 0":
            raise ValueError("a center that is not the origin")
        numbers = np.array([float(word) for word in entries["Parameters"].split()])
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = numbers[:9].reshape(3, 3), numbers[9:]
    except (OSError, ValueError, KeyError) as problem:
        raise InputError(
            expected="a transform as it was written",
            found=f"{type(problem).__name__}: {problem}",
            where=path.name,
            remedy="Make the file again.",
            code="damaged-file",
        ) from problem
    return RigidTransform(matrix)
