"""Simulated protocols of carotid MRI as three vendors write them into DICOM headers, with what else lies in a study."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from plaquecast.domain.anatomy import Weighting


@dataclass(frozen=True, slots=True)
class Protocol:
    """The tags of one simulated series, and which weighting it truly is (None: another kind)."""

    vendor: str
    truth: Weighting | None
    tags: dict[str, Any]


_NAMES: dict[str, dict[Weighting | str, tuple[str, ...]]] = {
    "SIEMENS": {
        Weighting.T1W: ("t1_tse_tra_db", "t1_space_sag_fs", "T1 TSE TRA FS carotid", "ax_bb_1"),
        Weighting.T2W: ("t2_tse_tra_db_fs", "t2_space_cor", "T2w_tse_carotid"),
        Weighting.PDW: ("pd_tse_tra_db", "PD TSE FS"),
        Weighting.TOF: ("tof_fl3d_tra", "TOF_3D_multi-slab", "fl3d_tra carotid"),
        Weighting.MPRAGE: ("t1_mprage_tra_p2", "mprage_fs_carotid"),
        Weighting.SNAP: ("SNAP_3D_cor", "snap_tfl3d"),
        Weighting.CE_T1W: ("t1_tse_tra_fs_post", "t1_space_KM", "t1_tse_tra_db +C"),
        "localizer": ("localizer", "scout_3plane"),
        "diffusion": ("ep2d_diff_b1000", "resolve_3scan_trace_ADC"),
        "field": ("gre_field_mapping",),
        "flair": ("t2_tirm_tra_dark-fluid",),
        "swi": ("t2_swi3d_tra",),
        "velocity": ("fl_pc_venc100",),
    },
    "GE MEDICAL SYSTEMS": {
        Weighting.T1W: ("Ax T1 DIR FSE", "3D T1 CUBE", "Ax QIR T1"),
        Weighting.T2W: ("Ax T2 FSE FS", "Cor T2 CUBE"),
        Weighting.PDW: ("Ax PD FSE DIR", "Ax PDW FS"),
        Weighting.TOF: ("3D TOF SPGR", "Ax Inhance Inflow", "3D TOF neck"),
        Weighting.MPRAGE: ("Ax MPRAGE carotid", "BRAVO neck"),
        Weighting.SNAP: ("3D SNAP",),
        Weighting.CE_T1W: ("Ax T1 DIR FSE +C", "3D T1 CUBE post"),
        "localizer": ("3-Pl Loc", "Scout"),
        "diffusion": ("Ax DWI b800", "ADC (10^-6 mm2/s)"),
        "field": ("B0 map",),
        "flair": ("Ax T2 FLAIR",),
        "swi": ("Ax SWAN",),
        "velocity": ("2D PC flow",),
    },
    "Philips Medical Systems": {
        Weighting.T1W: ("T1W_TSE_BB", "3D_VISTA_T1", "T1W QIR"),
        Weighting.T2W: ("T2W_TSE_MSDE", "T2W TSE SPIR", "VISTA_T2"),
        Weighting.PDW: ("PDW_TSE_BB", "PDW SPIR"),
        Weighting.TOF: ("TOF_3D_FFE", "3DI_MC_TOF"),
        Weighting.MPRAGE: ("MP-RAGE", "3D MPRAGE WATS"),
        Weighting.SNAP: ("SNAP_WIP", "3D_SNAP_COR"),
        Weighting.CE_T1W: ("T1W_TSE_BB_Gd", "T1W TSE post contrast"),
        "localizer": ("Survey", "SmartBrain"),
        "diffusion": ("DWI_SSh", "dADC"),
        "field": ("B0MAP",),
        "flair": ("FLAIR_longTR",),
        "swi": ("SWIp",),
        "velocity": ("QFLOW",),
    },
}

_KEYWORDS = {"TR": "RepetitionTime", "TE": "EchoTime", "FA": "FlipAngle", "TI": "InversionTime"}
_NUMBERS: dict[Weighting | str, dict[str, tuple[float, float]]] = {
    Weighting.T1W: {"TR": (500, 1100), "TE": (7, 28), "FA": (90, 180)},
    Weighting.T2W: {"TR": (2000, 5000), "TE": (48, 110), "FA": (90, 180)},
    Weighting.PDW: {"TR": (2300, 4500), "TE": (8, 24), "FA": (90, 180)},
    Weighting.TOF: {"TR": (18, 32), "TE": (2.2, 6.9), "FA": (15, 30)},
    Weighting.MPRAGE: {"TR": (7, 13), "TE": (2.5, 5.5), "FA": (8, 15), "TI": (300, 900)},
    Weighting.SNAP: {"TR": (9, 12), "TE": (4, 5.5), "FA": (9, 13), "TI": (450, 550)},
    Weighting.CE_T1W: {"TR": (500, 1100), "TE": (7, 28), "FA": (90, 180)},
    "localizer": {"TR": (4, 9), "TE": (1.5, 4), "FA": (15, 40)},
    "diffusion": {"TR": (3000, 8000), "TE": (60, 95), "FA": (90, 90)},
    "field": {"TR": (400, 700), "TE": (4, 12), "FA": (50, 90)},
    "flair": {"TR": (8000, 10000), "TE": (80, 130), "FA": (120, 180), "TI": (2200, 2600)},
    "swi": {"TR": (27, 50), "TE": (20, 40), "FA": (12, 20)},
    "velocity": {"TR": (15, 40), "TE": (3, 8), "FA": (10, 30)},
}  # fmt: skip

_SPIN_ECHO = (Weighting.T1W, Weighting.T2W, Weighting.PDW, Weighting.CE_T1W, "flair")


def simulated_protocols(n_protocols: int, seed: int) -> Iterator[Protocol]:
    """Draw series of every kind; some lack their name or the contrast agent, as in real archives."""
    rng = np.random.default_rng(seed)
    kinds = list(_NUMBERS)
    for index in range(n_protocols):
        vendor = list(_NAMES)[index % 3]
        kind = kinds[int(rng.integers(len(kinds)))]
        tags = {_KEYWORDS[name]: round(float(rng.uniform(*span)), 2) for name, span in _NUMBERS[kind].items()}
        truth = kind if isinstance(kind, Weighting) else None
        yield Protocol(vendor, truth, tags | _words(vendor, kind, rng))


def _words(vendor: str, kind: Weighting | str, rng: np.random.Generator) -> dict[str, Any]:
    name = str(rng.choice(_NAMES[vendor][kind]))
    spin = kind in _SPIN_ECHO
    has_inversion = kind in (Weighting.MPRAGE, Weighting.SNAP, "flair")
    words: dict[str, Any] = {
        "Manufacturer": vendor,
        "SeriesDescription": "" if isinstance(kind, Weighting) and rng.random() < 0.03 else name,
        "ScanningSequence": _sequence(vendor, kind, spin, has_inversion),
        "SequenceVariant": ["SK", "SP"] if spin else ["SP", "SS"],
        "ImageType": _image_type(vendor, kind, spin),
        "MRAcquisitionType": "2D" if kind in ("localizer", "diffusion", "field", "velocity") or spin else "3D",
    }
    if kind is Weighting.CE_T1W and rng.random() < 0.6:
        words["ContrastBolusAgent"] = "Gadovist"
    return words


def _sequence(vendor: str, kind: Weighting | str, spin: bool, has_inversion: bool) -> list[str]:
    if kind == "diffusion":
        return ["EP"] if vendor == "SIEMENS" else ["SE", "EP"] if vendor.startswith("GE") else ["SE"]
    words = ["SE"] if spin else ["GR"]
    return [*words, "IR"] if has_inversion and vendor != "Philips Medical Systems" else words


def _image_type(vendor: str, kind: Weighting | str, spin: bool) -> list[str]:
    if kind == "diffusion":
        return ["ORIGINAL", "PRIMARY", "DIFFUSION", "NONE"]
    if kind == "field":
        return ["ORIGINAL", "PRIMARY", "M", "ND"] if vendor == "SIEMENS" else ["ORIGINAL", "PRIMARY", "OTHER"]
    if vendor == "Philips Medical Systems":
        family = "SE" if spin else "FFE"
        return ["ORIGINAL", "PRIMARY", f"M_{family}", "M", family]
    if kind is Weighting.SNAP and vendor == "SIEMENS":
        return ["ORIGINAL", "PRIMARY", "R", "ND"]
    return ["ORIGINAL", "PRIMARY", "M", "ND"] if vendor == "SIEMENS" else ["ORIGINAL", "PRIMARY", "OTHER"]
