"""A few radiomic features of the wall and its components, as the Image Biomarker Standardisation Initiative has them.

Names and formulas are those of its reference manual (Zwanenburg 2016, arXiv 1612.07003).
"""

from collections.abc import Mapping
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from skimage.measure import marching_cubes, mesh_surface_area

from plaquecast.domain.anatomy import COMPONENTS, NOT_ANNOTATED, Tissue, Weighting
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.missing import Measured, Missing, Reason
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.volume import ArterySegmentation, Volume
from plaquecast.geometry.resample import resample

N_LEVELS = 32
"""Gray levels into which the intensities of a part are put."""
LEAST_VOXELS = 30
"""A part of fewer voxels has no texture to speak of."""
NEIGHBORS = [step for step in product((-1, 0, 1), repeat=3) if step > (0, 0, 0)]
"""One of each pair of opposite directions to the 26 neighbors of a voxel."""


def artery_radiomics(
    segmentation: ArterySegmentation, volumes: Mapping[Weighting, Volume]
) -> dict[str, dict[str, Measured]]:
    """Features of the whole wall and of each component, by part and then by feature.

    Features of shape stand by their name, those of intensity and texture as `<weighting>_<feature>`. Intensities are
    taken as they are and put into `N_LEVELS` even levels for texture. Labels decide what belongs to a part; one of
    fewer than `LEAST_VOXELS` voxels is `Missing`.
    """
    labels = segmentation.labels.array
    is_wall = (labels > Tissue.LUMEN) & (labels != NOT_ANNOTATED) & segmentation.covered[:, None, None]
    parts = {"wall": is_wall} | {tissue.label: is_wall & (labels == tissue) for tissue in COMPONENTS}
    images = {
        weighting: resample(volume.array, volume.grid, segmentation.grid, RigidTransform.identity())
        for weighting, volume in volumes.items()
    }
    return {name: _of_part(part, segmentation.grid.spacing_mm, images) for name, part in parts.items()}


def _of_part(
    part: NDArray[np.bool_], spacing_mm: tuple[float, float, float], images: Mapping[Weighting, NDArray[np.float32]]
) -> dict[str, Measured]:
    if part.sum() < LEAST_VOXELS:
        names = [*SHAPE_NAMES, *(f"{weighting.value}_{name}" for weighting in images for name in IMAGE_NAMES)]
        return dict.fromkeys(names, Missing(Reason.NOT_APPLICABLE, f"{int(part.sum())} voxels"))
    features: dict[str, Measured] = dict(shape_features(part, spacing_mm))
    for weighting, image in images.items():
        values = image[part].astype(np.float64)
        level = np.zeros(image.shape, dtype=np.intp)
        level[part] = np.minimum(1 + N_LEVELS * (values - values.min()) / max(np.ptp(values), 1e-12), N_LEVELS)
        for name, value in (intensity_features(values) | texture_features(level)).items():
            features[f"{weighting.value}_{name}"] = value
    return features


def intensity_features(values: FloatArray) -> dict[str, float]:
    """First-order statistics of intensities (n,).

    >>> {name: round(value, 2) for name, value in intensity_features(np.array([1.0, 2.0, 3.0])).items()}["variance"]
    0.67
    """
    constant = np.ptp(values) == 0.0
    low, tenth, middle, ninetieth, high = np.percentile(values, (25, 10, 50, 90, 75))
    return {
        "mean": float(values.mean()),
        "variance": float(values.var()),
        "skewness": 0.0 if constant else float(stats.skew(values)),
        "excess_kurtosis": 0.0 if constant else float(stats.kurtosis(values)),
        "median": float(middle),
        "percentile_10": float(tenth),
        "percentile_90": float(ninetieth),
        "interquartile_range": float(high - low),
        "mean_absolute_deviation": float(np.abs(values - values.mean()).mean()),
    }


def texture_features(level: NDArray[np.intp]) -> dict[str, float]:
    """Features of the histogram and of co-occurrence (3-D, merged over 13 directions, distance 1) of gray levels.

    `level` (slices, rows, columns) is 1 or more inside the part and 0 outside.
    """
    count = np.bincount(level.ravel())[1:]
    histogram = count / count.sum()
    pair = _co_occurrence(level)
    i, j = np.indices(pair.shape)
    mean = float((pair * i).sum())
    variance = float((pair * (i - mean) ** 2).sum())
    return {
        "entropy": _entropy(histogram),
        "uniformity": float((histogram**2).sum()),
        "joint_maximum": float(pair.max()),
        "joint_variance": variance,
        "joint_entropy": _entropy(pair),
        "difference_average": float((pair * np.abs(i - j)).sum()),
        "contrast": float((pair * (i - j) ** 2).sum()),
        "inverse_difference_moment": float((pair / (1 + (i - j) ** 2)).sum()),
        "correlation": float((pair * (i - mean) * (j - mean)).sum() / variance) if variance > 0.0 else 1.0,
        "cluster_tendency": float((pair * (i + j - 2 * mean) ** 2).sum()),
    }


def shape_features(part: NDArray[np.bool_], spacing_mm: tuple[float, float, float]) -> dict[str, float]:
    """Volume and surface of the mesh at one half of the part (slices, rows, columns), and sphericity."""
    points, faces, _, _ = marching_cubes(np.pad(part, 1).astype(np.float32), 0.5, spacing=spacing_mm)
    corners = points[faces].astype(np.float64)
    volume = abs(float(np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum())) / 6.0
    area = float(mesh_surface_area(points, faces))
    return {
        "mesh_volume_mm3": volume,
        "surface_area_mm2": area,
        "sphericity": float((36.0 * np.pi * volume**2) ** (1.0 / 3.0) / area),
    }


def _co_occurrence(level: NDArray[np.intp]) -> FloatArray:
    """Share of neighboring voxels with each pair of levels, symmetric, (n_levels + 1, n_levels + 1)."""
    n_levels = int(level.max()) + 1
    count = np.zeros(n_levels * n_levels)
    padded = np.pad(level, 1)
    inside = padded > 0
    for step in NEIGHBORS:
        other = np.roll(padded, [-each for each in step], axis=(0, 1, 2))
        both = inside & (other > 0)
        count += np.bincount(padded[both] * n_levels + other[both], minlength=n_levels * n_levels)
    pairs = count.reshape(n_levels, n_levels)
    return (pairs + pairs.T) / max(2.0 * pairs.sum(), 1.0)


def _entropy(share: FloatArray) -> float:
    positive = share[share > 0.0]
    return float(-(positive * np.log2(positive)).sum())


SHAPE_NAMES = tuple(shape_features(np.ones((1, 1, 1), dtype=bool), (1.0, 1.0, 1.0)))
IMAGE_NAMES = (*intensity_features(np.zeros(1)), *texture_features(np.ones((1, 1, 2), dtype=np.intp)))
"""Names of the features, in their order."""
