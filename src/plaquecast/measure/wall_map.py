"""The unwrapped wall of an artery, turned so that angle zero faces the flow divider."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import ndimage

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.morphology import WallMap
from plaquecast.domain.volume import Volume
from plaquecast.geometry.contours import even_angles
from plaquecast.measure.slices import UnwrappedSlice

MOUTH_MM = (-8.0, 0.0)
"""Where the mouth of the ECA may lie along the artery: there is no wall across it."""
THIN_SHARE = 0.5
"""Wall thinner than this share of the median there may be the mouth."""
LEAST_MOUTH_DEGREES = 15.0
"""A mouth narrower than this, in the mean over the slices, is none."""
LEAST_AGREEMENT = 0.6
"""Length of the mean of unit vectors towards thin wall (1: all at one angle) from which it counts as one mouth."""


def wall_map(sections: Sequence[UnwrappedSlice], volumes: Mapping[Weighting, Volume]) -> WallMap:
    """Thickness, most telling tissue and mean intensity per weighting, by position along and angle around the artery.

    The mouth of the ECA, where there is no wall, shows where the flow divider lies; where no mouth is seen, the bend of
    the axis does, by which the slices were unwrapped.
    """
    position = np.array([section.plane.position_mm for section in sections])
    thickness = np.stack([section.thickness_mm for section in sections])
    n_angles = thickness.shape[1]
    turn = -round(mouth_angle(position, thickness) / (2.0 * np.pi) * n_angles)
    places = np.stack([section.plane.to_mm(section.streamlines) for section in sections])
    return WallMap(
        position_mm=position,
        angle_degrees=np.degrees(even_angles(n_angles)),
        wall_thickness_mm=np.roll(thickness, turn, axis=1),
        tissue=np.roll(np.stack([section.content.telling for section in sections]), turn, axis=1),
        intensity={
            weighting: np.roll(_intensity(volume, places), turn, axis=1) for weighting, volume in volumes.items()
        },
    )


def mouth_angle(position_mm: FloatArray, thickness_mm: FloatArray) -> float:
    """Angle of the mouth of the ECA in radians, from thickness (slices, m) at even angles; 0 where no mouth is seen.

    >>> thickness = np.ones((2, 72))
    >>> thickness[:, 17:20] = 0.1
    >>> round(np.degrees(mouth_angle(np.array([-4.0, -2.0]), thickness)))
    90
    """
    below = thickness_mm[(position_mm > MOUTH_MM[0]) & (position_mm < MOUTH_MM[1])]
    if not len(below):
        return 0.0
    thin = below < THIN_SHARE * np.median(below)
    if 360.0 * thin.mean() < LEAST_MOUTH_DEGREES:
        return 0.0
    toward = (thin * np.exp(1j * even_angles(thin.shape[1]))).sum() / thin.sum()
    return float(np.angle(toward)) if abs(toward) >= LEAST_AGREEMENT else 0.0


def _intensity(volume: Volume, places_mm: FloatArray) -> FloatArray:
    """Mean intensity along each streamline, (slices, m) from points (slices, m, n, 3)."""
    index = np.moveaxis(volume.grid.to_index(places_mm), -1, 0)
    return ndimage.map_coordinates(volume.array, index, order=1, mode="nearest", output=np.float64).mean(axis=-1)
