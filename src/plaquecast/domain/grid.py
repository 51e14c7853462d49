"""Where the voxels of an image lie: index (slice, row, column) to LPS millimetres."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from plaquecast.errors import InputError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """A regular, right-angled lattice of voxel centers.

    Index order is (slice, row, column) everywhere. `affine` takes a homogeneous index to LPS
    millimetres (+x the patient's left, +y posterior, +z towards the head).

    Raises:
        InputError: if the shape is not three positive numbers, or the affine is not finite,
            singular or sheared by more than 1e-3.

    >>> grid = Grid.axis_aligned((16, 256, 256), (2.0, 0.5, 0.5), (-64.0, -64.0, 0.0))
    >>> grid.spacing_mm
    (2.0, 0.5, 0.5)
    >>> grid.to_mm([[1, 0, 0]]).tolist()
    [[-64.0, -64.0, 2.0]]
    """

    shape: tuple[int, int, int]
    affine: FloatArray

    def __post_init__(self) -> None:
        affine = np.array(self.affine, dtype=np.float64)
        if len(self.shape) != 3 or any(int(n) != n or n < 1 for n in self.shape):
            raise InputError(
                expected="three positive voxel counts",
                found=f"shape {self.shape}",
                where="grid",
                remedy="Give a 3-D image.",
                code="grid-shape",
            )
        if affine.shape != (4, 4) or not np.all(np.isfinite(affine)) or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
            raise InputError(
                expected="a finite, invertible 4x4 affine",
                found=np.array2string(affine, precision=4).replace("\n", ""),
                where="grid",
                remedy="Mend the orientation in the image header.",
                code="grid-affine",
            )
        directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
        shear = float(np.abs(directions.T @ directions - np.eye(3)).max())
        if shear > 1e-3:
            raise InputError(
                expected="three axes at right angles",
                found=f"axes off by a cosine of {shear:.4f}",
                where="grid",
                remedy="Resample the tilted stack on a straight grid, or export it again without gantry tilt.",
                code="grid-shear",
            )
        affine.setflags(write=False)
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))
        object.__setattr__(self, "affine", affine)

    @staticmethod
    def axis_aligned(
        shape: tuple[int, int, int],
        spacing_mm: tuple[float, float, float],
        origin_mm: tuple[float, float, float] = (0.0, 0.0, 0.0),
    ) -> "Grid":
        """Make an axial grid: slices along +z, rows along +y, columns along +x; `origin_mm` is LPS of voxel 0."""
        affine = np.zeros((4, 4))
        affine[2, 0], affine[1, 1], affine[0, 2] = spacing_mm
        affine[:3, 3] = origin_mm
        affine[3, 3] = 1.0
        return Grid(shape, affine)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between voxel centers along (slice, row, column), mm."""
        slice_mm, row_mm, column_mm = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(slice_mm), float(row_mm), float(column_mm)

    @property
    def slice_spacing_mm(self) -> float:
        """Distance between slice centers, mm."""
        return self.spacing_mm[0]

    @property
    def pixel_area_mm2(self) -> float:
        """Area of one pixel within a slice, mm²."""
        return self.spacing_mm[1] * self.spacing_mm[2]

    @property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel, mm³."""
        return abs(float(np.linalg.det(self.affine[:3, :3])))

    def to_mm(self, index: ArrayLike) -> FloatArray:
        """Take (…, 3) fractional indices to LPS mm."""
        return np.asarray(index, dtype=np.float64) @ self.affine[:3, :3].T + self.affine[:3, 3]

    def to_index(self, points_mm: ArrayLike) -> FloatArray:
        """Take (…, 3) LPS mm to fractional indices."""
        offset = np.asarray(points_mm, dtype=np.float64) - self.affine[:3, 3]
        return offset @ np.linalg.inv(self.affine[:3, :3]).T

    def matches(self, other: "Grid", tolerance_mm: float = 1e-3) -> bool:
        """Say whether both grids have the same shape and every corner within the tolerance."""
        if self.shape != other.shape:
            return False
        corners = np.array(np.meshgrid(*[(0, n - 1) for n in self.shape], indexing="ij")).reshape(3, -1).T
        return bool(np.abs(self.to_mm(corners) - other.to_mm(corners)).max() <= tolerance_mm)

    def crop(self, start: tuple[int, int, int], shape: tuple[int, int, int]) -> "Grid":
        """Make the grid of the box that begins at index `start`; it may reach beyond this grid."""
        affine = self.affine.copy()
        affine[:3, 3] = self.to_mm(np.array(start))
        return Grid(shape, affine)
