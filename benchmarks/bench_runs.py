"""What runs cost: where the time of one visit goes, two workers against one, memory over a cohort, a large registry."""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import fmean, median

from plaquecast.domain.missing import Missing
from plaquecast.ingest.dataset import read_dataset, read_visit
from plaquecast.measure.artery import measure_artery
from plaquecast.pipeline.cohort import run_cohort
from plaquecast.pipeline.models import open_segmenter
from plaquecast.pipeline.progress import nobody
from plaquecast.pipeline.registry import report_registry
from plaquecast.pipeline.simulate import write_simulated_cohort, write_simulated_tables
from plaquecast.pipeline.visit import examine_one
from plaquecast.register.contrasts import align_visit
from plaquecast.segment.network import REFERENCE
from plaquecast.settings import Settings

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
    """The same cohort with one worker and with two: seconds, efficiency, and memory per worker along the way."""
    patients = len(read_dataset(cohort).patients)
    seconds = {}
    for n_workers in (2, 1):
        settings = replace(Settings(), run=replace(Settings().run, workers=n_workers))
        began = time.perf_counter()
        run_cohort(cohort, REFERENCE, root / f"run{n_workers}", settings, nobody)
        seconds[n_workers] = time.perf_counter() - began
        costs = json.loads((root / f"run{n_workers}" / "run.json").read_text(encoding="utf-8"))["timing"]["stages"]
        by_stage = {name: [c for c in costs if c["stage"] == name] for name in ("visit", "change")}
        said = "; ".join(
            f"{name} {fmean(c['seconds'] for c in found):.1f} s, {max(c['peak_memory_mib'] for c in found):.0f} MiB"
            for name, found in by_stage.items()
        )
        outside = seconds[n_workers] - sum(c["seconds"] for c in costs) / n_workers
        print(f"{patients} simulated patients, {n_workers} workers: {seconds[n_workers]:.1f} s ({said};"
              f" {outside:.1f} s beside the stages)", flush=True)  # fmt: skip
    print(f"efficiency of two workers: {seconds[1] / (2 * seconds[2]):.0%}")
    began = time.perf_counter()
    run_cohort(cohort, REFERENCE, root / "run2", Settings(), nobody)
    print(f"the same again, all done: {(time.perf_counter() - began) / patients:.2f} s per patient")


if __name__ == "__main__":
    main()
