"""A model's folder: files written whole, listed with their hashes in a manifest, and verified before use."""

import json
from collections.abc import Mapping
from pathlib import Path

from plaquecast.errors import ModelError
from plaquecast.store.atomic import sha256_of_bytes, sha256_of_file, write_bytes, write_json

MANIFEST = "manifest.json"


def write_model(folder: Path, files: Mapping[str, bytes]) -> str:
    """Write the files of a model (name relative to the folder → content) and their manifest; give its hash."""
    for name, content in files.items():
        write_bytes(folder / name, content)
    return write_model_manifest(folder)


def write_model_manifest(folder: Path) -> str:
    """Write `manifest.json` over every file that lies in the folder; give the hash of the manifest itself.

    Raises:
        ModelError: if the folder is empty or holds something other than files and folders.
    """
    names = _files_of(folder)
    if not names:
        raise _refused(
            folder, "the files of a model", "an empty folder", "Save the model into it first.", "model-empty"
        )
    write_json(folder / MANIFEST, {"files": {name: sha256_of_file(folder / name) for name in names}})
    return model_hash(folder)


def verify_model(folder: Path) -> str:
    """Compare every file of a model's folder with its manifest; give the hash of the manifest itself.

    Raises:
        ModelError: if the manifest is missing or unreadable, a file is missing, changed by a byte or not listed.
    """
    listed = _listed(folder)
    present = set(_files_of(folder))
    for name in sorted(listed.keys() | present):
        if name not in present:
            raise _broken(folder, name, "no such file")
        if name not in listed:
            raise _broken(folder, name, "a file that the manifest does not list")
        if sha256_of_file(folder / name) != listed[name]:
            raise _broken(folder, name, "other content than was saved")
    return model_hash(folder)


def read_model_file(folder: Path, name: str) -> bytes:
    """Read one file of a model; the very bytes that are given were compared with the manifest.

    Raises:
        ModelError: if the file is not listed, missing or changed by a byte.
    """
    listed = _listed(folder)
    if name not in listed or not (folder / name).is_file():
        raise _broken(folder, name, "no such file")
    content = (folder / name).read_bytes()
    if sha256_of_bytes(content) != listed[name]:
        raise _broken(folder, name, "other content than was saved")
    return content


def model_hash(folder: Path) -> str:
    """SHA-256 of the manifest: one name for the exact content of a model."""
    return sha256_of_file(folder / MANIFEST)


def _files_of(folder: Path) -> list[str]:
    """Files below the folder but the manifest, hidden ones left out; a link could show another content tomorrow."""
    names = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            raise _broken(folder, name, "a link")
        if path.is_file() and name != MANIFEST and not path.name.startswith("."):
            names.append(name)
    return names


def _listed(folder: Path) -> dict[str, str]:
    try:
        listed = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
        return {str(name): str(value) for name, value in listed.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise _broken(folder, MANIFEST, f"no list of files ({type(problem).__name__})") from problem


def _broken(folder: Path, name: str, found: str) -> ModelError:
    remedy = "Fetch the model again from where it was made, or train it again; do not edit its files."
    return _refused(folder, "the model as it was saved", f"{found}: {name}", remedy, "model-changed")


def _refused(folder: Path, expected: str, found: str, remedy: str, code: str) -> ModelError:
    return ModelError(expected=expected, found=found, where=f"model {folder.name}", remedy=remedy, code=code)
