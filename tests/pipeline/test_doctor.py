"""What the doctor finds wrong is one line with a remedy, and the exit code says that there is something."""

import json
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from tests.walk.conftest import speak

from plaquecast.pipeline import doctor


def test_each_line_is_a_verdict_and_the_last_one_sums_up(tmp_path: Path) -> None:
    answer = speak("doctor", tmp_path, "--json")
    *lines, last = [json.loads(line) for line in answer.out.splitlines()]
    assert {"Python", "torch", "cores", "free memory", "file system here", "torchvision", "Dask"} <= {
        line["subject"] for line in lines
    }
    unfit = [line["subject"] for line in lines if not line["fit"]]
    assert last["unfit"] == unfit
    assert answer.code == (2 if unfit else 0)


def test_a_network_file_system_is_told_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = [SimpleNamespace(mountpoint="/", fstype="ext4"), SimpleNamespace(mountpoint=str(tmp_path), fstype="nfs4")]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: mounts)
    answer = speak("doctor", tmp_path / ".")
    assert answer.code == 2
    assert "MEND file system here: nfs4. Write to a local disk" in answer.out
    assert "file system here" in answer.out.splitlines()[-1]


def test_what_is_not_installed_is_told_and_not_stumbled_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    found = {line.subject: line for line in doctor.examine_machine(tmp_path)}
    assert "mask-rcnn is not available" in found["torchvision"].found
    assert "--scheduler is not available" in found["Dask"].found
    assert not found["JPEG-LS decoder"].fit
