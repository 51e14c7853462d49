"""The main path of a simulated cohort: draw, scan, write; and the same people as tables, without images."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from plaquecast import __version__
from plaquecast.domain.measurements import PUBLISHED_ERRORS, MeasurementError
from plaquecast.pipeline.executor import run_cases
from plaquecast.pipeline.progress import Listener, Progress, nobody
from plaquecast.pipeline.simulated_dicom import SOURCE_TABLE, write_dicom_visits
from plaquecast.pipeline.simulated_tables import TRUTH, KnownPatient, KnownVisit, write_tables, write_truth
from plaquecast.settings import Settings, SimulateSettings
from plaquecast.simulate.cohort import session_id, simulate_patient, simulate_repeat
from plaquecast.simulate.people import SimulatedVisit
from plaquecast.simulate.person import patient_code
from plaquecast.simulate.table import measured_people
from plaquecast.store.atomic import explain_write_failure, sha256_of_bytes
from plaquecast.store.bids import (
    visit_folder,
    visit_stem,
    write_dataset_description,
    write_image,
    write_participants,
    write_sessions,
    write_source_table,
)
from plaquecast.store.manifest import CaseOutcome, RunManifest, write_run_manifest
from plaquecast.store.morphology_files import read_thing, write_thing
from plaquecast.store.run_folder import locked, make_folder, refuse_used_folder
from plaquecast.store.segmentations import write_segmentation
from plaquecast.store.transforms import write_transform


@dataclass(frozen=True, slots=True)
class _Task:
    root: Path
    index: int
    seed: int
    settings: SimulateSettings
    repeat_scans: bool
    dicom: str
    visits: int


CHUNK = 100
"""Patients without images are drawn this many at a time."""


@dataclass(frozen=True, slots=True)
class _Chunk:
    first: int
    n_patients: int
    seed: int
    settings: SimulateSettings
    wall_maps: bool
    visits: int


def write_simulated_cohort(
    out: Path,
    patients: int,
    seed: int,
    settings: Settings,
    listen: Listener = nobody,
    repeat_scans: int = 0,
    dicom: str = "",
    visits: int = 2,
) -> None:
    """Write patients with images as a BIDS dataset, with everything that is true of them in `derivatives/truth`.

    The dataset grows in a hidden folder beside `out`, from which the same command goes on if it was stopped, and takes
    its name when it is whole. The bytes depend on the arguments and the version only, not on the number of workers.

    Args:
        out: new or empty folder of the dataset.
        patients: how many.
        seed: the same seed gives the same patients, however many there are.
        settings: `simulate` says what world it is, `run` how the work is spread.
        listen: is told of every finished patient.
        repeat_scans: so many patients' baselines are scanned a second time, as the session `rescan`.
        dicom: a habit of `DICOM_HABITS`, to also write each visit as its scanner would send it, in `sourcedata`.
        visits: how many each patient has, 2 or more; more leave the first two as they are.

    Raises:
        InputError: if `out` holds anything, a setting is not known, or the disk is full.
    """
    if dicom:
        settings = replace(settings, simulate=replace(settings.simulate, vendor=dicom.removesuffix("-enhanced")))
    what = _what(patients, seed, settings.simulate, visits) | {"images": True, "repeat_scans": repeat_scans}
    what |= {"dicom": dicom} if dicom else {}
    with _growing(out, what) as root:
        tasks = [
            _Task(root, index, seed, settings.simulate, index < repeat_scans, dicom, visits)
            for index in range(patients)
        ]
        names = [patient_code(index) for index in range(patients)]
        for done, outcome in enumerate(run_cases(_write_patient, tasks, names, settings.run), start=1):
            if outcome.error is not None:
                raise outcome.error
            listen(Progress("simulate", done, patients, outcome.case))
        known = [read_thing(_case_file(root, name), KnownPatient) for name in names]
        write_participants(root, {patient.patient_id: patient.visits[0].clinical.sex for patient in known})
        write_dataset_description(root, f"Simulated carotids, world {settings.simulate.world}", simulated=True)
        if dicom:
            write_source_table(root / SOURCE_TABLE, {patient.patient_id: patient.visits for patient in known})
        write_truth(root, known, what, settings)


def write_simulated_tables(
    out: Path,
    patients: int,
    seed: int,
    settings: Settings,
    wall_maps: bool = False,
    errors: Mapping[str, MeasurementError] = PUBLISHED_ERRORS,
    visits: int = 2,
) -> None:
    """Write patients without images, as the tables of a run that measured them with `errors` (published ones).

    The truth stands in `derivatives/truth`. With `wall_maps`, slices and unwrapped walls are measured too. Each patient
    has as many `visits`, 2 or more; change is that between the first and the last, as a run states it.

    Raises:
        InputError: if `out` holds anything, a setting is not known, or the disk is full.
    """
    what = _what(patients, seed, settings.simulate, visits) | {"images": False, "wall_maps": wall_maps}
    what["errors"] = {name: asdict(error) for name, error in errors.items()}
    with _growing(out, what) as root:
        chunks = [
            _Chunk(first, min(CHUNK, patients - first), seed, settings.simulate, wall_maps, visits)
            for first in range(0, patients, CHUNK)
        ]
        names = [patient_code(chunk.first) for chunk in chunks]
        found: dict[str, list[tuple[KnownPatient, KnownPatient]]] = {}
        for outcome in run_cases(_draw_chunk, chunks, names, settings.run):
            if outcome.result is None:
                raise outcome.error or RuntimeError(outcome.case)
            found[outcome.case] = outcome.result
        measured, known = zip(*[pair for name in names for pair in found[name]], strict=True)
        write_participants(root, {patient.patient_id: patient.visits[0].clinical.sex for patient in known})
        name = f"Simulated carotids without images, world {settings.simulate.world}"
        write_dataset_description(root, name, simulated=True, derivative_of="derivatives/truth")
        write_tables(root / "tables", measured, PUBLISHED_ERRORS, settings.change)
        write_truth(root, known, what, settings)
        outcomes = [CaseOutcome(patient.patient_id, "done") for patient in known]
        recorded = {"simulate": asdict(settings.simulate), "change": asdict(settings.change)}
        write_run_manifest(root, RunManifest("simulate", True, recorded, {"simulate": seed}, {}, outcomes))


def _draw_chunk(chunk: _Chunk) -> list[tuple[KnownPatient, KnownPatient]]:
    """Some patients as measured, each beside the truth."""
    pairs = []
    for person, measured in measured_people(
        chunk.n_patients,
        chunk.seed,
        chunk.settings,
        wall_maps=chunk.wall_maps,
        first=chunk.first,
        n_visits=chunk.visits,
    ):
        measured_and_true = []
        for arteries in (measured, person.morphology):
            names = [session_id(visit) for visit in range(len(arteries))]
            visits = tuple(map(KnownVisit, names, person.acquired, person.records, arteries))
            measured_and_true.append(
                KnownPatient(person.patient_id, visits, person.true_change, person.expected_change)
            )
        pairs.append((measured_and_true[0], measured_and_true[1]))
    return pairs


def _write_patient(task: _Task) -> None:
    """Write one patient's images, tables and truth; the file that says all is there comes last."""
    case_file = _case_file(task.root, patient_code(task.index))
    if case_file.is_file():
        return
    patient = simulate_patient(task.index, task.seed, task.settings, n_visits=task.visits)
    rescans = [simulate_repeat(task.index, task.seed, task.settings)] if task.repeat_scans else []
    visits = sorted((*patient.visits, *rescans), key=lambda simulated: str(simulated.visit.acquired))
    for simulated in visits:
        _write_visit(task.root, simulated, patient.visits[0])
    write_sessions(task.root, patient.patient_id, [simulated.visit for simulated in visits])
    if task.dicom:
        seed = task.seed + task.index
        write_dicom_visits(task.root, [each.visit for each in visits], task.dicom, task.settings, seed)
    known = tuple(
        KnownVisit(each.visit.session_id, each.visit.acquired, each.visit.clinical, each.morphology) for each in visits
    )
    write_thing(case_file, KnownPatient(patient.patient_id, known, patient.true_change, patient.expected_change))


def _write_visit(root: Path, simulated: SimulatedVisit, baseline: SimulatedVisit) -> None:
    """Images of one visit; label maps, and the transforms from the reference and from the baseline, as truth."""
    visit, truth = simulated.visit, root / TRUTH
    for volume in visit.volumes.values():
        write_image(root, visit.patient_id, visit.session_id, volume)
    for segmentation in simulated.truth.values():
        write_segmentation(truth, visit.patient_id, visit.session_id, segmentation, simulated.reference)
    transforms = {
        f"from-{simulated.reference}_to-{weighting.replace('_', '')}": transform
        for weighting, transform in simulated.transforms.items()
        if weighting is not simulated.reference
    }
    if simulated is not baseline:
        from_baseline = simulated.neck_from_model @ baseline.neck_from_model.inverse()
        transforms[f"from-{baseline.visit.session_id}_to-{visit.session_id}"] = from_baseline
    for name, transform in transforms.items():
        stem = visit_stem(visit.patient_id, visit.session_id)
        write_transform(visit_folder(truth, visit.patient_id, visit.session_id) / f"{stem}_{name}_xfm.txt", transform)


def _what(patients: int, seed: int, settings: SimulateSettings, visits: int) -> dict[str, object]:
    what: dict[str, object] = {"version": __version__, "patients": patients, "seed": seed, "settings": asdict(settings)}
    return what | ({"visits": visits} if visits > 2 else {})


def _case_file(root: Path, patient_id: str) -> Path:
    return root / TRUTH / "cases" / f"sub-{patient_id}.json.gz"


@contextmanager
def _growing(out: Path, what: Mapping[str, object]) -> Iterator[Path]:
    """The hidden folder in which the dataset grows; it takes the name `out` at the end, if nothing went wrong."""
    refuse_used_folder(out, "the simulated cohort")
    key = sha256_of_bytes(json.dumps(what, sort_keys=True).encode())[:12]
    hidden = out.with_name(f".{out.name}-{key}.partial")
    make_folder(hidden)
    with locked(hidden):
        yield hidden
        try:
            hidden.replace(out)
        except OSError as problem:
            raise explain_write_failure(out, problem) from problem
