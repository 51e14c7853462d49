"""Speed and memory of prediction: nested validation, its cost against n, fitting, loading and one forecast.

Run `python benchmarks/bench_predict.py` (up to 300 patients), or with `--patients 1000` for the full protocol.
"""

import argparse
import resource
import time

import numpy as np
from benchmarks.predict_cohorts import cohort

from plaquecast.domain.change import Factor
from plaquecast.predict.bundle import fit_bundle, load_bundle
from plaquecast.predict.features import at_horizon, feature_table
from plaquecast.predict.lessons import lessons
from plaquecast.predict.models import KINDS
from plaquecast.predict.validation import nested_validation
from plaquecast.settings import PredictSettings
from plaquecast.simulate.people import SimulatedTable


def main() -> None:
    """Time each part once, on one thread."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=300)
    largest = parser.parse_args().patients
    settings = PredictSettings()
    sizes = [n for n in (100, 300, 1000) if n <= largest]
    seconds = []
    for n_patients in sizes:
        table = cohort(n_patients, 1)
        features = feature_table(table.arteries)
        start = time.process_time()
        nested_validation(features, table.measured, settings, table.true, table.expected)
        seconds.append(time.process_time() - start)
        print(f"nested validation, {settings.outer_folds} x {settings.inner_folds} folds, 10 factors, all kinds,"
              f" {n_patients} patients: {seconds[-1]:.1f} s of CPU")  # fmt: skip
    if len(sizes) > 1:
        print(f"cost grows as n ** {np.polyfit(np.log(sizes), np.log(seconds), 1)[0]:.2f}")
    _one_fit_each(table)
    start = time.process_time()
    bundle = fit_bundle(table.arteries, table.measured, settings, "simulated patients")
    print(f"final fit, {sizes[-1]} patients: {time.process_time() - start:.1f} s of CPU")
    files = bundle.as_files()
    start = time.process_time()
    loaded = load_bundle(files)
    print(
        f"loading {len(files)} files, {sum(map(len, files.values())) / 1e6:.1f} MB: {time.process_time() - start:.3f} s"
    )
    times = []
    for artery in table.arteries[:20]:
        start = time.process_time()
        loaded.forecast(artery, 1.5)
        times.append(time.process_time() - start)
    print(f"forecast of one artery, all factors: median {np.median(times):.3f} s, worst {max(times):.3f} s of CPU")
    print(f"largest memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


def _one_fit_each(table: SimulatedTable) -> None:
    """One fit of the models that take longest, which the nested protocol does 200 times for ten factors."""
    timed = at_horizon(feature_table(table.arteries), table.measured.interval_years)
    lesson, first = lessons(timed, table.measured)[Factor.WALL_VOLUME], np.arange(100)
    few = timed.rows(first)
    for name in ("explainable boosting", "boosted trees"):
        model = KINDS[name].candidates(Factor.WALL_VOLUME, 0)[-1]
        model.fit(few, lessons(few, table.measured.rows(first))[Factor.WALL_VOLUME])  # loads the library
        start = time.process_time()
        model.fit(timed, lesson)
        print(f"{name}: one fit on {len(timed.values)} arteries, {time.process_time() - start:.2f} s of CPU")


if __name__ == "__main__":
    main()
