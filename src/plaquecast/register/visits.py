"""Two visits face to face: the neck first, then each artery by itself, neither visit favored."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from plaquecast.domain.anatomy import Side
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.missing import Missing, Reason
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.visit import AlignedVisit, VisitAlignment
from plaquecast.domain.volume import Centerline, Volume
from plaquecast.errors import InputError
from plaquecast.geometry.resample import share_inside
from plaquecast.register.quality import judge
from plaquecast.register.rigid import LEVELS, Criterion, Level, best_transform, middle_mm
from plaquecast.settings import RegisterSettings

ARTERY_LEVEL = Level(0.7, 6_000, 0.02)
MAX_ARTERY_SHIFT_MM = 5.0
"""An artery that seems to lie further off than this from where the neck is was not found, but lost."""

START_SHIFTS_MM = (0.0, -6.0, 6.0)
"""Starts along the neck, along which the slab may have been placed differently."""


def align_visits(
    baseline: AlignedVisit,
    follow_up: AlignedVisit,
    centerlines: Mapping[Side, tuple[Centerline, Centerline]],
    settings: RegisterSettings,
) -> VisitAlignment:
    """Lay the follow-up on the baseline; swapping the visits gives the inverse, exactly.

    `centerlines[side]` are the artery's axes at both visits; a side that is missing there gets no transform of its own.

    Raises:
        InputError: if the visits have no weighting in common.
    """
    weighting = _common_weighting(baseline, follow_up)
    first, second = baseline.volumes[weighting], follow_up.volumes[weighting]
    is_swapped = _order_key(second) < _order_key(first)
    if is_swapped:
        first, second = second, first
    neck = _register_neck(first, second, settings)
    fresh = Criterion(first, second, LEVELS[-1], replace(settings, seed=settings.seed + 1), is_symmetric=True)
    overlap = min(share_inside(second.grid, first.grid, neck), share_inside(first.grid, second.grid, neck.inverse()))
    # visits are placed anew, so a few slices less in common is no fault; a third less is
    lenient = replace(settings, min_overlap=min(settings.min_overlap, 0.6))
    quality = judge(fresh, neck, middle_mm(first), overlap, lenient)
    arteries = {
        side: _register_artery(first, second, neck, pair[1 if is_swapped else 0], settings)
        for side, pair in centerlines.items()
    }
    if is_swapped:
        neck = neck.inverse()
        arteries = {side: found if isinstance(found, Missing) else found.inverse() for side, found in arteries.items()}
    return VisitAlignment(neck, arteries, quality)


def _common_weighting(baseline: AlignedVisit, follow_up: AlignedVisit) -> str:
    if baseline.reference in follow_up.volumes:
        return baseline.reference
    common = [weighting for weighting in baseline.volumes if weighting in follow_up.volumes]
    if not common:
        raise InputError(
            expected="at least one weighting at both visits",
            found=f"{', '.join(baseline.volumes)} and {', '.join(follow_up.volumes)}",
            where=f"{baseline.patient_id}", remedy="Add a weighting that both visits have.", code="no-common-weighting",
        )  # fmt: skip
    return common[0]


def _order_key(volume: Volume) -> tuple[float, bytes]:
    """A key from the content alone, so that the order in which visits are given changes nothing."""
    return float(volume.array.sum(dtype=np.float64)), volume.grid.affine.tobytes()


def _register_neck(first: Volume, second: Volume, settings: RegisterSettings) -> RigidTransform:
    """From several starts along the neck, the coarse optimum of greatest agreement, made fine."""
    center = middle_mm(first)
    apart = middle_mm(second) - center
    level = LEVELS[0]
    criterion = Criterion(first, second, level, settings, is_symmetric=True)
    found = []
    for along in START_SHIFTS_MM:
        start = RigidTransform.from_euler(np.zeros(3), apart + np.array([0.0, 0.0, along]))
        candidate = best_transform(criterion, start, center, level.step_mm, 3.0)
        found.append((criterion(candidate), candidate))
    coarse = max(found, key=lambda pair: pair[0])[1]
    fine = LEVELS[1]
    sharp = Criterion(first, second, fine, settings, is_symmetric=True)
    return best_transform(sharp, coarse, center, fine.step_mm, 0.5)


def _register_artery(
    first: Volume, second: Volume, neck: RigidTransform, axis: Centerline, settings: RegisterSettings
) -> RigidTransform | Missing:
    """The neck's transform with a shift of its own around one artery, whose neck bends and swallows."""
    criterion = Criterion(first, second, ARTERY_LEVEL, settings, near_mm=_axis_points(axis))
    center = axis.at_position(np.array([0.0]))[0]
    found = best_transform(criterion, neck, neck.apply(center), ARTERY_LEVEL.step_mm, 0.5, only_shift=True)
    shift = float(np.linalg.norm(found.apply(center) - neck.apply(center)))
    if shift > MAX_ARTERY_SHIFT_MM:
        return Missing(Reason.FAILED_QUALITY, f"the artery seems to lie {shift:.1f} mm off the neck")
    return found


def _axis_points(axis: Centerline) -> FloatArray:
    return np.asarray(axis.points_mm)
