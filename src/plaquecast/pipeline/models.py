"""Trained segmenters opened for a run: verified byte by byte, and loaded once in each process."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from plaquecast.domain.measurements import PUBLISHED_ERRORS, MeasurementError
from plaquecast.domain.protocols import Segmenter
from plaquecast.domain.visit import Visit
from plaquecast.errors import InputError
from plaquecast.segment.bright_blood import BrightBloodSegmenter
from plaquecast.segment.network import describe, load_segmenter
from plaquecast.segment.weights import WEIGHTS_FILE
from plaquecast.store.atomic import sha256_of_file
from plaquecast.store.model_files import verify_model

_BRIGHT_BLOOD = (
    "Lumen and axis of both carotids were found in the bright-blood images by brightness, shape and course, without a"
    " trained network; such images do not show the wall."
)


@dataclass(frozen=True, slots=True, eq=False)
class OpenedSegmenter:
    """A segmenter with the hash of its files, its sentence for the methods text, and its error from repeat scans.

    `weights_hash` is that of what segments; `model_hash` that of the whole folder, its card included. `errors` holds
    this segmenter's own repeatability where its card has it, and published figures for the rest.
    """

    segmenter: Segmenter
    model_hash: str
    weights_hash: str
    sentence: str
    errors: Mapping[str, MeasurementError]


def open_segmenter(folder: Path) -> OpenedSegmenter:
    """Open a trained segmenter after comparing each of its files with its manifest.

    Raises:
        ModelError: if the folder holds no segmenter, or not the files that were saved.
    """
    return _opened(folder.resolve(), verify_model(folder))


def segmenter_for(visit: Visit, folder: Path | None) -> OpenedSegmenter:
    """The segmenter that fits a visit: the trained one where the wall is shown, else the one for bright blood.

    Raises:
        InputError: if the visit shows the wall and no trained segmenter was named.
        ModelError: if the named folder cannot be used.
    """
    if not any(weighting.shows_wall for weighting in visit.volumes):
        return OpenedSegmenter(BrightBloodSegmenter(), "none", "none", _BRIGHT_BLOOD, PUBLISHED_ERRORS)
    if folder is None:
        raise InputError(
            expected="a trained segmenter for images that show the wall",
            found="none was named",
            where=f"sub-{visit.patient_id} ses-{visit.session_id}",
            remedy="Name one with --segmenter; `plaquecast train-segmenter` makes it.",
            code="no-segmenter-named",
        )
    return open_segmenter(folder)


@lru_cache(maxsize=2)
def _opened(folder: Path, model_hash: str) -> OpenedSegmenter:
    segmenter = load_segmenter(folder)
    own = segmenter.card.get("repeatability", {})
    errors = dict(PUBLISHED_ERRORS) | {name: MeasurementError(**entry) for name, entry in own.items()}
    weights_hash = sha256_of_file(folder / WEIGHTS_FILE)
    return OpenedSegmenter(segmenter, model_hash, weights_hash, describe(segmenter.card), errors)
