"""Two visits face to face: the neck first, then each artery by itself, neither visit favored."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from scipy.spatial import KDTree

from plaquecast.domain.anatomy import Side, Weighting
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.missing import Measured, Missing, Reason
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.visit import AlignedVisit, VisitAlignment
from plaquecast.domain.volume import Centerline, Volume
from plaquecast.errors import InputError
from plaquecast.geometry.resample import share_inside
from plaquecast.register.carotids import refine
from plaquecast.register.rigid import prepare
from plaquecast.register.search import find_neck
from plaquecast.settings import RegisterSettings

START_SHIFTS_MM = (0.0, -6.0, 6.0)
"""Starts along the neck, along which the slab may have been placed differently."""

_STEP_MM = 0.05
"""Places along an axis lie this far apart."""


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
        centerlines = {side: (after, before) for side, (before, after) in centerlines.items()}
    own, other = prepare(first, settings), prepare(second, settings)
    apart = other.center_mm - own.center_mm
    shifts = [apart + np.array((0.0, 0.0, along)) for along in START_SHIFTS_MM]

    def overlap(neck: RigidTransform) -> float:
        return min(share_inside(second.grid, first.grid, neck), share_inside(first.grid, second.grid, neck.inverse()))

    # visits are placed anew, so a few slices less in common is no fault; a third less is
    lenient = replace(settings, min_overlap=min(settings.min_overlap, 0.6))
    neck, quality = find_neck((own, other), overlap, lenient, shifts)
    arteries = {
        side: refine(own, other, neck, (before.points_mm, after.points_mm), settings)
        for side, (before, after) in centerlines.items()
    }
    ahead = {side: ahead_mm(arteries[side], *axes) for side, axes in centerlines.items()}
    if is_swapped:
        neck = neck.inverse()
        arteries = {side: found if isinstance(found, Missing) else found.inverse() for side, found in arteries.items()}
        ahead = {side: more if isinstance(more, Missing) else -more for side, more in ahead.items()}
    return VisitAlignment(neck, arteries, ahead, quality)


def ahead_mm(found: RigidTransform | Missing, before: Centerline, after: Centerline) -> Measured:
    """By how many mm more `after` counts than `before` at the same place of an artery; swapping them flips the sign.

    Each axis is laid on the other; where a point falls beside the other's end it says nothing. The median over all
    points passes over bends that only one of both axes follows.

    >>> below, at = (Centerline([[0, 0, z] for z in (-9, 0, 9)], np.array([-9.0, 0.0, 9.0]) + k, 1.0) for k in (3, 0))
    >>> round(ahead_mm(RigidTransform.identity(), at, below), 3)
    3.0
    """
    if isinstance(found, Missing):
        return found
    there, back = _positions(before, after, found), _positions(after, before, found.inverse())
    if not len(there) or not len(back):
        return Missing(Reason.NOT_COVERED, "the visits share no stretch of the artery")
    return 0.5 * (float(np.median(there[:, 1] - there[:, 0])) - float(np.median(back[:, 1] - back[:, 0])))


def _positions(own: Centerline, other: Centerline, found: RigidTransform) -> FloatArray:
    """Positions (n, 2) of places along an axis, on it and on the other axis, wherever they fall beside that."""
    every = [np.arange(axis.position_mm[0], axis.position_mm[-1], _STEP_MM) for axis in (own, other)]
    nearest = KDTree(other.at_position(every[1])).query(found.apply(own.at_position(every[0])))[1]
    is_beside = (nearest > 0) & (nearest < len(every[1]) - 1)
    return np.stack([every[0], every[1][nearest]], axis=1)[is_beside]


def _common_weighting(baseline: AlignedVisit, follow_up: AlignedVisit) -> Weighting:
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
