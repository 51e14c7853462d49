"""A cohort so small that a run over it takes a moment: real files and a real segmenter; what was computed is kept.

The numbers of a run do not depend on how it is disturbed, so each is computed once, by the real steps, and from then on
remembered: what is tested is how work is ordered, written, recorded and taken up again.
"""

import json
import pickle  # what cloudpickle wrote
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest import mock

import cloudpickle
from tests.segment import small_visit
from tests.small_dataset import RECORD

from plaquecast.domain.anatomy import Side, Weighting
from plaquecast.domain.clinical import Sex
from plaquecast.domain.visit import Visit
from plaquecast.pipeline import cohort, examine, patient
from plaquecast.pipeline.progress import nobody
from plaquecast.segment.network import NetworkSegmenter
from plaquecast.segment.regions import TrainingCase
from plaquecast.segment.training import end_training, train_segmenter
from plaquecast.settings import SegmentSettings, Settings
from plaquecast.store.bids import write_dataset_description, write_image, write_participants, write_sessions
from plaquecast.store.model_files import write_model_manifest
from plaquecast.store.run_folder import JOURNAL_NAME

SEEN = (Weighting.T1W,)
DAYS = {"baseline": date(2019, 3, 1), "followup": date(2021, 3, 1)}
QUICK = SegmentSettings(pixel_mm=0.5, region_pixels=32, base_channels=8, max_epochs=30, max_minutes=10.0)
OVERRIDES = ("run.workers=1", "ingest.min_coverage_mm=1", "ingest.min_signal_to_noise=0.1", "measure.n_angles=12")
SETTINGS = Settings().with_overrides(OVERRIDES)

STAGES: dict[str, tuple[object, str]] = {
    "ingest": (patient, "read_visit"),
    "register": (examine, "align_visit"),
    "segment": (NetworkSegmenter, "segment"),
    "measure": (examine, "measure_artery"),
    "change": (patient, "compare_visits"),
    "report": (patient, "patient_report"),
}
"""The steps of a run, and where each is called."""

Moment = Callable[[str], None]
"""Called with the name of a step as it begins."""


def train(folder: Path, settings: SegmentSettings = QUICK) -> Path:
    """A segmenter that knows the made-up neck."""
    sides = {side: small_visit.truth(side) for side in Side}
    cases = [TrainingCase(small_visit.visit(f"p{seed}", seed, SEEN), sides) for seed in range(3)]
    train_segmenter(cases, settings, folder, origin="made-up tubes", keep_checkpoint=True)
    write_model_manifest(folder)
    end_training(folder)
    return folder


def write_dataset(root: Path, patients: tuple[str, ...], days: Mapping[str, date] = DAYS) -> Path:
    """Two visits of everybody, with one weighting."""
    write_dataset_description(root, "tiny", simulated=True)
    write_participants(root, dict.fromkeys(patients, Sex.FEMALE))
    for index, name in enumerate(patients):
        visits = []
        for later, (session, day) in enumerate(days.items()):
            volumes = small_visit.visit(name, 10 * index + later, SEEN).volumes
            visits.append(Visit(name, session, day, volumes, replace(RECORD, age_years=64.25 + 2.0 * later)))
        write_sessions(root, name, visits)
        for visit in visits:
            write_image(root, name, visit.session_id, visit.volumes[SEEN[0]])
    return root


@dataclass(slots=True)
class Memory:
    """Results of the steps by what they were given."""

    known: dict[tuple[str, str], Any] = field(default_factory=dict)

    def save(self, path: Path) -> Path:
        """Keep it for another process."""
        path.write_bytes(cloudpickle.dumps(self.known))
        return path

    @staticmethod
    def load(path: Path) -> "Memory":
        """Take up what another process kept."""
        return Memory(pickle.loads(path.read_bytes()))

    @contextmanager
    def in_force(self, moment: Moment = lambda step: None) -> Iterator[None]:
        """Remember instead of computing again, and tell when each step begins."""
        with ExitStack() as held:
            for step, (place, name) in STAGES.items():
                wrapped = self._wrapped(step, getattr(place, name), moment)
                held.enter_context(mock.patch.object(place, name, wrapped))
            page = self._wrapped("cohort report", cohort.cohort_report, moment)
            held.enter_context(mock.patch.object(cohort, "cohort_report", page))
            yield

    def _wrapped(self, step: str, function: Callable[..., Any], moment: Moment) -> Callable[..., Any]:
        def remembered(*given: Any) -> Any:
            moment(step)
            if step == "ingest":
                return function(*given)
            key = step, _told_apart(step, given)
            if key not in self.known:
                self.known[key] = function(*given)
            return self.known[key]

        return remembered


def _told_apart(step: str, given: tuple[Any, ...]) -> str:
    """Which of the few calls of a tiny run this is."""
    if step == "register":
        return f"{given[0].patient_id} {given[0].session_id}"
    if step == "segment":
        return f"{given[1].patient_id} {given[1].session_id}"
    if step == "measure":
        return sha256(given[0].probabilities.tobytes()).hexdigest()
    if step == "change":
        return str(given[0].aligned.patient_id)
    if step == "report":
        return str(given[0].baseline.aligned.patient_id)
    return sha256(repr(given[4:]).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Tiny:
    """A dataset, a segmenter, an undisturbed run over it, and all that was computed for it."""

    dataset: Path
    segmenter: Path
    run: Path
    memory: Memory

    def work(self, run: Path, moment: Moment = lambda step: None, settings: Settings = SETTINGS) -> cohort.RunSummary:
        """Run over the dataset."""
        with self.memory.in_force(moment):
            return cohort.run_cohort(self.dataset, self.segmenter, run, settings, nobody)

    def words(self, run: Path, *more: str) -> list[str]:
        """What to say to the command line for the same run."""
        words = ["run", str(self.dataset), "--segmenter", str(self.segmenter), "--out", str(run), *more]
        return words + [word for override in OVERRIDES for word in ("--set", override)]

    def copy_for(self, dataset: Path, run: Path) -> "Tiny":
        """The same with another dataset, whose undisturbed run is made now."""
        tiny = Tiny(dataset, self.segmenter, run, Memory())
        tiny.work(run)
        return tiny


def make(root: Path, patients: tuple[str, ...] = ("01", "02")) -> Tiny:
    """Train, write the dataset, and run over it undisturbed."""
    tiny = Tiny(write_dataset(root / "data", patients), train(root / "segmenter"), root / "whole", Memory())
    tiny.work(tiny.run)
    return tiny


def content(run: Path) -> dict[str, Any]:
    """Every file of a run: its bytes; of `run.json` all but the timing, of the journal all but times and folders."""
    found: dict[str, Any] = {}
    for path in sorted(path for path in run.rglob("*") if path.is_file()):
        name = path.relative_to(run).as_posix()
        if name == "run.json":
            record = json.loads(path.read_text(encoding="utf-8"))
            record.pop("timing")
            found[name] = record
        elif name == JOURNAL_NAME:
            found[name] = _journal(path)
        else:
            found[name] = path.read_bytes()
    return found


def _journal(path: Path) -> list[list[tuple[Any, ...]]]:
    queries = (
        "SELECT key, stage, case_name FROM stage ORDER BY key",
        "SELECT key, path, sha256 FROM output ORDER BY key, path",
        "SELECT name, value FROM run WHERE name <> 'dataset' ORDER BY name",
        "SELECT name, line FROM told ORDER BY name",
    )
    database = sqlite3.connect(path)
    try:
        return [database.execute(query).fetchall() for query in queries]
    finally:
        database.close()


def differences(one: Path, other: Path) -> list[str]:
    """Names of files that are not the same in two runs."""
    before, after = content(one), content(other)
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
