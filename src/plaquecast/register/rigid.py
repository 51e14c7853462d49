"""Find the rigid transform of greatest mutual information: coarse to fine, neither image favored, always the same."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
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
_FARTHEST_MM = 15.0
"""No climb leads further than this along any parameter: further off than its start it is lost, not drawn."""

_LEAST_GAIN = 1e-7
"""A step that raises the agreement by a smaller share than this ends the climb."""


@dataclass(frozen=True, slots=True)
class Level:
    """One pass: edge of the pixels, blur of both images, number of points of each image, and bins to one of the finest.

    Chance alone makes points agree, by about bins² / (2 × points); few points need few bins, or it hides the slope.
    """

    pixel_mm: float
    sigma_mm: float
    n_points: int
    share_of_bins: float = 1.0


LEVELS = (Level(2.0, 2.0, 3_000, share_of_bins=0.5), Level(0.6, 0.4, 15_000))
"""Blurred first, to be drawn from afar; then sharp, with more points."""

TURNS_DEGREES = tuple((nod, 0.0, turn) for nod in (0.0, -8.0, 8.0) for turn in (0.0, -5.0, 5.0, -10.0, 10.0))
"""Starts of a search: as the images lie, then nodded and turned as heads are between two visits."""


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

    def __call__(self, transform: RigidTransform) -> float:
        """Mean mutual information of both directions, nats; the transform takes points of the first to the second."""
        return self.with_slope(transform.matrix_mm, np.zeros((0, 4, 4)), np.zeros((0, 4, 4)))[0]

    def with_slope(
        self, matrix_mm: FloatArray, steps: FloatArray, inverse_steps: FloatArray
    ) -> tuple[float, FloatArray]:
        """The value, and its slope along `steps` (n, 4, 4), the change of the matrix (or its inverse) per parameter."""
        (own, own_samples), (other, other_samples) = self.first, self.second
        inverse = RigidTransform(matrix_mm).inverse().matrix_mm
        there, by_there = mutual_information(own_samples, other, matrix_mm, own.n_bins)
        back, by_back = mutual_information(other_samples, own, inverse, own.n_bins)
        slope = np.tensordot(steps[:, :3], by_there) + np.tensordot(inverse_steps[:, :3], by_back)
        return 0.5 * (there + back), 0.5 * slope


def prepare(volume: Volume, settings: RegisterSettings, levels: Sequence[Level] = LEVELS) -> Prepared:
    """Make an image ready: everything that does not depend on what it is aligned with."""
    stood = upright(volume)
    body, seed = body_of(stood), settings.seed
    layers = tuple(
        as_layer(stood, body, level.pixel_mm, level.sigma_mm, round(level.share_of_bins * settings.histogram_bins))
        for level in levels
    )
    samples = tuple(
        draw_samples(layer, layer.weight, level.n_points, seed) for layer, level in zip(layers, levels, strict=True)
    )
    fresh = draw_samples(layers[-1], layers[-1].weight, levels[-1].n_points, seed + 1)
    return Prepared(stood.grid.to_mm((np.array(stood.grid.shape) - 1.0) / 2.0), body, layers, samples, fresh)


def agreement_at(level: int, first: Prepared, second: Prepared) -> Agreement:
    """The agreement that is climbed at a level of the pyramid."""
    return Agreement((first.layers[level], first.samples[level]), (second.layers[level], second.samples[level]))


def fresh_agreement(first: Prepared, second: Prepared) -> Agreement:
    """The agreement at the finest level over points that no climb has seen."""
    return Agreement((first.layers[-1], first.fresh), (second.layers[-1], second.fresh))


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
    limits = [(-_FARTHEST_MM, _FARTHEST_MM)] * 6
    found = minimize(cost, np.zeros(6), jac=True, method="L-BFGS-B", bounds=limits, options=options)
    return from_parameters(found.x, center_mm) @ start


def register_rigid(
    first: Prepared,
    second: Prepared,
    shifts_mm: Sequence[ArrayLike] = ((0.0, 0.0, 0.0),),
    n_climbs: int = 1,
) -> RigidTransform:
    """The transform that takes points of the first image to points of the second (mm), searched from where they lie.

    `shifts_mm` are the shifts to start from, each in all of `TURNS_DEGREES`. Asking how well the images agree costs a
    hundredth of a climb, so all starts are asked, but only the first and the best `n_climbs` are climbed from, at the
    coarsest level. Where to go on from, those tops or the first start itself, is decided by the finest level, at which
    a wrong top agrees far less.
    """
    coarse, center = agreement_at(0, first, second), first.center_mm
    starts = [RigidTransform.from_euler(turn, shift, center) for shift in shifts_mm for turn in TURNS_DEGREES]
    best = sorted(starts[1:], key=coarse, reverse=True)[:n_climbs]
    tops = [climb(coarse, start, start.apply(center)) for start in (starts[0], *best)]
    transform = max((starts[0], *tops), key=agreement_at(-1, first, second))
    for level in range(1, len(first.layers)):
        transform = climb(agreement_at(level, first, second), transform, transform.apply(center))
    return transform
