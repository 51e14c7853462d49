"""Whether a found alignment can be trusted, from evidence that the search did not use."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from plaquecast.domain.grid import FloatArray
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.visit import RegistrationQuality
from plaquecast.register.carotids import usual_axes_mm
from plaquecast.register.layers import Layer
from plaquecast.register.mutual_information import Samples, interpolate
from plaquecast.register.rigid import LEVER_MM, Prepared, climb, fresh_agreement
from plaquecast.settings import RegisterSettings

NUDGE_MM = 4.0
"""An image is nudged by this much, along each axis and around it at `LEVER_MM`, to see whether that costs agreement."""

_FULL_DRIFT_MM, _FULL_PEAK, _FULL_EDGES = 0.4, 2.2, 1.8
"""Half of the way to these the gate closes: 0.2 mm, 1.6 and 1.4 times.

In two simulated necks, scanned twice each (seed 4321), 42 right alignments drift by at most 0.13 mm and agree at least
1.9 and 1.55 times as well. Of 25 wrong ones those that drift by less than 0.5 mm agree at most 1.3 and 1.3 times as
well, but for one that lies upside down: it agrees as well as right ones and drifts by 0.24 mm.
"""

_WEAK_EDGE = 1.0
"""Change of histogram bins per mm below which an edge has little say, squared."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for an alignment.

    `drift_mm` is how far the carotids move when the search goes on over points that it has not seen; `peak` is how many
    times as well the images agree (mutual information of such points) as when one is nudged by 4 mm; `edges` is how
    many times as well the directions of their edges agree.
    """

    drift_mm: float
    peak: float
    edges: float

    @property
    def score(self) -> float:
        """The weakest evidence, 0 to 1; the gate closes below 0.5."""
        parts = (
            1.0 - self.drift_mm / _FULL_DRIFT_MM,
            (self.peak - 1.0) / (_FULL_PEAK - 1.0),
            (self.edges - 1.0) / (_FULL_EDGES - 1.0),
        )
        return float(np.clip(min(parts), 0.0, 1.0))


def gather(first: Prepared, second: Prepared, transform: RigidTransform) -> Evidence:
    """Evidence for the transform that takes points of the first image to points of the second."""
    fresh = fresh_agreement(first, second)

    def edges(moved: RigidTransform) -> float:
        there = _edges_agree(first.layers[-1], first.fresh, second.layers[-1], moved)
        return 0.5 * (there + _edges_agree(second.layers[-1], second.fresh, first.layers[-1], moved.inverse()))

    shifts, turns = _nudges(transform, first.center_mm)
    peak = _times_as_well(fresh, transform, shifts + turns)
    return Evidence(_drift_mm(first, second, transform), peak, _times_as_well(edges, transform, shifts))


def judge(
    first: Prepared, second: Prepared, transform: RigidTransform, overlap: float, settings: RegisterSettings
) -> RegistrationQuality:
    """Pass or fail a transform by its size, by the overlap of the images (0–1), and by the evidence for it."""
    center = first.center_mm
    shift = float(np.linalg.norm(transform.apply(center) - center))
    cosine = (np.trace(transform.matrix_mm[:3, :3]) - 1.0) / 2.0
    angle = float(np.rad2deg(np.arccos(np.clip(cosine, -1.0, 1.0))))
    if overlap < settings.min_overlap:
        return RegistrationQuality(0.0, False, f"covers {100 * overlap:.0f} % of the reference's slices")
    if shift > settings.max_shift_mm:
        return RegistrationQuality(0.0, False, f"moved by {shift:.1f} mm, more than {settings.max_shift_mm:g} mm")
    if angle > settings.max_rotation_degrees:
        return RegistrationQuality(0.0, False, f"turned by {angle:.1f}°, more than {settings.max_rotation_degrees:g}°")
    evidence = gather(first, second, transform)
    found = (
        f"moved by {shift:.1f} mm and {angle:.1f}°; agrees {evidence.peak:.1f} times as well as when nudged by"
        f" {NUDGE_MM:g} mm, edges {evidence.edges:.1f} times; drifts by {evidence.drift_mm:.2f} mm on other points"
    )
    return RegistrationQuality(evidence.score, evidence.score >= 0.5, found)


def _nudges(transform: RigidTransform, center_mm: FloatArray) -> tuple[list[RigidTransform], list[RigidTransform]]:
    """Six shifted and six turned versions of a transform."""
    steps = [sign * NUDGE_MM * axis for axis in np.eye(3) for sign in (-1.0, 1.0)]
    shifts = [transform @ RigidTransform.from_euler(np.zeros(3), step) for step in steps]
    turns = [
        transform @ RigidTransform.from_euler(np.rad2deg(step / LEVER_MM), np.zeros(3), center_mm) for step in steps
    ]
    return shifts, turns


def _times_as_well(
    agreement: Callable[[RigidTransform], float], transform: RigidTransform, nudged: list[RigidTransform]
) -> float:
    return agreement(transform) / max(float(np.mean([agreement(other) for other in nudged])), 1e-9)


def _edges_agree(own: Layer, samples: Samples, other: Layer, transform: RigidTransform) -> float:
    """Mean squared cosine between the edges of both images at the samples, 0 to 1; strong edges have more say.

    After the normalized gradient fields of Haber and Modersitzki 2006: which side of an edge is bright does not matter.
    """
    points = samples.points[:, :3]
    here, there = own.grid.to_index(points), other.grid.to_index(transform.apply(points))
    inside = np.all((there >= 0.0) & (there <= np.array(other.image.shape) - 1.0), axis=1)
    inside &= np.all((here >= 0.0) & (here <= np.array(own.image.shape) - 1.0), axis=1)
    _, slopes = interpolate(own.image, here[inside])
    _, other_slopes = interpolate(other.image, there[inside])
    slopes = slopes @ own.index_from_mm[:3, :3]
    other_slopes = other_slopes @ other.index_from_mm[:3, :3] @ transform.matrix_mm[:3, :3]
    square, other_square = (slopes**2).sum(axis=1), (other_slopes**2).sum(axis=1)
    cosine = (slopes * other_slopes).sum(axis=1) ** 2 / ((square + _WEAK_EDGE) * (other_square + _WEAK_EDGE))
    say = square / (square + _WEAK_EDGE)
    return float(cosine.sum() / max(say.sum(), 1e-9))


def _drift_mm(first: Prepared, second: Prepared, transform: RigidTransform) -> float:
    axes = usual_axes_mm(first.body).values()
    points = np.concatenate(list(axes)) if axes else first.center_mm[None]
    fresh = fresh_agreement(first, second)
    further = climb(fresh, transform, transform.apply(first.center_mm))
    return float(np.linalg.norm(further.apply(points) - transform.apply(points), axis=1).max())
