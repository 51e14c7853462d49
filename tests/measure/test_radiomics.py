"""Radiomic features of an artery: which parts and weightings have them, and when there are none."""

import numpy as np
import pytest
from tests.phantoms import draw, with_core

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.missing import Missing, Reason
from plaquecast.domain.volume import Volume
from plaquecast.measure.radiomics import artery_radiomics


def test_parts_weightings_and_parts_too_small() -> None:
    phantom = draw(with_core(2.5, 4.8, 0.7, 0.9), n_slices=3, samples=2, field_mm=14.0)
    ramp = np.arange(phantom.labels.array.size, dtype=np.float32).reshape(phantom.labels.array.shape)
    found = artery_radiomics(phantom, {Weighting.T1W: Volume(phantom.grid, ramp, Weighting.T1W)})
    wall = (phantom.labels.array > 1).nonzero()
    assert found["wall"]["T1W_mean"] == pytest.approx(float(ramp[wall].mean()))
    # 2.5 to 4.8 mm over 6 mm; the mesh cuts corners by less than a pixel's skin of 0.125 mm
    skin = 0.125 * 2 * np.pi * (2.5 + 4.8) * 6.0
    assert found["wall"]["mesh_volume_mm3"] == pytest.approx(np.pi * (4.8**2 - 2.5**2) * 6.0, abs=skin)
    assert 0.0 < found["lipid_rich_necrotic_core"]["sphericity"] < 1.0
    assert found["calcification"]["T1W_joint_entropy"] == Missing(Reason.NOT_APPLICABLE, "0 voxels")
