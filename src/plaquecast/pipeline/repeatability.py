"""The measurement error of a segmenter from repeat scans: the whole path twice on the same artery."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np

from plaquecast.domain.anatomy import Side
from plaquecast.domain.measurements import PUBLISHED_ERRORS, MeasurementError
from plaquecast.domain.missing import Missing, is_number
from plaquecast.domain.morphology import ArteryMorphology
from plaquecast.pipeline.cohort import TABLES, run_cohort
from plaquecast.pipeline.progress import Listener
from plaquecast.segment.weights import CARD_FILE
from plaquecast.settings import Settings
from plaquecast.store.atomic import write_json
from plaquecast.store.model_files import verify_model, write_model_manifest
from plaquecast.store.tables import MeasuredArtery, read_arteries_tables

Pair = tuple[ArteryMorphology, ArteryMorphology]

LEAST_PAIRS = 4
"""With fewer pairs an error cannot be told, and the published one stays."""


def keep_repeatability(
    segmenter: Path, repeats: Path, out: Path, settings: Settings, listen: Listener
) -> dict[str, MeasurementError]:
    """Examine a dataset in which each patient was scanned twice without change, and keep the error in the card.

    Everything is examined with `segmenter` into the run folder `out`; the first two visits of each patient are
    taken for repeat scans. Each error keeps the form of the published one (relative, absolute or both) and is scaled
    to what was seen.

    Raises:
        InputError, ModelError: as `run_cohort`.
    """
    run_cohort(repeats, segmenter, out, settings, listen)
    errors = errors_from_repeats(repeat_pairs(read_arteries_tables(out / TABLES)))
    verify_model(segmenter)
    card = json.loads((segmenter / CARD_FILE).read_text(encoding="utf-8"))
    card["repeatability"] = {name: asdict(error) for name, error in errors.items()}
    write_json(segmenter / CARD_FILE, card)
    write_model_manifest(segmenter)
    return errors


def repeat_pairs(arteries: Iterable[MeasuredArtery]) -> list[Pair]:
    """The first two visits of each artery, where both were measured."""
    visits: defaultdict[tuple[str, Side], list[ArteryMorphology | Missing]] = defaultdict(list)
    for artery in arteries:
        visits[artery.patient_id, artery.side].append(artery.morphology)
    pairs = []
    for both in visits.values():
        if len(both) >= 2 and isinstance(both[0], ArteryMorphology) and isinstance(both[1], ArteryMorphology):
            pairs.append((both[0], both[1]))
    return pairs


def errors_from_repeats(pairs: Iterable[Pair]) -> dict[str, MeasurementError]:
    """SD of one measurement from pairs of repeat scans, per measurement that enough pairs have.

    One number is fitted for each, the factor on the published error: sqrt(mean((a − b)² / (2·sd²))), so that few pairs
    suffice; sd is the published error at the mean of both.
    """
    found = {}
    both = list(pairs)
    for name, published in PUBLISHED_ERRORS.items():
        values = [(getattr(one, name), getattr(other, name)) for one, other in both]
        numbers = np.array([pair for pair in values if is_number(pair[0]) and is_number(pair[1]) and any(pair)])
        if len(numbers) >= LEAST_PAIRS:
            found[name] = _scaled(published, numbers)
    return found


def _scaled(published: MeasurementError, pairs: np.ndarray) -> MeasurementError:
    expected = published.sd(pairs.mean(axis=1))
    factor = float(np.sqrt(np.mean((pairs[:, 0] - pairs[:, 1]) ** 2 / (2.0 * expected**2))))
    origin = f"repeat scans of {len(pairs)} arteries with this segmenter"
    return MeasurementError(factor * published.relative, factor * published.absolute, origin)


def errors_as_table(errors: Mapping[str, MeasurementError]) -> list[tuple[str, float, float, str]]:
    """Rows of name, relative error in percent, absolute error, origin."""
    return [(name, 100.0 * error.relative, error.absolute, error.origin) for name, error in errors.items()]
