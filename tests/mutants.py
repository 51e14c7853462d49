"""Sound files damaged at random: bits flipped, bytes cut, inserted, doubled or overwritten."""

import gzip
from pathlib import Path

import numpy as np
from tests.dicom_files import pattern, write_series
from tests.malformed_dicom import read as read_dicom
from tests.malformed_nifti import image
from tests.malformed_nifti import read as read_nifti

from plaquecast.domain.volume import Volume
from plaquecast.errors import PlaquecastError


def mutate(content: bytes, rng: np.random.Generator) -> bytes:
    """One random change, which may leave the content as it was."""
    at, length = int(rng.integers(len(content))), int(rng.integers(1, 20))
    kind = int(rng.integers(5))
    if kind == 0:
        return content[:at] + bytes([content[at] ^ (1 << int(rng.integers(8)))]) + content[at + 1 :]
    if kind == 1:
        return content[:at] + content[at + length :]
    if kind == 2:
        return content[:at] + rng.bytes(length) + content[at:]
    if kind == 3:
        return content[: at + length] + content[at:]
    return content[:at] + rng.bytes(length) + content[at + length :]


def mutants_of(kind: str, folder: Path, n_mutants: int, seed: int = 0) -> dict[str, int]:
    """Read so many mutants and count them as refused, read as they were, or wrong.

    A NIfTI file is changed anywhere. Of a DICOM series one file is changed before its pixels: pixels that are not
    compressed carry no checksum, so a change in them cannot be told from a picture.
    """
    rng = np.random.default_rng(seed)
    path, read, whole, end = _sound(kind, folder)
    truth = read(folder if kind == "dicom" else path)
    counts = {"refused": 0, "as it was": 0, "wrong": 0}
    for _ in range(n_mutants):
        path.write_bytes(mutate(whole[:end], rng) + whole[end:])
        try:
            found = read(folder if kind == "dicom" else path)
        except PlaquecastError:
            counts["refused"] += 1
            continue
        same = np.array_equal(found.array, truth.array) and found.grid.matches(truth.grid, 1e-4)
        counts["as it was" if same else "wrong"] += 1
    return counts


def _sound(kind: str, folder: Path):
    if kind == "nifti":
        path = folder / "image.nii.gz"
        path.write_bytes(gzip.compress(image(np.random.default_rng(0)).to_bytes()))
        return path, read_nifti, path.read_bytes(), None
    write_series(folder, pattern((6, 8, 8)))
    path = sorted(folder.iterdir())[2]
    whole = path.read_bytes()
    return path, _volume, whole, whole.index(b"\xe0\x7f\x10\x00")


def _volume(folder: Path) -> Volume:
    return read_dicom(folder)[0]  # type: ignore[index]
