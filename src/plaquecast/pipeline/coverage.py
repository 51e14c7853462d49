"""Do the intervals of a predictor hold? Counted on patients whom it never saw."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from plaquecast.domain.change import Factor
from plaquecast.domain.missing import Missing
from plaquecast.pipeline.learning_data import LearningData
from plaquecast.predict.bundle import PredictorBundle


@dataclass(frozen=True, slots=True)
class Coverage:
    """Share of `n` measured changes that lie inside their interval."""

    share: float
    n: int


def interval_coverage(bundle: PredictorBundle, data: LearningData) -> dict[Factor, Coverage]:
    """Forecast every artery at the interval at which it was seen again, and count the changes inside.

    Arteries seen again outside the range of intervals that was learned from, or refused as out of cohort, do not count.
    """
    shortest, _, longest = bundle.card["interval_years"]
    inside: defaultdict[Factor, list[bool]] = defaultdict(list)
    for row, (artery, years) in enumerate(zip(data.arteries, data.measured.interval_years, strict=True)):
        if not shortest <= years <= longest:
            continue
        for forecast in bundle.forecast(artery, float(years)):
            change = data.measured.values[forecast.factor][row]
            if isinstance(forecast.lower, Missing) or isinstance(forecast.upper, Missing) or np.isnan(change):
                continue
            inside[forecast.factor].append(bool(forecast.lower <= change <= forecast.upper))
    return {factor: Coverage(float(np.mean(hits)), len(hits)) for factor, hits in inside.items()}
