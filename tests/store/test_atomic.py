"""A file is whole or not there: every call of the system may fail, and the process may be killed at any moment."""

import errno
import gzip
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests import forked

from plaquecast.errors import InputError
from plaquecast.store import atomic
from plaquecast.store.atomic import PARTIAL_SUFFIX, gzip_bytes, sha256_of_bytes, sha256_of_file, write_bytes, write_json

OLD, NEW = b"old" * 1000, b"new" * 2000
CALLS = ("open", "write", "fsync", "replace")


class FailingSystem:
    """Lets the n-th of the watched system calls fail with the given error."""

    def __init__(self, n_fail: int, number: int) -> None:
        self.n_fail = n_fail
        self.number = number
        self.n_calls = 0

    def watch(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **options: Any) -> Any:
            self.n_calls += 1
            if self.n_calls == self.n_fail:
                raise OSError(self.number, os.strerror(self.number))
            return call(*arguments, **options)

        return watched

    def install(self, patch: pytest.MonkeyPatch) -> None:
        for name in ("open", "write", "fsync"):
            patch.setattr(atomic.os, name, self.watch(getattr(os, name)))
        patch.setattr(Path, "replace", self.watch(Path.replace))


def count_calls(folder: Path) -> int:
    with pytest.MonkeyPatch.context() as patch:
        system = FailingSystem(0, 0)
        system.install(patch)
        write_bytes(folder / "counted", NEW)
    return system.n_calls


@pytest.mark.parametrize(
    ("number", "code"), [(errno.ENOSPC, "disk-full"), (errno.EROFS, "not-writable"), (errno.EACCES, "not-writable")]
)
def test_whichever_call_fails_the_file_is_old_or_new_and_nothing_else_stays(tmp_path: Path, number: int, code: str):
    n_calls = count_calls(tmp_path)
    assert n_calls >= 6  # open, write, flush, rename; open and flush of the folder
    for n_fail in range(1, n_calls + 1):
        folder = tmp_path / f"case{n_fail}"
        folder.mkdir()
        path = folder / "result.bin"
        path.write_bytes(OLD)
        with pytest.MonkeyPatch.context() as patch:
            FailingSystem(n_fail, number).install(patch)
            with pytest.raises(InputError) as caught:
                write_bytes(path, NEW)
        assert caught.value.code == code
        assert caught.value.where == "result.bin"
        assert path.read_bytes() in (OLD, NEW)
        assert [each.name for each in folder.iterdir()] == ["result.bin"]
        write_bytes(path, NEW)
        assert path.read_bytes() == NEW


def test_a_write_in_small_pieces_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    real = os.write
    monkeypatch.setattr(atomic.os, "write", lambda descriptor, content: real(descriptor, content[:7]))
    write_bytes(tmp_path / "result.bin", NEW)
    assert (tmp_path / "result.bin").read_bytes() == NEW


def test_a_killed_writer_leaves_an_old_or_a_new_file_and_the_next_one_cleans_up(tmp_path: Path):
    path = tmp_path / "result.bin"
    contents = [bytes([digit]) * 300_000 for digit in range(4)]
    write_bytes(path, contents[0])

    def write_for_ever() -> None:
        while True:
            for content in contents:
                write_bytes(path, content)

    for n_kill in range(12):
        child = forked.start(write_for_ever)
        time.sleep(0.002 + 0.003 * n_kill)
        forked.kill(child)
        assert path.read_bytes() in contents
        assert {each.name for each in tmp_path.iterdir()} <= {"result.bin", f".result.bin{PARTIAL_SUFFIX}"}
    write_bytes(path, contents[1])
    assert [each.name for each in tmp_path.iterdir()] == ["result.bin"]


def test_compressed_content_carries_no_time(monkeypatch: pytest.MonkeyPatch):
    first = gzip_bytes(NEW)
    monkeypatch.setattr(time, "time", lambda: 1e9)
    assert gzip_bytes(NEW) == first
    assert first[4:8] == b"\0\0\0\0"
    assert gzip.decompress(first) == NEW


def test_json_that_cannot_hold_a_number_is_refused_before_anything_is_written(tmp_path: Path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "value.json", {"value": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_hash_of_a_file_is_that_of_its_bytes(tmp_path: Path):
    write_bytes(tmp_path / "result.bin", NEW)
    assert sha256_of_file(tmp_path / "result.bin") == sha256_of_bytes(NEW)
