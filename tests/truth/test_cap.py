"""Fibrous caps of known thickness over a core, thinner than a voxel included."""

import numpy as np
import pytest
from tests.phantoms import draw, tube, with_core

from plaquecast.domain.lesion import CapStatus
from plaquecast.domain.missing import Missing, Reason
from plaquecast.domain.morphology import ArteryMorphology
from plaquecast.measure.artery import measure_artery
from plaquecast.settings import MeasureSettings

RAW = MeasureSettings(cap_resolution_mm=0.0)
TOLERANCE_MM = 0.03
"""What sub-voxel interfaces at 0.25 mm reach (the field's aim for thickness)."""


def _measured(cap_mm: float, settings: MeasureSettings = RAW, tilt_degrees: float = 0.0) -> ArteryMorphology:
    phantom = draw(with_core(2.5, 5.0, cap_mm, core_mm=0.9), n_slices=4, tilt_degrees=tilt_degrees, field_mm=14.0)
    return measure_artery(phantom, {}, settings)


@pytest.mark.parametrize("cap_mm", [0.2, 0.35, 0.5, 0.75, 1.0, 1.5])
def test_the_mean_over_the_arc_that_faces_the_core(cap_mm: float) -> None:
    artery = _measured(cap_mm)
    assert artery.fibrous_cap_mean_thickness_mm == pytest.approx(cap_mm, abs=TOLERANCE_MM)
    # single rays scatter more than their mean: a quarter of a pixel
    assert artery.fibrous_cap_min_thickness_mm == pytest.approx(cap_mm, abs=0.0625)
    assert artery.fibrous_cap_percentile5_thickness_mm == pytest.approx(cap_mm, abs=0.0625)
    # the arc ends within a ray of where the core does
    assert artery.slices[0].fibrous_cap_arc_degrees == pytest.approx(np.degrees(2.0), abs=2 * 360.0 / RAW.n_angles)


def test_leaning_by_20_degrees_changes_nothing() -> None:
    # the core's edge and the lumen are blurred by the depth of the slice alike: twice the tolerance
    assert _measured(0.75, tilt_degrees=20.0).fibrous_cap_mean_thickness_mm == pytest.approx(0.75, abs=2 * TOLERANCE_MM)


def test_a_core_at_the_lumen_is_a_ruptured_cap() -> None:
    artery = _measured(0.0)
    assert artery.fibrous_cap_mean_thickness_mm == pytest.approx(0.0, abs=TOLERANCE_MM)
    assert artery.lesion is not None
    assert artery.lesion.cap_status is CapStatus.RUPTURED


@pytest.mark.parametrize(("cap_mm", "status"), [(0.3, CapStatus.THIN), (0.8, CapStatus.THICK)])
def test_thick_and_thin(cap_mm: float, status: CapStatus) -> None:
    artery = _measured(cap_mm, MeasureSettings())
    assert artery.lesion is not None
    assert artery.lesion.cap_status is status


def test_below_resolution_is_an_answer_and_the_limit_stands_beside_it() -> None:
    artery = _measured(0.3, MeasureSettings(cap_resolution_mm=0.5))
    for name in ("min", "percentile5", "mean"):
        assert getattr(artery, f"fibrous_cap_{name}_thickness_mm") == Missing(Reason.BELOW_RESOLUTION)
    assert artery.fibrous_cap_resolution_mm == 0.5


def test_no_core_is_an_answer() -> None:
    artery = measure_artery(draw(tube(2.5, 5.0), n_slices=4, field_mm=14.0), {}, RAW)
    assert artery.fibrous_cap_mean_thickness_mm == Missing(Reason.NO_CORE)
    assert artery.fibrous_cap_percentile5_thickness_mm == Missing(Reason.NO_CORE)
    assert artery.lesion is not None
    assert artery.lesion.cap_status == Missing(Reason.NO_CORE)
