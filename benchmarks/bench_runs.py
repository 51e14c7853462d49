"""What runs cost: where the time of one visit goes, two workers against one, memory over a cohort, a large registry."""

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import fmean

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


def main() -> None:
    """Print the tables of docs/explanation/runs.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=2, help="patients of the run with one and two workers")
    parser.add_argument("--registry", type=int, default=10_000, help="patients of the registry without images")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        registry(root, given.registry)
        write_simulated_cohort(root / "cohort", given.patients, SEED, Settings())
        one_visit(root)
        workers(root, given.patients)


def registry(root: Path, patients: int) -> None:
    """How long it takes to open a registry that is tables only, and to report on it."""
    write_simulated_tables(root / "registry", patients, SEED, Settings())
    began = time.perf_counter()
    found = report_registry(root / "registry", root / "registry.html")
    print(f"registry of {found.patients} simulated patients: {time.perf_counter() - began:.2f} s from tables to page")


def one_visit(root: Path) -> None:
    """Seconds of each step for one simulated visit with five weightings, on one thread."""
    settings = Settings()
    segmenter = open_segmenter(REFERENCE).segmenter
    patient = read_dataset(root / "cohort").patients[0]
    steps: dict[str, float] = {}

    def lap(step: str, began: float) -> float:
        steps[step] = time.perf_counter() - began
        return time.perf_counter()

    began = time.perf_counter()
    visit = read_visit(patient, patient.visits[0], settings.ingest)
    began = lap("read", began)
    aligned = align_visit(visit, settings.register)
    began = lap("align", began)
    found = segmenter.segment(aligned)
    began = lap("segment", began)
    for artery in found.values():
        if hasattr(artery, "labels"):
            measure_artery(artery, aligned.volumes, settings.measure)  # type: ignore[arg-type]
    began = lap("measure", began)
    examine_one(root / "cohort", patient.patient_id, "", (), REFERENCE, root / "visit", settings)
    whole = time.perf_counter() - began
    steps["write tables, masks and page"] = whole - sum(steps.values())
    for step, seconds in (steps | {"examine, whole": whole}).items():
        print(f"one visit, {step}: {seconds:.2f} s")


def workers(root: Path, patients: int) -> None:
    """The same cohort with one worker and with two: seconds, efficiency, and memory per worker along the way."""
    seconds = {}
    for n_workers in (1, 2):
        settings = replace(Settings(), run=replace(Settings().run, workers=n_workers))
        began = time.perf_counter()
        run_cohort(root / "cohort", REFERENCE, root / f"run{n_workers}", settings, nobody)
        seconds[n_workers] = time.perf_counter() - began
        costs = json.loads((root / f"run{n_workers}" / "run.json").read_text(encoding="utf-8"))["timing"]["stages"]
        by_stage = {name: [c for c in costs if c["stage"] == name] for name in ("visit", "change")}
        said = "; ".join(
            f"{name} {fmean(c['seconds'] for c in found):.1f} s, {max(c['peak_memory_mib'] for c in found):.0f} MiB"
            for name, found in by_stage.items()
        )
        print(f"{patients} simulated patients, {n_workers} workers: {seconds[n_workers]:.1f} s ({said})")
    print(f"efficiency of two workers: {seconds[1] / (2 * seconds[2]):.0%}")
    began = time.perf_counter()
    run_cohort(root / "cohort", REFERENCE, root / "run2", Settings(), nobody)
    print(f"the same again, all done: {(time.perf_counter() - began) / patients:.2f} s per patient")


if __name__ == "__main__":
    main()
