"""A simulated visit as a scanner of one of three makers sends it: names, numbers of the sequence, and stored pixels."""

import hashlib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.clinical import Sex
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.missing import Missing
from plaquecast.domain.visit import Visit
from plaquecast.domain.volume import Volume
from plaquecast.errors import InputError
from plaquecast.simulate.signal import Protocol, Readout

DICOM_HABITS = ("siemens", "ge", "philips", "philips-enhanced")
"""Makers whose habits are known; Philips writes a series as many objects of one frame, or as one of many."""

_MAKERS = {"siemens": "SIEMENS", "ge": "GE MEDICAL SYSTEMS", "philips": "Philips Medical Systems"}

SERIES_NAMES: Mapping[str, Mapping[Weighting, tuple[str, ...]]] = {
    "siemens": {
        Weighting.T1W: ("t1_tse_tra_db", "t1_space_sag_fs", "T1 TSE TRA FS carotid"),
        Weighting.T2W: ("t2_tse_tra_db_fs", "t2_space_cor", "T2w_tse_carotid"),
        Weighting.PDW: ("pd_tse_tra_db", "PD TSE FS"),
        Weighting.TOF: ("tof_fl3d_tra", "TOF_3D_multi-slab", "fl3d_tra tof carotid"),
        Weighting.MPRAGE: ("t1_mprage_tra_p2", "mprage_fs_carotid"),
        Weighting.SNAP: ("SNAP_3D_cor", "snap_tfl3d"),
        Weighting.CE_T1W: ("t1_tse_tra_fs_post", "t1_space_KM", "t1_tse_tra_db +C"),
    },
    "ge": {
        Weighting.T1W: ("Ax T1 DIR FSE", "3D T1 CUBE", "Ax QIR T1"),
        Weighting.T2W: ("Ax T2 FSE FS", "Cor T2 CUBE"),
        Weighting.PDW: ("Ax PD FSE DIR", "Ax PDW FS"),
        Weighting.TOF: ("3D TOF SPGR", "Ax Inhance Inflow", "3D TOF neck"),
        Weighting.MPRAGE: ("Ax MPRAGE carotid", "BRAVO neck"),
        Weighting.SNAP: ("3D SNAP",),
        Weighting.CE_T1W: ("Ax T1 DIR FSE +C", "3D T1 CUBE post"),
    },
    "philips": {
        Weighting.T1W: ("T1W_TSE_BB", "3D_VISTA_T1", "T1W QIR"),
        Weighting.T2W: ("T2W_TSE_MSDE", "T2W TSE SPIR", "VISTA_T2"),
        Weighting.PDW: ("PDW_TSE_BB", "PDW SPIR"),
        Weighting.TOF: ("TOF_3D_FFE", "3DI_MC_TOF"),
        Weighting.MPRAGE: ("MP-RAGE", "3D MPRAGE WATS"),
        Weighting.SNAP: ("SNAP_WIP", "3D_SNAP_COR"),
        Weighting.CE_T1W: ("T1W_TSE_BB_Gd", "T1W TSE post contrast"),
    },
}
"""What technicians call each weighting."""

# Scanning sequence, its variant, and options, per maker; Philips does not say that a gradient echo is inverted first.
_WORDS: Mapping[str, Mapping[Readout, tuple[list[str], list[str], list[str]]]] = {
    "siemens": {
        Readout.SPIN_ECHO: (["SE"], ["SK", "SP", "OSP"], ["FS"]),
        Readout.GRADIENT_ECHO: (["GR"], ["SP", "OSP"], ["SAT1"]),
        Readout.INVERSION: (["GR", "IR"], ["SK", "SP", "MP"], ["IR", "WE"]),
    },
    "ge": {
        Readout.SPIN_ECHO: (["SE"], ["SK"], ["FAST_GEMS", "SAT_GEMS", "FS"]),
        Readout.GRADIENT_ECHO: (["GR"], ["SS", "SP"], ["FAST_GEMS", "SAT_GEMS", "RAMP_IS_GEMS"]),
        Readout.INVERSION: (["GR"], ["SS", "SP", "SK"], ["FAST_GEMS", "IR_GEMS"]),
    },
    "philips": {
        Readout.SPIN_ECHO: (["SE"], ["SK"], ["FS"]),
        Readout.GRADIENT_ECHO: (["GR"], ["SS"], ["SP"]),
        Readout.INVERSION: (["GR"], ["MP"], ["OTHER"]),
    },
}
_CONTRAST = {
    Weighting.T2W: "T2",
    Weighting.PDW: "PROTON_DENSITY",
    Weighting.TOF: "TOF",
}
_MOST_STORED = 4095
_LOCALIZER_PLANES = 5


@dataclass(frozen=True, slots=True, eq=False)
class DicomSeries:
    """One series to be written.

    `stored` holds what stands in the pixels, whole numbers (slices, rows, columns); what they mean is `RescaleSlope`
    times them plus `RescaleIntercept`, where `attributes` have these. `affine` (4, 4) takes an index to LPS mm.
    `attributes` are those of the standard by keyword, the times of the sequence among them even if `enhanced`.
    """

    stored: NDArray[np.uint16] | NDArray[np.int16]
    affine: FloatArray
    attributes: Mapping[str, object]
    enhanced: bool


def dicom_study(
    visit: Visit, born: date | Missing, protocols: Mapping[Weighting, Protocol], habit: str, rng: np.random.Generator
) -> Iterator[DicomSeries]:
    """Every series of a visit, a localizer first; each object says that it is synthetic data.

    Args:
        visit: simulated images with a date.
        born: the patient's birth date, the same at each visit.
        protocols: how each weighting was scanned.
        habit: one of `DICOM_HABITS`.
        rng: chooses among the names that technicians give.

    Raises:
        InputError: if the habit is not known.
    """
    if habit not in DICOM_HABITS:
        raise InputError(
            expected=f"one of {', '.join(DICOM_HABITS)}",
            found=habit,
            where="the maker of the simulated scanner",
            remedy="Choose one of these.",
            code="unknown-choice",
        )
    maker = habit.removesuffix("-enhanced")
    scan = _identity(visit)
    study = _study_attributes(visit, born, maker, scan)
    step = 100 if maker == "philips" else 1
    first = step + 1 if maker == "philips" else step
    localized = next(iter(visit.volumes.values()))
    for number, volume in enumerate((None, *visit.volumes.values())):
        place = {"SeriesNumber": first + number * step, "SeriesInstanceUID": _uid(scan, f"series {number}")}
        if volume is None:
            yield _localizer(localized, maker, study | place)
        else:
            protocol = protocols[volume.weighting]
            own = series_attributes(maker, volume.weighting, protocol, rng)
            stored, scale = stored_pixels(volume.array, maker)
            yield DicomSeries(stored, volume.grid.affine, study | place | own | scale, habit.endswith("-enhanced"))


def series_attributes(
    maker: str, weighting: Weighting, protocol: Protocol, rng: np.random.Generator
) -> dict[str, object]:
    """What a maker writes of one weighting: name, words and numbers of the sequence, kind of image.

    Siemens gives the time between inversions as repetition time, the others that between readouts; Philips gives no
    inversion time. The contrast agent is registered in three scans of five.

    >>> from plaquecast.simulate.signal import PROTOCOLS
    >>> found = series_attributes("siemens", Weighting.SNAP, PROTOCOLS[Weighting.SNAP], np.random.default_rng(0))
    >>> found["ScanningSequence"], found["RepetitionTime"], found["InversionTime"], found["ImageType"][2]
    (['GR', 'IR'], 1970.0, 500.0, 'R')
    """
    sequence, variant, options = _WORDS[maker][protocol.readout]
    is_prepared = protocol.readout is Readout.INVERSION
    name = str(rng.choice(SERIES_NAMES[maker][weighting]))
    attributes: dict[str, object] = {
        "SeriesDescription": name,
        "ProtocolName": name,
        "BodyPartExamined": "NECK",
        "ScanningSequence": sequence,
        "SequenceVariant": variant,
        "ScanOptions": options,
        "MRAcquisitionType": "2D" if protocol.readout is Readout.SPIN_ECHO else "3D",
        "RepetitionTime": float(protocol.shot_ms if is_prepared and maker == "siemens" else protocol.repetition_ms),
        "EchoTime": float(protocol.echo_ms),
        "FlipAngle": float(protocol.flip_degrees),
        "EchoPulseSequence": "SPIN" if protocol.readout is Readout.SPIN_ECHO else "GRADIENT",
        "AcquisitionContrast": _CONTRAST.get(weighting, "T1"),
        "ImageType": _image_type(maker, weighting, protocol.readout),
    }
    if is_prepared and maker != "philips":
        attributes["InversionTime"] = float(protocol.inversion_ms)
    if weighting is Weighting.CE_T1W and rng.random() < 0.6:
        attributes["ContrastBolusAgent"] = "Gadobutrol"
    return attributes


def _image_type(maker: str, weighting: Weighting, readout: Readout) -> list[str]:
    if maker == "philips":
        family = "SE" if readout is Readout.SPIN_ECHO else "FFE"
        component = "R" if weighting is Weighting.SNAP else "M"
        return ["ORIGINAL", "PRIMARY", f"{component}_{family}", component, family]
    if maker == "ge":
        return ["ORIGINAL", "PRIMARY", "OTHER"]
    return ["ORIGINAL", "PRIMARY", "R" if weighting is Weighting.SNAP else "M", "ND"]


def stored_pixels(
    array: NDArray[np.float32], maker: str
) -> tuple[NDArray[np.uint16] | NDArray[np.int16], dict[str, object]]:
    """What stands in the pixels of whole numbers up to ±32,767, and the attributes that say how to read it.

    Siemens stores unsigned numbers, moved where there are negative ones; GE signed ones. Both are exact. Philips scales
    to the 12 bits it has, so values are off by up to half of its `RescaleSlope`.
    """
    lowest = min(float(array.min()), 0.0)
    if maker == "ge":
        return array.astype(np.int16), {"BitsStored": 16}
    if maker == "philips":
        slope = float(f"{max(float(array.max()) - lowest, 1.0) / _MOST_STORED:.9g}")
        scale: dict[str, object] = {"RescaleIntercept": lowest, "RescaleSlope": slope, "RescaleType": "normalized"}
        stored = np.rint((array.astype(np.float64) - lowest) / slope).clip(0, _MOST_STORED)
        return stored.astype(np.uint16), {"BitsStored": 12, **scale}
    stored = (array - lowest).astype(np.uint16)
    moved = {"RescaleIntercept": lowest, "RescaleSlope": 1.0, "RescaleType": "US"} if lowest < 0.0 else {}
    return stored, {"BitsStored": 12 if stored.max() <= _MOST_STORED else 16, **moved}


def _localizer(volume: Volume, maker: str, attributes: Mapping[str, object]) -> DicomSeries:
    """Sagittal planes through the middle of an image, head up and front left, as a quick gradient echo shows them."""
    n_columns = volume.grid.shape[2]
    planes = np.linspace(0, n_columns, _LOCALIZER_PLANES + 2).astype(int)[1:-1]
    step = int(planes[1] - planes[0])
    planes = planes[0] + step * np.arange(_LOCALIZER_PLANES)
    affine = volume.grid.affine.copy()
    affine[:3, 0] = step * volume.grid.affine[:3, 2]
    affine[:3, 1] = -volume.grid.affine[:3, 0]
    affine[:3, 2] = volume.grid.affine[:3, 1]
    affine[:3, 3] = volume.grid.to_mm(np.array([volume.grid.shape[0] - 1, 0, planes[0]]))
    stored, scale = stored_pixels(volume.array[::-1, :, planes].transpose(2, 0, 1), maker)
    own = {
        "SeriesDescription": {"siemens": "localizer", "ge": "3-Pl Loc", "philips": "Survey"}[maker],
        "ScanningSequence": ["GR"],
        "SequenceVariant": ["SP"],
        "ScanOptions": [],
        "MRAcquisitionType": "2D",
        "RepetitionTime": 8.6,
        "EchoTime": 4.0,
        "FlipAngle": 20.0,
        "ImageType": _image_type(maker, volume.weighting, Readout.GRADIENT_ECHO),
    }
    return DicomSeries(stored, affine, {**attributes, **own, **scale}, enhanced=False)


def _study_attributes(visit: Visit, born: date | Missing, maker: str, scan: uuid.UUID) -> dict[str, object]:
    sex = visit.clinical.sex
    return {
        "SyntheticData": "YES",
        "Modality": "MR",
        "Manufacturer": _MAKERS[maker],
        "ManufacturerModelName": "simulated",
        "PatientID": visit.patient_id,
        "PatientName": f"Simulated^{visit.patient_id}",
        "PatientBirthDate": "" if isinstance(born, Missing) else f"{born:%Y%m%d}",
        "PatientSex": "" if isinstance(sex, Missing) else {Sex.MALE: "M", Sex.FEMALE: "F"}[sex],
        "PatientPosition": "HFS",
        "StudyDate": "" if isinstance(visit.acquired, Missing) else f"{visit.acquired:%Y%m%d}",
        "StudyDescription": "carotid plaque, simulated",
        "StudyInstanceUID": _uid(scan, "study"),
        "FrameOfReferenceUID": _uid(scan, "frame of reference"),
    }


def _identity(visit: Visit) -> uuid.UUID:
    """What follows from a visit and its voxels alone, so that the same cohort gives the same bytes."""
    voxels = hashlib.sha256(next(iter(visit.volumes.values())).array.tobytes()).hexdigest()
    return uuid.uuid5(uuid.NAMESPACE_OID, f"{visit.patient_id} {visit.session_id} {voxels}")


def _uid(scan: uuid.UUID, what: str) -> str:
    """A UID made of a UUID (PS3.5 B.2)."""
    return f"2.25.{uuid.uuid5(scan, what).int}"
