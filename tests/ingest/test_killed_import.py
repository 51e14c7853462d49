"""An import that is killed leaves nothing half-written, and nothing of the patients; the same command then succeeds."""

import os
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.dicom_study import write_patient
from tests.forked import start

from plaquecast.errors import InputError
from plaquecast.ingest.reader_process import READER
from plaquecast.pipeline.import_dataset import import_dataset
from plaquecast.settings import Settings

KILLED = 9


def killed_at(flush: int, work: Callable[[], object]) -> bool:
    """Do the work in a child that is gone in its n-th flush to disk, half of the file's bytes lost; False: it ended."""
    seen = 0
    flushed = os.fsync

    def fsync(descriptor: int) -> None:
        nonlocal seen
        seen += 1
        if seen == flush:
            if os.fstat(descriptor).st_mode & 0o100000:  # a regular file, not its folder
                os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)
            os._exit(KILLED)
        flushed(descriptor)

    def child() -> None:
        os.fsync = fsync
        READER.call = lambda function, *given, **_: function(*given)  # the parent's reader is not the child's
        work()

    _, status = os.waitpid(start(child), 0)
    return os.waitstatus_to_exitcode(status) == KILLED


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_killed_import_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figure: Callable[[str], None]
):
    write_patient(tmp_path / "scans", "H1", shape=(4, 24, 24))
    with zipfile.ZipFile(tmp_path / "scans.zip", "w") as archive:
        for number, path in enumerate(sorted((tmp_path / "scans").rglob("IM*"))):
            archive.write(path, f"{number}")
    (tmp_path / "temp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temp"))

    def work(out: Path) -> None:
        import_dataset(tmp_path / "scans.zip", None, None, tmp_path / "key.csv", None, out, Settings())

    work(tmp_path / "undisturbed")
    kills = 0
    while killed_at(kills + 1, lambda: work(tmp_path / "out")):
        kills += 1
        assert not (tmp_path / "out").exists()
        assert not any((tmp_path / "temp").iterdir())
    wrong = contents(tmp_path / "out") != contents(tmp_path / "undisturbed")
    left = [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]
    figure(f"import killed at each of {kills} flushes: half-written {int(wrong)}, left behind {len(left)}")
    assert kills >= 30
    assert not wrong
    assert left == []


def test_what_goes_wrong_leaves_nothing_behind(tmp_path: Path):
    write_patient(tmp_path / "scans", "H1", shape=(4, 24, 24))
    folder = tmp_path / "out"
    with pytest.raises(InputError):
        import_dataset(tmp_path / "nowhere", None, None, None, None, folder, Settings())
    assert [path.name for path in tmp_path.iterdir()] == ["scans"]
