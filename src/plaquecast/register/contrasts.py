"""The weightings of one visit on one grid: each is laid on the reference by a rigid transform and resampled once."""

from collections.abc import Mapping

from plaquecast.domain.anatomy import WALL_WEIGHTINGS, Weighting
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.visit import AlignedVisit, RegistrationQuality, Visit
from plaquecast.domain.volume import Volume
from plaquecast.geometry.resample import resample, share_inside
from plaquecast.register.quality import judge
from plaquecast.register.rigid import fresh_agreement, prepare, register_rigid
from plaquecast.settings import RegisterSettings


def align_visit(visit: Visit, settings: RegisterSettings) -> AlignedVisit:
    """Lay every weighting of a visit on the grid of its reference weighting.

    The reference is the first black-blood weighting there is (T1W, T2W, PDW, CE_T1W), else the weighting with the most
    slices. A weighting whose alignment does not pass the gate is left out; `quality` says why.
    """
    reference = choose_reference(visit)
    fixed = visit.volumes[reference]
    prepared = prepare(fixed, settings)
    transforms = {reference: RigidTransform.identity()}
    quality = {reference: RegistrationQuality(1.0, True, "the reference")}
    for weighting, volume in visit.volumes.items():
        if weighting is not reference:
            other = prepare(volume, settings)
            transforms[weighting] = transform = register_rigid(prepared, other, settings)
            overlap = share_inside(volume.grid, fixed.grid, transform)
            agreement = fresh_agreement(prepared, other, settings)
            quality[weighting] = judge(agreement, transform, prepared.center_mm, overlap, settings)
    return lay_on_reference(visit, reference, transforms, quality)


def lay_on_reference(
    visit: Visit,
    reference: Weighting,
    transforms: Mapping[Weighting, RigidTransform],
    quality: Mapping[Weighting, RegistrationQuality],
) -> AlignedVisit:
    """Resample every weighting whose alignment passed on the reference's grid, through transforms found before."""
    grid = visit.volumes[reference].grid
    volumes = {
        weighting: volume
        if weighting is reference
        else Volume(grid, resample(volume.array, volume.grid, grid, transforms[weighting]), weighting)
        for weighting, volume in visit.volumes.items()
        if quality[weighting].passed
    }
    return AlignedVisit(
        visit.patient_id, visit.session_id, visit.acquired, reference, volumes, transforms, quality, visit.clinical
    )


def choose_reference(visit: Visit) -> Weighting:
    """The weighting whose grid the visit gets."""
    for weighting in WALL_WEIGHTINGS:
        if weighting in visit.volumes:
            return weighting
    return max(visit.volumes, key=lambda weighting: (visit.volumes[weighting].grid.shape[0], weighting.value))


def describe(settings: RegisterSettings) -> str:
    """How images were aligned, in one sentence for the methods text."""
    return (
        "Weightings were laid on the reference weighting, and the follow-up on the baseline, by rigid transforms of"
        f" greatest mutual information ({settings.histogram_bins} bins, points drawn with seed {settings.seed}), coarse"
        " to fine; alignments that did not pass the gate were left out."
    )
