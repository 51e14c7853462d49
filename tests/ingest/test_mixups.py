"""Mix-ups of units, dates and identities: each is refused or flagged, and clean rows raise no alarm."""

import csv
import json
import shutil
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from tests.dicom_study import write_patient
from tests.small_dataset import SMALL_IMAGES, write_small_dataset

from plaquecast.domain.clinical import CLINICAL_COLUMNS
from plaquecast.domain.dataset import Finding
from plaquecast.domain.missing import Missing
from plaquecast.ingest.clinical_table import ClinicalRow, read_clinical_table
from plaquecast.ingest.dataset import check_dataset
from plaquecast.ingest.table_dates import read_date
from plaquecast.ingest.visit_matching import match_rows
from plaquecast.pipeline.import_dataset import import_dataset
from plaquecast.settings import Settings, SimulateSettings
from plaquecast.simulate.records import draw_record
from plaquecast.simulate.worlds import world_of

HEADER = (
    "participant_id", "session_id", "acq_time", "sex", "age_years", "weight_kg", "height_cm", "systolic_pressure_mmhg",
    "diastolic_pressure_mmhg", "glucose_mmol_per_l", "ldl_mmol_per_l", "hba1c_percent", "smoking_history", "statin",
)  # fmt: skip
CLEAN = dict(zip(HEADER, (
    "A1", "baseline", "2020-03-01", "female", "64", "80", "171", "141", "82", "5.6", "3.1", "6.1", "former", "yes",
), strict=True))  # fmt: skip

Trial = Callable[[Path], Sequence[Finding]]


def cell(column: str, text: str) -> Trial:
    """A clean row with one other cell."""
    return row(**{column: text})


def row(**cells: str) -> Trial:
    """A clean row with some other cells."""

    def trial(folder: Path) -> Sequence[Finding]:
        path = folder / "table.tsv"
        path.write_text("\t".join(HEADER) + "\n" + "\t".join({**CLEAN, **cells}.values()) + "\n")
        return read_clinical_table(path).findings

    return trial


def dates(days: Sequence[str], rows: Sequence[tuple[str, str]]) -> Trial:
    """Scans of these days beside rows of these names and dates."""

    def trial(folder: Path) -> Sequence[Finding]:
        from plaquecast.domain.clinical import ClinicalRecord

        table = [ClinicalRow("A1", name, read_date(day), ClinicalRecord(), n) for n, (name, day) in enumerate(rows, 2)]
        return match_rows([date.fromisoformat(day) for day in days], table, "sub-001").findings

    return trial


def dataset(harm: Callable[[Path], None]) -> Trial:
    """A clean dataset, harmed."""

    def trial(folder: Path) -> Sequence[Finding]:
        root = write_small_dataset(folder / "dataset")
        harm(root)
        return check_dataset(root, SMALL_IMAGES)

    return trial


def study(table: str, **person: str) -> Trial:
    """A study with a table."""

    def trial(folder: Path) -> Sequence[Finding]:
        write_patient(folder / "scans", "A1", days=("20200301",), **person)  # type: ignore[arg-type]
        write_patient(folder / "scans", "B2", days=("20200301",))
        (folder / "t.csv").write_text(table)
        return import_dataset(folder / "scans", folder / "t.csv", None, None, None, folder / "out", Settings()).findings

    return trial


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def _copy(source: str, target: str) -> Callable[[Path], None]:
    return lambda root: shutil.copy(root / source, root / target) and None


def _name(patient: str, visit: str, kind: str = "T1w") -> str:
    return f"sub-{patient}/ses-{visit}/anat/sub-{patient}_ses-{visit}_{kind}.nii.gz"


def _rename(root: Path) -> None:
    (root / _name("02", "baseline")).rename(root / _name("02", "baseline").replace("/sub-02_", "/sub-03_"))


def _sidecar_unit(root: Path) -> None:
    path = root / "sub-02/sub-02_sessions.json"
    content = json.loads(path.read_text())
    content["weight_kg"]["Units"] = "lb"
    path.write_text(json.dumps(content))


SCANS = ("2020-03-01", "2022-03-05")
OTHER = "2019-03-01"
TABLE = "participant_id,acq_time,sex,age_years\nA1,2020-03-01,female,70\nB2,2020-03-01,female,70\n"

MIXUPS: dict[str, tuple[Trial, str]] = {
    "weight in pounds": (cell("weight_kg", "180"), "clinical-row"),
    "weight and height swapped": (row(weight_kg="171", height_cm="80"), "clinical-value"),
    "height in metres": (cell("height_cm", "1.71"), "clinical-value"),
    "height in inches": (cell("height_cm", "67"), "clinical-value"),
    "glucose in mg/dL": (cell("glucose_mmol_per_l", "101"), "clinical-value"),
    "LDL in mg/dL": (cell("ldl_mmol_per_l", "120"), "clinical-value"),
    "HbA1c in mmol/mol": (cell("hba1c_percent", "43"), "clinical-value"),
    "pressure in kPa": (cell("systolic_pressure_mmhg", "18.8"), "clinical-value"),
    "pressures swapped": (row(systolic_pressure_mmhg="82", diastolic_pressure_mmhg="141"), "clinical-row"),
    "age in months": (cell("age_years", "768"), "clinical-value"),
    "sex as a number": (cell("sex", "2"), "clinical-value"),
    "smoking as a number": (cell("smoking_history", "1"), "clinical-value"),
    "decimal comma": (cell("glucose_mmol_per_l", "5,6"), "clinical-value"),
    "number with its unit": (cell("weight_kg", "80 kg"), "clinical-value"),
    "a spreadsheet's 999": (cell("weight_kg", "999"), "clinical-value"),
    "day and month": (cell("acq_time", "03/04/2020"), "unusable-date"),
    "Excel's day zero": (cell("acq_time", "1900-01-00"), "unusable-date"),
    "a date to come": (cell("acq_time", "2920-03-01"), "unusable-date"),
    "a year of two digits": (cell("acq_time", "20-03-01"), "unusable-date"),
    "a code with a letter that looks alike": (cell("participant_id", "А1"), "patient-code"),
    "a formula for a code": (cell("participant_id", "=A1"), "patient-code"),
    "visits swapped in the table": (dates(SCANS, [("baseline", SCANS[1]), ("followup", SCANS[0])]), "visit-swapped"),
    "a date of another day": (dates(SCANS, [("baseline", SCANS[0]), ("followup", "2022-03-15")]), "visit-without-scan"),
    "a date of another year": (dates(SCANS, [("baseline", OTHER), ("followup", SCANS[1])]), "visit-without-scan"),
    "both rows of one day": (dates(SCANS, [("baseline", SCANS[0]), ("followup", SCANS[0])]), "same-day-visits"),
    "follow-up before baseline": (dataset(lambda root: _edit(
        root / "sub-02/sub-02_sessions.tsv", "2021-03-01", "2018-03-01")), "follow-up-before-baseline"),
    "two visits of one day": (dataset(lambda root: _edit(
        root / "sub-02/sub-02_sessions.tsv", "2021-03-01", "2019-03-01")), "same-day-visits"),
    "age against the dates": (dataset(lambda root: _edit(
        root / "sub-02/sub-02_sessions.tsv", "2021-03-01", "2011-03-01") or _edit(
        root / "sub-02/sub-02_sessions.tsv", "2019-03-01", "2001-03-01")), "age-against-date"),
    "a code that lost its zero": (dataset(lambda root: _edit(
        root / "participants.tsv", "sub-02", "sub-2")), "patient-without-images"),
    "a patient twice": (dataset(lambda root: _edit(
        root / "participants.tsv", "sub-02\t", "sub-01\tmale\nsub-02\t")), "duplicate-patient"),
    "one scan for two patients": (dataset(_copy(_name("01", "baseline"), _name("02", "baseline"))), "same-scan-twice"),
    "one scan for both visits": (dataset(_copy(_name("01", "baseline"), _name("01", "followup"))), "same-scan-twice"),
    "one scan for two weightings": (dataset(
        _copy(_name("01", "baseline"), _name("01", "baseline", "T2w"))), "same-scan-twice"),
    "another patient's image": (dataset(_rename), "misnamed-image"),
    "a unit that contradicts its column": (dataset(_sidecar_unit), "unit-contradicts-name"),
    "another sex in the images": (study(TABLE, sex="M"), "sex-differs"),
    "another birth year in the images": (study(TABLE, born="19650101"), "age-differs"),
    "another date in the images": (study(TABLE.replace("A1,2020-03-01", "A1,2020-05-01")), "visit-without-scan"),
}  # fmt: skip


@pytest.fixture(scope="module")
def caught() -> list[str]:
    return []


@pytest.mark.parametrize(("trial", "code"), MIXUPS.values(), ids=MIXUPS)
def test_a_mixup_is_refused_or_flagged(tmp_path: Path, caught: list[str], trial: Trial, code: str):
    findings = trial(tmp_path)
    assert code in [finding.code for finding in findings]
    caught.append(code)


def test_ten_thousand_clean_rows_raise_no_alarm(tmp_path: Path, caught: list[str], figure: Callable[[str], None]):
    path = tmp_path / "clean.csv"
    alarms = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        with path.open("w", newline="") as stream:
            table = csv.writer(stream)
            columns = ("sex", *CLINICAL_COLUMNS)
            table.writerow(("participant_id", *columns))
            for number in range(500):
                record = draw_record(rng, world_of(SimulateSettings()))
                table.writerow((f"P{number}", *(_text(getattr(record, column)) for column in columns)))
        read = read_clinical_table(path)
        assert len(read.rows) == 500
        alarms += len(read.findings)
    figure(f"mix-ups {len(caught)}/{len(MIXUPS)} refused or flagged · {alarms} false alarms on 10,000 clean rows")
    assert alarms == 0


def _text(value: object) -> str:
    if isinstance(value, Missing):
        return "n/a"
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
