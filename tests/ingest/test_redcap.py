"""REDCap exports: units and codes from the data dictionary, long and wide tables, repeats passed over."""

from pathlib import Path

import pytest

from plaquecast.domain.clinical import Sex, SmokingHistory
from plaquecast.domain.missing import Missing
from plaquecast.errors import InputError
from plaquecast.ingest.clinical_table import ClinicalTable, read_clinical_table
from plaquecast.ingest.table_mapping import load_mapping

DICTIONARY = (
    '"Variable / Field Name","Form Name","Field Type","Choices, Calculations, OR Slider Labels","Field Note"\n'
    'record_id,demo,text,"",""\n'
    'sex,demo,radio,"1, Male | 2, Female",""\n'
    'wt,visit,text,"","lb"\n'
    'smoke,visit,radio,"0, Never | 1, Former | 2, Current",""\n'
    'vdate,visit,text,"","Y-M-D"\n'
)
LONG = (
    "record_id,redcap_event_name,redcap_repeat_instrument,redcap_repeat_instance,sex,wt,smoke,vdate\n"
    "1,baseline_arm_1,,,2,176,1,2020-03-01\n"
    "1,followup_arm_1,,,,180,2,2022-03-05\n"
    "1,baseline_arm_1,adverse,1,,,,\n"
)
WIDE = "record_id,sex,wt_v1,wt_v2,smoke_v1,smoke_v2,vdate_v1,vdate_v2\n1,2,176,180,1,2,2020-03-01,2022-03-05\n"
COLUMNS = """
[table]
redcap_dictionary = "dictionary.csv"
[columns.participant_id]
source = "record_id"
[columns.acq_time]
source = "vdate"
[columns.sex]
[columns.weight_kg]
source = "wt"
[columns.smoking_history]
source = "smoke"
"""
EVENTS = """
[columns.session_id]
source = "redcap_event_name"
codes = { baseline_arm_1 = "baseline", followup_arm_1 = "followup" }
"""
VISITS = """
[visits]
baseline = "_v1"
followup = "_v2"
"""


def read(folder: Path, table: str, mapping: str) -> ClinicalTable:
    (folder / "dictionary.csv").write_text(DICTIONARY)
    (folder / "export.csv").write_text(table)
    (folder / "map.toml").write_text(mapping)
    return read_clinical_table(folder / "export.csv", load_mapping(folder / "map.toml"))


@pytest.mark.parametrize(
    ("table", "mapping"), [(LONG, COLUMNS + EVENTS), (WIDE, COLUMNS + VISITS)], ids=["long", "wide"]
)
def test_both_forms_are_the_same_visits(tmp_path: Path, table: str, mapping: str):
    read_table = read(tmp_path, table, mapping)
    first, second = read_table.rows
    assert (first.session_id, str(first.acquired)) == ("baseline", "2020-03-01")
    assert (second.session_id, str(second.acquired)) == ("followup", "2022-03-05")
    assert first.clinical.sex is Sex.FEMALE
    assert first.clinical.weight_kg == pytest.approx(176 * 0.45359237)
    assert first.clinical.smoking_history is SmokingHistory.FORMER
    assert second.clinical.smoking_history is SmokingHistory.CURRENT
    assert [finding.code for finding in read_table.findings] == (["repeat-instance"] if table is LONG else [])


def test_a_blank_of_a_later_event_stays_missing(tmp_path: Path):
    _, second = read(tmp_path, LONG, COLUMNS + EVENTS).rows
    assert isinstance(second.clinical.sex, Missing)


def test_a_unit_that_contradicts_the_dictionary_is_an_error(tmp_path: Path):
    with pytest.raises(InputError) as caught:
        read(tmp_path, LONG, (COLUMNS + EVENTS).replace('source = "wt"', 'source = "wt"\nunit = "kg"'))
    assert "lb in the dictionary" in caught.value.found
