"""A transform of its own around each carotid, where the neck bent or swallowed between two images."""

from collections.abc import Mapping

import numpy as np

from plaquecast.domain.anatomy import Side
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.missing import Missing, Reason
from plaquecast.domain.transform import RigidTransform
from plaquecast.register.body import Body
from plaquecast.register.mutual_information import draw_samples
from plaquecast.register.rigid import Prepared, agreement_at, climb, fresh_agreement
from plaquecast.settings import RegisterSettings

REACH_MM = 8.0
"""Points are drawn around the artery's axis, within each slice, by a Gaussian of this width."""

LEAST_GAIN = 0.05
"""A local transform must raise the agreement of points that it has not seen by this share.

In simulated necks that do not bend, chance raises it by 1 % (median of 18, at most 7 %); in those that do, by 34 %.
"""

MAX_OFFSET_MM = 5.0
"""An artery that seems to lie further off than this from where the neck is was not found, but lost."""

_FROM_MIDLINE_MM, _FROM_FRONT_MM = 27.0, 42.0
"""Where carotids lie in a neck, to within about 8 mm (six simulated necks and two volunteers)."""


def middle_x_mm(body: Body) -> float:
    """LPS x of the middle of the body; 0 where there is none."""
    x = body.grid.to_mm(np.argwhere(body.depth_mm > 0))[:, 0]
    return float(x.mean()) if len(x) else 0.0


def usual_axes_mm(body: Body) -> dict[Side, FloatArray]:
    """Where the carotids lie if they lie where they usually do: per side two points (2, 3) of an upright line."""
    _, y, z = body.grid.to_mm(np.argwhere(body.depth_mm > 0)).T
    if len(y) == 0:
        return {}
    middle, front = middle_x_mm(body), float(np.percentile(y, 1.0))
    return {
        side: np.array([[middle + side.sign_x * _FROM_MIDLINE_MM, front + _FROM_FRONT_MM, height] for height in ends])
        for side in Side
        for ends in [(float(z.min()), float(z.max()))]
    }


def around(prepared: Prepared, axis_mm: FloatArray, settings: RegisterSettings) -> Prepared:
    """The finest level of an image alone, asked around an axis (n, 3) that rises from the chest to the head."""
    layer, n_points = prepared.layers[-1], len(prepared.samples[-1].points)
    asked = layer.weight > 0
    points = layer.grid.to_mm(np.argwhere(asked))
    center = np.stack([np.interp(points[:, 2], axis_mm[:, 2], axis_mm[:, k]) for k in (0, 1)], axis=1)
    weight = layer.weight.copy()
    weight[asked] *= np.exp(-((points[:, :2] - center) ** 2).sum(axis=1) / (2 * REACH_MM**2))
    samples, fresh = (draw_samples(layer, weight, n_points, settings.seed + k) for k in (0, 1))
    return Prepared(prepared.center_mm, prepared.body, (layer,), (samples,), fresh)


def refine(
    first: Prepared, second: Prepared, neck: RigidTransform, axes_mm: tuple[FloatArray, FloatArray],
    settings: RegisterSettings,
) -> RigidTransform | Missing:  # fmt: skip
    """The transform near one artery: a local one where it clearly agrees better than the neck's, else the neck's.

    `axes_mm` are the artery's axes (n, 3) in the first and in the second image.
    """
    own, other = around(first, axes_mm[0], settings), around(second, axes_mm[1], settings)
    middle = axes_mm[0].mean(axis=0)
    found = climb(agreement_at(-1, own, other), neck, neck.apply(middle))
    offset = float(np.linalg.norm(found.apply(middle) - neck.apply(middle)))
    if offset > MAX_OFFSET_MM:
        return Missing(Reason.FAILED_QUALITY, f"the artery seems to lie {offset:.1f} mm off the neck")
    fresh = fresh_agreement(own, other)
    return found if fresh(found) > (1.0 + LEAST_GAIN) * fresh(neck) else neck


def bent_sides(
    first: Prepared, second: Prepared, neck: RigidTransform, settings: RegisterSettings
) -> Mapping[Side, RigidTransform]:
    """Transforms of the sides on which the neck's does not hold, around the usual places of the carotids."""
    found = {}
    for side, axis in usual_axes_mm(first.body).items():
        local = refine(first, second, neck, (axis, neck.apply(axis)), settings)
        if isinstance(local, RigidTransform) and local is not neck:
            found[side] = local
    return found
