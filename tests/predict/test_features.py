"""Features hold what is known at the first visit, and say what is missing."""

from dataclasses import replace

import numpy as np
import pytest
from tests.small_cohort import cohort

from plaquecast.domain.clinical import ClinicalRecord, SmokingHistory
from plaquecast.domain.missing import Missing, Reason
from plaquecast.errors import InputError
from plaquecast.predict.features import at_horizon, column, feature_table


def test_every_missing_entry_is_nan_and_flagged() -> None:
    artery = replace(cohort(3).arteries[0], clinical=ClinicalRecord(age_years=70.0))
    table = feature_table([artery])
    assert column(table, "age_years")[0] == 70.0
    assert column(table, "age_years_missing")[0] == 0.0
    for name in ("statin", "smokes", "is_man", "body_mass_index", "glucose_mmol_per_l"):
        assert np.isnan(column(table, name)[0])
        assert column(table, f"{name}_missing")[0] == 1.0


def test_a_thin_cap_is_not_the_same_as_no_cap() -> None:
    artery = cohort(3).arteries[0]
    flags = []
    for reason in (Reason.BELOW_RESOLUTION, Reason.NO_CORE):
        cap = {"fibrous_cap_min_thickness_mm": Missing(reason)}
        table = feature_table([replace(artery, morphology=replace(artery.morphology, **cap))])
        flags.append(column(table, "fibrous_cap_below_resolution")[0])
    assert flags == [1.0, 0.0]


@pytest.mark.parametrize(("statin", "years", "left"), [(False, 0.0, 0.0), (True, 0.5, 1.5), (True, 6.0, 0.0)])
def test_a_statin_works_on_plaque_for_two_years(statin: bool, years: float, left: float) -> None:
    artery = cohort(3).arteries[0]
    clinical = replace(artery.clinical, statin=statin, statin_years=years, smoking_history=SmokingHistory.FORMER)
    table = at_horizon(feature_table([replace(artery, clinical=clinical)]), np.array([3.0]))
    assert column(table, "statin_response_left_years")[0] == left
    assert column(table, "statin_response_share")[0] == pytest.approx(min(left, 3.0) / 3.0)
    assert (column(table, "smokes")[0], column(table, "has_smoked")[0]) == (0.0, 1.0)


def test_columns_do_not_depend_on_the_cohort() -> None:
    one = feature_table(cohort(3).arteries[:1])
    assert one.columns == feature_table(cohort(3).arteries).columns
    assert len(set(one.columns)) == len(one.columns)


def test_an_empty_cohort_and_an_unknown_column_are_refused() -> None:
    with pytest.raises(InputError, match="at least one artery"):
        feature_table([])
    with pytest.raises(InputError, match="a feature named follow_up"):
        column(feature_table(cohort(3).arteries), "follow_up")
