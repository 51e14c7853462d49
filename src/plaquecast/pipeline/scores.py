"""How a run did against the truth of a simulated dataset: overlap, measurements and change."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from plaquecast.change.matching import matched_measurements
from plaquecast.domain.anatomy import Side
from plaquecast.domain.change import Factor
from plaquecast.domain.measurements import PUBLISHED_ERRORS
from plaquecast.domain.missing import is_number
from plaquecast.domain.morphology import ArteryMorphology
from plaquecast.domain.transform import RigidTransform
from plaquecast.pipeline.agreement import Agreement, agreement
from plaquecast.pipeline.cohort import TABLES
from plaquecast.pipeline.learning_data import TRUTH_TABLES
from plaquecast.register.visits import ahead_mm
from plaquecast.segment.overlap import dice_by_tissue
from plaquecast.store.change_tables import read_change_factors_table
from plaquecast.store.segmentations import read_centerline, read_segmentation, segmented_sides
from plaquecast.store.table_files import read_table
from plaquecast.store.tables import read_arteries_tables

TRUTH = TRUTH_TABLES.parent


def overlap_with_truth(run: Path, dataset: Path) -> dict[str, tuple[float, int]]:
    """Mean Dice per structure over all arteries of all visits, and over how many; what was not found counts as 0."""
    scores: defaultdict[str, list[float]] = defaultdict(list)
    for artery in read_arteries_tables(run / TABLES):
        case = artery.patient_id, artery.session_id
        truth = read_segmentation(dataset / TRUTH, *case, artery.side)
        is_found = artery.side in segmented_sides(run, *case)
        found = read_segmentation(run, *case, artery.side) if is_found else None
        for name, value in dice_by_tissue(truth, found).items():
            scores[name].append(value)
    return {name: (float(np.mean(values)), len(values)) for name, values in scores.items()}


def measurements_against_truth(run: Path, dataset: Path) -> dict[str, Agreement]:
    """Each measurement of every artery and visit against its true value, both over the artery that the run covered.

    Found and true artery lie in one image, so their axes say which slices face each other. Each counts its positions
    from where it has the bifurcation, and these differ by a millimeter or two.
    """
    true = {
        (artery.patient_id, artery.session_id, artery.side): artery.morphology
        for artery in read_arteries_tables(dataset / TRUTH_TABLES)
    }
    pairs = []
    for artery in read_arteries_tables(run / TABLES):
        case = artery.patient_id, artery.session_id, artery.side
        known, found = true[case], artery.morphology
        if isinstance(found, ArteryMorphology) and isinstance(known, ArteryMorphology):
            ahead = ahead_mm(RigidTransform.identity(), *(read_centerline(at, *case) for at in (dataset / TRUTH, run)))
            if is_number(ahead):  # slices of another vessel count here: they are errors
                pairs.append(matched_measurements(known, found, 0.0, ahead, same_vessel_share=0.0))
    return {
        name: agreement(
            np.array([_number(found[name]) for _, found in pairs]),
            np.array([_number(known[name]) for known, _ in pairs]),
        )
        for name in PUBLISHED_ERRORS
    }


def changes_against_truth(run: Path, dataset: Path) -> dict[Factor, Agreement]:
    """Each change factor per year of every artery against the true change."""
    true = true_changes(dataset)
    pairs: defaultdict[Factor, list[tuple[float, float]]] = defaultdict(list)
    for entry in read_change_factors_table(run / TABLES):
        change = entry.change
        if change.side is not None:
            wanted = true[entry.patient_id, change.side, change.factor]
            pairs[change.factor].append((_number(change.absolute_per_year), wanted))
    return {factor: agreement(*np.array(values).T) for factor, values in pairs.items()}


def true_changes(dataset: Path) -> Mapping[tuple[str, Side, Factor], float]:
    """True change per year by patient, side and factor; NaN where it is not defined."""
    rows = read_table(dataset / TRUTH_TABLES, "expected_change").rows()
    return {
        (row["participant_id"].removeprefix("sub-"), Side(row["side"]), Factor(row["factor"])): (
            np.nan if row["true_per_year"] is None else row["true_per_year"]
        )
        for row in rows
    }


def _number(value: object) -> float:
    return float(value) if isinstance(value, float) and is_number(value) else float("nan")
