"""Signal equations against closed forms, and tissues against the published hyper-, iso- and hypointensities."""

import numpy as np
import pytest

from plaquecast.domain.anatomy import Weighting
from plaquecast.simulate.signal import (
    PROTOCOLS,
    TissueValues,
    draw_tissues,
    gradient_echo,
    inversion_recovery,
    matter_signal,
    mean_tissues,
    spin_echo,
)
from plaquecast.simulate.tissues import Matter

HYPER, ISO, HYPO = (1.3, 9.0), (0.8, 1.25), (-0.1, 0.8)
"""Ratio to muscle: readers call bright what is clearly above, and iso what is within about a fifth."""

PUBLISHED = {
    Matter.WALL: {"TOF": ISO, "T1W": ISO, "PDW": ISO, "T2W": ISO},
    Matter.LIPID_RICH_NECROTIC_CORE: {"TOF": ISO, "T1W": ISO, "PDW": ISO, "T2W": HYPO},
    Matter.HEMORRHAGE_TYPE_I: {"TOF": HYPER, "T1W": HYPER, "PDW": (-0.1, 1.25), "T2W": HYPO, "MPRAGE": HYPER},
    Matter.HEMORRHAGE_TYPE_II: {"TOF": HYPER, "T1W": HYPER, "PDW": (0.8, 9.0), "T2W": HYPER, "MPRAGE": HYPER},
    Matter.LOOSE_MATRIX: {"T1W": ISO, "T2W": HYPER},
    Matter.CALCIFICATION: {"TOF": HYPO, "T1W": HYPO, "PDW": HYPO, "T2W": HYPO, "MPRAGE": HYPO},
    Matter.LUMEN: {"TOF": (4.0, 9.0), "T1W": HYPO, "PDW": HYPO, "T2W": HYPO},
}
"""Against muscle at 3 T (Biasiolli 2013, ISMRM 2011 #3319); T2W and gadolinium tell core from fibrous tissue."""


@pytest.mark.parametrize("matter", PUBLISHED)
def test_signs_against_muscle_are_as_published(matter: Matter) -> None:
    for name, (low, high) in PUBLISHED[matter].items():
        signal = matter_signal(Weighting(name), mean_tissues(3.0))
        assert low < signal[matter] / signal[Matter.MUSCLE] < high, name


def test_gadolinium_brightens_the_cap_and_not_the_core() -> None:
    before, after = (matter_signal(weighting, mean_tissues(3.0)) for weighting in (Weighting.T1W, Weighting.CE_T1W))
    gain = after / np.maximum(before, 1e-9)
    assert 1.4 < gain[Matter.FIBROUS_CAP] < 2.0  # published: cap enhancement 91 ± 63 %
    assert gain[Matter.LIPID_RICH_NECROTIC_CORE] < 1.1


def test_snap_tells_hemorrhage_by_its_sign() -> None:
    signal = matter_signal(Weighting.SNAP, mean_tissues(3.0))
    assert signal[Matter.HEMORRHAGE_TYPE_I] > 0.0 > signal[Matter.WALL]
    assert signal[Matter.HEMORRHAGE_TYPE_II] > 0.0 > signal[Matter.LUMEN]


def one_tissue(t1: float, t2: float, t2_star: float, density: float) -> TissueValues:
    return TissueValues(*(np.array([value]) for value in (t1, t2, t2_star, density)))


def test_signal_equations_in_closed_form() -> None:
    tissue = one_tissue(1000.0, 50.0, 25.0, 0.8)
    assert spin_echo(tissue, 1000.0, 50.0)[0] == pytest.approx(0.8 * (1.0 - np.exp(-1.0)) * np.exp(-1.0))
    # a flip of 90° leaves nothing over: the spoiled steady state is that of plain recovery
    assert gradient_echo(tissue, 1000.0, 25.0, 90.0)[0] == pytest.approx(0.8 * (1.0 - np.exp(-1.0)) * np.exp(-1.0))
    # a complete recovery between inversions: M = 1 − 1.95·e^(−TI/T1); nulled at TI = T1·ln 1.95
    protocol = PROTOCOLS[Weighting.MPRAGE]
    slow = type(protocol)(protocol.readout, 10.0, 0.0, 90.0, inversion_ms=1000.0 * np.log(1.95), shot_ms=1e9)
    assert inversion_recovery(tissue, slow)[0] == pytest.approx(0.0, abs=1e-9)


def test_patients_tissues_vary_around_the_means() -> None:
    rng = np.random.default_rng(0)
    drawn = np.array([draw_tissues(rng, 3.0).t1_ms for _ in range(300)])
    mean = mean_tissues(3.0).t1_ms
    spread = drawn.std(axis=0) / mean
    # log-normal, cut at 2 SD: the mean moves by less than 2 %, the spread is 0.88 of the published one
    assert np.abs(drawn.mean(axis=0) / mean - 1.0).max() < 0.05
    assert spread[Matter.HEMORRHAGE_TYPE_I] > 0.12
    assert spread[Matter.CORTICAL_BONE] == 0.0
