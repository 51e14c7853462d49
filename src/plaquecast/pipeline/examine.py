"""The main path for one visit, and for two: read, align, segment, measure, compare."""

from collections.abc import Mapping

from plaquecast.change.factors import change_factors, patient_change_factors
from plaquecast.domain.anatomy import Side
from plaquecast.domain.examined import ExaminedPair, ExaminedVisit
from plaquecast.domain.measurements import MeasurementError
from plaquecast.domain.missing import Measured, Missing, Reason, is_number
from plaquecast.domain.morphology import ArteryMorphology
from plaquecast.domain.protocols import Segmenter
from plaquecast.domain.visit import AlignedVisit, Visit, VisitAlignment, interval_years
from plaquecast.domain.volume import ArterySegmentation, Centerline
from plaquecast.measure.artery import measure_artery
from plaquecast.register.contrasts import align_visit
from plaquecast.register.visits import align_visits
from plaquecast.settings import Settings


def examine_visit(visit: Visit, segmenter: Segmenter, settings: Settings) -> ExaminedVisit:
    """Align the weightings of a visit, segment both arteries and measure them.

    Raises:
        QualityError: if the images cannot be trusted as a whole.
        ModelError: if the segmenter does not fit these weightings.
    """
    aligned = align_visit(visit, settings.register)
    segmentations = segmenter.segment(aligned)
    arteries = {side: _measure(found, aligned, settings) for side, found in segmentations.items()}
    return ExaminedVisit(aligned, segmentations, arteries)


def _measure(
    segmentation: ArterySegmentation | Missing, aligned: AlignedVisit, settings: Settings
) -> ArteryMorphology | Missing:
    if isinstance(segmentation, Missing):
        return segmentation
    return measure_artery(segmentation, aligned.volumes, settings.measure)


def compare_visits(
    baseline: ExaminedVisit, follow_up: ExaminedVisit, errors: Mapping[str, MeasurementError], settings: Settings
) -> ExaminedPair:
    """Lay the follow-up on the baseline and compute every change factor per year.

    Change factors compare slices at the same place along the artery, so they need no resampled image. Each visit looks
    for its bifurcation by itself, and errs by millimeters; so the alignment says which slices face each other,
    positions count as the baseline has them, and the alignment's verdict gates the comparison.
    """
    years = interval_years(baseline.aligned.acquired, follow_up.aligned.acquired)
    alignment = align_visits(baseline.aligned, follow_up.aligned, _centerlines(baseline, follow_up), settings.register)
    sides = []
    for side in Side:
        before, after = (_gated(visit.arteries[side], side, alignment) for visit in (baseline, follow_up))
        ahead = alignment.ahead_mm.get(side, 0.0)
        ahead_mm = ahead if is_number(ahead) else 0.0
        sides.append(change_factors(before, after, years, errors, settings.change, side, ahead_mm))
    changes = (*sides[0], *sides[1], *patient_change_factors(sides, settings.change))
    return ExaminedPair(baseline, follow_up, alignment, years, changes)


def repeat_ahead_mm(scan: ExaminedVisit, repeat: ExaminedVisit, settings: Settings) -> dict[Side, Measured]:
    """By how much more the positions of a repeat scan count than those of the scan, artery by artery.

    The scans are laid on each other as the visits of a change are, so that their difference is the error of a change.
    """
    alignment = align_visits(scan.aligned, repeat.aligned, _centerlines(scan, repeat), settings.register)
    if not alignment.quality.passed:
        failed = Missing(Reason.FAILED_QUALITY, f"the scans do not lie on each other: {alignment.quality.reason}")
        return dict.fromkeys(Side, failed)
    nowhere = Missing(Reason.NOT_COVERED, "the artery was not found in both scans")
    return {side: alignment.ahead_mm.get(side, nowhere) for side in Side}


def _gated(artery: ArteryMorphology | Missing, side: Side, alignment: VisitAlignment) -> ArteryMorphology | Missing:
    if not alignment.quality.passed:
        return Missing(Reason.FAILED_QUALITY, f"the visits do not lie on each other: {alignment.quality.reason}")
    ahead = alignment.ahead_mm.get(side, 0.0)
    return ahead if isinstance(ahead, Missing) else artery


def _centerlines(baseline: ExaminedVisit, follow_up: ExaminedVisit) -> dict[Side, tuple[Centerline, Centerline]]:
    found = {}
    for side in Side:
        before, after = baseline.segmentations[side], follow_up.segmentations[side]
        if isinstance(before, ArterySegmentation) and isinstance(after, ArterySegmentation):
            found[side] = (before.centerline, after.centerline)
    return found
