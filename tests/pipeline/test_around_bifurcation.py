"""The gate of coverage around the bifurcation: a centered scan passes, one that ends at the fork says on which side."""

from dataclasses import replace

import pytest
from tests.simulated_arteries import segmented

from plaquecast.domain.anatomy import Side
from plaquecast.domain.missing import Missing, Reason
from plaquecast.measure.artery import measure_artery
from plaquecast.pipeline.around_bifurcation import coverage_findings
from plaquecast.settings import IngestSettings, MeasureSettings

ARTERY = measure_artery(segmented(0, Side.LEFT), {}, MeasureSettings())


def told(low_mm: float, high_mm: float) -> list[str]:
    """What is said of an artery of which only the slices between two positions were found."""
    slices = tuple(each for each in ARTERY.slices if low_mm <= each.position_mm <= high_mm)
    arteries = {Side.LEFT: replace(ARTERY, slices=slices), Side.RIGHT: Missing(Reason.NOT_COVERED)}
    return [finding.found for finding in coverage_findings("017", "baseline", arteries, IngestSettings())]


def test_a_centered_artery_is_not_flagged():
    assert told(-16.0, 16.0) == []


@pytest.mark.parametrize(("low_mm", "high_mm", "short"), [(-16.0, 2.0, "mm above"), (-2.0, 16.0, "mm below")])
def test_a_scan_that_ends_at_the_fork_is_flagged_with_its_millimeters(low_mm: float, high_mm: float, short: str):
    (found,) = told(low_mm, high_mm)
    millimeters = float(found.partition(short)[0].split()[-1])
    assert millimeters < IngestSettings().min_above_bifurcation_mm


def test_an_artery_without_slices_is_flagged():
    assert told(99.0, 99.0) == ["0 mm below and 0 mm above"]
