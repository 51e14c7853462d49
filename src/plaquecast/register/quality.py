"""Whether a found alignment can be trusted, from evidence that the search did not use."""

from collections.abc import Callable

import numpy as np

from plaquecast.domain.grid import FloatArray
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.visit import RegistrationQuality
from plaquecast.settings import RegisterSettings

NUDGE_MM = 2.0
LEAST_SCORE = 0.8


def judge(
    criterion: Callable[[RigidTransform], float], transform: RigidTransform, center_mm: FloatArray, overlap: float,
    settings: RegisterSettings,
) -> RegistrationQuality:  # fmt: skip
    """Judge a transform: its size, the overlap of the images, and whether every nudge makes it worse.

    `criterion` must use other points than the search did. The score is the mean over twelve nudges (± 2 mm along and
    around each axis) of how clearly each makes the agreement worse: 1 when it costs a tenth of it or more.
    """
    shift = transform.apply(center_mm) - center_mm
    distance = float(np.linalg.norm(shift))
    cosine = (np.trace(transform.matrix_mm[:3, :3]) - 1.0) / 2.0
    angle = float(np.rad2deg(np.arccos(np.clip(cosine, -1.0, 1.0))))
    if overlap < settings.min_overlap:
        return RegistrationQuality(0.0, False, f"covers {100 * overlap:.0f} % of the reference's slices")
    if distance > settings.max_shift_mm:
        return RegistrationQuality(0.0, False, f"moved by {distance:.1f} mm, more than {settings.max_shift_mm:g} mm")
    if angle > settings.max_rotation_degrees:
        return RegistrationQuality(0.0, False, f"turned by {angle:.1f}°, more than {settings.max_rotation_degrees:g}°")
    score = _peak_score(criterion, transform, center_mm)
    if score < LEAST_SCORE:
        return RegistrationQuality(score, False, "nudging the image does not make the agreement clearly worse")
    return RegistrationQuality(score, True, f"moved by {distance:.1f} mm and {angle:.1f}°")


def _peak_score(
    criterion: Callable[[RigidTransform], float], transform: RigidTransform, center_mm: FloatArray
) -> float:
    agreement = criterion(transform)
    if agreement <= 0.0:
        return 0.0
    losses = []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            step = np.zeros(3)
            step[axis] = sign * NUDGE_MM
            turn = np.rad2deg(step / 50.0)
            for nudge in (
                RigidTransform.from_euler(np.zeros(3), step),
                RigidTransform.from_euler(turn, np.zeros(3), center_mm),
            ):
                losses.append((agreement - criterion(transform @ nudge)) / agreement)
    return float(np.mean(np.clip(np.array(losses) / 0.1, 0.0, 1.0)))
