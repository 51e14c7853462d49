"""Which slices of two visits face each other: measurements over the stretch of artery that both visits cover."""

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np

from plaquecast.domain.missing import Measured, Missing, Reason
from plaquecast.domain.morphology import ArteryMorphology, SliceMorphology
from plaquecast.geometry.along_artery import artery_measurements, shared_lengths
from plaquecast.geometry.slice_values import values_of

SAME_VESSEL_SHARE = 0.5
"""Facing slices of which one shows less than this share of the other's vessel area do not show one vessel.

Between visits the outline of an artery changes by percents a year; a follow-up that ran into a branch, or lost the
vessel in a tight stenosis, would else be read as change.
"""

Values = dict[str, Measured]
"""Measured values by the name of the field of `ArteryMorphology`."""

MEASUREMENTS = tuple(field.name for field in fields(ArteryMorphology) if field.type == Measured)
"""What is compared between visits: every measurement of an artery."""


def matched_measurements(
    baseline: ArteryMorphology | Missing,
    follow_up: ArteryMorphology | Missing,
    shortest_common_mm: float,
    ahead_mm: float = 0.0,
    same_vessel_share: float = SAME_VESSEL_SHARE,
) -> tuple[Values, Values]:
    """Measurements of both visits over their common coverage, by position from the bifurcation.

    `ahead_mm` is by how much more the follow-up's positions count at the same place of the artery.

    NASCET compares with the internal carotid at the same position in both visits: the baseline's, where both cover it.

    A slice that the other visit covers in part counts in part, and not at all where one visit shows less than
    `same_vessel_share` of the other's vessel area. Arteries that come without slices (from a table), and one whose
    other visit is missing, are given as they stand. Where less than `shortest_common_mm` is common, everything is
    `Missing` as not covered.
    """
    if isinstance(baseline, Missing) or isinstance(follow_up, Missing):
        return _as_it_stands(baseline), _as_it_stands(follow_up)
    if not baseline.slices or not follow_up.slices:
        return _as_it_stands(baseline), _as_it_stands(follow_up)
    slices = tuple(replace(section, position_mm=section.position_mm - ahead_mm) for section in follow_up.slices)
    return _over_common_coverage(baseline, replace(follow_up, slices=slices), shortest_common_mm, same_vessel_share)


def _as_it_stands(visit: ArteryMorphology | Missing) -> Values:
    return {name: visit if isinstance(visit, Missing) else getattr(visit, name) for name in MEASUREMENTS}


def _over_common_coverage(
    baseline: ArteryMorphology, follow_up: ArteryMorphology, shortest_common_mm: float, share: float
) -> tuple[Values, Values]:
    before, after = (
        _of_one_vessel(own, others, share)
        for own, others in ((baseline.slices, follow_up.slices), (follow_up.slices, baseline.slices))
    )
    counted = shared_lengths(before, after)
    if counted.sum() < shortest_common_mm:
        reason = Missing(Reason.NOT_COVERED, f"the visits share {counted.sum():.0f} mm of the artery")
        return _as_it_stands(reason), _as_it_stands(reason)
    reference_mm = baseline.distal_reference_position_mm
    return (
        artery_measurements(before, counted, _resolution(baseline.fibrous_cap_resolution_mm), reference_mm),
        artery_measurements(
            after, shared_lengths(after, before), _resolution(follow_up.fibrous_cap_resolution_mm), reference_mm
        ),
    )


def _of_one_vessel(
    slices: Sequence[SliceMorphology], others: Sequence[SliceMorphology], share: float
) -> list[SliceMorphology]:
    """The slices whose vessel is as large as the other visit's at their position; all where no wall is shown."""
    own, facing = (values_of(each, "vessel_area_mm2") for each in (slices, others))
    if isinstance(own, Missing) or isinstance(facing, Missing):
        return list(slices)
    position_mm, other_mm = ([section.position_mm for section in each] for each in (slices, others))
    there = np.interp(position_mm, other_mm, facing)
    is_same = np.minimum(own, there) >= share * np.maximum(own, there)
    return [section for section, same in zip(slices, is_same, strict=True) if same]


def _resolution(value: Measured) -> float:
    return 0.0 if isinstance(value, Missing) else value
