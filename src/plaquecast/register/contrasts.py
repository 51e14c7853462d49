"""The weightings of one visit on one grid: each is laid on the reference by a rigid transform and resampled once."""

from collections.abc import Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from plaquecast.domain.anatomy import WALL_WEIGHTINGS, Side, Weighting
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.visit import AlignedVisit, RegistrationQuality, Visit
from plaquecast.domain.volume import Volume
from plaquecast.geometry.resample import resample, share_inside
from plaquecast.register.body import body_of
from plaquecast.register.carotids import bent_sides, middle_x_mm
from plaquecast.register.layers import upright
from plaquecast.register.loops import check_loops
from plaquecast.register.rigid import prepare
from plaquecast.register.search import find_neck
from plaquecast.settings import RegisterSettings

MIDLINE_MM = 16.0
"""Width of the strip in which the two sides of a bent neck pass into each other; no carotid lies there."""


def align_visit(visit: Visit, settings: RegisterSettings) -> AlignedVisit:
    """Lay every weighting of a visit on the grid of its reference weighting.

    The reference is the first black-blood weighting there is (T1W, T2W, PDW, CE_T1W), else the weighting with the most
    slices. Where the neck bent between two weightings, each carotid gets a transform of its own. A weighting whose
    alignment does not pass the gate is left out; `quality` says why.
    """
    reference = choose_reference(visit)
    fixed = visit.volumes[reference]
    prepared = prepare(fixed, settings)
    others = {name: prepare(volume, settings) for name, volume in visit.volumes.items() if name is not reference}
    transforms = {reference: RigidTransform.identity()}
    quality = {reference: RegistrationQuality(1.0, True, "the reference")}
    arteries = {}
    for weighting, other in others.items():
        overlap = partial(share_inside, visit.volumes[weighting].grid, fixed.grid)
        transforms[weighting], quality[weighting] = find_neck((prepared, other), overlap, settings)
        arteries[weighting] = bent_sides(prepared, other, transforms[weighting], settings)
    quality = check_loops(prepared, others, transforms, quality)
    return lay_on_reference(visit, reference, transforms, quality, arteries)


def lay_on_reference(
    visit: Visit,
    reference: Weighting,
    transforms: Mapping[Weighting, RigidTransform],
    quality: Mapping[Weighting, RegistrationQuality],
    arteries: Mapping[Weighting, Mapping[Side, RigidTransform]],
) -> AlignedVisit:
    """Resample every weighting whose alignment passed on the reference's grid, through transforms found before."""
    fixed = visit.volumes[reference]
    volumes = {
        weighting: volume
        if weighting is reference
        else Volume(fixed.grid, _laid(volume, fixed, transforms[weighting], arteries[weighting]), weighting)
        for weighting, volume in visit.volumes.items()
        if quality[weighting].passed
    }
    return AlignedVisit(
        visit.patient_id,
        visit.session_id,
        visit.acquired,
        reference,
        volumes,
        transforms,
        quality,
        visit.clinical,
        arteries,
    )


def _laid(
    volume: Volume, reference: Volume, neck: RigidTransform, arteries: Mapping[Side, RigidTransform]
) -> NDArray[np.float32]:
    """An image on the reference's grid; sides with transforms of their own pass into each other at the midline."""
    if not arteries:
        return resample(volume.array, volume.grid, reference.grid, neck)
    left, right = (resample(volume.array, volume.grid, reference.grid, arteries.get(side, neck)) for side in Side)
    share = _share_of_left(reference)
    return (share * left + (1 - share) * right).astype(np.float32)


def _share_of_left(reference: Volume) -> NDArray[np.float32]:
    """1 on the patient's left, 0 on the right, rising over `MIDLINE_MM` across the middle of the body."""
    slices, rows, columns = np.ogrid[tuple(slice(n) for n in reference.grid.shape)]
    along = reference.grid.affine[0]
    x_mm = along[0] * slices + along[1] * rows + along[2] * columns + along[3]
    middle = middle_x_mm(body_of(upright(reference)))
    return np.clip((x_mm - middle) / MIDLINE_MM + 0.5, 0.0, 1.0).astype(np.float32)


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
        " to fine, and by a transform of its own around each carotid where the neck bent between two images; alignments"
        " that did not pass the gate were left out."
    )
