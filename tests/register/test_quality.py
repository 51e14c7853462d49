"""The gate passes what is right and stops what is not, and says why."""

import numpy as np
import pytest
from tests.register.phantom import GRID, blob_image

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.volume import Volume
from plaquecast.register.quality import Evidence, judge
from plaquecast.register.rigid import Prepared, prepare, register_rigid
from plaquecast.settings import RegisterSettings
from plaquecast.simulate.people import SimulatedPatient

SETTINGS = RegisterSettings()
POSE = RigidTransform.from_euler((2.0, -1.0, 3.0), (1.0, 2.0, -1.0))


@pytest.fixture(scope="module")
def pair() -> tuple[Prepared, Prepared, RigidTransform]:
    first, second = prepare(blob_image(), SETTINGS), prepare(blob_image(pose=POSE, is_inverted=True), SETTINGS)
    return first, second, register_rigid(first, second)


def test_a_right_alignment_passes(patient: SimulatedPatient) -> None:
    volumes = patient.visits[0].visit.volumes
    first, second = prepare(volumes[Weighting.T1W], SETTINGS), prepare(volumes[Weighting.MPRAGE], SETTINGS)
    verdict = judge(first, second, register_rigid(first, second), 1.0, SETTINGS)
    assert verdict.passed
    assert "drifts by 0.0" in verdict.reason


@pytest.mark.parametrize("shift", [(1.5, 0.0, 0.0), (0.0, -1.5, 0.0), (0.0, 0.0, 1.5), (3.0, 3.0, 3.0)])
def test_a_shifted_alignment_does_not(
    pair: tuple[Prepared, Prepared, RigidTransform], shift: tuple[float, ...]
) -> None:
    first, second, found = pair
    wrong = found @ RigidTransform.from_euler(np.zeros(3), shift)
    assert not judge(first, second, wrong, 1.0, SETTINGS).passed


@pytest.mark.parametrize("angles", [(4.0, 0.0, 0.0), (0.0, 0.0, -4.0), (5.0, 5.0, 5.0)])
def test_a_turned_alignment_does_not(
    pair: tuple[Prepared, Prepared, RigidTransform], angles: tuple[float, ...]
) -> None:
    first, second, found = pair
    wrong = found @ RigidTransform.from_euler(angles, np.zeros(3))
    assert not judge(first, second, wrong, 1.0, SETTINGS).passed


def test_another_neck_and_a_mirrored_one_do_not() -> None:
    first = prepare(blob_image(), SETTINGS)
    image = blob_image(is_inverted=True)
    mirrored = Volume(GRID, np.flip(image.array, axis=2), image.weighting)
    for wrong in (blob_image(seed=1, is_inverted=True), mirrored):
        second = prepare(wrong, SETTINGS)
        assert not judge(first, second, register_rigid(first, second), 1.0, SETTINGS).passed


def test_the_size_of_a_transform_and_the_overlap_are_limited(pair: tuple[Prepared, Prepared, RigidTransform]) -> None:
    first, second, found = pair
    far = RigidTransform.from_euler((0.0, 0.0, 0.0), (0.0, 0.0, SETTINGS.max_shift_mm + 5.0))
    turned = RigidTransform.from_euler((0.0, 0.0, SETTINGS.max_rotation_degrees + 1.0), np.zeros(3))
    assert "moved by" in judge(first, second, far, 1.0, SETTINGS).reason
    assert "turned by" in judge(first, second, turned, 1.0, SETTINGS).reason
    assert "covers 50 %" in judge(first, second, found, 0.5, SETTINGS).reason
    assert not any(judge(first, second, t, 1.0, SETTINGS).passed for t in (far, turned))


def test_the_weakest_evidence_counts() -> None:
    assert Evidence(drift_mm=0.0, peak=9.0, edges=9.0).score == 1.0
    assert Evidence(drift_mm=0.2, peak=9.0, edges=9.0).score == pytest.approx(0.5)
    assert Evidence(drift_mm=0.0, peak=1.6, edges=9.0).score == pytest.approx(0.5)
    assert Evidence(drift_mm=0.0, peak=9.0, edges=1.4).score == pytest.approx(0.5)
    assert Evidence(drift_mm=5.0, peak=0.5, edges=0.0).score == 0.0
