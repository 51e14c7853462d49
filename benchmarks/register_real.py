"""Real scans to register, with what is known about where they lie: given transforms, or vessels to be met again."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
from scipy import ndimage

from plaquecast.domain.anatomy import Side, Weighting
from plaquecast.domain.grid import FloatArray, Grid
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.volume import Volume

CLOSE_TO_HEAD = np.diag((-1.0, -1.0, 1.0, 1.0))
"""NIfTI's RAS to LPS, and back."""


@dataclass(frozen=True, slots=True, eq=False)
class KnownPair:
    """Two real images and the given affine (LPS mm) from points of the first to points of the second.

    `points_mm` (n, 3) are the points of the first image at which the error counts.
    """

    name: str
    reference: Volume
    other: Volume
    given: FloatArray
    points_mm: FloatArray

    def errors_mm(self, transform: RigidTransform) -> FloatArray:
        """Distance between where the found and the given transform take each point, mm."""
        return np.linalg.norm(transform.apply(self.points_mm) - apply(self.given, self.points_mm), axis=1)

    def best_rigid(self) -> RigidTransform:
        """The rigid transform that comes closest to the given affine one over the points (Kabsch 1976)."""
        target = apply(self.given, self.points_mm)
        middle, target_middle = self.points_mm.mean(axis=0), target.mean(axis=0)
        left, _, right = np.linalg.svd((target - target_middle).T @ (self.points_mm - middle))
        rotation = left @ np.diag((1.0, 1.0, np.linalg.det(left @ right))) @ right
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = rotation, target_middle - rotation @ middle
        return RigidTransform(matrix)


def apply(affine: FloatArray, points_mm: FloatArray) -> FloatArray:
    """Points (n, 3) taken through a 4×4 affine."""
    return points_mm @ affine[:3, :3].T + affine[:3, 3]


def read_volume(path: Path, weighting: Weighting) -> Volume:
    """A NIfTI file as a volume: index (slice, row, column), LPS."""
    image = nibabel.Nifti1Image.from_filename(path)
    affine = (CLOSE_TO_HEAD @ image.affine)[:, [2, 1, 0, 3]]
    array = np.asarray(image.dataobj, dtype=np.float32).T
    return Volume(Grid(array.shape, affine), array, weighting)


def read_itk_affine(path: Path) -> FloatArray:
    """An ITK text transform (LPS) as a 4×4 matrix: rotation about its center, then shift."""
    lines = dict(line.split(": ") for line in path.read_text().splitlines() if ": " in line)
    parameters = np.array(lines["Parameters"].split(), dtype=np.float64)
    center = np.array(lines["FixedParameters"].split(), dtype=np.float64)
    affine = np.eye(4)
    affine[:3, :3] = parameters[:9].reshape(3, 3)
    affine[:3, 3] = parameters[9:] + center - affine[:3, :3] @ center
    return affine


def brain_pairs(folder: Path, points_every: int = 997) -> Iterator[KnownPair]:
    """The pairs of `two-visit-brain`: each contrast to the FLAIR of its visit, and FLAIR of visit 2 to that of visit 1.

    The project knows no FLAIR, so it is read as PDW; only the choice of the reference depends on that name.
    """
    mask = read_volume(folder / "coregistered/brainmask.nii.gz", Weighting.PDW)
    inside = np.argwhere(mask.array > 0)[::points_every]
    common = mask.grid.to_mm(inside)
    to_flair = [read_itk_affine(folder / f"raw/study{k}_FLAIR_to_common_space.txt") for k in (1, 2)]
    flairs = [read_volume(folder / f"raw/study{k}_FLAIR.nii.gz", Weighting.PDW) for k in (1, 2)]
    for k in (1, 2):
        points = apply(to_flair[k - 1], common)
        for weighting in (Weighting.T1W, Weighting.T2W):
            other = read_volume(folder / f"raw/study{k}_{weighting}.nii.gz", weighting)
            given = read_itk_affine(folder / f"raw/study{k}_{weighting}_intrastudy_to_FLAIR.txt")
            yield KnownPair(f"visit {k}: FLAIR, {weighting}", flairs[k - 1], other, given, points)
    given = to_flair[1] @ np.linalg.inv(to_flair[0])
    yield KnownPair("FLAIR: visit 1, visit 2", flairs[0], flairs[1], given, apply(to_flair[0], common))


@dataclass(frozen=True, slots=True, eq=False)
class VesselPair:
    """Two real images of one neck, and seeds (n, 3) mm in the bright vessels of the first."""

    name: str
    reference: Volume
    other: Volume
    seeds_mm: FloatArray

    def errors_mm(self, neck: RigidTransform, arteries: Mapping[Side, RigidTransform]) -> FloatArray:
        """In-plane distance between a vessel's middle in the first image and in the second, brought back, mm.

        A side with a transform of its own is brought back by that.
        """
        errors = []
        for seed in self.seeds_mm:
            first = _vessel_middle(self.reference, seed)
            transform = arteries.get(Side.of_x_mm(seed[0]), neck)
            second = transform.inverse().apply(_vessel_middle(self.other, transform.apply(first)))
            errors.append(np.hypot(*(second - first)[:2]))
        return np.array(errors)


def _vessel_middle(volume: Volume, seed_mm: FloatArray, reach_mm: float = 4.0) -> FloatArray:
    """Center of brightness above half of the peak over a background, in the slice plane through the seed."""
    across = np.arange(-reach_mm, reach_mm + 0.01, 0.25)
    y, x = np.meshgrid(across, across, indexing="ij")
    middle = np.array(seed_mm, dtype=np.float64)
    for _ in range(5):
        points = middle + np.stack([x, y, np.zeros_like(x)], axis=-1)
        values = ndimage.map_coordinates(volume.array, np.moveaxis(volume.grid.to_index(points), -1, 0), order=1)
        low = np.percentile(values, 20)
        weight = np.clip(values - (low + 0.5 * (values[np.hypot(x, y) < 2.0].max() - low)), 0.0, None)
        weight *= np.hypot(x, y) <= reach_mm
        middle = middle + np.array([(weight * x).sum(), (weight * y).sum(), 0.0]) / weight.sum()
    return middle


def vessel_pairs(folder: Path) -> Iterator[VesselPair]:
    """The contrasts of `neck-spinalcord`: MT off and MT on, read as PDW and T2W, to T1W; one seed per lone vessel.

    Seeds at the bifurcation are left out, where two lumens merge.
    """
    name = "sct_example_data/mt/t1w.nii.gz"
    seeds = json.loads((folder / "vessel_seeds.json").read_text())[name]
    reference = read_volume(folder / name, Weighting.T1W)
    index = np.array([seed["mm_LPS"] for seed in seeds if "bif" not in seed["name"]])
    for file, weighting in (("mt0", Weighting.PDW), ("mt1", Weighting.T2W)):
        other = read_volume(folder / f"sct_example_data/mt/{file}.nii.gz", weighting)
        yield VesselPair(f"T1W, {file.upper()}", reference, other, index)


def flair_agreement(folder: Path, transform: FloatArray) -> tuple[float, float, float]:
    """Correlation of the two FLAIRs in the brain, and their mean difference outside and inside the changed lesions.

    `transform` (4, 4) takes points of the first FLAIR to points of the second. Differences are of the first's standard
    deviations in the brain, after the second was scaled to the first's mean and standard deviation.
    """
    mask = read_volume(folder / "coregistered/brainmask.nii.gz", Weighting.PDW)
    lesion = read_volume(folder / "coregistered/gt.nii.gz", Weighting.PDW)
    index = np.argwhere(mask.array > 0)
    index = index[(np.arange(len(index)) % 11 == 0) | (lesion.array[tuple(index.T)] > 0)]
    is_changed = lesion.array[tuple(index.T)] > 0
    points = apply(read_itk_affine(folder / "raw/study1_FLAIR_to_common_space.txt"), mask.grid.to_mm(index))
    values = []
    for study, places in ((1, points), (2, apply(transform, points))):
        flair = read_volume(folder / f"raw/study{study}_FLAIR.nii.gz", Weighting.PDW)
        found = ndimage.map_coordinates(flair.array, flair.grid.to_index(places).T, order=1)
        values.append((found - found[~is_changed].mean()) / found[~is_changed].std())
    difference = np.abs(values[0] - values[1])
    correlation = float(np.corrcoef(values[0][~is_changed], values[1][~is_changed])[0, 1])
    return correlation, float(difference[~is_changed].mean()), float(difference[is_changed].mean())
