"""Which series is which weighting: what the sequence's numbers say, what its name says, and whether both agree."""

import re
from dataclasses import dataclass

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.missing import Measured, Missing
from plaquecast.ingest.dicom_tags import SeriesTags

AGREEMENT = 0.97
NUMBERS_ALONE = 0.80
NAME_ALONE = 0.50
CONTRADICTION = 0.30
"""Confidence when numbers and name agree, when only one of them speaks, and when they contradict each other."""


@dataclass(frozen=True, slots=True)
class Identification:
    """The weighting of a series, or None if it is none of ours; how sure that is in 0–1, and why."""

    weighting: Weighting | None
    confidence: float
    reason: str


_OTHER_KINDS = (
    (r"local|\bloc\b|scout|survey|\b3 pl|smartbrain", "a localizer"),
    (r"dwi|dti|diff|adc|trace|ivim|dki|\bfa\b|colfa|resolve", "diffusion"),
    (r"field|fmap|\bb0|\bb1|shim", "a field map"),
    (r"flair|dark ?fluid", "FLAIR"),
    (r"swi|swan|susc|qsm|t2 ?star|t2 ?\*|medic|merge", "susceptibility weighting"),
    (r"bold|fmri|\basl|perf|\bdsc|\bdce|twist|tricks", "a time series"),
    (r"\bpc\b|venc|(?<!in)flow|phase ?contrast", "velocity"),
    (r"stir|tirm", "an inversion recovery of short tau"),
    (r"mapping|\bmap\b|rho", "a map of a tissue property"),
    (r"mip\b|mpr\b|subtract|\bsub\b|reformat|\bproj|calib|\bref\b", "a derived or auxiliary image"),
)

_INVERTED = ((r"snap", Weighting.SNAP), (r"mp ?2?rage|bravo", Weighting.MPRAGE))
_NAMES: tuple[tuple[str, Weighting], ...] = (
    *_INVERTED,
    (r"tof|time of flight|inflow", Weighting.TOF),
    (r"pd(?!i)|proton|dens", Weighting.PDW),
    (r"t2", Weighting.T2W),
    (r"t1", Weighting.T1W),
)
_ENHANCED = r"\bpost\b|\+ ?c\b|\bgd|gado|\bce\b|contrast|\bkm\b"


def identify(tags: SeriesTags) -> Identification:
    """Say which weighting a series is.

    Numbers that no weighting of ours can have, or a name of another kind, exclude it. Where numbers and name contradict
    each other, the answer of the numbers is given with a confidence below any sensible limit.

    >>> from dataclasses import replace
    >>> from plaquecast.ingest.dicom_tags import NO_TAGS
    >>> echo = {"sequence": ("SE",), "echo_time_ms": 92.0, "repetition_time_ms": 4320.0}
    >>> found = identify(replace(NO_TAGS, description="pd+t2", **echo))
    >>> found.weighting.value, found.confidence, found.reason
    ('T2W', 0.97, 'spin echo, TR 4320 ms, TE 92 ms; named PDW and T2W')
    """
    other = _other_kind(tags)
    if other:
        return Identification(None, AGREEMENT, other)
    by_numbers, numbers = _by_numbers(tags)
    names = _names(tags)
    reason = f"{numbers}; named {' and '.join(names)}" if names else f"{numbers}; its name does not say"
    if by_numbers is None and names:
        return Identification(names[0], NAME_ALONE, reason)
    if by_numbers is None:  # none of ours can have these numbers; where there are none, nobody can say
        return Identification(None, NUMBERS_ALONE if _has_numbers(tags) else NAME_ALONE, reason)
    if by_numbers is Weighting.MPRAGE:
        return _inversion_prepared(names, tags, reason)
    if by_numbers in names:
        return Identification(by_numbers, AGREEMENT, reason)
    if names:
        return Identification(by_numbers, CONTRADICTION, reason)
    if by_numbers is Weighting.T1W:  # numbers cannot tell whether contrast agent was given before
        return Identification(by_numbers, NAME_ALONE, f"{reason} whether contrast agent was given")
    return Identification(by_numbers, NUMBERS_ALONE, reason)


def _inversion_prepared(names: tuple[Weighting, ...], tags: SeriesTags, reason: str) -> Identification:
    """MPRAGE and SNAP have like numbers: the name decides, else the inversion time, where SNAP's is known."""
    for weighting in (Weighting.SNAP, Weighting.MPRAGE):
        if weighting in names:
            return Identification(weighting, AGREEMENT, reason)
    if set(names) - {Weighting.T1W, Weighting.CE_T1W}:
        return Identification(Weighting.MPRAGE, CONTRADICTION, reason)
    ti = tags.inversion_time_ms
    may_be_snap = tags.component == "R" or isinstance(ti, Missing) or ti <= 0 or 400 <= ti <= 600
    return Identification(Weighting.MPRAGE, NAME_ALONE if may_be_snap else NUMBERS_ALONE, reason)


def _other_kind(tags: SeriesTags) -> str:
    if tags.modality != "MR":
        return "another modality than MR"
    if tags.diffusion:
        return "diffusion"
    if tags.component not in ("M", "R"):  # phase-sensitive inversion recovery (SNAP) is shown as a real image
        return "not a magnitude image"
    kinds = {word.upper() for word in tags.image_type}
    for word in ("LOCALIZER", "PROJECTION IMAGE", "MIP", "MPR", "ADC", "SUBTRACTION", "DIFFUSION", "PERFUSION"):
        if word in kinds:
            return f"image type {word}"
    return next((f"named like {kind}" for pattern, kind in _OTHER_KINDS if re.search(pattern, _text(tags))), "")


def _by_numbers(tags: SeriesTags) -> tuple[Weighting | None, str]:
    family = _family(tags)
    te, tr, ti = tags.echo_time_ms, tags.repetition_time_ms, tags.inversion_time_ms
    shown = f"{family or 'unknown sequence'}{_shown('TR', tr)}{_shown('TE', te)}{_shown('TI', ti)}"
    if isinstance(te, Missing) or isinstance(tr, Missing):
        return None, shown
    if family == "spin echo":
        weighting = _spin_echo(te, tr, ti)
    elif family == "gradient echo":
        weighting = _gradient_echo(te, tr, ti, tags)
    else:
        weighting = None
    if weighting is Weighting.T1W and _is_enhanced(tags):
        return Weighting.CE_T1W, f"{shown}, contrast agent"
    return weighting, shown


def _spin_echo(te: float, tr: float, ti: Measured) -> Weighting | None:
    """Short TR gives T1W; long TR gives PDW or T2W by the echo time; a long TI with a long TE is FLAIR."""
    if not isinstance(ti, Missing) and ti > 1000 and te > 60:
        return None
    if tr <= 1500:
        return Weighting.T1W if te <= 40 else None
    if te <= 35:
        # black blood by inversion makes T1W at a TR of one or two heart beats
        has_inversion = not isinstance(ti, Missing) and ti > 0
        return None if has_inversion and tr < 2200 else Weighting.PDW
    return Weighting.T2W if te >= 45 else None


def _gradient_echo(te: float, tr: float, ti: Measured, tags: SeriesTags) -> Weighting | None:
    """3-D only: with an inversion and short echoes MPRAGE, without one and with the TR of inflow TOF."""
    if te > 8 or (tags.acquisition == "2D" and tr > 60):
        return None
    if _is_inverted(ti, tags):
        return Weighting.MPRAGE if tags.acquisition != "2D" else None
    flip = tags.flip_angle_degrees
    is_inflow = 15 <= tr <= 45 and not isinstance(flip, Missing) and 12 <= flip <= 60
    return Weighting.TOF if is_inflow and (isinstance(ti, Missing) or ti == 0) else None


def _is_inverted(ti: Measured, tags: SeriesTags) -> bool:
    """Whether an inversion comes first: by its time, else by variant or name; without a name it cannot be excluded.

    Philips gives no inversion time, and its enhanced objects no variant.
    """
    if not isinstance(ti, Missing) and ti > 0:
        return 200 <= ti <= 1300
    text, tr = _text(tags), tags.repetition_time_ms
    named = any(re.search(pattern, text) for pattern, _ in _INVERTED)
    return named or "MP" in tags.sequence or (not text and not isinstance(tr, Missing) and tr < 15)


def _has_numbers(tags: SeriesTags) -> bool:
    times = (tags.echo_time_ms, tags.repetition_time_ms)
    return bool(_family(tags)) and not any(isinstance(time, Missing) for time in times)


def _family(tags: SeriesTags) -> str:
    words = {word.upper() for word in (*tags.sequence, *tags.image_type)}
    text = _text(tags)
    if words & {"EP", "EPI", "PLANAR"} or re.search(r"\bepi\b|ep2d", text):
        return "echo planar"
    spin = bool(words & {"SE", "SPIN", "TSE", "FSE"}) or bool(re.search(r"tse|fse|space|cube|vista|spin", text))
    gradient = bool(words & {"GR", "GRADIENT", "FFE", "TFE"}) or bool(re.search(r"ffe|tfe|gre|flash|fl3d|spgr", text))
    if spin and gradient:
        return "gradient and spin echo"
    return "spin echo" if spin else "gradient echo" if gradient else ""


def _names(tags: SeriesTags) -> tuple[Weighting, ...]:
    """Every weighting of which the name speaks; that of a dual echo speaks of two."""
    found = [weighting for pattern, weighting in _NAMES if re.search(pattern, _text(tags))]
    return tuple(Weighting.CE_T1W if each is Weighting.T1W and _is_enhanced(tags) else each for each in found)


def _is_enhanced(tags: SeriesTags) -> bool:
    return tags.contrast_agent or bool(re.search(_ENHANCED, _text(tags)))


def _text(tags: SeriesTags) -> str:
    return re.sub(r"[^a-z0-9+*]+", " ", tags.description.casefold()) if tags.description else ""


def _shown(name: str, value: Measured) -> str:
    return "" if isinstance(value, Missing) else f", {name} {value:g} ms"
