"""What every annotation has to be: on the grid of its image, a lumen in a wall, and on the side that its name says."""

import numpy as np

from plaquecast.domain.anatomy import Side, Tissue
from plaquecast.domain.grid import Grid
from plaquecast.domain.volume import Centerline, LabelMap
from plaquecast.errors import InputError

GRID_TOLERANCE_MM = 0.025
"""Annotation tools round the position: 0.011 mm was seen in real files; a tenth of the finest pixel is still exact."""

_WIDEST_ONE_SIDED_MM = 100.0
_SIDE_MARGIN_MM = 10.0
_MOST_OPEN_LUMEN = 0.5


def check_grid(grid: Grid, reference: Grid, where: str) -> None:
    """The labels lie on the grid of the visit's reference image, or on a box of whole voxels of it.

    Raises:
        InputError: if they do not, within `GRID_TOLERANCE_MM`.
    """
    off = _off_grid_mm(grid, reference)
    if off > GRID_TOLERANCE_MM:
        found = f"voxels that lie {off:.2f} mm beside it"
        remedy = "Draw the labels on the reference image of this visit, or resample them on its grid."
        raise _refused(where, "the grid of the visit's reference image", found, remedy, "annotation-grid")


def _off_grid_mm(grid: Grid, reference: Grid) -> float:
    """How far the corners lie from the nearest whole voxels of the reference that would hold them, mm."""
    start = np.rint(reference.to_index(grid.to_mm(np.zeros(3)))).astype(int)
    if any(abs(n) > 10_000 for n in start):
        return float("inf")
    box = reference.crop((int(start[0]), int(start[1]), int(start[2])), grid.shape)
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in grid.shape], indexing="ij")).reshape(3, -1).T
    return float(np.abs(box.to_mm(corners) - grid.to_mm(corners)).max())


def check_lumen(labels: LabelMap, name: str) -> None:
    """A lumen that lies bare of any wall is a slip; at the mouth of the ECA a part of the outline is open.

    Raises:
        InputError: if more than half of the lumen's edge touches background.
    """
    lumen = labels.mask(Tissue.LUMEN)
    outside = labels.array == Tissue.BACKGROUND
    edges = bare = 0
    for axis in (1, 2):
        for first, second in ((slice(None, -1), slice(1, None)), (slice(1, None), slice(None, -1))):
            index: list[slice] = [slice(None)] * 3
            beside = list(index)
            index[axis], beside[axis] = first, second
            edge = lumen[tuple(index)] & ~lumen[tuple(beside)]
            edges += int(edge.sum())
            bare += int((edge & outside[tuple(beside)]).sum())
    if edges and bare / edges > _MOST_OPEN_LUMEN:
        found = f"a lumen of which {100 * bare / edges:.0f} % has no wall"
        remedy = "Annotate the wall around the lumen, or mark what was not judged with 255."
        raise _refused(name, "a lumen inside a wall", found, remedy, "lumen-without-wall")


def check_side(side: Side, axis: Centerline, reference: Grid, name: str) -> None:
    """In an image wide enough to show both sides, an artery does not lie far on the other side of its middle.

    Raises:
        InputError: if it does.
    """
    corners = reference.to_mm(np.array([[0, 0, 0], np.array(reference.shape) - 1.0]))
    low, high = np.sort(corners[:, 0])
    beyond = side.sign_x * (float(axis.points_mm[:, 0].mean()) - 0.5 * (low + high))
    if high - low >= _WIDEST_ONE_SIDED_MM and beyond < -_SIDE_MARGIN_MM:
        found = f"it {-beyond:.0f} mm on the other side"
        expected = f"the {side} artery on the patient's {side} ({'+' if side.sign_x > 0 else '-'}x)"
        raise _refused(name, expected, found, "Mend the name: L and R are the patient's own sides.", "side-swapped")


def _refused(where: str, expected: str, found: str, remedy: str, code: str) -> InputError:
    return InputError(expected=expected, found=found, where=where, remedy=remedy, code=code)
