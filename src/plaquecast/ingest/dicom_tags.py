"""What a DICOM header says of how and when a volume was acquired; of whom, only whether it is the same person."""

import hashlib
import re
from dataclasses import dataclass
from datetime import date

from plaquecast.domain.missing import Measured, Missing, Reason
from plaquecast.ingest.dicom_frames import Frame
from plaquecast.ingest.dicom_stack import component
from plaquecast.ingest.table_dates import read_date

_ABSENT = Missing(Reason.ABSENT)
_IDENTITY = ("PatientID", "PatientName", "PatientBirthDate")
_DATES = ("AcquisitionDate", "AcquisitionDateTime", "SeriesDate", "StudyDate")
_SEQUENCE_KEYWORDS = ("ScanningSequence", "SequenceVariant", "SequenceName", "PulseSequenceName", "EchoPulseSequence")
_OPTION_KEYWORDS = ("ScanOptions", "SpectrallySelectedSuppression", "AcquisitionContrast", "InversionRecovery")


@dataclass(frozen=True, slots=True)
class SeriesTags:
    """What the header says of how and when a volume was acquired.

    Times in ms, angle in degrees, field in tesla. `sequence` holds scanning sequence and variant (SE, GR, IR, ...),
    `component` M, P, R or I (magnitude, phase, real, imaginary). Texts are empty where the header has none.
    `identity` is equal for equal patient ID, name and birth date, to tell people apart; it is never written.
    """

    identity: str
    number: str
    modality: str
    manufacturer: str
    description: str
    sequence: tuple[str, ...]
    options: tuple[str, ...]
    image_type: tuple[str, ...]
    component: str
    acquisition: str
    contrast_agent: bool
    diffusion: bool
    echo_time_ms: Measured
    repetition_time_ms: Measured
    inversion_time_ms: Measured
    flip_angle_degrees: Measured
    field_tesla: Measured
    acquired: date | Missing
    lossy: bool
    burned_in: bool
    body_part: str
    synthetic: bool


NO_TAGS = SeriesTags(
    identity="", number="", modality="MR", manufacturer="", description="", sequence=(), options=(), image_type=(),
    component="M", acquisition="", contrast_agent=False, diffusion=False, echo_time_ms=_ABSENT,
    repetition_time_ms=_ABSENT, inversion_time_ms=_ABSENT, flip_angle_degrees=_ABSENT, field_tesla=_ABSENT,
    acquired=_ABSENT, lossy=False, burned_in=False, body_part="",
    synthetic=False,
)  # fmt: skip
"""What an image without a DICOM header says."""


def shown(tags: SeriesTags) -> str:
    """A series in a few words that name nobody.

    >>> from dataclasses import replace
    >>> shown(replace(NO_TAGS, number="3", echo_time_ms=11.0))
    'series 3 (TE 11 ms)'
    """
    echo = "" if isinstance(tags.echo_time_ms, Missing) else f" (TE {tags.echo_time_ms:g} ms)"
    return f"series {tags.number}{echo}"


def tags_of(frame: Frame) -> SeriesTags:
    """The tags of the volume to which a frame belongs."""
    return SeriesTags(
        identity=hashlib.sha256("\n".join(frame.exact(name) for name in _IDENTITY).encode()).hexdigest(),
        number=_number_of(frame.text("SeriesNumber")),
        modality=frame.text("Modality"),
        manufacturer=frame.text("Manufacturer"),
        description=" ".join(dict.fromkeys(_words(frame, "SeriesDescription", "ProtocolName"))),
        sequence=_words(frame, *_SEQUENCE_KEYWORDS),
        options=_words(frame, *_OPTION_KEYWORDS),
        image_type=_words(frame, "FrameType") or _words(frame, "ImageType"),
        component=component(frame),
        acquisition=frame.text("MRAcquisitionType"),
        contrast_agent=_has_contrast_agent(frame),
        diffusion=(frame.number("DiffusionBValue") or 0.0) > 0 or "DIFFUSION" in frame.text("ImageType"),
        echo_time_ms=_measured(frame, "EffectiveEchoTime", "EchoTime"),
        repetition_time_ms=_measured(frame, "RepetitionTime"),
        inversion_time_ms=_measured(frame, "InversionTime", "InversionTimes"),
        flip_angle_degrees=_measured(frame, "FlipAngle"),
        field_tesla=_measured(frame, "MagneticFieldStrength"),
        acquired=_acquired(frame),
        lossy=frame.text("LossyImageCompression") == "01",
        burned_in=frame.text("BurnedInAnnotation") == "YES",
        body_part=frame.text("BodyPartExamined").upper(),
        synthetic=frame.text("SyntheticData") == "YES",
    )


def _number_of(text: str) -> str:
    return text if re.fullmatch(r"[0-9]{1,12}", text) else "without a number"


def _words(frame: Frame, *keywords: str) -> tuple[str, ...]:
    return tuple(word for keyword in keywords for word in frame.text(keyword).split("\\") if word)


def _measured(frame: Frame, *keywords: str) -> Measured:
    number = frame.number(*keywords)
    return _ABSENT if number is None else number


def _has_contrast_agent(frame: Frame) -> bool:
    agent = frame.text("ContrastBolusAgent", "ContrastBolusIngredient").strip().casefold()
    return agent not in ("", "no", "none", "n") or frame.get("ContrastBolusAgentSequence") is not None


def _acquired(frame: Frame) -> date | Missing:
    """The day of the scan: the first usable date from the acquisition outwards, or what stands in its place."""
    texts = [text for text in (frame.text(keyword) for keyword in _DATES) if text]
    for text in texts:
        day = read_date(text[:8], "%Y%m%d") if re.match(r"\d{8}", text) else _ABSENT
        if not isinstance(day, Missing):
            return day
    shown_text = "" if not texts or re.search(r"\w", texts[0]) else f", only {texts[0][:20]!r}"  # words may be a name
    return Missing(Reason.ABSENT, f"no usable date in the images{shown_text}")
