"""The error of one scan from repeat scans, against errors that were planted."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from plaquecast.change.matching import Values, matched_measurements
from plaquecast.domain.anatomy import Side
from plaquecast.domain.measurements import PUBLISHED_ERRORS, MeasurementError
from plaquecast.domain.missing import Missing, Reason
from plaquecast.domain.morphology import ArteryMorphology
from plaquecast.pipeline.repeatability import LEAST_PAIRS, errors_from_repeats, repeated_measurements
from plaquecast.settings import SimulateSettings
from plaquecast.simulate.table import measured_people, simulate_table
from plaquecast.store.repeat_table import RepeatScan, write_repeat_scans_table
from plaquecast.store.tables import (
    MeasuredArtery,
    write_arteries_table,
    write_slices_table,
    write_wall_maps_table,
)

NAME = "wall_volume_mm3"


def pairs_with(error: MeasurementError, n: int) -> list[tuple[Values, Values]]:
    rng = np.random.default_rng(4)
    arteries = simulate_table(1, 3, SimulateSettings()).true_baseline
    pairs = []
    for index in range(n):
        one = arteries[index % 2]
        value = float(getattr(one, NAME))
        sd = float(error.sd(np.array(value)))
        scan, repeat = (replace(one, **{NAME: value + rng.normal(0, sd)}) for _ in range(2))
        pairs.append(matched_measurements(scan, repeat, 0.0))
    return pairs


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
def test_a_planted_error_is_found(factor: float) -> None:
    published = PUBLISHED_ERRORS[NAME]
    planted = MeasurementError(factor * published.relative, factor * published.absolute)
    n = 4000
    found = errors_from_repeats(pairs_with(planted, n))[NAME]
    # the estimate is the root of a mean of n squared normals: its relative SD is 1 / sqrt(2n); four of them
    assert found.relative == pytest.approx(planted.relative, rel=4.0 / np.sqrt(2.0 * n))


def test_too_few_pairs_tell_nothing() -> None:
    assert errors_from_repeats(pairs_with(PUBLISHED_ERRORS[NAME], LEAST_PAIRS - 1)) == {}


def test_repeat_scans_face_each_other_where_their_alignment_says_so(tmp_path: Path) -> None:
    """A scan and its repeat that counts positions 4 mm further are one artery; unaligned, they would not be."""
    table = next(iter(measured_people(1, 3, SimulateSettings(), wall_maps=True)))[1][0]
    artery = table[Side.LEFT]
    assert isinstance(artery, ArteryMorphology)
    slices = tuple(replace(each, position_mm=each.position_mm + 4.0) for each in artery.slices)
    assert slices
    repeat = replace(artery, slices=slices)
    rows = [MeasuredArtery("p", "baseline", Side.LEFT, artery), MeasuredArtery("p", "rescan", Side.LEFT, repeat)]
    for write in (write_arteries_table, write_slices_table, write_wall_maps_table):
        write(tmp_path / "tables", rows)
    differences = []
    for ahead_mm in (4.0, 0.0, Missing(Reason.FAILED_QUALITY, "moved")):
        write_repeat_scans_table(tmp_path / "tables", [RepeatScan("p", "baseline", "rescan", Side.LEFT, ahead_mm)])
        differences.append([float(one[NAME]) - float(other[NAME]) for one, other in repeated_measurements(tmp_path)])
    aligned, as_they_stand, failed = differences
    assert aligned == pytest.approx([0.0], abs=1e-9)
    assert abs(as_they_stand[0]) > 1.0
    assert failed == []
