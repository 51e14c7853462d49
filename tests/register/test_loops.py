"""Three images and more vouch for one another, and tell which of them is wrong."""

from collections.abc import Mapping

import numpy as np
import pytest
from tests.register.phantom import blob_image

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.visit import RegistrationQuality
from plaquecast.register.loops import check_loops
from plaquecast.register.rigid import Prepared, prepare
from plaquecast.settings import RegisterSettings

POSES = {
    Weighting.T2W: RigidTransform.from_euler((1.0, 0.0, 2.0), (1.0, 0.5, 0.0)),
    Weighting.PDW: RigidTransform.from_euler((0.0, -1.0, 0.0), (0.0, -1.0, 0.5)),
    Weighting.TOF: RigidTransform.identity(),
}
SCORES = {name: RegistrationQuality(score, True, "") for name, score in zip(POSES, (0.7, 0.8, 0.9), strict=True)}


@pytest.fixture(scope="module")
def images() -> Mapping[Weighting, Prepared]:
    drawn = {Weighting.T1W: blob_image()} | {
        name: blob_image(pose=pose, is_inverted=True, weighting=name) for name, pose in POSES.items()
    }
    return {name: prepare(image, RegisterSettings()) for name, image in drawn.items()}


def _checked(
    images: Mapping[Weighting, Prepared], transforms: Mapping[Weighting, RigidTransform]
) -> dict[Weighting, RegistrationQuality]:
    return check_loops(images[Weighting.T1W], {name: images[name] for name in POSES}, transforms, SCORES)


def test_right_alignments_vouch_for_one_another(images: Mapping[Weighting, Prepared]) -> None:
    assert _checked(images, POSES) == SCORES


def test_the_one_that_lies_elsewhere_fails_and_no_other(images: Mapping[Weighting, Prepared]) -> None:
    wrong = POSES[Weighting.T2W] @ RigidTransform.from_euler(np.zeros(3), (3.0, 0.0, 0.0))
    checked = _checked(images, {**POSES, Weighting.T2W: wrong})
    assert [name for name, verdict in checked.items() if not verdict.passed] == [Weighting.T2W]
    assert checked[Weighting.T2W].score < 0.5
    assert "3.0 mm off" in checked[Weighting.T2W].reason
