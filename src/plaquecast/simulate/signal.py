"""Signal of each kind of matter per weighting: relaxation times, protocols and the signal equations."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.grid import FloatArray
from plaquecast.simulate.tissues import Matter

INVERSION_EFFICIENCY = 0.95


class Readout(StrEnum):
    """How the signal is made: turbo spin echo, spoiled gradient echo, or an inversion-prepared gradient echo."""

    SPIN_ECHO = "spin echo"
    GRADIENT_ECHO = "gradient echo"
    INVERSION = "inversion"


@dataclass(frozen=True, slots=True)
class Protocol:
    """Timing of one weighting in ms and degrees, and what it does to blood and fat.

    `inversion_ms` and `shot_ms` (time between inversions) count for inversion readouts only. `fat_share` and
    `blood_share` are what fat suppression and black-blood preparation leave of the signal.
    `echo_train_ms` is the time over which one echo train fills k-space from its center to its edge.
    """

    readout: Readout
    repetition_ms: float
    echo_ms: float
    flip_degrees: float = 90.0
    inversion_ms: float = 0.0
    shot_ms: float = 0.0
    fat_share: float = 1.0
    blood_share: float = 1.0
    echo_train_ms: float = 0.0


PROTOCOLS: Mapping[Weighting, Protocol] = {
    Weighting.T1W: Protocol(Readout.SPIN_ECHO, 800, 10, fat_share=0.16, blood_share=0.05, echo_train_ms=45),
    Weighting.T2W: Protocol(Readout.SPIN_ECHO, 4800, 50, fat_share=0.16, blood_share=0.05, echo_train_ms=25),
    Weighting.PDW: Protocol(Readout.SPIN_ECHO, 4000, 9, fat_share=0.16, blood_share=0.05, echo_train_ms=45),
    Weighting.CE_T1W: Protocol(Readout.SPIN_ECHO, 800, 10, fat_share=0.16, blood_share=0.08, echo_train_ms=45),
    Weighting.TOF: Protocol(Readout.GRADIENT_ECHO, 20, 5, flip_degrees=20),
    Weighting.MPRAGE: Protocol(
        Readout.INVERSION, 10, 5, flip_degrees=15, inversion_ms=304, shot_ms=568, fat_share=0.10
    ),
    Weighting.SNAP: Protocol(
        Readout.INVERSION, 10, 4.8, flip_degrees=11, inversion_ms=500, shot_ms=1970, fat_share=0.10
    ),
}
"""Published carotid protocols: 3D TOF and T1W from ISMRM 2018 #3494, SNAP and MPRAGE timings as in facts of the field."""

# T1, T2, T2*, proton density at 3 T; T1, T2 at 1.5 T; SD of T1 and T2 between patients as a share of the mean.
_RELAXATION: Mapping[Matter, tuple[float, float, float, float, float, float, float, float]] = {
    Matter.LUMEN: (1650, 140, 45, 0.85, 1370, 225, 0.03, 0.08),
    Matter.WALL: (1150, 50, 28, 0.75, 900, 52, 0.06, 0.08),
    Matter.CALCIFICATION: (1000, 8, 2, 0.15, 800, 9, 0.10, 0.15),
    Matter.LIPID_RICH_NECROTIC_CORE: (1161, 37, 20, 0.80, 900, 40, 0.12, 0.10),
    Matter.HEMORRHAGE_TYPE_I: (456, 30, 12, 0.75, 380, 35, 0.18, 0.20),
    Matter.HEMORRHAGE_TYPE_II: (775, 100, 30, 0.80, 620, 105, 0.15, 0.20),
    Matter.FIBROUS_CAP: (1150, 50, 28, 0.75, 900, 52, 0.06, 0.08),
    Matter.LOOSE_MATRIX: (1447, 95, 40, 0.80, 1150, 100, 0.10, 0.15),
    Matter.MUSCLE: (1412, 50, 25, 0.80, 950, 47, 0.03, 0.05),
    Matter.FAT: (380, 70, 25, 0.90, 270, 75, 0.05, 0.08),
    Matter.SKIN: (900, 30, 12, 0.70, 750, 32, 0.08, 0.10),
    Matter.GLAND: (1100, 80, 30, 0.85, 850, 80, 0.08, 0.10),
    Matter.LYMPH_NODE: (1300, 85, 35, 0.85, 1000, 85, 0.08, 0.10),
    Matter.BONE_MARROW: (600, 60, 12, 0.70, 480, 60, 0.10, 0.10),
    Matter.CORTICAL_BONE: (1000, 1, 0.5, 0.05, 900, 1, 0.0, 0.0),
    Matter.CORD: (1000, 75, 50, 0.75, 850, 80, 0.04, 0.06),
    Matter.CEREBROSPINAL_FLUID: (4000, 1200, 300, 1.0, 4000, 1200, 0.04, 0.10),
    Matter.CARTILAGE: (1100, 33, 18, 0.65, 900, 35, 0.10, 0.15),
}
_AIRLIKE = (Matter.OUTSIDE, Matter.AIR, Matter.AIRWAY)
_ARTERIAL = (Matter.LUMEN, Matter.ECA_LUMEN)
_SAME_AS = {Matter.ECA_LUMEN: Matter.LUMEN, Matter.VEIN: Matter.LUMEN, Matter.ECA_WALL: Matter.WALL}
_FATTY = {Matter.FAT: 1.0, Matter.BONE_MARROW: 0.5, Matter.SKIN: 0.1}
# T1 five minutes after 0.1 mmol/kg gadolinium, as a share of the native T1: cap and fibrous tissue take it up.
_ENHANCED_T1_SHARE = {
    Matter.WALL: 0.42,
    Matter.ECA_WALL: 0.42,
    Matter.FIBROUS_CAP: 0.38,
    Matter.LOOSE_MATRIX: 0.55,
    Matter.LIPID_RICH_NECROTIC_CORE: 0.95,
    Matter.MUSCLE: 0.75,
    Matter.GLAND: 0.40,
    Matter.LYMPH_NODE: 0.50,
    Matter.LUMEN: 0.25,
    Matter.ECA_LUMEN: 0.25,
    Matter.VEIN: 0.25,
}


@dataclass(frozen=True, slots=True, eq=False)
class TissueValues:
    """T1, T2, T2* (ms) and proton density (water = 1) of each kind of matter, float64 (24,) each."""

    t1_ms: FloatArray
    t2_ms: FloatArray
    t2_star_ms: FloatArray
    proton_density: FloatArray


def mean_tissues(field_strength_tesla: float) -> TissueValues:
    """Published mean values at 1.5 or 3 T (facts of the field, section on tissue parameters)."""
    values = np.array([_row_of(matter)[:6] for matter in Matter], dtype=np.float64)
    high_field = field_strength_tesla >= 2.0
    t1, t2 = (values[:, 0], values[:, 1]) if high_field else (values[:, 4], values[:, 5])
    # Susceptibility scales with the field, so what T2* loses beyond T2 halves at 1.5 T.
    extra = np.maximum(1.0 / values[:, 2] - 1.0 / values[:, 1], 0.0) * (1.0 if high_field else 0.5)
    return TissueValues(t1.copy(), t2.copy(), 1.0 / (1.0 / t2 + extra), values[:, 3].copy())


def draw_tissues(rng: np.random.Generator, field_strength_tesla: float) -> TissueValues:
    """Values of one patient: log-normal around the published means with the published spread, cut at 2 SD."""
    mean = mean_tissues(field_strength_tesla)
    spread = np.array([_row_of(matter)[6:] for matter in Matter], dtype=np.float64)
    z = np.clip(rng.standard_normal((2, len(Matter))), -2.0, 2.0)
    t1_factor, t2_factor = np.exp(z[0] * spread[:, 0]), np.exp(z[1] * spread[:, 1])
    return TissueValues(
        mean.t1_ms * t1_factor, mean.t2_ms * t2_factor, mean.t2_star_ms * t2_factor, mean.proton_density
    )


def enhanced(tissues: TissueValues) -> TissueValues:
    """The same tissues five minutes after gadolinium: shorter T1 where it is taken up."""
    share = np.array([_ENHANCED_T1_SHARE.get(matter, 1.0) for matter in Matter])
    return TissueValues(tissues.t1_ms * share, tissues.t2_ms, tissues.t2_star_ms, tissues.proton_density)


def spin_echo(tissues: TissueValues, repetition_ms: float, echo_ms: float) -> FloatArray:
    """PD·(1 − e^(−TR/T1))·e^(−TE/T2)."""
    recovery = 1.0 - np.exp(-repetition_ms / tissues.t1_ms)
    return tissues.proton_density * recovery * np.exp(-echo_ms / tissues.t2_ms)


def gradient_echo(tissues: TissueValues, repetition_ms: float, echo_ms: float, flip_degrees: float) -> FloatArray:
    """Spoiled steady state, PD·sin α·(1 − E1)/(1 − cos α·E1)·e^(−TE/T2*)."""
    alpha, decay = np.deg2rad(flip_degrees), np.exp(-repetition_ms / tissues.t1_ms)
    steady = np.sin(alpha) * (1.0 - decay) / (1.0 - np.cos(alpha) * decay)
    return tissues.proton_density * steady * np.exp(-echo_ms / tissues.t2_star_ms)


def inversion_recovery(tissues: TissueValues, protocol: Protocol) -> FloatArray:
    """Signed signal at the center of k-space: PD·sin α·Mz·e^(−TE/T2*), Mz = 1 − (1+ε)e^(−TI/T1)/(1+ε·e^(−TS/T1))."""
    epsilon = INVERSION_EFFICIENCY
    steady = 1.0 + epsilon * np.exp(-protocol.shot_ms / tissues.t1_ms)
    magnetization = 1.0 - (1.0 + epsilon) * np.exp(-protocol.inversion_ms / tissues.t1_ms) / steady
    flip = np.sin(np.deg2rad(protocol.flip_degrees))
    return tissues.proton_density * flip * magnetization * np.exp(-protocol.echo_ms / tissues.t2_star_ms)


def matter_signal(weighting: Weighting, tissues: TissueValues, protocol: Protocol | None = None) -> FloatArray:
    """Signal of each kind of matter, float64 (24,), blood as it flows: dark where suppressed, bright on TOF.

    Magnitude, but for SNAP, which is phase-sensitive and signed. `protocol` is the published one by default.

    >>> signal = matter_signal(Weighting.TOF, mean_tissues(3.0))
    >>> bool(signal[Matter.LUMEN] > 4 * signal[Matter.MUSCLE])
    True
    """
    protocol = protocol or PROTOCOLS[weighting]
    if protocol.readout is Readout.SPIN_ECHO:
        values = enhanced(tissues) if weighting is Weighting.CE_T1W else tissues
        signal = spin_echo(values, protocol.repetition_ms, protocol.echo_ms)
        signal[list(_ARTERIAL)] = signal[Matter.LUMEN] * protocol.blood_share
        signal[Matter.VEIN] *= 1.5 * protocol.blood_share
    elif protocol.readout is Readout.GRADIENT_ECHO:
        signal = gradient_echo(tissues, protocol.repetition_ms, protocol.echo_ms, protocol.flip_degrees)
        signal[list(_ARTERIAL)] = fresh_blood(tissues, protocol)
        signal[Matter.VEIN] *= 0.35  # saturated by the band above the slab
    else:
        signal = inversion_recovery(tissues, protocol)
        signal = signal if weighting is Weighting.SNAP else np.abs(signal)
    for matter, fat_fraction in _FATTY.items():
        signal[matter] *= 1.0 - fat_fraction * (1.0 - protocol.fat_share)
    signal[list(_AIRLIKE)] = 0.0
    return signal


def fresh_blood(tissues: TissueValues, protocol: Protocol) -> float:
    """Signal of unsaturated blood that has just entered the slab: PD·sin α·e^(−TE/T2*)."""
    decay = np.exp(-protocol.echo_ms / tissues.t2_star_ms[Matter.LUMEN])
    return float(tissues.proton_density[Matter.LUMEN] * np.sin(np.deg2rad(protocol.flip_degrees)) * decay)


def _row_of(matter: Matter) -> tuple[float, ...]:
    if matter in _AIRLIKE:
        return (1000.0, 1.0, 1.0, 0.0, 1000.0, 1.0, 0.0, 0.0)
    return _RELAXATION[_SAME_AS.get(matter, matter)]
