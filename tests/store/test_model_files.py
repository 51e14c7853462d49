"""A model's folder is what was saved, byte for byte, or it is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest

from plaquecast.errors import ModelError
from plaquecast.store.model_files import MANIFEST, read_model_file, verify_model, write_model, write_model_manifest

FILES = {"card.json": b'{"labels": 8}', "weights.safetensors": bytes(range(256)), "folds/0.txt": b"tree"}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    write_model(tmp_path / "model", FILES)
    return tmp_path / "model"


def test_a_saved_model_is_verified_and_read(model: Path):
    assert verify_model(model) == verify_model(model)
    for name, content in FILES.items():
        assert read_model_file(model, name) == content


def test_one_name_for_one_content(model: Path, tmp_path: Path):
    assert write_model(tmp_path / "again", FILES) == verify_model(model)
    assert write_model(tmp_path / "other", FILES | {"card.json": b"{}"}) != verify_model(model)


def test_every_single_changed_byte_is_noticed(model: Path):
    for name, content in FILES.items():
        for position in range(len(content)):
            changed = bytearray(content)
            changed[position] ^= 1
            (model / name).write_bytes(bytes(changed))
            with pytest.raises(ModelError) as caught:
                verify_model(model)
            assert caught.value.code == "model-changed"
            assert name in caught.value.found
            with pytest.raises(ModelError):
                read_model_file(model, name)
        (model / name).write_bytes(content)
    verify_model(model)


HARMS: list[Callable[[Path], object]] = [
    lambda model: (model / "folds/0.txt").unlink(),
    lambda model: (model / "more.txt").write_text("added"),
    lambda model: (model / MANIFEST).unlink(),
    lambda model: (model / MANIFEST).write_text("{}"),
    lambda model: (model / MANIFEST).write_text("[1"),
    lambda model: (model / "card.json").rename(model / "card2.json"),
    lambda model: (model / "link.txt").symlink_to("card.json"),
]


@pytest.mark.parametrize("harm", HARMS)
def test_a_folder_that_is_not_as_saved_is_refused(model: Path, harm: Callable[[Path], object]):
    harm(model)
    with pytest.raises(ModelError):
        verify_model(model)


def test_a_file_outside_the_list_is_not_read(model: Path):
    (model.parent / "secret.txt").write_text("secret")
    with pytest.raises(ModelError):
        read_model_file(model, "../secret.txt")


def test_an_empty_folder_is_no_model(tmp_path: Path):
    with pytest.raises(ModelError):
        write_model_manifest(tmp_path)
