"""The main path of an import: DICOM studies and a clinical table become a de-identified BIDS dataset."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.clinical import ClinicalRecord, Sex
from plaquecast.domain.dataset import Finding, Severity, VisitSource
from plaquecast.domain.missing import Missing
from plaquecast.errors import InputError
from plaquecast.ingest import import_findings as say
from plaquecast.ingest.archive import is_archive, unpack
from plaquecast.ingest.clinical_table import ClinicalRow, read_clinical_table
from plaquecast.ingest.dataset_findings import poor_image
from plaquecast.ingest.dataset_tables import finding_of
from plaquecast.ingest.deidentify import (
    give_pseudonyms,
    read_key_file,
    without_old_age,
    without_quotes,
    write_key_file,
)
from plaquecast.ingest.dicom import read_files
from plaquecast.ingest.dicom_volumes import Series
from plaquecast.ingest.door import files_below
from plaquecast.ingest.image_quality import image_quality
from plaquecast.ingest.nifti_study import find_images, is_nifti, read_image
from plaquecast.ingest.series_choice import ChosenSeries, choose_series
from plaquecast.ingest.study import FoundPatient, FoundStudies, FoundVisit, NamedFile, find_studies
from plaquecast.ingest.table_mapping import load_mapping
from plaquecast.ingest.weighting import Identification, identify
from plaquecast.ingest.weighting_table import SeriesKey, SeriesRow, read_weighting_table, weighting_table
from plaquecast.pipeline.import_plan import PatientPlan, beside_unread, day_of, plan_patient, sex_of
from plaquecast.settings import Settings
from plaquecast.store.atomic import PARTIAL_SUFFIX, write_json, write_text
from plaquecast.store.bids import (
    image_path,
    write_dataset_description,
    write_image,
    write_participants,
    write_sessions,
)
from plaquecast.store.run_folder import locked, make_folder, refuse_used_folder

WEIGHTINGS = "weightings.tsv"
"""What each series was taken for; edited by the user, it decides the next import."""

DATASET = "dataset"
"""The dataset's name as long as it grows."""


@dataclass(frozen=True, slots=True)
class Imported:
    """The codes of the patients who are in the new dataset, and every finding."""

    patients: tuple[str, ...]
    findings: tuple[Finding, ...]


def import_dataset(
    source: Path,
    clinical: Path | None,
    mapping: Path | None,
    key_file: Path | None,
    weightings: Path | None,
    out: Path,
    settings: Settings,
) -> Imported:
    """Read scans and table, remove identities, and write a BIDS dataset; who cannot be used stands in the findings.

    The dataset grows in a hidden folder beside `out`, where archives are unpacked too, and takes its name when it is
    whole. What a killed import left there is removed by the next one, which starts anew.

    Args:
        source: folder or archive of DICOM files of any names and order, or a folder of NIfTI files sorted as
            PATIENT/VISIT/FILE with the weighting in each name.
        clinical: table with one row per patient and visit; its patient codes are the patient IDs in the images.
        mapping: TOML that maps the table's columns, units and codes.
        key_file: who is who; read if it is there, so that a later import gives the same codes and dates.
        weightings: the edited `weightings.tsv` of an earlier import.
        out: new folder of the dataset.
        settings: all settings.

    Raises:
        InputError: if `out` is not empty, or the source or a table cannot be read at all.
    """
    decided = read_weighting_table(weightings) if weightings else {}
    rows, findings = _clinical_rows(clinical, mapping)
    with _growing(out) as hidden, _opened(source, hidden, settings) as files:
        studies = _find(source, files, settings)
        simulated = _all_simulated(studies.patients)
        findings += [*studies.findings, *say.passed_over(studies.passed_over)]
        known = read_key_file(key_file) if key_file else {}
        days = {patient.patient_id: patient.visits[0].acquired for patient in studies.patients}
        pseudonyms = give_pseudonyms(days, known)
        plans = []
        for patient in studies.patients:
            plan, found = plan_patient(patient, pseudonyms[patient.patient_id], rows.pop(patient.patient_id, ()))
            findings += found
            plans += [plan] if plan is not None else []
        findings += [say.row_without_patient(row) for own in rows.values() for row in own]
        findings += beside_unread(plans, files, studies.findings)
        written, found = _write_patients(plans, decided, hidden / DATASET, settings, simulated)
        if key_file is not None:
            write_key_file(key_file, known | {plan.found.patient_id: plan.pseudonym for plan in plans})
    return Imported(tuple(written), without_quotes([*findings, *found]))


def _find(source: Path, files: Sequence[NamedFile], settings: Settings) -> FoundStudies:
    """Studies of DICOM files; a folder in which NIfTI files lie holds those alone."""
    images = [file for file in files if is_nifti(file[0])]
    return find_images(source, images) if images else find_studies(files, settings.ingest)


def _all_simulated(patients: Sequence[FoundPatient]) -> bool:
    kinds = {patient.simulated for patient in patients}
    if len(kinds) > 1:
        n_simulated = sum(patient.simulated for patient in patients)
        found = f"{n_simulated} simulated ones among {len(patients)}"
        remedy = "Import simulated people apart from real ones."
        raise _refused("the images", "real people, or simulated ones", found, remedy, "simulated-beside-real")
    return kinds == {True}


@contextmanager
def _growing(out: Path) -> Iterator[Path]:
    """A hidden folder beside `out`; the dataset in it takes the name `out` at the end, if nothing went wrong."""
    refuse_used_folder(out, "the dataset")
    hidden = out.with_name(f".{out.name}{PARTIAL_SUFFIX}")
    make_folder(hidden)
    with locked(hidden):
        for left in hidden.iterdir():
            shutil.rmtree(left)
        try:
            yield hidden
            (hidden / DATASET).replace(out)
        finally:
            shutil.rmtree(hidden)


@contextmanager
def _opened(source: Path, hidden: Path, settings: Settings) -> Iterator[list[NamedFile]]:
    """The source's files under names that name nobody; an archive is unpacked and the files removed afterwards."""
    if not source.exists():
        raise _refused(source.name, "a folder or archive of DICOM files", "none", "Check the path.", "no-source")
    with tempfile.TemporaryDirectory(dir=hidden) as folder:
        paths = unpack(source, Path(folder), settings.ingest) if is_archive(source) else files_below(source)
        yield [(path, f"file {number} of {len(paths)}") for number, path in enumerate(paths, start=1)]


def _clinical_rows(
    clinical: Path | None, mapping: Path | None
) -> tuple[dict[str, tuple[ClinicalRow, ...]], list[Finding]]:
    if clinical is None:
        return {}, []
    table = read_clinical_table(clinical, load_mapping(mapping) if mapping else None)
    rows: dict[str, tuple[ClinicalRow, ...]] = {}
    for row in table.rows:
        rows[row.patient_id] = (*rows.get(row.patient_id, ()), row)
    return rows, [replace(finding, patient_id="", session_id="") for finding in table.findings]


def _write_patients(
    plans: Sequence[PatientPlan],
    decided: Mapping[SeriesKey, Weighting | None],
    out: Path,
    settings: Settings,
    simulated: bool,
) -> tuple[dict[str, Sex | Missing], list[Finding]]:
    sexes: dict[str, Sex | Missing] = {}
    series_rows: list[SeriesRow] = []
    findings: list[Finding] = []
    for plan in plans:
        code, visits = plan.pseudonym.code, []
        for session_id, visit, row in plan.visits:
            chosen = choose_series(_read(visit, settings), (code, session_id), decided, settings.ingest)
            series_rows += chosen.rows
            findings += chosen.findings
            images = _write_images(out, code, session_id, chosen, settings)
            findings += images.findings
            if images.paths:
                record = without_old_age(row.clinical if row is not None else ClinicalRecord())
                acquired = plan.pseudonym.move(day_of(visit, row))
                visits.append(VisitSource(session_id, acquired, images.paths, record))
        if visits:
            write_sessions(out, code, visits)
            sexes[code] = sex_of(plan)
        else:
            findings.append(say.nothing_usable(code))
    if sexes:
        write_participants(out, sexes)
        write_dataset_description(out, "Imported by plaquecast", simulated=simulated)
    write_text(out / WEIGHTINGS, weighting_table(series_rows))
    write_text(out / ".bidsignore", f"{WEIGHTINGS}\n")
    return sexes, findings


def _read(
    visit: FoundVisit, settings: Settings
) -> Iterator[tuple[list[tuple[Series, Identification]], Sequence[Finding]]]:
    for number, files in enumerate(visit.series, start=1):
        if is_nifti(files[0][0]):
            try:
                yield [read_image(files[0], number, settings.ingest)], ()
            except InputError as problem:
                yield [], [finding_of(problem, Severity.REFUSED)]
        else:
            content = read_files(files, settings.ingest)
            yield [(series, identify(series.tags)) for series in content.series], content.findings


@dataclass(frozen=True, slots=True)
class _Written:
    paths: Mapping[Weighting, Path]
    findings: tuple[Finding, ...]


def _write_images(out: Path, code: str, session_id: str, chosen: ChosenSeries, settings: Settings) -> _Written:
    paths: dict[Weighting, Path] = {}
    findings: list[Finding] = []
    for weighting, series in chosen.series.items():
        volume = series.as_volume(weighting)
        quality = image_quality(volume, settings.ingest)
        if not quality.passed:
            findings.append(poor_image(code, session_id, weighting, quality.reason))
        paths[weighting] = write_image(out, code, session_id, volume)
        path = image_path(out, code, session_id, weighting)
        write_json(path.with_name(path.name.replace(".nii.gz", ".json")), say.image_sidecar(series.tags))
    return _Written(paths, tuple(findings))


def _refused(where: str, expected: str, found: str, remedy: str, code: str) -> InputError:
    return InputError(expected=expected, found=found, where=where, remedy=remedy, code=code)
