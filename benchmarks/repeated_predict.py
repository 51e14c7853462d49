"""Repeated nested validation on simulated patients: each repeat is kept, so that the protocol resumes, and told ahead.

Run `python benchmarks/repeated_predict.py --patients 1000 --repeats 5 --keep FOLDER`; run it again to go on.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from benchmarks.predict_cohorts import cohort

from plaquecast.domain.learning import FeatureTable
from plaquecast.domain.missing import Missing
from plaquecast.predict.features import feature_table
from plaquecast.predict.scores import Estimate
from plaquecast.predict.validation import CHOSEN, nested_validation
from plaquecast.settings import PredictSettings
from plaquecast.simulate.people import SimulatedTable

TRIAL_PATIENTS = 100
"""The estimate comes from this many patients: cost grows a little less than in proportion, so it is an upper one."""


def main() -> None:
    """Tell what is left to do, do it, and print the scores over all repeats."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seed", type=int, default=2000)
    parser.add_argument("--keep", type=Path, required=True, help="folder in which cohorts and repeats are kept")
    options = parser.parse_args()
    table = cohort(options.patients, options.seed, keep=options.keep)
    features = feature_table(table.arteries)
    files = {k: options.keep / f"repeat_{options.patients}_{options.seed}_{k}.json" for k in range(options.repeats)}
    missing = [number for number, file in files.items() if not file.exists()]
    done = [json.loads(file.read_text()) for file in files.values() if file.exists()]
    seconds = float(np.mean([each["seconds"] for each in done])) if done else _estimate(table, features)
    print(f"{len(done)} of {options.repeats} repeats are kept; the others take about"
          f" {len(missing) * seconds / 60:.1f} minutes of CPU", flush=True)  # fmt: skip
    for number in missing:
        partial = files[number].with_suffix(".part")
        partial.write_text(json.dumps(_repeat(table, features, number)))
        partial.rename(files[number])  # a repeat is there whole or not at all
        print(f"repeat {number + 1} done", flush=True)
    kept = [json.loads(file.read_text())["r2"] for file in files.values()]
    print("factor | R² of measured change, mean over repeats (least to most)")
    for factor in kept[0]:
        values = np.array([each[factor] for each in kept])
        print(f"{factor:30s} | {values.mean():.3f} ({values.min():.3f} to {values.max():.3f})")


def _estimate(table: SimulatedTable, features: FeatureTable) -> float:
    """Seconds of one repeat over all patients, from one over a few of them."""
    n_patients = len(table.arteries) // 2
    rows = np.arange(2 * min(TRIAL_PATIENTS, n_patients))
    start = time.process_time()
    nested_validation(features.rows(rows), table.measured.rows(rows), PredictSettings(bootstrap_samples=50))
    return (time.process_time() - start) * 2 * n_patients / len(rows)


def _repeat(table: SimulatedTable, features: FeatureTable, number: int) -> dict[str, object]:
    start = time.process_time()
    result = nested_validation(features, table.measured, PredictSettings(bootstrap_samples=50, seed=number))
    r2 = {factor.value: _plain(result.row(factor, CHOSEN).scores.r2) for factor in result.factors}
    return {"seconds": time.process_time() - start, "r2": r2}


def _plain(estimate: Estimate) -> float:
    return float("nan") if isinstance(estimate.value, Missing) else float(estimate.value)


if __name__ == "__main__":
    main()
