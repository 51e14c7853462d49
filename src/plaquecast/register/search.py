"""The rigid transform of a neck with its verdict; a search that went astray is done once more, from more places."""

from collections.abc import Callable, Sequence

from numpy.typing import ArrayLike

from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.visit import RegistrationQuality
from plaquecast.register.quality import judge
from plaquecast.register.rigid import Prepared, register_rigid
from plaquecast.settings import RegisterSettings

CLIMBS = (1, 8)
"""From how many of the best starts the first search climbs, and from how many the second."""


def find_neck(
    images: tuple[Prepared, Prepared],
    overlap: Callable[[RigidTransform], float],
    settings: RegisterSettings,
    shifts_mm: Sequence[ArrayLike] = ((0.0, 0.0, 0.0),),
) -> tuple[RigidTransform, RegistrationQuality]:
    """The transform from points of the first image to points of the second (mm), and whether it passes the gate.

    `overlap` is the share of the slices that both have in common under a transform, 0 to 1; `shifts_mm` are the shifts
    from which the search starts.
    """
    found = []
    for n_climbs in CLIMBS:
        transform = register_rigid(*images, shifts_mm, n_climbs)
        found.append((transform, judge(*images, transform, overlap(transform), settings)))
        if found[-1][1].passed:
            break
    return max(found, key=lambda pair: pair[1].score)
