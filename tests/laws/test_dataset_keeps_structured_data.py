"""Law of the tables: structured data that are written are read as the same, to the last bit."""

import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from tests import strategies_store as known

from plaquecast.domain.clinical import ClinicalRecord, Sex
from plaquecast.domain.dataset import VisitSource
from plaquecast.domain.missing import Missing, Reason
from plaquecast.ingest.dataset_tables import read_participants, read_sessions
from plaquecast.store.bids import write_participants, write_sessions

absent = Missing(Reason.ABSENT)


def _possible(record: ClinicalRecord) -> ClinicalRecord:
    """The record without one of two values that cannot be together, which reading would flag."""
    high, low = record.systolic_pressure_mmhg, record.diastolic_pressure_mmhg
    if not isinstance(high, Missing) and not isinstance(low, Missing) and high <= low:
        record = replace(record, diastolic_pressure_mmhg=absent)
    index = record.body_mass_index
    return record if isinstance(index, Missing) or 12.0 <= index <= 60.0 else replace(record, height_cm=absent)


visits = st.lists(
    st.builds(
        VisitSource,
        session_id=known.codes,
        acquired=known.dates | st.just(absent),
        images=st.just({}),
        clinical=known.records.map(_possible),
    ),
    max_size=3,
    unique_by=lambda visit: visit.session_id,
)


@given(visits, known.codes)
def test_sessions_are_read_as_written(written: list[VisitSource], code: str):
    with tempfile.TemporaryDirectory() as folder:
        write_sessions(Path(folder), code, written)
        rows, findings = read_sessions(Path(folder), code, Sex.MALE)
    assert {finding.code for finding in findings} <= {"missing-date"}
    assert [row.session_id for row in rows] == [visit.session_id for visit in written]
    for row, visit in zip(rows, written, strict=True):
        assert row.clinical == replace(visit.clinical, sex=Sex.MALE)
        assert row.acquired == visit.acquired or isinstance(visit.acquired, Missing)
        assert isinstance(row.acquired, Missing) == isinstance(visit.acquired, Missing)


@given(st.dictionaries(known.codes, st.sampled_from(Sex) | st.just(absent), max_size=5))
def test_participants_are_read_as_written(sexes: dict[str, Sex | Missing]):
    with tempfile.TemporaryDirectory() as folder:
        write_participants(Path(folder), sexes)
        participants = read_participants(Path(folder))
    assert participants.findings == ()
    assert list(participants.sexes.items()) == list(sexes.items())
