"""Twenty good patients beside twenty bad ones are imported to the same bytes as without them."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from tests.dicom_files import picture, write_series
from tests.dicom_study import AFFINE
from tests.malformed_dicom import MALFORMED_DICOM

from plaquecast.ingest.dataset import read_dataset
from plaquecast.pipeline.import_dataset import import_dataset
from plaquecast.settings import Settings


def _good(folder: Path, number: int) -> None:
    tags = {"PatientID": f"G{number:02d}", "PatientName": f"G{number:02d}", "SeriesDescription": "t1_tse"}
    uids = {"StudyInstanceUID": f"1.3.{number}", "SeriesInstanceUID": f"1.3.{number}.1"}
    write_series(folder / f"{number:02d} good", picture((12, 60, 60), number), AFFINE, tags | uids)


def _bad(folder: Path, number: int) -> None:
    """A series that is refused, as an own patient in an own study."""
    malformed = [each for each in MALFORMED_DICOM if each.code != "not-one-volume"][number]
    series = malformed.make(_made(folder / f"{number:02d} bad"), np.random.default_rng(number))
    for path in series.iterdir():
        content = path.read_bytes()
        for old, new in ((b".498.7", f".4{number:02d}.7"), (b"P1", f"B{chr(ord('a') + number)}")):
            content = content.replace(old, new.encode())  # of the same length, so nothing else changes
        path.write_bytes(content)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def _hashes(out: Path) -> dict[str, str]:
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in out.rglob("*")
        if path.is_file() and "sub-" in path.relative_to(out).parts[0]
    }


def test_good_patients_come_out_the_same_beside_bad_ones(tmp_path: Path, figure: Callable[[str], None]):
    for number in range(20):
        _good(tmp_path / "good", number)
    key = tmp_path / "key.csv"
    import_dataset(tmp_path / "good", None, None, key, None, tmp_path / "alone", Settings())
    for number in range(20):
        _good(tmp_path / "mixed", number)
        _bad(tmp_path / "mixed", number)
    import_dataset(tmp_path / "mixed", None, None, key, None, tmp_path / "beside", Settings())
    alone, beside = _hashes(tmp_path / "alone"), _hashes(tmp_path / "beside")
    n_good = len(read_dataset(tmp_path / "alone").patients)
    same = sum(beside.get(name) == digest for name, digest in alone.items())
    figure(f"beside 20 bad patients {n_good}/20 good ones, {same}/{len(alone)} files identical to the bit")
    assert n_good == 20
    assert beside == alone
