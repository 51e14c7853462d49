"""Speed and memory of the simulated cohort: one visit with images, and thousands of patients as tables.

Seconds on one core are processor time, which others on the machine hardly lengthen.

Run: python benchmarks/bench_simulate.py
"""

import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from plaquecast.pipeline.simulate import write_simulated_tables
from plaquecast.settings import RunSettings, Settings, SimulateSettings
from plaquecast.simulate.cohort import simulate_patient
from plaquecast.simulate.table import simulate_table
from plaquecast.store.manifest import measured_stage

N_TABULAR = 5000
N_ONE_CORE = 500
N_MAPS = 50


def main() -> None:
    """Print the table."""
    settings = SimulateSettings()
    simulate_table(1, 0, settings)  # what is worked out once per process
    print("| what | found | aim |\n|---|---|---|")
    costs = []
    for index in range(3):
        start = time.process_time()
        with measured_stage("visit", str(index)) as cost:
            simulate_patient(index, 1, settings, n_visits=1)
        costs.append((time.process_time() - start, cost.peak_memory_mib))
    seconds, mebibytes = np.median([each[0] for each in costs]), max(each[1] for each in costs)
    print(f"| one visit, five weightings, one core | {seconds:.1f} s, {mebibytes:.0f} MiB | 6 s, 1024 MiB |")
    start = time.process_time()
    simulate_table(N_ONE_CORE, 1, settings)
    each = (time.process_time() - start) / N_ONE_CORE
    print(f"| one tabular patient, one core | {1e3 * each:.1f} ms ({N_TABULAR * each:.0f} s for {N_TABULAR}) | |")
    start = time.process_time()
    simulate_table(N_MAPS, 1, settings, wall_maps=True)
    per_artery = (time.process_time() - start) / N_MAPS / 4
    print(f"| one artery at one visit with its wall map | {1e3 * per_artery:.1f} ms | 10 ms |")
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        two = replace(Settings(), run=RunSettings(workers=2))
        write_simulated_tables(Path(folder) / "tables", N_TABULAR, 1, two)
        seconds = time.perf_counter() - start
    print(f"| {N_TABULAR} tabular patients, drawn, measured and written, two cores | {seconds:.0f} s | 20 s |")


if __name__ == "__main__":
    main()
