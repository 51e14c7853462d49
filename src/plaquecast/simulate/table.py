"""A cohort as tables, without images: what a study would have measured, beside what is true."""

from collections.abc import Iterator, Mapping

import numpy as np

from plaquecast.domain.anatomy import Side
from plaquecast.domain.change import FACTOR_MEASUREMENT, Factor
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.learning import BaselineArtery, TargetTable
from plaquecast.domain.measurements import PUBLISHED_ERRORS, MeasurementError
from plaquecast.domain.missing import Missing, Reason
from plaquecast.domain.morphology import ArteryMorphology
from plaquecast.settings import SimulateSettings
from plaquecast.simulate.measured import measured
from plaquecast.simulate.people import SimulatedTable
from plaquecast.simulate.person import SimulatedPerson, draw_person, number_or_nan, patient_code


def simulate_table(
    n_patients: int,
    seed: int,
    settings: SimulateSettings,
    errors: Mapping[str, MeasurementError] | None = None,
    wall_maps: bool = False,
) -> SimulatedTable:
    """Simulate a cohort whose visits were measured with the given errors (published ones if left out).

    Two rows per patient, left then right. Each measurement gets its own Gaussian error at each visit; a volume that
    is truly zero stays zero, and none becomes negative. Patient `i` is the same for every `n_patients` beyond `i`.
    """
    noise = PUBLISHED_ERRORS if errors is None else errors
    baselines, truths, changes, years = [], [], [], []
    for person, visits in measured_people(n_patients, seed, settings, noise, wall_maps):
        for side in Side:
            before, after = (visit[side] for visit in visits)
            baselines.append(BaselineArtery(person.patient_id, person.records[0], before))
            truths.append(person.morphology[0][side])
            changes.append((person, side, before, after))
            years.append(person.interval_years)
    interval = np.array(years)
    return SimulatedTable(
        arteries=tuple(baselines),
        true_baseline=tuple(truths),
        measured=_measured_targets(changes, noise, interval),
        true=_true_targets(changes, interval),
        expected={
            factor: np.array([number_or_nan(person.expected_change[side][factor]) for person, side, _, _ in changes])
            for factor in Factor
        },
        patient_ids=np.array([artery.patient_id for artery in baselines]),
    )


Measurements = tuple[Mapping[Side, ArteryMorphology], ...]
"""Both arteries as measured, visit by visit."""


def measured_people(
    n_patients: int,
    seed: int,
    settings: SimulateSettings,
    errors: Mapping[str, MeasurementError] = PUBLISHED_ERRORS,
    wall_maps: bool = False,
    first: int = 0,
    n_visits: int = 2,
) -> Iterator[tuple[SimulatedPerson, Measurements]]:
    """Simulate people one after the other from index `first` on, with what a study would have measured at each visit.

    With `wall_maps`, slices and unwrapped walls are measured, too.
    """
    for index in range(first, first + n_patients):
        rng, map_rng = np.random.default_rng([seed, index]), np.random.default_rng([seed, index, 2_000_000])
        person = draw_person(patient_code(index), rng, settings, n_visits, coarse=not wall_maps)
        by_side = {side: [measured(visit[side], errors, rng, map_rng) for visit in person.morphology] for side in Side}
        yield person, tuple({side: by_side[side][visit] for side in Side} for visit in range(len(person.morphology)))


Change = tuple[SimulatedPerson, Side, ArteryMorphology, ArteryMorphology]


def _measured_targets(
    changes: list[Change], errors: Mapping[str, MeasurementError], interval: FloatArray
) -> TargetTable:
    values, sds, censored = {}, {}, {}
    for factor, name in FACTOR_MEASUREMENT.items():
        pairs = [(getattr(before, name), getattr(after, name)) for _, _, before, after in changes]
        numbers = np.array([[number_or_nan(value) for value in pair] for pair in pairs])
        values[factor] = (numbers[:, 1] - numbers[:, 0]) / interval
        # the error is worked out from the measured values, as a study would have to
        sds[factor] = np.sqrt(2.0) * errors[name].sd(numbers.mean(axis=1)) / interval
        censored[factor] = np.array(
            [any(isinstance(v, Missing) and v.reason is Reason.BELOW_RESOLUTION for v in pair) for pair in pairs]
        )
    return TargetTable(values, sds, interval, censored)


def _true_targets(changes: list[Change], interval: FloatArray) -> TargetTable:
    values = {
        factor: np.array([number_or_nan(person.true_change[side][factor]) for person, side, _, _ in changes])
        for factor in Factor
    }
    zeros = {factor: np.zeros(len(changes)) for factor in Factor}
    nothing = {factor: np.zeros(len(changes), dtype=bool) for factor in Factor}
    return TargetTable(values, zeros, interval, nothing)
