"""Find the rigid transform of greatest mutual information, coarse to fine, the same every time."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from plaquecast.domain.grid import FloatArray
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.volume import Volume
from plaquecast.register.mutual_information import (
    Moving,
    Samples,
    as_moving,
    draw_samples,
    mutual_information,
)
from plaquecast.settings import RegisterSettings

LEVER_MM = 50.0
"""Rotations are searched in mm at this distance from the center, so that all six parameters weigh alike."""


@dataclass(frozen=True, slots=True)
class Level:
    """One pass: blur of both images, number of points, and the smallest step that is still of interest."""

    sigma_mm: float
    n_points: int
    step_mm: float


LEVELS = (Level(2.0, 4_000, 0.2), Level(0.7, 12_000, 0.02))
"""Blur first, to be drawn from afar; then sharp, with more points."""


class Criterion:
    """Mutual information of two images as a function of a transform, over points of both: neither is favored."""

    def __init__(
        self, reference: Volume, other: Volume, level: Level, settings: RegisterSettings,
        near_mm: FloatArray | None = None, is_symmetric: bool = False,
    ) -> None:  # fmt: skip
        bins, seed = settings.histogram_bins, settings.seed
        self._n_bins = bins
        self._sides: list[tuple[Samples, Moving]] = [
            (
                draw_samples(reference, level.sigma_mm, level.n_points, bins, seed, near_mm),
                as_moving(other, level.sigma_mm, bins),
            )
        ]
        if is_symmetric:
            self._sides.append(
                (
                    draw_samples(other, level.sigma_mm, level.n_points, bins, seed),
                    as_moving(reference, level.sigma_mm, bins),
                )
            )

    def __call__(self, transform: RigidTransform) -> float:
        """Mutual information, nats; the transform takes points of the reference to points of the other image."""
        total = mutual_information(*self._sides[0], transform, self._n_bins)
        if len(self._sides) == 1:
            return total
        return 0.5 * (total + mutual_information(*self._sides[1], transform.inverse(), self._n_bins))


def middle_mm(volume: Volume) -> FloatArray:
    """The middle of an image, LPS mm."""
    return volume.grid.to_mm((np.array(volume.grid.shape) - 1.0) / 2.0)


def from_parameters(parameters: FloatArray, center_mm: FloatArray) -> RigidTransform:
    """A transform from three rotations (mm at `LEVER_MM`) about the center and three shifts (mm)."""
    angles = np.rad2deg(parameters[:3] / LEVER_MM)
    return RigidTransform.from_euler(angles, parameters[3:], center_mm)


def best_transform(
    criterion: Callable[[RigidTransform], float], start: RigidTransform, center_mm: FloatArray, step_mm: float,
    first_step_mm: float, only_shift: bool = False,
) -> RigidTransform:  # fmt: skip
    """Climb from `start` by Powell's method over six (or three) parameters in mm."""
    n_parameters = 3 if only_shift else 6

    def transform_of(parameters: FloatArray) -> RigidTransform:
        full = np.concatenate([np.zeros(3), parameters]) if only_shift else parameters
        return from_parameters(full, center_mm) @ start

    directions = np.eye(n_parameters) * first_step_mm
    found = minimize(
        lambda parameters: -criterion(transform_of(parameters)),
        np.zeros(n_parameters),
        method="Powell",
        options={"direc": directions, "xtol": step_mm, "ftol": 1e-5, "maxfev": 600},
    )
    return transform_of(found.x)


def register_rigid(
    reference: Volume, other: Volume, settings: RegisterSettings, start: RigidTransform | None = None,
    is_symmetric: bool = False,
) -> RigidTransform:  # fmt: skip
    """The transform that takes points of the reference to points of the other image (mm)."""
    transform = start or RigidTransform.identity()
    center = middle_mm(reference)
    for index, level in enumerate(LEVELS):
        criterion = Criterion(reference, other, level, settings, is_symmetric=is_symmetric)
        transform = best_transform(criterion, transform, center, level.step_mm, 2.0 if index == 0 else 0.5)
    return transform
