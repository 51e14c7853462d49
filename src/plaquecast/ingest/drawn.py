"""What an annotator drew: named regions on the grid of an image; and which tissue each name means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from skimage.draw import polygon2mask

from plaquecast.domain.anatomy import Tissue
from plaquecast.domain.grid import FloatArray, Grid
from plaquecast.domain.volume import LabelMap
from plaquecast.errors import InputError

Mask = NDArray[np.bool_]

NAMES: Mapping[str, Tissue] = {
    "lumen": Tissue.LUMEN,
    "wall": Tissue.WALL,
    "outer wall": Tissue.WALL,
    "vessel": Tissue.WALL,
    "calcification": Tissue.CALCIFICATION,
    "calcium": Tissue.CALCIFICATION,
    "lipid rich necrotic core": Tissue.LIPID_RICH_NECROTIC_CORE,
    "lrnc": Tissue.LIPID_RICH_NECROTIC_CORE,
    "intraplaque hemorrhage": Tissue.INTRAPLAQUE_HEMORRHAGE,
    "iph": Tissue.INTRAPLAQUE_HEMORRHAGE,
    "fibrous cap": Tissue.FIBROUS_CAP,
    "loose matrix": Tissue.LOOSE_MATRIX,
}
"""Names that need no explanation; an outer wall or vessel may be drawn filled, for the rest is drawn over it."""

_ORDER = (
    Tissue.WALL, Tissue.LOOSE_MATRIX, Tissue.LIPID_RICH_NECROTIC_CORE, Tissue.INTRAPLAQUE_HEMORRHAGE,
    Tissue.CALCIFICATION, Tissue.FIBROUS_CAP, Tissue.LUMEN,
)  # fmt: skip
"""Where regions overlap, the later one counts: hemorrhage lies in the core, the cap over it, no wall in the lumen."""


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Regions by the names that the annotator gave, each bool (slices, rows, columns) on the grid."""

    grid: Grid
    regions: Mapping[str, Mask]


def labels_of(drawn: Drawn, names: Mapping[str, Tissue], where: str) -> LabelMap:
    """One label map of all regions.

    Args:
        drawn: the regions.
        names: what names mean that `NAMES` does not know (case and underscores do not matter).
        where: what to call the annotation in messages.

    Raises:
        InputError: if a name is not known.

    >>> grid = Grid.axis_aligned((1, 1, 3), (2.0, 0.5, 0.5))
    >>> masks = {"Outer Wall": np.array([[[1, 1, 1]]], bool), "lumen": np.array([[[0, 1, 0]]], bool)}
    >>> labels_of(Drawn(grid, masks), {}, "reader 1").array.tolist()
    [[[2, 1, 2]]]
    """
    known = {_plain(name): tissue for name, tissue in {**NAMES, **names}.items()}
    unknown = [name for name in drawn.regions if _plain(name) not in known]
    if unknown:
        raise InputError(
            expected=f"regions named {', '.join(NAMES)}",
            found=", ".join(repr(name[:40]) for name in unknown),
            where=where,
            remedy="Rename the region, remove it, or say what its name means.",
            code="unknown-region",
        )
    array = np.zeros(drawn.grid.shape, dtype=np.uint8)
    for tissue in _ORDER:
        for name, mask in drawn.regions.items():
            if known[_plain(name)] is tissue:
                array[mask] = tissue
    return LabelMap(drawn.grid, array)


def fill_contour(mask: Mask, points_index: FloatArray, where: str) -> None:
    """Turn over, in a mask (slices, rows, columns), the pixels whose centers lie in one closed contour.

    A contour inside another one of the same region thus makes a hole.

    Args:
        mask: changed in place.
        points_index: float64 (n, 3), index (slice, row, column) on the grid of the mask.
        where: what to call the annotation in messages.

    Raises:
        InputError: if the contour does not lie in one slice of the grid.
    """
    slice_index = round(float(points_index[:, 0].mean()))
    off = float(np.abs(points_index[:, 0] - slice_index).max())
    if off > 0.1 or not 0 <= slice_index < len(mask):
        raise InputError(
            expected="contours in the slices of the reference image",
            found=f"one at {points_index[:, 0].mean():.2f}, counted in slices",
            where=where,
            remedy="Draw the contours on the reference image of this visit.",
            code="annotation-grid",
        )
    mask[slice_index] ^= polygon2mask(mask.shape[1:], points_index[:, 1:])


def on_reference(points_mm: FloatArray, reference: Grid, tolerance_mm: float, where: str) -> NDArray[np.intp]:
    """Whole indices (n, 3) of points in LPS mm that are voxel centers of the reference.

    Raises:
        InputError: if one of them is not, within the tolerance, or lies outside.
    """
    index = reference.to_index(points_mm)
    nearest = np.rint(index).astype(np.intp)
    off = float(np.abs(reference.to_mm(nearest) - points_mm).max())
    if off > tolerance_mm or (nearest < 0).any() or (nearest >= np.array(reference.shape)).any():
        raise InputError(
            expected="the grid of the visit's reference image",
            found=f"voxels that lie {off:.2f} mm beside it, or outside",
            where=where,
            remedy="Draw the labels on the reference image of this visit, or resample them on its grid.",
            code="annotation-grid",
        )
    return nearest


def _plain(name: str) -> str:
    return " ".join(name.casefold().replace("_", " ").replace("-", " ").split())


def drawn_names(names: Sequence[str]) -> Mapping[str, Tissue]:
    """Meanings given as `name=tissue`, such as `CA=calcification`.

    Raises:
        InputError: if one is not of that form, or names no tissue.
    """
    meanings: dict[str, Tissue] = {}
    for entry in names:
        name, _, label = entry.rpartition("=")
        tissue = NAMES.get(_plain(label))
        if not name or tissue is None:
            raise InputError(
                expected=f"NAME=TISSUE with one of {', '.join(NAMES)}",
                found=repr(entry),
                where="--name",
                remedy="Mend the entry.",
                code="unknown-region",
            )
        meanings[name] = tissue
    return meanings
