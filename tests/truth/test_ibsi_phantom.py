"""Radiomic features on the digital phantom of the Image Biomarker Standardisation Initiative.

Its reference values are given to three figures, all with very strong consensus; texture is 3-D, merged.
"""

import numpy as np
import pytest

from plaquecast.measure.radiomics import intensity_features, shape_features, texture_features

OUT = 0
PHANTOM = np.array([
    [[1, 4, 4, 1, 1], [1, 4, 6, 1, 1], [4, 1, 6, 4, 1], [4, 4, 6, 4, 1]],
    [[1, 4, 4, 1, 1], [1, 1, 6, 1, 1], [OUT, 1, 3, 1, 1], [4, 4, 6, 1, 1]],
    [[1, 4, 4, OUT, OUT], [1, 1, 1, 1, 1], [1, 1, OUT, 1, 1], [1, 1, 6, 1, 1]],
    [[1, 4, 4, OUT, OUT], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 6, 1, 1]],
])  # fmt: skip
"""Voxels of 2 mm; 0 lies outside the region of interest."""
REFERENCE = {
    "mean": 2.15, "variance": 3.05, "skewness": 1.08, "excess_kurtosis": -0.355, "median": 1.0, "percentile_10": 1.0,
    "percentile_90": 4.0, "interquartile_range": 3.0, "mean_absolute_deviation": 1.55, "entropy": 1.27,
    "uniformity": 0.512, "joint_maximum": 0.509, "joint_variance": 3.13, "joint_entropy": 2.57,
    "difference_average": 1.38, "contrast": 5.12, "inverse_difference_moment": 0.631, "correlation": 0.183,
    "cluster_tendency": 7.41, "mesh_volume_mm3": 556.0, "surface_area_mm2": 388.0, "sphericity": 0.843,
}  # fmt: skip


@pytest.mark.parametrize("name", REFERENCE)
def test_reference_values(name: str) -> None:
    found = (
        intensity_features(PHANTOM[PHANTOM > 0].astype(np.float64))
        | texture_features(PHANTOM)
        | shape_features(PHANTOM > 0, (2.0, 2.0, 2.0))
    )
    assert float(f"{found[name]:.3g}") == pytest.approx(REFERENCE[name])


def test_a_part_of_one_level_has_no_texture() -> None:
    flat = texture_features(np.ones((3, 3, 3), dtype=np.intp))
    assert flat["joint_entropy"] == flat["contrast"] == 0.0
    assert flat["correlation"] == 1.0
    constant = intensity_features(np.ones(9))
    assert constant["skewness"] == constant["excess_kurtosis"] == 0.0
