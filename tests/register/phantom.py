"""A neck-like phantom of smooth blobs that can be drawn in any pose and contrast, with the truth in closed form."""

import numpy as np

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.grid import FloatArray, Grid
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.volume import Volume

GRID = Grid.axis_aligned((18, 60, 60), (2.0, 2.0, 2.0), (-59.0, -59.0, -17.0))


def blob_image(
    grid: Grid = GRID,
    pose: RigidTransform | None = None,
    seed: int = 0,
    is_inverted: bool = False,
    noise: float = 0.01,
    weighting: Weighting = Weighting.T1W,
) -> Volume:
    """An ellipse of tissue with 60 Gaussian blobs inside; `pose` takes points of the phantom to points of the image.

    The image is evaluated point by point, not resampled, so that nothing but the pose differs between two of them.
    """
    rng = np.random.default_rng(seed)
    centers = rng.uniform((-35.0, -35.0, -25.0), (35.0, 35.0, 25.0), (60, 3))
    widths, heights = rng.uniform(2.5, 6.0, 60), rng.uniform(-1.0, 1.0, 60)
    points = grid.to_mm(np.stack(np.indices(grid.shape), axis=-1))
    if pose is not None:
        points = pose.inverse().apply(points)
    tissue = _tissue(points)
    value = 2.0 + sum(
        height * np.exp(-(((points - center) / width) ** 2).sum(axis=-1) / 2)
        for center, width, height in zip(centers, widths, heights, strict=True)
    )
    value = 4.0 - value if is_inverted else value
    value = tissue * value + rng.normal(0.0, noise, grid.shape)
    return Volume(grid, value.astype(np.float32), weighting)


def _tissue(points: FloatArray) -> FloatArray:
    """1 inside an ellipse of 100 × 90 mm across, 0 outside, with a soft edge of about 2 mm."""
    radius = np.hypot(points[..., 0] / 50.0, points[..., 1] / 45.0)
    return 1.0 / (1.0 + np.exp((radius - 1.0) * 45.0))
