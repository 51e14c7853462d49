"""Which slices of two visits face each other: measurements over the stretch of artery that both visits cover."""

from dataclasses import fields, replace

from plaquecast.domain.missing import Measured, Missing, Reason
from plaquecast.domain.morphology import ArteryMorphology
from plaquecast.geometry.along_artery import artery_measurements, shared_lengths

Values = dict[str, Measured]
"""Measured values by the name of the field of `ArteryMorphology`."""

MEASUREMENTS = tuple(field.name for field in fields(ArteryMorphology) if field.type == Measured)
"""What is compared between visits: every measurement of an artery."""


def matched_measurements(
    baseline: ArteryMorphology | Missing,
    follow_up: ArteryMorphology | Missing,
    shortest_common_mm: float,
    ahead_mm: float = 0.0,
) -> tuple[Values, Values]:
    """Measurements of both visits over their common coverage, by position from the bifurcation.

    `ahead_mm` is by how much more the follow-up's positions count at the same place of the artery.

    NASCET compares with the internal carotid at the same position in both visits: the baseline's, where both cover it.

    A slice that the other visit covers in part counts in part. Arteries that come without slices (from a table), and
    one whose other visit is missing, are given as they stand. Where less than `shortest_common_mm` is common,
    everything is `Missing` as not covered.
    """
    if isinstance(baseline, Missing) or isinstance(follow_up, Missing):
        return _as_it_stands(baseline), _as_it_stands(follow_up)
    if not baseline.slices or not follow_up.slices:
        return _as_it_stands(baseline), _as_it_stands(follow_up)
    slices = tuple(replace(section, position_mm=section.position_mm - ahead_mm) for section in follow_up.slices)
    return _over_common_coverage(baseline, replace(follow_up, slices=slices), shortest_common_mm)


def _as_it_stands(visit: ArteryMorphology | Missing) -> Values:
    return {name: visit if isinstance(visit, Missing) else getattr(visit, name) for name in MEASUREMENTS}


def _over_common_coverage(
    baseline: ArteryMorphology, follow_up: ArteryMorphology, shortest_common_mm: float
) -> tuple[Values, Values]:
    counted = shared_lengths(baseline.slices, follow_up.slices)
    if counted.sum() < shortest_common_mm:
        reason = Missing(Reason.NOT_COVERED, f"the visits share {counted.sum():.0f} mm of the artery")
        return _as_it_stands(reason), _as_it_stands(reason)
    pairs = ((baseline, counted), (follow_up, shared_lengths(follow_up.slices, baseline.slices)))
    before, after = (
        artery_measurements(
            visit.slices, mm, _resolution(visit.fibrous_cap_resolution_mm), baseline.distal_reference_position_mm
        )
        for visit, mm in pairs
    )
    return before, after


def _resolution(value: Measured) -> float:
    return 0.0 if isinstance(value, Missing) else value
