"""Measurements and changes of one case as JSON files that lose nothing, so that a stopped run can go on from them."""

import gzip
import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from plaquecast.domain.anatomy import Side
from plaquecast.domain.change import ChangeFactor
from plaquecast.domain.missing import Missing
from plaquecast.domain.morphology import ArteryMorphology
from plaquecast.errors import InputError
from plaquecast.store.atomic import write_json
from plaquecast.store.json_values import from_json_value, to_json_value

Arteries = Mapping[Side, ArteryMorphology | Missing]


def write_arteries(path: Path, arteries: Arteries) -> None:
    """Write both arteries of one visit, each measured or `Missing`, to `.json` or `.json.gz`."""
    write_thing(path, arteries)


def read_arteries(path: Path) -> dict[Side, ArteryMorphology | Missing]:
    """Read back what `write_arteries` wrote.

    Raises:
        InputError: if the file is missing, damaged or of another kind.
    """
    return read_thing(path, Mapping[Side, ArteryMorphology | Missing])


def write_changes(path: Path, changes: Sequence[ChangeFactor]) -> None:
    """Write the change factors of one patient to `.json` or `.json.gz`."""
    write_thing(path, tuple(changes))


def read_changes(path: Path) -> tuple[ChangeFactor, ...]:
    """Read back what `write_changes` wrote.

    Raises:
        InputError: if the file is missing, damaged or of another kind.
    """
    return read_thing(path, tuple[ChangeFactor, ...])


def write_thing(path: Path, thing: object) -> None:
    """Write any frozen thing of the domain (or tuples and mappings of such), whole or not at all."""
    write_json(path, to_json_value(thing))


def read_thing(path: Path, kind: Any) -> Any:
    """Read back a thing of the given type, equal to the last bit.

    Raises:
        InputError: if the file is missing, damaged or of another kind.
    """
    try:
        content = path.read_bytes()
        text = gzip.decompress(content) if path.suffix == ".gz" else content
        return from_json_value(kind, json.loads(text))
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise InputError(
            expected="a file of this program",
            found=f"{type(problem).__name__}: {problem}",
            where=path.name,
            remedy="Start the same command again; it makes the file anew.",
            code="damaged-file",
        ) from problem
