"""What share of measured changes the intervals of components hold, by what is in the wall and by interval.

Run `python benchmarks/coverage_components.py`: the hurdle model alone, learned from 1,000 simulated patients (seed
2000) in five folds and asked about 1,000 others; a minute of CPU beside the whole of `accuracy_predict.py coverage`.
"""

import argparse
from pathlib import Path

import numpy as np
from benchmarks.predict_cohorts import cohort

from plaquecast.domain.change import Factor
from plaquecast.predict.features import at_horizon, column, feature_table
from plaquecast.predict.folds import patient_folds
from plaquecast.predict.intervals import Calibration
from plaquecast.predict.models import KINDS
from plaquecast.predict.tuning import Classroom, tune

SHOWN = (Factor.LIPID_RICH_NECROTIC_CORE, Factor.INTRAPLAQUE_HEMORRHAGE, Factor.CALCIFICATION, Factor.PLAQUE_VOLUME)


def main() -> None:
    """Learn, ask, and print a line per factor and level."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, default=None, help="folder in which simulated cohorts are kept")
    keep = parser.parse_args().keep
    learned, fresh = cohort(1000, 2000, keep=keep), cohort(1000, 2002, keep=keep)
    timed, asked = (at_horizon(feature_table(t.arteries), t.measured.interval_years) for t in (learned, fresh))
    folds = patient_folds(timed, 5, 0)
    room = Classroom.of(timed, learned.measured, folds, 0)
    years = column(asked, "horizon_years")
    groups = {
        "all": years > 0.0,
        "hemorrhage": column(asked, "has_hemorrhage") == 1.0,
        "core": column(asked, "has_core") == 1.0,
        "no core": column(asked, "has_core") == 0.0,
        "calcification": column(asked, "has_calcification") == 1.0,
        "below 1 year": years < 1.0,
        "over 2 years": years > 2.0,
    }
    print("factor | level | " + " | ".join(groups))
    for factor in SHOWN:
        tuned = tune(room, factor, KINDS["hurdle"])
        assert tuned is not None
        calibration = Calibration.of(timed, learned.measured, factor, tuned.out_of_fold, folds.fold)
        members = np.column_stack([member.predict(asked) for member in tuned.members])
        values = calibration.likely_values(members, asked)
        change = fresh.measured.values[factor]
        for level in (0.8, 0.9):
            lower, upper = calibration.interval(values, asked, level)
            held = (lower <= change) & (change <= upper)
            shares = (held[rows & np.isfinite(change)].mean() for rows in groups.values())
            print(f"{factor.value:30s} | {level:.0%} | " + " | ".join(f"{share:.3f}" for share in shares))


if __name__ == "__main__":
    main()
