"""Of all series of a visit, the one for each weighting; what is unsure or comes twice is asked, not guessed."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.dataset import Finding, Severity
from plaquecast.domain.missing import Missing
from plaquecast.ingest.dicom_volumes import Series
from plaquecast.ingest.weighting import Identification
from plaquecast.ingest.weighting_table import SeriesKey, SeriesRow
from plaquecast.settings import IngestSettings

_BODY_PARTS = ("NECK", "CAROTID", "HEAD", "SPINE")
"""Words of which one stands in the header of a scan of the neck, as technicians register it."""

_STRAY = ("too-few-slices",)
"""A stray slice or two, such as a localizer sent along, do not spoil the series beside them."""


@dataclass(frozen=True, slots=True, eq=False)
class ChosenSeries:
    """The series for each weighting, every series with what it was taken for, and the findings."""

    series: Mapping[Weighting, Series]
    rows: tuple[SeriesRow, ...]
    findings: tuple[Finding, ...]


def choose_series(
    contents: Iterable[tuple[Sequence[tuple[Series, Identification]], Sequence[Finding]]],
    visit: tuple[str, str],
    decided: Mapping[SeriesKey, Weighting | None],
    settings: IngestSettings,
) -> ChosenSeries:
    """Choose by what the user decided, else by what each series is identified as with enough confidence.

    Args:
        contents: the volumes of each series of the visit and what each is identified as; findings about the rest.
        visit: the patient's code and the visit's name.
        decided: the user's own decisions.
        settings: the least confidence.
    """
    rows: list[SeriesRow] = []
    findings: list[Finding] = []
    candidates: dict[Weighting, list[tuple[SeriesKey, Series]]] = {}
    names: Counter[str] = Counter()
    for series_of_one, found in contents:
        findings += found
        if any(each.severity is Severity.REFUSED and each.code not in _STRAY for each in found):
            findings += [_in_parts((*visit, _name(series, names))) for series, _ in series_of_one]
            continue
        for series, identified in series_of_one:
            key = (*visit, _name(series, names))
            identification = Identification(decided[key], 1.0, "decided by the user") if key in decided else identified
            rows.append(SeriesRow(key, identification))
            if identification.confidence < settings.min_weighting_confidence:
                findings.append(_unsure(key, identification))
            elif identification.weighting is not None and series.tags.burned_in:
                findings.append(_burned_in(key))
            elif identification.weighting is not None:
                candidates.setdefault(identification.weighting, []).append((key, series))
                findings += [_lossy(key)] if series.tags.lossy else []
                findings += [] if _may_show_neck(series.tags.body_part) else [_other_part(key)]
    findings += [_several(weighting, [key for key, _ in found]) for weighting, found in candidates.items() if found[1:]]
    chosen = {weighting: found[0][1] for weighting, found in candidates.items() if len(found) == 1}
    patient, session = visit
    own = tuple(replace(each, patient_id=patient, session_id=session) for each in findings)
    return ChosenSeries(
        {weighting: chosen[weighting] for weighting in Weighting if weighting in chosen}, tuple(rows), own
    )


def _name(series: Series, names: Counter[str]) -> str:
    """The series' number and echo; a second one of the same name is told apart by its place."""
    tags = series.tags
    echo = "" if isinstance(tags.echo_time_ms, Missing) else f" TE {tags.echo_time_ms:g}"
    name = f"{tags.number}{echo}"
    names[name] += 1
    return name if names[name] == 1 else f"{name} ({names[name]})"


def _unsure(key: SeriesKey, identification: Identification) -> Finding:
    guess = identification.weighting.value if identification.weighting else "none"
    found = f"{guess} with confidence {identification.confidence:.2f} ({identification.reason})"
    remedy = "Say in weightings.tsv what it is (or none), and import again with --weightings; it is not used."
    return Finding(
        Severity.FLAGGED, "weighting-unsure", "a series whose weighting is clear", found, _where(key), remedy
    )


def _in_parts(key: SeriesKey) -> Finding:
    remedy = "Mend the series; a part of it is refused, so the rest is not used."
    return Finding(Severity.REFUSED, "series-in-parts", "whole series", "a part of one", _where(key), remedy)


def _burned_in(key: SeriesKey) -> Finding:
    remedy = "Send the original images; what is written into pixels cannot be taken out again."
    found = "writing burned in"
    return Finding(Severity.REFUSED, "burned-in", "images without writing in them", found, _where(key), remedy)


def _lossy(key: SeriesKey) -> Finding:
    remedy = "Send the images without lossy compression if there are such; these are used."
    return Finding(Severity.FLAGGED, "lossy", "images as they were measured", "lossy compression", _where(key), remedy)


def _may_show_neck(body_part: str) -> bool:
    return not body_part or any(word in body_part for word in _BODY_PARTS)


def _other_part(key: SeriesKey) -> Finding:
    remedy = "Look at the images; they are used."
    found = "another body part in the header"
    return Finding(Severity.FLAGGED, "body-part", "images of the neck", found, _where(key), remedy)


def _several(weighting: Weighting, keys: list[SeriesKey]) -> Finding:
    found = f"series {' and '.join(name for _, _, name in keys)}"
    where = _where(keys[0]).partition(", ")[0]
    remedy = "Say in weightings.tsv which one it is (none for the others), and import again; none of them is used."
    return Finding(Severity.FLAGGED, "several-series", f"one {weighting} series", found, where, remedy)


def _where(key: SeriesKey) -> str:
    return f"sub-{key[0]} ses-{key[1]}, series {key[2]}"
