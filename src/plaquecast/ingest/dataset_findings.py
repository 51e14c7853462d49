"""The wording of what can be wrong with a dataset's folders, visits and images."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from plaquecast.domain.anatomy import WALL_WEIGHTINGS, Weighting
from plaquecast.domain.dataset import Finding, Severity, VisitSource
from plaquecast.domain.missing import Missing
from plaquecast.domain.visit import DAYS_PER_YEAR

COLUMN_CODES = ("unknown-column", "undeclared-unit", "unit-contradicts-name")
"""Findings about a column; the same one in the tables of many patients is said once."""

_AGE_TOLERANCE_YEARS = 1.5
"""Ages are often whole years, so two of them may differ from the interval by almost one year on honest grounds."""


def empty_dataset(name: str) -> Finding:
    """No patient at all."""
    return Finding(
        Severity.REFUSED,
        "empty-dataset",
        "at least one folder sub-<code>",
        "no patient",
        name,
        "Check the path, or import patients with `plaquecast import`.",
    )


def no_description(name: str) -> Finding:
    """No readable `dataset_description.json`."""
    return Finding(
        Severity.FLAGGED,
        "no-description",
        "a readable dataset_description.json",
        "none",
        name,
        "Write one with Name and BIDSVersion; the dataset is taken for one of real people.",
    )


def patient_without_images(code: str, similar: str | None) -> Finding:
    """A patient of the table, or an empty folder, without any image."""
    hint = f"Is it the same patient as sub-{similar}? " if similar else ""
    return Finding(
        Severity.REFUSED,
        "patient-without-images",
        "at least one visit with images",
        "none",
        f"sub-{code}",
        f"{hint}Add the images, or remove the patient from participants.tsv.",
        code,
    )


def not_in_table(code: str, similar: str | None) -> Finding:
    """A folder whose patient is not in the table."""
    hint = f"Is it the same patient as sub-{similar}? " if similar else ""
    return Finding(
        Severity.FLAGGED,
        "not-in-table",
        "a row in participants.tsv",
        "none",
        f"sub-{code}",
        f"{hint}Add a row; the patient's sex is missing without it.",
        code,
    )


def visit_without_images(code: str, session_id: str) -> Finding:
    """A visit of the table, or an empty folder, without any usable image."""
    return Finding(
        Severity.REFUSED,
        "visit-without-images",
        "at least one image of a known weighting",
        "none",
        f"sub-{code} ses-{session_id}",
        "Add the images, or remove the visit from the sessions table; the other visits are used.",
        code,
        session_id,
    )


def visit_not_in_table(code: str, session_id: str) -> Finding:
    """A folder whose visit is not in the sessions table."""
    return Finding(
        Severity.FLAGGED,
        "visit-not-in-table",
        "a row in the sessions table",
        "none",
        f"sub-{code} ses-{session_id}",
        "Add a row with the date; without it the visit's change cannot be annualized.",
        code,
        session_id,
    )


def wall_not_shown(code: str, session_id: str, images: Iterable[Weighting]) -> Finding:
    """Bright blood only."""
    return Finding(
        Severity.FLAGGED,
        "wall-not-shown",
        f"at least one of {', '.join(WALL_WEIGHTINGS)}",
        ", ".join(images),
        f"sub-{code} ses-{session_id}",
        "Only lumen and centerline can be measured; add a weighting that shows the wall.",
        code,
        session_id,
    )


def missing_weighting(code: str, session_id: str, weighting: Weighting, n_having: int, n_visits: int) -> Finding:
    """A weighting that the other visits have."""
    return Finding(
        Severity.FLAGGED,
        "missing-weighting",
        f"{weighting}, as in {n_having} of {n_visits} visits",
        "no such image",
        f"sub-{code} ses-{session_id}",
        "Add the image if it was acquired; without it the visit goes on with less trust.",
        code,
        session_id,
    )


def misnamed_image(code: str, session_id: str, name: str) -> Finding:
    """An image named after another patient or visit than its folder."""
    return Finding(
        Severity.REFUSED,
        "misnamed-image",
        f"a name that begins with sub-{code}_ses-{session_id}_",
        repr(name[:80]),
        f"sub-{code} ses-{session_id}",
        "Find out whose image it is, then mend the name or the folder; the image is not used.",
        code,
        session_id,
    )


def unknown_weighting(code: str, session_id: str, name: str) -> Finding:
    """An image of no known weighting."""
    endings = ", ".join(weighting.bids_suffix for weighting in Weighting)
    return Finding(
        Severity.FLAGGED,
        "unknown-weighting",
        f"a name that ends in one of {endings}",
        repr(name[:80]),
        f"sub-{code} ses-{session_id}",
        "Rename it if it is one of these; the image is not used.",
        code,
        session_id,
    )


def two_images(code: str, session_id: str, weighting: Weighting, names: Sequence[str]) -> Finding:
    """Two files for one weighting."""
    return Finding(
        Severity.REFUSED,
        "two-images",
        f"one {weighting} image",
        ", ".join(names),
        f"sub-{code} ses-{session_id}",
        "Keep the right one and remove the other; none of them is used.",
        code,
        session_id,
    )


def same_day(code: str, first: VisitSource, second: VisitSource) -> Finding:
    """Two visits of one day."""
    return Finding(
        Severity.REFUSED,
        "same-day-visits",
        "visits on different days",
        f"ses-{first.session_id} and ses-{second.session_id} both on {first.acquired}",
        f"sub-{code}",
        "Mend the dates in the sessions table; no change per year can be had from them.",
        code,
    )


def follow_up_before_baseline(code: str, baseline: VisitSource, other: VisitSource) -> Finding:
    """A visit dated before the one called baseline."""
    return Finding(
        Severity.REFUSED,
        "follow-up-before-baseline",
        f"ses-{other.session_id} after ses-{baseline.session_id} ({baseline.acquired})",
        f"{other.acquired}",
        f"sub-{code}",
        "Mend the dates in the sessions table, or the names if the visits were swapped.",
        code,
    )


def ages_against_dates(code: str, visits: Sequence[VisitSource]) -> list[Finding]:
    """Ages that do not fit the dates of consecutive visits."""
    findings = []
    for first, second in pairwise(visits):
        ages = first.clinical.age_years, second.clinical.age_years
        if isinstance(first.acquired, Missing) or isinstance(second.acquired, Missing):
            continue
        if isinstance(ages[0], Missing) or isinstance(ages[1], Missing):
            continue
        years = (second.acquired - first.acquired).days / DAYS_PER_YEAR
        if abs(ages[1] - ages[0] - years) > _AGE_TOLERANCE_YEARS:
            findings.append(_age_finding(code, second.session_id, years, ages[1] - ages[0]))
    return findings


def _age_finding(code: str, session_id: str, years: float, aging: float) -> Finding:
    return Finding(
        Severity.FLAGGED,
        "age-against-date",
        f"an age that rises by {years:.1f} years, as the dates say",
        f"{aging:.1f} years",
        f"sub-{code} ses-{session_id}",
        "Mend the age or the date; a wrong date makes every change per year wrong.",
        code,
        session_id,
    )


def same_scan_twice(first: str, second: str, code: str, session_id: str) -> Finding:
    """The same voxels under two names."""
    return Finding(
        Severity.REFUSED,
        "same-scan-twice",
        "each scan once",
        f"the voxels of {first} again",
        second,
        "Find out whose scan it is and remove the other copy.",
        code,
        session_id,
    )


def poor_image(code: str, session_id: str, weighting: Weighting, reason: str) -> Finding:
    """An image that does not pass the gate of image quality; it goes on."""
    where = f"{weighting} of sub-{code} ses-{session_id}"
    remedy = "Look at the image; leave it out, or repeat the scan, if it cannot be read."
    return Finding(
        Severity.FLAGGED, "image-quality", "an image that can be read", reason, where, remedy, code, session_id
    )
