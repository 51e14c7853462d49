"""Measured against true: slices at one place of the image face each other, wherever the bifurcation was found."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.phantoms import draw, narrowed

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.volume import Centerline
from plaquecast.measure.artery import measure_artery
from plaquecast.pipeline.cohort import TABLES
from plaquecast.pipeline.learning_data import TRUTH_TABLES
from plaquecast.pipeline.scores import TRUTH, measurements_against_truth
from plaquecast.settings import MeasureSettings
from plaquecast.store.segmentations import write_segmentation
from plaquecast.store.tables import MeasuredArtery, write_arteries_table, write_slices_table, write_wall_maps_table


def test_a_bifurcation_found_elsewhere_is_no_error_of_measurement(tmp_path: Path) -> None:
    true = draw(narrowed(3.4, 2.4, 1.2, 4.0), n_slices=16, samples=2, field_mm=11.0)
    axis = true.centerline
    found = replace(
        true,
        centerline=Centerline(axis.points_mm, axis.position_mm + 2.5, 1.0),
        slice_position_mm=true.slice_position_mm + 2.5,
    )
    for folder, tables, artery in ((TRUTH, TRUTH_TABLES, true), (Path(), TABLES, found)):
        measured = [MeasuredArtery("01", "baseline", true.side, measure_artery(artery, {}, MeasureSettings()))]
        write_segmentation(tmp_path / folder, "01", "baseline", artery, Weighting.T1W)
        for write in (write_arteries_table, write_slices_table, write_wall_maps_table):
            write(tmp_path / tables, measured)
    scores = measurements_against_truth(tmp_path, tmp_path)
    for name in ("wall_volume_mm3", "mean_wall_thickness_mm", "stenosis_nascet_percent", "stenosis_ecst_percent"):
        assert scores[name].n == 1
        # axes face each other to the step of 0.05 mm at which they are compared, over 30 mm of artery
        assert scores[name].bias == pytest.approx(0.0, abs=0.01), name
