"""Rigid transforms in LPS millimetres, composed with @."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from plaquecast.domain.grid import FloatArray
from plaquecast.errors import InputError


@dataclass(frozen=True, slots=True, eq=False)
class RigidTransform:
    """A rotation and a shift that take points of one space to points of another, in LPS mm.

    Convention of the project: a transform kept beside an image takes points of the *reference* to points of
    that image, which is what resampling needs. `(a @ b).apply(p) == a.apply(b.apply(p))`.

    Raises:
        InputError: if the upper-left 3x3 part is not a rotation (within 1e-6) or anything is not finite.

    >>> turn = RigidTransform.from_euler((0.0, 0.0, 90.0), (1.0, 0.0, 0.0))
    >>> turn.apply([[1.0, 0.0, 0.0]]).round(6).tolist()
    [[1.0, 1.0, 0.0]]
    >>> (turn @ turn.inverse()).apply([[3.0, 4.0, 5.0]]).round(6).tolist()
    [[3.0, 4.0, 5.0]]
    """

    matrix_mm: FloatArray

    def __post_init__(self) -> None:
        matrix = np.array(self.matrix_mm, dtype=np.float64)
        if matrix.shape != (4, 4) or not _is_rigid(matrix):
            raise InputError(
                expected="a rotation and a shift in a 4x4 matrix",
                found=np.array2string(matrix, precision=4).replace("\n", ""),
                where="rigid transform",
                remedy="Give a matrix without scaling, shear or mirror.",
                code="not-rigid",
            )
        matrix.setflags(write=False)
        object.__setattr__(self, "matrix_mm", matrix)

    @staticmethod
    def identity() -> "RigidTransform":
        """The transform that moves nothing."""
        return RigidTransform(np.eye(4))

    @staticmethod
    def from_euler(
        angles_degrees: ArrayLike, shift_mm: ArrayLike, center_mm: ArrayLike = (0.0, 0.0, 0.0)
    ) -> "RigidTransform":
        """Rotate about x, then y, then z through `center_mm`, then shift."""
        rotation = np.eye(3)
        for axis, angle in enumerate(np.deg2rad(np.asarray(angles_degrees, dtype=np.float64))):
            turn = np.eye(3)
            i, j = (axis + 1) % 3, (axis + 2) % 3
            turn[i, i] = turn[j, j] = np.cos(angle)
            turn[j, i], turn[i, j] = np.sin(angle), -np.sin(angle)
            rotation = turn @ rotation
        center = np.asarray(center_mm, dtype=np.float64)
        matrix = np.eye(4)
        matrix[:3, :3] = rotation
        matrix[:3, 3] = center - rotation @ center + np.asarray(shift_mm, dtype=np.float64)
        return RigidTransform(matrix)

    def apply(self, points_mm: ArrayLike) -> FloatArray:
        """Take (…, 3) points in mm to their image in mm."""
        return np.asarray(points_mm, dtype=np.float64) @ self.matrix_mm[:3, :3].T + self.matrix_mm[:3, 3]

    def inverse(self) -> "RigidTransform":
        """The transform that undoes this one."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.matrix_mm[:3, :3].T
        matrix[:3, 3] = -matrix[:3, :3] @ self.matrix_mm[:3, 3]
        return _of_rigid(matrix)

    def __matmul__(self, other: "RigidTransform") -> "RigidTransform":
        return _of_rigid(self.matrix_mm @ other.matrix_mm)


def _of_rigid(matrix: FloatArray) -> RigidTransform:
    """What is made of rigid transforms is one; a search makes tens of thousands, so it is not checked again."""
    transform = object.__new__(RigidTransform)
    matrix.setflags(write=False)
    object.__setattr__(transform, "matrix_mm", matrix)
    return transform


_EYE = np.eye(4)


def _is_rigid(matrix: FloatArray) -> bool:
    """Compared by hand: a search makes thousands of transforms, and `numpy.allclose` would be a fifth of its time."""
    rotation = matrix[:3, :3]
    error = np.abs(rotation @ rotation.T - _EYE[:3, :3]).max()  # comparisons with what is not a number are false
    is_affine = np.abs(matrix[3] - _EYE[3]).max() <= 1e-8 and np.isfinite(matrix[:3, 3]).all()
    return bool(error <= 1e-6 and is_affine and np.linalg.det(rotation) > 0)
