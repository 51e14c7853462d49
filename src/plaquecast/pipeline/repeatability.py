"""The measurement error of a segmenter from repeat scans: the whole path twice on the same artery."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np

from plaquecast.change.matching import matched_measurements
from plaquecast.domain.anatomy import Side
from plaquecast.domain.measurements import PUBLISHED_ERRORS, MeasurementError
from plaquecast.domain.missing import Missing, is_number
from plaquecast.domain.morphology import ArteryMorphology
from plaquecast.domain.visit import interval_years
from plaquecast.pipeline.cohort import TABLES
from plaquecast.segment.weights import CARD_FILE
from plaquecast.settings import ChangeSettings
from plaquecast.store.atomic import write_json
from plaquecast.store.clinical_table import read_clinical_table
from plaquecast.store.model_files import verify_model, write_model_manifest
from plaquecast.store.tables import MeasuredArtery, read_arteries_tables

Pair = tuple[ArteryMorphology, ArteryMorphology]

LEAST_PAIRS = 4
"""With fewer pairs an error cannot be told, and the published one stays."""


def keep_repeatability(segmenter: Path, run: Path, settings: ChangeSettings) -> dict[str, MeasurementError]:
    """Work out the error from the repeat scans in a run that was made with `segmenter`, and keep it in its card.

    Each error keeps the form of the published one (relative, absolute or both) and is scaled to what was seen.

    Raises:
        InputError: if a table of the run cannot be read.
        ModelError: if the segmenter's folder is not as it was saved.
    """
    errors = repeatability_of(run, settings)
    verify_model(segmenter)
    card = json.loads((segmenter / CARD_FILE).read_text(encoding="utf-8"))
    card["repeatability"] = {name: asdict(error) for name, error in errors.items()}
    write_json(segmenter / CARD_FILE, card)
    write_model_manifest(segmenter)
    return errors


def repeatability_of(run: Path, settings: ChangeSettings) -> dict[str, MeasurementError]:
    """The error of one scan from the repeat scans in a run; empty where too few arteries were scanned twice.

    Raises:
        InputError: if a table of the run cannot be read.
    """
    clinical = read_clinical_table(run / TABLES)
    dates = {(visit.patient_id, visit.session_id): visit.acquired for visit in clinical}
    return errors_from_repeats(
        repeat_pairs(read_arteries_tables(run / TABLES), dates, settings.shortest_interval_years)
    )


def repeat_pairs(
    arteries: Iterable[MeasuredArtery], dates: Mapping[tuple[str, str], date | Missing], within_years: float
) -> list[Pair]:
    """Consecutive visits of each artery, in which both were measured, too close together for a change to show."""
    visits: defaultdict[tuple[str, Side], list[MeasuredArtery]] = defaultdict(list)
    for artery in arteries:
        visits[artery.patient_id, artery.side].append(artery)
    pairs = []
    for each in visits.values():
        for one, other in pairwise(each):
            between = interval_years(*(dates[visit.patient_id, visit.session_id] for visit in (one, other)))
            first, second = one.morphology, other.morphology
            is_measured = isinstance(first, ArteryMorphology) and isinstance(second, ArteryMorphology)
            if is_measured and not isinstance(between, Missing) and between < within_years:
                pairs.append((first, second))
    return pairs


def errors_from_repeats(pairs: Iterable[Pair]) -> dict[str, MeasurementError]:
    """SD of one measurement from pairs of repeat scans, per measurement that enough pairs have.

    One number is fitted for each, the factor on the published error: sqrt(mean((a − b)² / (2·sd²))), so that few pairs
    suffice; sd is the published error at the mean of both. Both scans are measured over the artery that both cover, as
    visits are when change is computed.
    """
    found = {}
    both = [matched_measurements(one, other, shortest_common_mm=0.0) for one, other in pairs]
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
