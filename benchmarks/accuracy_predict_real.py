"""An outside check of the learning code on real rows: stroke from carotid plaque on CTA, in grouped nested folds.

Run `python benchmarks/accuracy_predict_real.py ../shared/data/tables/carotid_plaque_cta.csv`. The rows are 126 real
patients (R package modeldata, Kuhn and Johnson 2019); stroke here is what had happened, not change to come, so this
checks code against real data and is no result of the product.
"""

import argparse
import csv
from pathlib import Path

import numpy as np

from plaquecast.domain.anatomy import Side
from plaquecast.domain.change import Factor
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.learning import FeatureTable, Lesson
from plaquecast.predict.folds import patient_folds
from plaquecast.predict.models import KINDS
from plaquecast.predict.scores import PatientDraws, auc_draws, estimate, r2_draws
from plaquecast.predict.tuning import MEAN, Classroom, blend, tune

FACTOR = Factor.WALL_VOLUME
"""The models need the name of a factor; nothing else is made of it."""
RISK = ("age", "male", "smoking_history", "atrial_fibrillation", "coronary_artery_disease", "diabetes_history",
        "hypercholesterolemia_history", "hypertension_history")  # fmt: skip
N_REPEATS = 5


def main() -> None:
    """Score structured data, plaque measures and both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    rows = list(csv.DictReader(parser.parse_args().table.open(encoding="utf-8")))
    names = [name for name in rows[0] if name != "stroke"]
    values = np.array([[_number(row[name]) for name in names] for row in rows])
    outcome = np.array([float(row["stroke"] == "yes") for row in rows])
    ids = np.array([f"row{k:03d}" for k in range(len(rows))])
    draws = PatientDraws(ids, 1000, 0)
    print(
        f"real patients: {len(rows)}, {outcome.mean():.0%} with stroke; {N_REPEATS} repeats of 5 x 3 folds by patient"
    )
    print("inputs, model | AUC (95 % by patients) | Brier | R2 over the mean | calibration slope")
    for label, wanted in (("structured", RISK), ("plaque", set(names) - set(RISK)), ("both", set(names))):
        keep = [index for index, name in enumerate(names) if name in wanted]
        table = FeatureTable(ids, (Side.LEFT,) * len(ids), tuple(names[i] for i in keep), values[:, keep])
        for name, chance in _out_of_fold(table, outcome).items():
            auc = estimate(auc_draws(chance, outcome == 1.0, draws.counts))
            r2 = estimate(r2_draws(chance, outcome, np.full(len(outcome), outcome.mean()), draws.counts))
            slope = np.polyfit(chance, outcome, 1)[0] if np.ptp(chance) > 0.05 else float("nan")
            print(f"{label}, {name:18s} | {auc} | {np.mean((chance - outcome) ** 2):.3f} | {r2} | {slope:.2f}")


def _out_of_fold(table: FeatureTable, outcome: FloatArray) -> dict[str, FloatArray]:
    total: dict[str, FloatArray] = {}
    for repeat in range(N_REPEATS):
        for train, test in patient_folds(table, 5, repeat, outcome).splits():
            rows = table.rows(train)
            inner = patient_folds(rows, 3, repeat, outcome[train])
            parts = tuple({FACTOR: _lesson(outcome[train][learn])} for learn, _ in inner.splits())
            room = Classroom(rows, inner, {FACTOR: _lesson(outcome[train])}, parts, repeat)
            tuned = [tune(room, FACTOR, KINDS[name]) for name in (MEAN, "penalized linear", "boosted trees")]
            found = [entry for entry in tuned if entry is not None]
            for entry in [*found, blend(room, FACTOR, found[0], found[1:])]:
                into = total.setdefault(entry.kind.name, np.zeros(len(outcome)))
                into[test] += entry.model.predict(table.rows(test)) / N_REPEATS
    return {name: np.clip(chance, 0.0, 1.0) for name, chance in total.items()}


def _lesson(outcome: FloatArray) -> Lesson:
    return Lesson(outcome, outcome, np.full(len(outcome), np.nan), np.ones(len(outcome)), 1.0)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


if __name__ == "__main__":
    main()
