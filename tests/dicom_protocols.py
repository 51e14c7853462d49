"""Series of every kind as three makers write them into DICOM: weightings with drawn numbers, and what else there is."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from plaquecast.domain.anatomy import Weighting
from plaquecast.simulate.dicom_study import series_attributes
from plaquecast.simulate.signal import PROTOCOLS


@dataclass(frozen=True, slots=True)
class Protocol:
    """The tags of one simulated series, and which weighting it truly is (None: another kind)."""

    maker: str
    truth: Weighting | None
    tags: dict[str, Any]


_OTHERS: dict[str, dict[str, tuple[str, ...]]] = {
    "siemens": {
        "localizer": ("localizer", "scout_3plane"),
        "diffusion": ("ep2d_diff_b1000", "resolve_3scan_trace_ADC"),
        "field": ("gre_field_mapping",),
        "flair": ("t2_tirm_tra_dark-fluid",),
        "swi": ("t2_swi3d_tra",),
        "velocity": ("fl_pc_venc100",),
    },
    "ge": {
        "localizer": ("3-Pl Loc", "Scout"),
        "diffusion": ("Ax DWI b800", "ADC (10^-6 mm2/s)"),
        "field": ("B0 map",),
        "flair": ("Ax T2 FLAIR",),
        "swi": ("Ax SWAN",),
        "velocity": ("2D PC flow",),
    },
    "philips": {
        "localizer": ("Survey", "SmartBrain"),
        "diffusion": ("DWI_SSh", "dADC"),
        "field": ("B0MAP",),
        "flair": ("FLAIR_longTR",),
        "swi": ("SWIp",),
        "velocity": ("QFLOW",),
    },
}

# TR, TE, flip angle and TI of carotid protocols in use; an inversion-prepared one has the time between shots last.
_WEIGHTINGS: dict[Weighting, tuple[tuple[float, float], ...]] = {
    Weighting.T1W: ((500, 1100), (7, 28), (90, 180)),
    Weighting.T2W: ((2000, 5000), (48, 110), (90, 180)),
    Weighting.PDW: ((2300, 4500), (8, 24), (90, 180)),
    Weighting.TOF: ((18, 32), (2.2, 6.9), (15, 30)),
    Weighting.MPRAGE: ((7, 13), (2.5, 5.5), (8, 15), (300, 900), (560, 2300)),
    Weighting.SNAP: ((9, 12), (4, 5.5), (9, 13), (450, 550), (1800, 2100)),
    Weighting.CE_T1W: ((500, 1100), (7, 28), (90, 180)),
}
_PARTS = ("repetition_ms", "echo_ms", "flip_degrees", "inversion_ms", "shot_ms")
_NUMBERS: dict[str, dict[str, tuple[float, float]]] = {
    "localizer": {"RepetitionTime": (4, 9), "EchoTime": (1.5, 4), "FlipAngle": (15, 40)},
    "diffusion": {"RepetitionTime": (3000, 8000), "EchoTime": (60, 95), "FlipAngle": (90, 90)},
    "field": {"RepetitionTime": (400, 700), "EchoTime": (4, 12), "FlipAngle": (50, 90)},
    "flair": {
        "RepetitionTime": (8000, 10000), "EchoTime": (80, 130), "FlipAngle": (120, 180), "InversionTime": (2200, 2600)
    },
    "swi": {"RepetitionTime": (27, 50), "EchoTime": (20, 40), "FlipAngle": (12, 20)},
    "velocity": {"RepetitionTime": (15, 40), "EchoTime": (3, 8), "FlipAngle": (10, 30)},
}  # fmt: skip


def simulated_protocols(n_protocols: int, seed: int) -> Iterator[Protocol]:
    """Draw series of every kind; some lack their name or the contrast agent, as in real archives."""
    rng = np.random.default_rng(seed)
    kinds = [*_WEIGHTINGS, *_NUMBERS]
    for index in range(n_protocols):
        maker = list(_OTHERS)[index % 3]
        kind = kinds[int(rng.integers(len(kinds)))]
        if isinstance(kind, Weighting):
            yield Protocol(maker, kind, _weighting(maker, kind, rng))
        else:
            yield Protocol(maker, None, _other(maker, kind, rng))


def _weighting(maker: str, weighting: Weighting, rng: np.random.Generator) -> dict[str, Any]:
    spans = _WEIGHTINGS[weighting]
    numbers = {name: round(float(rng.uniform(*span)), 2) for name, span in zip(_PARTS, spans, strict=False)}
    tags = series_attributes(maker, weighting, replace(PROTOCOLS[weighting], **numbers), rng)
    return tags | ({"SeriesDescription": "", "ProtocolName": ""} if rng.random() < 0.03 else {})


def _other(maker: str, kind: str, rng: np.random.Generator) -> dict[str, Any]:
    spin = kind == "flair"
    return {
        **{name: round(float(rng.uniform(*span)), 2) for name, span in _NUMBERS[kind].items()},
        "SeriesDescription": str(rng.choice(_OTHERS[maker][kind])),
        "ScanningSequence": _sequence(maker, kind),
        "SequenceVariant": ["SK", "SP"] if spin else ["SP", "SS"],
        "ImageType": _image_type(maker, kind),
        "MRAcquisitionType": "3D" if kind == "swi" else "2D",
    }


def _sequence(maker: str, kind: str) -> list[str]:
    if kind == "diffusion":
        return {"siemens": ["EP"], "ge": ["SE", "EP"], "philips": ["SE"]}[maker]
    if kind == "flair":
        return ["IR"] if maker == "philips" else ["SE", "IR"]
    return ["GR"]


def _image_type(maker: str, kind: str) -> list[str]:
    if kind == "diffusion":
        return ["ORIGINAL", "PRIMARY", "DIFFUSION", "NONE"]
    if maker == "philips":
        family = "SE" if kind == "flair" else "FFE"
        return ["ORIGINAL", "PRIMARY", f"M_{family}", "M", family]
    return ["ORIGINAL", "PRIMARY", "M", "ND"] if maker == "siemens" else ["ORIGINAL", "PRIMARY", "OTHER"]
