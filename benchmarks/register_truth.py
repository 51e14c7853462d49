"""The error of an alignment at the walls of simulated carotids: across the wall, and along the artery."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from plaquecast.domain.anatomy import Side, Weighting
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.volume import ArterySegmentation
from plaquecast.simulate.people import SimulatedVisit


@dataclass(frozen=True, slots=True, eq=False)
class Walls:
    """Points (n, 3) mm on outer walls in the reference's space, with the wall's normal and the artery's axis there."""

    points_mm: FloatArray
    normals: FloatArray
    axes: FloatArray

    def errors_mm(self, found: RigidTransform, true: RigidTransform) -> tuple[FloatArray, FloatArray]:
        """Error of a found transform at each point: its component normal to the wall and that along the artery, mm."""
        miss = (found.apply(self.points_mm) - true.apply(self.points_mm)) @ true.matrix_mm[:3, :3]
        return np.abs((miss * self.normals).sum(axis=1)), np.abs((miss * self.axes).sum(axis=1))


def walls_of(visit: SimulatedVisit, *sides: Side) -> Walls:
    """Walls of the given arteries of a simulated visit, or of both."""
    found = [_walls(visit.truth[side]) for side in sides or tuple(visit.truth)]
    return Walls(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _walls(segmentation: ArterySegmentation) -> tuple[FloatArray, FloatArray, FloatArray]:
    vessel = segmentation.labels.array > 0
    inner = np.zeros_like(vessel)
    ndimage.binary_erosion(vessel, np.ones((1, 3, 3)), output=inner)
    edge = np.argwhere(vessel & ~inner)[::3]
    slices = edge[:, 0]
    middles = np.array(
        ndimage.center_of_mass(vessel, np.cumsum(np.ones_like(vessel), 0) * vessel, np.unique(slices) + 1)
    )
    points = segmentation.grid.to_mm(edge)
    centers = segmentation.grid.to_mm(middles)[np.searchsorted(np.unique(slices), slices)]
    axes = segmentation.centerline.tangent(segmentation.slice_position_mm[slices])
    outward = points - centers
    outward -= (outward * axes).sum(axis=1, keepdims=True) * axes
    return points, outward / np.linalg.norm(outward, axis=1, keepdims=True), axes


def true_transform(
    first: SimulatedVisit, first_weighting: Weighting, second: SimulatedVisit, second_weighting: Weighting
) -> RigidTransform:
    """From points of an image of one scan to points of an image of another scan of the same patient."""
    from_first = first.neck_from_model.inverse() @ first.transforms[first_weighting].inverse()
    return second.transforms[second_weighting] @ second.neck_from_model @ from_first
