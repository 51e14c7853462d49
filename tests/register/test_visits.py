"""Two simulated visits face to face: where the truth says, and neither favored."""

from dataclasses import replace

import numpy as np
import pytest
from benchmarks.register_truth import true_transform, walls_of

from plaquecast.domain.anatomy import Side, Weighting
from plaquecast.domain.missing import is_number
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.visit import AlignedVisit, VisitAlignment
from plaquecast.domain.volume import Centerline
from plaquecast.errors import InputError
from plaquecast.register.visits import align_visits
from plaquecast.settings import RegisterSettings
from plaquecast.simulate.people import SimulatedPatient

MISPLACED_MM = {Side.LEFT: 3.0, Side.RIGHT: -4.4}


@pytest.fixture(scope="module")
def found(patient: SimulatedPatient, aligned: tuple[AlignedVisit, AlignedVisit]) -> VisitAlignment:
    return align_visits(*aligned, _axes(patient), RegisterSettings())


def _axes(patient: SimulatedPatient) -> dict[Side, tuple[Centerline, Centerline]]:
    """True axes, but the follow-up's bifurcations were placed wrongly, as a segmenter does."""
    baseline, follow_up = ({side: visit.truth[side].centerline for side in Side} for visit in patient.visits)
    return {
        side: (axis, replace(follow_up[side], position_mm=follow_up[side].position_mm + MISPLACED_MM[side]))
        for side, axis in baseline.items()
    }


def test_follow_up_lies_on_baseline(patient: SimulatedPatient, found: VisitAlignment) -> None:
    baseline, follow_up = patient.visits
    true = true_transform(baseline, Weighting.T1W, follow_up, Weighting.T1W)
    assert found.quality.passed
    # promised for simulated necks: under a third of the acquired pixel across, a quarter of a slice along
    across, along = walls_of(baseline).errors_mm(found.neck, true)
    assert np.median(across) < 0.15
    assert np.median(along) < 0.5
    for side, transform in found.arteries.items():
        assert isinstance(transform, RigidTransform)
        across, along = walls_of(baseline, side).errors_mm(transform, true)
        assert np.median(across) < 0.15
        assert np.median(along) < 0.5


def test_slices_face_each_other_where_the_images_say_so(found: VisitAlignment) -> None:
    # promised for simulated necks: a quarter of a slice along the artery
    assert found.ahead_mm == pytest.approx(MISPLACED_MM, abs=0.5)


def test_swapping_the_visits_gives_the_inverse(
    patient: SimulatedPatient, aligned: tuple[AlignedVisit, AlignedVisit], found: VisitAlignment
) -> None:
    axes = {side: (after, before) for side, (before, after) in _axes(patient).items()}
    swapped = align_visits(aligned[1], aligned[0], axes, RegisterSettings())
    assert swapped.quality == found.quality
    assert {side: -ahead for side, ahead in swapped.ahead_mm.items() if is_number(ahead)} == found.ahead_mm
    pairs = [(swapped.neck, found.neck), *((swapped.arteries[side], found.arteries[side]) for side in Side)]
    for back, there in pairs:
        assert isinstance(back, RigidTransform)
        assert isinstance(there, RigidTransform)
        # one of the two is the inverse of the other by construction; inverting it again may round the last bits
        assert np.allclose(back.matrix_mm, there.inverse().matrix_mm, rtol=0.0, atol=1e-12)


def test_visits_without_a_common_weighting_are_refused(aligned: tuple[AlignedVisit, AlignedVisit]) -> None:
    baseline, follow_up = aligned
    only_tof = AlignedVisit(
        follow_up.patient_id, follow_up.session_id, follow_up.acquired, Weighting.T2W,
        {Weighting.T2W: follow_up.volumes[Weighting.T1W]}, {}, {}, follow_up.clinical,
    )  # fmt: skip
    with pytest.raises(InputError, match="at least one weighting at both visits"):
        align_visits(baseline, only_tof, {}, RegisterSettings())
