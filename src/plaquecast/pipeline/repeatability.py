"""The measurement error of a segmenter from repeat scans: the whole path twice on the same artery."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from plaquecast.change.matching import Values, matched_measurements
from plaquecast.domain.measurements import PUBLISHED_ERRORS, MeasurementError
from plaquecast.domain.missing import is_number
from plaquecast.pipeline.cohort import TABLES
from plaquecast.segment.weights import CARD_FILE
from plaquecast.store.atomic import write_json
from plaquecast.store.model_files import verify_model, write_model_manifest
from plaquecast.store.repeat_table import read_repeat_scans_table
from plaquecast.store.tables import read_arteries_tables

LEAST_PAIRS = 4
"""With fewer pairs an error cannot be told, and the published one stays."""


def keep_repeatability(segmenter: Path, run: Path) -> dict[str, MeasurementError]:
    """Work out the error from the repeat scans in a run that was made with `segmenter`, and keep it in its card.

    Each error keeps the form of the published one (relative, absolute or both) and is scaled to what was seen.

    Raises:
        InputError: if a table of the run cannot be read.
        ModelError: if the segmenter's folder is not as it was saved.
    """
    errors = repeatability_of(run)
    verify_model(segmenter)
    card = json.loads((segmenter / CARD_FILE).read_text(encoding="utf-8"))
    card["repeatability"] = {name: asdict(error) for name, error in errors.items()}
    write_json(segmenter / CARD_FILE, card)
    write_model_manifest(segmenter)
    return errors


def repeatability_of(run: Path) -> dict[str, MeasurementError]:
    """The error of one scan from the repeat scans in a run; empty where too few arteries were scanned twice.

    Raises:
        InputError: if a table of the run cannot be read.
    """
    return errors_from_repeats(repeated_measurements(run))


def repeated_measurements(run: Path) -> list[tuple[Values, Values]]:
    """Measurements of each artery that was scanned twice, of both scans over the artery that both cover.

    They face each other where the images say so, as two visits do when change is computed.

    Raises:
        InputError: if a table of the run cannot be read.
    """
    found = {
        (artery.patient_id, artery.session_id, artery.side): artery.morphology
        for artery in read_arteries_tables(run / TABLES)
    }
    pairs = []
    for scan in read_repeat_scans_table(run / TABLES):
        one, other = (found[scan.patient_id, name, scan.side] for name in (scan.session_id, scan.repeat_session_id))
        if isinstance(scan.ahead_mm, float):
            pairs.append(matched_measurements(one, other, 0.0, scan.ahead_mm))
    return pairs


def errors_from_repeats(pairs: Iterable[tuple[Values, Values]]) -> dict[str, MeasurementError]:
    """SD of one measurement from measurements of repeat scans, per measurement that enough pairs have.

    One number is fitted for each, the factor on the published error: sqrt(mean((a − b)² / (2·sd²))), so that few pairs
    suffice; sd is the published error at the mean of both.
    """
    found = {}
    both = list(pairs)
    for name, published in PUBLISHED_ERRORS.items():
        values = [(one[name], other[name]) for one, other in both]
        numbers = np.array([pair for pair in values if is_number(pair[0]) and is_number(pair[1]) and any(pair)])
        if len(numbers) >= LEAST_PAIRS:
            found[name] = _scaled(published, numbers)
    return found


def _scaled(published: MeasurementError, pairs: np.ndarray) -> MeasurementError:
    expected = published.sd(pairs.mean(axis=1))
    factor = float(np.sqrt(np.mean((pairs[:, 0] - pairs[:, 1]) ** 2 / (2.0 * expected**2))))
    origin = f"repeat scans of {len(pairs)} arteries with this segmenter"
    return MeasurementError(factor * published.relative, factor * published.absolute, origin)
