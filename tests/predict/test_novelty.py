"""Arteries like those learned from pass; impossible or foreign ones are named with what is odd about them."""

from dataclasses import replace

import numpy as np
import pytest
from tests.small_cohort import cohort

from plaquecast.predict.features import feature_table
from plaquecast.predict.folds import patient_folds
from plaquecast.predict.novelty import NoveltyGate


@pytest.fixture(scope="module")
def gate() -> NoveltyGate:
    features = feature_table(cohort(150).arteries)
    return NoveltyGate.of(features, patient_folds(features, 5, 0))


def test_most_new_patients_like_those_learned_from_pass(gate: NoveltyGate) -> None:
    verdicts = gate.verdicts(feature_table(cohort(100, seed=8).arteries))
    # 3 % are expected; with 150 patients to learn from, the limits themselves wander by about 2 points
    assert np.mean([bool(verdict) for verdict in verdicts]) <= 0.08


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"wall_volume_mm3": 9000.0}, "wall_volume_mm3"),
        ({"lumen_volume_mm3": 8.0 * 900.0, "vessel_volume_mm3": 8.0 * 1700.0}, "volume_mm3"),
        ({"max_wall_thickness_mm": 25.0}, "max_wall_thickness_mm"),
    ],
)
def test_an_impossible_measure_is_named(gate: NoveltyGate, change: dict[str, float], named: str) -> None:
    artery = cohort(150).arteries[0]
    odd = replace(artery, morphology=replace(artery.morphology, **change))
    assert named in gate.verdicts(feature_table([odd]))[0]


def test_glucose_in_the_wrong_unit_is_named(gate: NoveltyGate) -> None:
    artery = cohort(150).arteries[0]
    odd = replace(artery, clinical=replace(artery.clinical, glucose_mmol_per_l=110.0))
    assert gate.verdicts(feature_table([odd]))[0].startswith("glucose_mmol_per_l is 110")


def test_values_that_do_not_go_together_are_found(gate: NoveltyGate) -> None:
    """A wall of 60 % of the vessel by volume and of 30 % slice by slice: each is usual, both cannot be."""
    contradiction = {"percent_wall_volume": 60.0, "normalized_wall_index": 0.3, "wall_volume_mm3": 500.0}
    odd = [replace(each, morphology=replace(each.morphology, **contradiction)) for each in cohort(150).arteries]
    found = np.mean([bool(verdict) for verdict in gate.verdicts(feature_table(odd))])
    # of 100 usual patients 3 are flagged; 150 patients draw the limit wide, so not every contradiction is beyond it
    assert found >= 0.75


def test_a_stored_gate_says_the_same(gate: NoveltyGate) -> None:
    features = feature_table(cohort(150).arteries)
    assert NoveltyGate.from_state(gate.as_state()).verdicts(features) == gate.verdicts(features)
