"""Find the rigid transform of greatest mutual information: coarse to fine, neither image favored, always the same."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from plaquecast.domain.grid import FloatArray
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.volume import Volume
from plaquecast.register.body import Body, body_of
from plaquecast.register.layers import Layer, as_layer, upright
from plaquecast.register.mutual_information import Samples, draw_samples, mutual_information
from plaquecast.settings import RegisterSettings

LEVER_MM = 50.0
"""Rotations are searched in mm at this distance from the center, so that all six parameters weigh alike."""

_SLOPE_STEP_MM = 1e-3
_MOST_STEPS = 60
_LEAST_GAIN = 1e-7
"""A step that raises the agreement by a smaller share than this ends the climb."""


@dataclass(frozen=True, slots=True)
class Level:
    """One pass: edge of the pixels, blur of both images, and number of points of each image."""

    pixel_mm: float
    sigma_mm: float
    n_points: int


LEVELS = (Level(2.0, 2.0, 3_000), Level(0.6, 0.4, 15_000))
"""Blurred first, to be drawn from afar; then sharp, with more points."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """An image ready for any number of alignments: per level its layer, points to climb by and points to judge by."""

    center_mm: FloatArray
    body: Body
    layers: tuple[Layer, ...]
    samples: tuple[Samples, ...]
    fresh: Samples


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Mutual information of two images as a function of a transform, over points of both."""

    first: tuple[Layer, Samples]
    second: tuple[Layer, Samples]
    n_bins: int

    def __call__(self, transform: RigidTransform) -> float:
        """Mean mutual information of both directions, nats; the transform takes points of the first to the second."""
        return self.with_slope(transform.matrix_mm, np.zeros((0, 4, 4)), np.zeros((0, 4, 4)))[0]

    def with_slope(
        self, matrix_mm: FloatArray, steps: FloatArray, inverse_steps: FloatArray
    ) -> tuple[float, FloatArray]:
        """The value, and its slope along `steps` (n, 4, 4), the change of the matrix (or its inverse) per parameter."""
        (own, own_samples), (other, other_samples) = self.first, self.second
        inverse = RigidTransform(matrix_mm).inverse().matrix_mm
        there, by_there = mutual_information(own_samples, other, matrix_mm, self.n_bins)
        back, by_back = mutual_information(other_samples, own, inverse, self.n_bins)
        slope = np.tensordot(steps[:, :3], by_there) + np.tensordot(inverse_steps[:, :3], by_back)
        return 0.5 * (there + back), 0.5 * slope


def prepare(volume: Volume, settings: RegisterSettings, levels: Sequence[Level] = LEVELS) -> Prepared:
    """Make an image ready: everything that does not depend on what it is aligned with."""
    stood = upright(volume)
    n_bins, seed = settings.histogram_bins, settings.seed
    body = body_of(stood)
    layers = tuple(as_layer(stood, body, level.pixel_mm, level.sigma_mm, n_bins) for level in levels)
    samples = tuple(
        draw_samples(layer, layer.weight, level.n_points, seed) for layer, level in zip(layers, levels, strict=True)
    )
    fresh = draw_samples(layers[-1], layers[-1].weight, levels[-1].n_points, seed + 1)
    return Prepared(stood.grid.to_mm((np.array(stood.grid.shape) - 1.0) / 2.0), body, layers, samples, fresh)


def agreement_at(level: int, first: Prepared, second: Prepared, settings: RegisterSettings) -> Agreement:
    """The agreement that is climbed at a level of the pyramid."""
    return Agreement(
        (first.layers[level], first.samples[level]),
        (second.layers[level], second.samples[level]),
        settings.histogram_bins,
    )


def fresh_agreement(first: Prepared, second: Prepared, settings: RegisterSettings) -> Agreement:
    """The agreement at the finest level over points that no climb has seen."""
    return Agreement((first.layers[-1], first.fresh), (second.layers[-1], second.fresh), settings.histogram_bins)


def from_parameters(parameters: FloatArray, center_mm: FloatArray) -> RigidTransform:
    """A transform from three rotations (mm at `LEVER_MM`) about the center and three shifts (mm)."""
    return RigidTransform.from_euler(np.rad2deg(parameters[:3] / LEVER_MM), parameters[3:], center_mm)


def climb(agreement: Agreement, start: RigidTransform, center_mm: FloatArray) -> RigidTransform:
    """Climb from `start` to the nearest top by L-BFGS over six parameters in mm, turning about `center_mm`."""

    def cost(parameters: FloatArray) -> tuple[float, FloatArray]:
        moved = from_parameters(parameters, center_mm) @ start
        steps, inverse_steps = [], []
        for nudge in np.eye(6) * _SLOPE_STEP_MM:
            ahead = from_parameters(parameters + nudge, center_mm) @ start
            behind = from_parameters(parameters - nudge, center_mm) @ start
            steps.append(ahead.matrix_mm - behind.matrix_mm)
            inverse_steps.append(ahead.inverse().matrix_mm - behind.inverse().matrix_mm)
        per_mm = 1.0 / (2.0 * _SLOPE_STEP_MM)
        value, slope = agreement.with_slope(moved.matrix_mm, np.array(steps) * per_mm, np.array(inverse_steps) * per_mm)
        return -value, -slope

    options = {"maxiter": _MOST_STEPS, "ftol": _LEAST_GAIN, "gtol": 1e-6}
    found = minimize(cost, np.zeros(6), jac=True, method="L-BFGS-B", options=options)
    return from_parameters(found.x, center_mm) @ start


def register_rigid(
    first: Prepared, second: Prepared, settings: RegisterSettings, first_level: int = 0
) -> RigidTransform:
    """The transform that takes points of the first image to points of the second (mm), searched from where they lie.

    The search runs through the levels from `first_level` on; the coarser it begins, the farther it sees.
    """
    transform = RigidTransform.identity()
    for level in range(first_level, len(first.layers)):
        agreement = agreement_at(level, first, second, settings)
        transform = climb(agreement, transform, transform.apply(first.center_mm))
    return transform
