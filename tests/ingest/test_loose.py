"""Loose images with named weightings: real necks are read as one visit, and what is named wrongly is said."""

from pathlib import Path

import pytest
from tests.dicom_files import pattern, write_series

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.missing import Missing
from plaquecast.errors import InputError
from plaquecast.ingest.loose import LooseVisit, read_loose_visit
from plaquecast.settings import IngestSettings


def read(source: Path, *weightings: str) -> LooseVisit:
    return read_loose_visit(source, weightings, "neck1", "visit", IngestSettings())


def test_nifti_files_of_a_neck_are_one_visit(shared_data: Path):
    folder = shared_data / "neck-spinalcord/sct_example_data/mt"
    loose = read(folder, "mt0.nii.gz=TOF", "t1w.nii.gz=t1w", f"{folder / 'mt1.nii.gz'}=PDW")
    assert set(loose.visit.volumes) == {Weighting.TOF, Weighting.T1W, Weighting.PDW}
    assert len(loose.input_sha256) == 3
    assert isinstance(loose.visit.acquired, Missing)


def test_a_date_of_stars_leaves_the_visit_without_one_and_says_so(shared_data: Path):
    loose = read(shared_data / "neck-uih", "dicom_slab_A=MPRAGE", "subjectA_t1gre_neckcrop.nii.gz=TOF")
    assert isinstance(loose.visit.acquired, Missing)
    (finding,) = loose.findings
    assert finding.code == "unusable-date"
    assert "'***'" in str(finding)
    assert "examined" in finding.remedy


def test_the_date_of_a_dicom_series_is_that_of_the_visit(tmp_path: Path):
    write_series(tmp_path / "t1", pattern((4, 8, 8)))
    loose = read(tmp_path, "t1=T1W")
    assert str(loose.visit.acquired) == "2020-03-01"
    assert loose.findings == ()


@pytest.mark.parametrize(
    ("weightings", "code"),
    [
        (("t1=T1W", "t1b=T1W"), "weighting-twice"),
        (("t1=FLAIR",), "weighting-name"),
        (("t1",), "weighting-name"),
        (("none=T1W",), "no-image"),
        (("=T1W",), "no-image"),
        (("t1=T1W", "other=T2W"), "two-patients"),
        (("t1=T1W", "later=T2W"), "mixed-dates"),
        ((".=T1W",), "not-one-volume"),
    ],
)
def test_what_is_named_wrongly_is_said(tmp_path: Path, weightings: tuple[str, ...], code: str):
    write_series(tmp_path / "t1", pattern((4, 8, 8)))
    write_series(tmp_path / "t1b", pattern((4, 8, 8), 1), tags={"SeriesInstanceUID": "1.2.3", "SeriesNumber": 4})
    write_series(tmp_path / "other", pattern((4, 8, 8), 2), tags={"PatientID": "P2", "SeriesInstanceUID": "1.2.4"})
    write_series(
        tmp_path / "later", pattern((4, 8, 8), 3), tags={"StudyDate": "20210301", "SeriesInstanceUID": "1.2.5"}
    )
    with pytest.raises(InputError) as caught:
        read(tmp_path, *weightings)
    assert caught.value.code == code
