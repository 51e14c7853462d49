"""Weightings of one visit against one another: around a loop of alignments every place must come back to itself."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations

import numpy as np

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.visit import RegistrationQuality
from plaquecast.register.carotids import usual_axes_mm
from plaquecast.register.rigid import Prepared, agreement_at, climb

MOST_GAP_MM = 1.0
"""A loop that misses its start by more than this is broken.

In one simulated neck (seed 4321) loops of right alignments miss by at most 0.18 mm; the widest loop of each of four
images upside down, two of which pass the gate by themselves, by 1.3 to 2.1 mm.
"""


def check_loops(
    reference: Prepared,
    others: Mapping[Weighting, Prepared],
    transforms: Mapping[Weighting, RigidTransform],
    quality: Mapping[Weighting, RegistrationQuality],
) -> dict[Weighting, RegistrationQuality]:
    """The verdicts after every two of the `others` that passed were also laid on each other.

    `transforms` take points of the reference to points of each. Of two that break a loop the one with the weaker score
    fails; the widest loops speak first. With fewer than two that passed there is no loop.
    """
    axes = usual_axes_mm(reference.body).values()
    places = np.concatenate(list(axes)) if axes else reference.center_mm[None]

    def gap_mm(one: Weighting, other: Weighting) -> float:
        around = transforms[other] @ transforms[one].inverse()
        # images that share too little do not pull, so their loop closes and tells nothing
        direct = climb(agreement_at(-1, others[one], others[other]), around, around.apply(others[one].center_mm))
        start = transforms[one].apply(places)
        return float(np.linalg.norm(direct.apply(start) - around.apply(start), axis=1).max())

    verdicts = dict(quality)
    gaps = {pair: gap_mm(*pair) for pair in combinations([name for name in others if quality[name].passed], 2)}
    for pair, gap in sorted(gaps.items(), key=lambda item: item[1], reverse=True):
        if gap > MOST_GAP_MM and all(verdicts[name].passed for name in pair):
            weaker, stronger = sorted(pair, key=lambda name: verdicts[name].score)
            reason = f"does not lie on {stronger} as that lies on the reference: {gap:.1f} mm off"
            score = max(0.0, 1.0 - gap / (2.0 * MOST_GAP_MM))
            verdicts[weaker] = replace(verdicts[weaker], score=score, passed=False, reason=reason)
    return verdicts
