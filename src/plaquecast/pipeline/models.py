"""Trained segmenters opened for a run: verified byte by byte, and loaded once in each process."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from plaquecast.domain.measurements import PUBLISHED_ERRORS, MeasurementError
from plaquecast.domain.protocols import Segmenter
from plaquecast.domain.visit import Visit
from plaquecast.segment.bright_blood import BrightBloodSegmenter
from plaquecast.segment.bright_blood import describe as describe_bright_blood
from plaquecast.segment.folds import open_model
from plaquecast.segment.network import REFERENCE, describe
from plaquecast.store.model_files import verify_model


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
    """The segmenter that fits a visit: for bright blood only, its own; else the one named, or the package's.

    Raises:
        ModelError: if the folder cannot be used.
    """
    if not any(weighting.shows_wall for weighting in visit.volumes):
        return OpenedSegmenter(BrightBloodSegmenter(), "none", "none", describe_bright_blood(), PUBLISHED_ERRORS)
    return open_segmenter(folder or REFERENCE)


@lru_cache(maxsize=2)
def _opened(folder: Path, model_hash: str) -> OpenedSegmenter:
    segmenter = open_model(folder)
    own = segmenter.card.get("repeatability", {})
    errors = dict(PUBLISHED_ERRORS) | {name: MeasurementError(**entry) for name, entry in own.items()}
    weights_hash = str(segmenter.card["weights_sha256"])
    return OpenedSegmenter(segmenter, model_hash, weights_hash, describe(segmenter.card), errors)
