"""What runs cost: where the time of one visit goes, two workers against one, memory over a cohort, a large registry."""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, median
from typing import Self

import psutil

from plaquecast.domain.missing import Missing
from plaquecast.ingest.dataset import read_dataset, read_visit
from plaquecast.measure.artery import measure_artery
from plaquecast.pipeline.case_files import CASES
from plaquecast.pipeline.cohort import run_cohort
from plaquecast.pipeline.models import open_segmenter
from plaquecast.pipeline.progress import nobody
from plaquecast.pipeline.registry import report_registry
from plaquecast.pipeline.simulate import write_simulated_cohort, write_simulated_tables
from plaquecast.pipeline.visit import examine_one
from plaquecast.register.contrasts import align_visit
from plaquecast.segment.network import REFERENCE
from plaquecast.settings import Settings
from plaquecast.store.morphology_files import read_arteries
from plaquecast.store.tables import MeasuredArtery, write_wall_maps_table

SEED = 4711
TIMES = 3
"""One visit is examined so often; the median counts."""


def main() -> None:
    """Print the tables of docs/explanation/runs.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=2, help="patients of the run with one and two workers")
    parser.add_argument("--registry", type=int, default=10_000, help="patients of the registry without images")
    parser.add_argument("--cohort", type=Path, help="a dataset that was simulated before, instead of new --patients")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        if given.registry:
            registry(root, given.registry)
        cohort = given.cohort or root / "cohort"
        if given.cohort is None:
            write_simulated_cohort(cohort, given.patients, SEED, Settings())
        one_visit(root, cohort)
        as_command(root, cohort)
        workers(root, cohort)
        assembly(root, root / "run2")


def registry(root: Path, patients: int) -> None:
    """How long it takes to open a registry that is tables only, and to report on it."""
    write_simulated_tables(root / "registry", patients, SEED, Settings())
    began = time.perf_counter()
    found = report_registry(root / "registry", root / "registry.html")
    print(f"registry of {found.patients} simulated patients: {time.perf_counter() - began:.2f} s from tables to page")


def one_visit(root: Path, cohort: Path) -> None:
    """Seconds of each step for one simulated visit with five weightings, on one thread, in a warm process."""
    rounds = [steps_of_one_visit(cohort, root / f"visit{index}") for index in range(TIMES + 1)][1:]
    for step in rounds[0]:
        print(f"one visit, {step}: {median(each[step] for each in rounds):.2f} s")


def steps_of_one_visit(cohort: Path, out: Path) -> dict[str, float]:
    """Seconds by step; what is left of the whole after the steps that compute is writing and drawing."""
    settings = Settings()
    segmenter = open_segmenter(REFERENCE).segmenter
    patient = read_dataset(cohort).patients[0]
    laps = [time.perf_counter()]
    visit = read_visit(patient, patient.visits[0], settings.ingest)
    laps.append(time.perf_counter())
    aligned = align_visit(visit, settings.register)
    laps.append(time.perf_counter())
    found = segmenter.segment(aligned)
    laps.append(time.perf_counter())
    for artery in found.values():
        if not isinstance(artery, Missing):
            measure_artery(artery, aligned.volumes, settings.measure)
    laps.append(time.perf_counter())
    steps = {name: laps[i + 1] - laps[i] for i, name in enumerate(("read", "align", "segment", "measure"))}
    began = time.perf_counter()
    examine_one(cohort, patient.patient_id, "", (), REFERENCE, out, settings)
    whole = time.perf_counter() - began
    return steps | {"write tables, masks and page": whole - sum(steps.values()), "whole": whole}


def as_command(root: Path, cohort: Path) -> None:
    """The same as a user has it: a new process that imports everything; its seconds and its peak memory."""
    patient = read_dataset(cohort).patients[0]
    words = ["examine", cohort, "--patient", patient.patient_id, "--segmenter", REFERENCE, "--out", root / "command"]
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "plaquecast", *map(str, words)], check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - began
    peak_mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024.0
    print(f"one visit by `plaquecast examine`, with start: {seconds:.1f} s, {peak_mib:.0f} MiB")


def workers(root: Path, cohort: Path) -> None:
    """The same cohort with two workers and with one: seconds, efficiency, and memory per worker along the way."""
    patients = len(read_dataset(cohort).patients)
    seconds, undisturbed = {}, {}
    for n_workers in (2, 1):
        settings = replace(Settings(), run=replace(Settings().run, workers=n_workers))
        began = time.perf_counter()
        with WaitsForCores() as waits:
            run_cohort(cohort, REFERENCE, root / f"run{n_workers}", settings, nobody)
        seconds[n_workers] = time.perf_counter() - began
        undisturbed[n_workers] = seconds[n_workers] - waits.seconds(n_workers)
        costs = json.loads((root / f"run{n_workers}" / "run.json").read_text(encoding="utf-8"))["timing"]["stages"]
        by_stage = {name: [c for c in costs if c["stage"] == name] for name in ("visit", "change")}
        said = "; ".join(
            f"{name} {fmean(c['seconds'] for c in found):.1f} s, {max(c['peak_memory_mib'] for c in found):.0f} MiB"
            for name, found in by_stage.items()
        )
        print(f"{patients} simulated patients, {n_workers} workers: {seconds[n_workers]:.1f} s ({said}),"
              f" {undisturbed[n_workers]:.1f} s without waits for cores that others held", flush=True)  # fmt: skip
    print(f"efficiency of two workers: {seconds[1] / (2 * seconds[2]):.0%},"
          f" {undisturbed[1] / (2 * undisturbed[2]):.0%} without these waits")  # fmt: skip
    began = time.perf_counter()
    run_cohort(cohort, REFERENCE, root / "run2", Settings(), nobody)
    print(f"the same again, all done: {(time.perf_counter() - began) / patients:.2f} s per patient")


def assembly(root: Path, run: Path) -> None:
    """What the driver does alone for each patient when all are through: the wall map's rows, read and written."""
    paths = sorted((run / CASES).glob("*_arteries.json.gz"))
    patients = len({path.name.split("_")[0] for path in paths})
    tracemalloc.start()
    _assemble(paths, root / "measured")
    peak_mib = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    began = time.process_time()
    _assemble(paths, root / "timed")
    each = (time.process_time() - began) / patients
    print(f"wall maps of {patients} patients as a table: {each:.2f} s (processor), {peak_mib / patients:.1f} MiB each")


def _assemble(paths: Sequence[Path], folder: Path) -> None:
    ids = [path.name.split("_")[:2] for path in paths]
    write_wall_maps_table(folder, [
        MeasuredArtery(patient, session, side, artery)
        for (patient, session), path in zip(ids, paths, strict=True)
        for side, artery in read_arteries(path).items()
    ])  # fmt: skip


class WaitsForCores:
    """How long this process and its workers were ready and had no core, as Linux counts it; workers are asked often."""

    def __enter__(self) -> Self:
        self._over = threading.Event()
        self._own = _waited("self")
        self._workers: dict[int, float] = {}
        self._looking = threading.Thread(target=self._look)
        self._looking.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._looking.join()
        self._own = _waited("self") - self._own

    def seconds(self, n_workers: int) -> float:
        """Of this process, if it works alone, or of a worker on average."""
        return self._own if n_workers == 1 else sum(self._workers.values()) / n_workers

    def _look(self) -> None:
        while not self._over.wait(0.5):
            for child in psutil.Process().children():
                self._workers[child.pid] = max(self._workers.get(child.pid, 0.0), _waited(str(child.pid)))


def _waited(process: str) -> float:
    try:
        return int(Path(f"/proc/{process}/schedstat").read_text(encoding="ascii").split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0


if __name__ == "__main__":
    main()
