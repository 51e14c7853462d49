"""The wording of what can be wrong with an import, and the metadata of an image that are allowed to go on."""

from collections.abc import Mapping, Sequence

from plaquecast.domain.dataset import Finding, Severity
from plaquecast.domain.missing import Missing
from plaquecast.domain.visit import DAYS_PER_YEAR
from plaquecast.ingest.clinical_table import ClinicalRow
from plaquecast.ingest.dicom_tags import SeriesTags
from plaquecast.ingest.study import FoundPatient

_AGE_TOLERANCE_YEARS = 1.5
_MAKERS = ("Siemens", "GE", "Philips", "Canon", "Toshiba", "Hitachi", "UIH", "Fujifilm", "Hyperfine", "Neusoft")
_DEIDENTIFICATION = (
    ("113100", "Basic Application Confidentiality Profile"),
    ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
)


def image_sidecar(tags: SeriesTags) -> dict[str, object]:
    """The BIDS metadata of an image: numbers of the sequence and the maker's name, and how identities were removed."""
    times = {
        "EchoTime": tags.echo_time_ms,
        "RepetitionTime": tags.repetition_time_ms,
        "InversionTime": tags.inversion_time_ms,
    }
    sidecar: dict[str, object] = {"Modality": "MR"}
    if "NECK" in tags.body_part or "CAROTID" in tags.body_part:
        sidecar["BodyPart"] = "NECK"
    sidecar |= {name: value / 1000.0 for name, value in times.items() if not isinstance(value, Missing) and value > 0}
    if not isinstance(tags.flip_angle_degrees, Missing):
        sidecar["FlipAngle"] = tags.flip_angle_degrees
    if not isinstance(tags.field_tesla, Missing):
        sidecar["MagneticFieldStrength"] = tags.field_tesla
    maker = next((name for name in _MAKERS if tags.manufacturer.casefold().startswith(name.casefold())), None)
    if maker is not None:
        sidecar["Manufacturer"] = maker
    sidecar["DeidentificationMethod"] = [meaning for _, meaning in _DEIDENTIFICATION]
    sidecar["DeidentificationMethodCodeSequence"] = [
        {"CodeValue": value, "CodingSchemeDesignator": "DCM", "CodeMeaning": meaning}
        for value, meaning in _DEIDENTIFICATION
    ]
    return sidecar


def contradictions(patient: FoundPatient, rows: Sequence[ClinicalRow | None], where: str) -> list[Finding]:
    """Sex and age of the table against those of the images."""
    findings = []
    for visit, row in zip(patient.visits, rows, strict=True):
        if row is None:
            continue
        sex, age = row.clinical.sex, row.clinical.age_years
        if not isinstance(sex, Missing) and not isinstance(patient.sex, Missing) and sex is not patient.sex:
            findings.append(_other("sex-differs", f"{patient.sex}, as in the images", str(sex), row, where))
        if isinstance(age, Missing) or isinstance(patient.born, Missing) or isinstance(visit.acquired, Missing):
            continue
        told = (visit.acquired - patient.born).days / DAYS_PER_YEAR
        if abs(told - age) > _AGE_TOLERANCE_YEARS:
            found = f"{age:g} years"
            findings.append(_other("age-differs", f"an age of {told:.0f} years, as in the images", found, row, where))
    return findings


def _other(code: str, expected: str, found: str, row: ClinicalRow, where: str) -> Finding:
    remedy = "Find out whether row and images are of the same person; the patient is not imported."
    return Finding(Severity.REFUSED, code, expected, found, f"row {row.number}, {where}", remedy)


def undated(patient: FoundPatient, where: str) -> list[Finding]:
    """Scans without a usable date; two or more of them have no known order."""
    missing = [visit.acquired for visit in patient.visits if isinstance(visit.acquired, Missing)]
    if not missing:
        return []
    if len(patient.visits) > 1:
        remedy = "Give the dates of all visits; the order of the visits is not known without them."
        found = f"{len(missing)} of {len(patient.visits)} visits without one"
        return [Finding(Severity.REFUSED, "unusable-date", "a date for each visit", found, where, remedy)]
    remedy = "The visit is imported; without a date, change per year cannot be had from it."
    return [Finding(Severity.FLAGGED, "unusable-date", "the day of the scan", missing[0].detail, where, remedy)]


def passed_over(kinds: Mapping[str, int]) -> list[Finding]:
    """Files that are no images of the body."""
    remedy = "Nothing needs to be done; they are not used."
    return [
        Finding(Severity.FLAGGED, "other-files", "images", f"{count} of the kind {kind}", "the source", remedy)
        for kind, count in sorted(kinds.items())
    ]


def row_without_patient(row: ClinicalRow) -> Finding:
    """A row whose patient has no images."""
    remedy = "Mend the patient's code (leading zeros may be lost), or add the images; the row is not used."
    where = f"row {row.number} of the clinical table"
    return Finding(Severity.FLAGGED, "row-without-images", "images of each patient of the table", "none", where, remedy)


def patient_without_row(where: str) -> Finding:
    """A patient of whom the table says nothing."""
    remedy = "Mend the patient's code in the table, or add the row; structured data are missing without it."
    return Finding(Severity.FLAGGED, "not-in-table", "a row in the clinical table", "none", where, remedy)


def maybe_incomplete(code: str, session_id: str) -> Finding:
    """A file that cannot be read lies beside the scans of a visit."""
    where = f"sub-{code} ses-{session_id}"
    remedy = "Fetch the damaged file again; if it was the first or last slice of a scan, nothing else shows the loss."
    found = "one beside them that cannot be read"
    return Finding(Severity.FLAGGED, "maybe-incomplete", "all files of a visit", found, where, remedy, code, session_id)


def nothing_usable(code: str) -> Finding:
    """A patient without any usable image."""
    remedy = "See the findings about the series; the patient is not imported."
    return Finding(
        Severity.REFUSED, "patient-without-images", "at least one usable image", "none", f"sub-{code}", remedy, code
    )
