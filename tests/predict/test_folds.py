"""No patient is ever on both sides of a split, whatever the design."""

from dataclasses import replace

import numpy as np
import pytest
from tests.small_cohort import cohort

from plaquecast.errors import InputError
from plaquecast.predict.features import feature_table
from plaquecast.predict.folds import PatientFolds, patient_folds, site_folds

PATIENTS = np.repeat([f"sim{i:02d}" for i in range(10)], 2)
LEAKING = {
    "rows in turn": np.arange(20) % 2,
    "left and right apart": np.tile([0, 1], 10),
    "random rows": np.random.default_rng(0).integers(0, 3, 20),
    "halves with one patient cut": (np.arange(20) >= 9).astype(int),
    "one row left out": (np.arange(20) == 3).astype(int),
    "one fold per row": np.arange(20),
    "no split": np.zeros(20, dtype=int),
    "ten rows each, dealt": np.arange(20) // 3,
    "last row apart": (np.arange(20) == 19).astype(int),
    "by a value that differs within a patient": (np.arange(20) % 4 == 1).astype(int),
}


@pytest.mark.parametrize("name", LEAKING)
def test_ten_leaking_designs_are_refused(name: str) -> None:
    with pytest.raises(InputError):
        PatientFolds(PATIENTS, LEAKING[name])


def test_folds_hold_whole_patients_and_share_out_hemorrhage() -> None:
    features = feature_table(cohort(40).arteries)
    folds = patient_folds(features, 4, seed=3)
    assert np.bincount(folds.fold).tolist() == [20, 20, 20, 20]
    bled = features.values[:, features.columns.index("has_hemorrhage")]
    per_fold = [len(np.unique(features.patient_ids[(folds.fold == k) & (bled == 1.0)])) for k in range(4)]
    assert max(per_fold) - min(per_fold) <= 1
    for train, test in folds.splits():
        assert not set(features.patient_ids[train]) & set(features.patient_ids[test])


def test_the_seed_alone_decides() -> None:
    features = feature_table(cohort(40).arteries)
    assert np.array_equal(patient_folds(features, 5, 1).fold, patient_folds(features, 5, 1).fold)
    assert not np.array_equal(patient_folds(features, 5, 1).fold, patient_folds(features, 5, 2).fold)


def test_more_folds_than_patients_is_refused() -> None:
    with pytest.raises(InputError, match="at least 5 patients"):
        patient_folds(feature_table(cohort(3).arteries), 5, 0)


def test_each_large_site_is_left_out_as_a_whole_and_small_ones_together() -> None:
    sites = ["north"] * 22 + ["south"] * 30 + ["small"] * 5
    arteries = cohort(60).arteries
    named = [
        replace(artery, clinical=replace(artery.clinical, site=sites[index // 2])) if index // 2 < 57 else artery
        for index, artery in enumerate(arteries)
    ]
    folds = site_folds(named)
    assert folds is not None
    assert np.bincount(folds.fold).tolist() == [44, 60, 16]
    assert site_folds(named[:70]) is None  # only one site has patients enough


def test_without_two_sites_nothing_is_left_out() -> None:
    assert site_folds(cohort(40).arteries) is None
