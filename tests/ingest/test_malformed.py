"""Promises of the door: what is malformed is refused by name, and no flip, cut or bomb gets through quietly."""

import gzip
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.malformed import Malformed
from tests.malformed_dicom import MALFORMED_DICOM
from tests.malformed_nifti import MALFORMED_NIFTI, image, read
from tests.malformed_other import MALFORMED_OTHER

from plaquecast.errors import PlaquecastError

CLASSES = (*MALFORMED_NIFTI, *MALFORMED_DICOM, *MALFORMED_OTHER)
VARIANTS = 4

Figure = Callable[[str], None]


def _outcome(malformed: Malformed, folder: Path, seed: int) -> str:
    """Ok, or what is wrong with the answer; anything but a refusal of ours fails the test with its traceback."""
    folder.mkdir()
    path = malformed.make(folder, np.random.default_rng(seed))
    try:
        malformed.read(path)
    except PlaquecastError as error:
        said = all((error.expected, error.found, error.where)) and error.remedy.endswith(".")
        placed = path.name in str(error) or "series" in error.where
        if error.code == malformed.code and said and placed:
            return "ok"
        return f"{malformed.name} {seed}: {error.code}: {error}"
    return f"{malformed.name} {seed}: silently accepted"


def test_every_malformed_file_is_refused_with_place_cause_and_remedy(tmp_path: Path, figure: Figure):
    outcomes = [
        _outcome(malformed, tmp_path / f"{number}-{seed}", seed)
        for number, malformed in enumerate(CLASSES)
        for seed in range(VARIANTS)
    ]
    wrong = [outcome for outcome in outcomes if outcome != "ok"]
    silent = sum("silently" in outcome for outcome in wrong)
    figure(f"malformed {outcomes.count('ok')}/{len(outcomes)} in {len(CLASSES)} classes · silent {silent}")
    assert len(CLASSES) >= 60
    assert len(outcomes) >= 400
    assert wrong == []


def test_no_wrong_geometry_is_accepted_silently(figure: Figure):
    """The classes themselves are tried above; this one keeps their number from shrinking."""
    geometry = [malformed for malformed in CLASSES if malformed.is_geometry]
    figure(f"wrong geometry: {len(geometry)} classes, all refused by name")
    assert len(geometry) >= 22


def test_no_flipped_bit_and_no_cut_of_a_packed_image_goes_unnoticed(tmp_path: Path, figure: Figure):
    rng = np.random.default_rng(0)
    whole = gzip.compress(image(rng).to_bytes())
    path = tmp_path / "image.nii.gz"
    path.write_bytes(whole)
    truth = read(path)
    counts = {"refused": 0, "harmless": 0, "wrong": 0}

    def try_(content: bytes) -> None:
        path.write_bytes(content)
        try:
            found = read(path)
        except PlaquecastError:
            counts["refused"] += 1
            return
        same = np.array_equal(found.array, truth.array) and np.array_equal(found.grid.affine, truth.grid.affine)
        counts["harmless" if same else "wrong"] += 1

    for position in rng.integers(0, 8 * len(whole), 2000):
        changed = bytearray(whole)
        changed[position // 8] ^= 1 << (position % 8)
        try_(bytes(changed))
    for length in range(len(whole)):
        try_(whole[:length])
    figure(f"2000 flipped bits and {len(whole)} cuts: {counts}")
    assert counts["wrong"] == 0
    assert counts["harmless"] <= 0.02 * 2000  # ten bytes of a gzip header hold no image: 0.5 % of these files


BOMBS = """
import resource, sys
from pathlib import Path
from tests.bombs import BOMBS
from plaquecast.errors import PlaquecastError
from plaquecast.ingest.reader_process import READER

def peak():
    return max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))

for bomb in BOMBS:
    path = bomb.make(Path(sys.argv[1]))
    try:
        bomb.read(path)
    except PlaquecastError as error:
        print("refused", error.code, bomb.name)
    else:
        print("accepted", "-", bomb.name)
READER.close()
print(peak())
"""


def test_bombs_are_refused_within_bounded_memory(tmp_path: Path, figure: Figure):
    command = [sys.executable, "-c", BOMBS, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=200)
    *lines, peak = done.stdout.splitlines()
    start_kib = 400_000  # what the interpreter and its libraries take before anything is read
    figure(f"bombs {sum(line.startswith('refused') for line in lines)}/{len(lines)}, peak {int(peak) / 2**20:.2f} GiB")
    assert len(lines) >= 25
    assert [line for line in lines if not line.startswith("refused")] == []
    assert int(peak) <= 2**20 + start_kib


@pytest.mark.parametrize("kind", ["nifti", "dicom"])
def test_mutated_files_are_refused_or_read_as_they_were(tmp_path: Path, figure: Figure, kind: str):
    from tests.mutants import mutants_of

    counts = mutants_of(kind, tmp_path, 750)
    figure(f"mutated {kind} 750: {counts}")
    assert counts["wrong"] == 0
