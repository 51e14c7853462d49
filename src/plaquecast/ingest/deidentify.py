"""Pseudonyms at the door: a code for each patient, dates moved by the patient's own number of days, the key apart."""

import csv
import io
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from plaquecast.domain.clinical import ClinicalRecord
from plaquecast.domain.dataset import Finding
from plaquecast.domain.missing import Missing
from plaquecast.errors import InputError

OLDEST_AGE_YEARS = 89.0
"""Ages beyond this point to a person; they are kept as `AGE_BEYOND_YEARS` (HIPAA safe harbor)."""
AGE_BEYOND_YEARS = 90.0

_FIRST_DAY = date(1880, 1, 1)
_SPAN_DAYS = 7000
"""Moved dates begin between 1880 and 1899, so that nobody takes them for true ones (BIDS: before 1925)."""

_KEY_COLUMNS = ("patient_id", "code", "moved_days")


@dataclass(frozen=True, slots=True)
class Pseudonym:
    """The code that stands for a patient, and by how many days all dates of the patient are moved."""

    code: str
    moved_days: int

    def move(self, day: date | Missing) -> date | Missing:
        """The date as it goes on; intervals stay what they are to the day.

        >>> Pseudonym("001", -40000).move(date(2020, 3, 1))
        datetime.date(1910, 8, 26)
        """
        return day if isinstance(day, Missing) else day + timedelta(days=self.moved_days)


def give_pseudonyms(first_days: Mapping[str, date | Missing], known: Mapping[str, Pseudonym]) -> dict[str, Pseudonym]:
    """A pseudonym for each patient: the known one, or the next free number and a move drawn at random.

    Args:
        first_days: patient's own ID → day of the first visit.
        known: pseudonyms of an earlier import, as `read_key_file` gives them.
    """
    given = dict(known)
    used = {pseudonym.code for pseudonym in known.values()}
    free = (code for number in range(1, 10**6) if (code := f"{number:03d}") not in used)
    for patient_id in sorted(first_days):
        if patient_id not in given:
            day = first_days[patient_id]
            start = _FIRST_DAY + timedelta(days=secrets.randbelow(_SPAN_DAYS))
            moved = (start - (date.today() if isinstance(day, Missing) else day)).days
            given[patient_id] = Pseudonym(next(free), moved)
    return {patient_id: given[patient_id] for patient_id in first_days}


def without_old_age(record: ClinicalRecord) -> ClinicalRecord:
    """The record with an age above 89 years given as 90."""
    age = record.age_years
    if isinstance(age, Missing) or age <= OLDEST_AGE_YEARS:
        return record
    return replace(record, age_years=AGE_BEYOND_YEARS)


def without_quotes(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings in which no text of the source is quoted, for a name may stand in any cell; numbers are kept.

    >>> from plaquecast.domain.dataset import Severity
    >>> finding = Finding(Severity.FLAGGED, "clinical-value", "a number", "'Doe, Jane' kg", "row 3", "Mend it.")
    >>> without_quotes([finding])[0].found
    'a text kg'
    """
    return tuple(replace(each, found=_QUOTED.sub("a text", each.found)) for each in findings)


_QUOTED = re.compile(r"""(['"])(?=[^'"]*[^\W\d_]).*\1""")


def read_key_file(path: Path) -> dict[str, Pseudonym]:
    """The pseudonyms of an earlier import; none if there is no such file.

    Raises:
        InputError: if it is no key file, or names a code twice.
    """
    if not path.exists():
        return {}
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
        found = {row["patient_id"]: Pseudonym(row["code"], int(row["moved_days"])) for row in rows}
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, ValueError, TypeError) as problem:
        raise _refused(path, f"columns {', '.join(_KEY_COLUMNS)}", type(problem).__name__) from problem
    codes = [pseudonym.code for pseudonym in found.values()]
    if len(rows) != len(found) or len(set(codes)) != len(codes):
        raise _refused(path, "each patient and each code once", "one of them twice")
    return found


def write_key_file(path: Path, pseudonyms: Mapping[str, Pseudonym]) -> None:
    """Write who is who, readable and writable by the owner alone (mode 0600), whole or not at all."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(_KEY_COLUMNS)
    rows.writerows((patient_id, each.code, each.moved_days) for patient_id, each in sorted(pseudonyms.items()))
    partial = path.with_name(f".{path.name}.partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text.getvalue())
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)


def _refused(path: Path, expected: str, found: str) -> InputError:
    remedy = "Give the key file of an earlier import, or a new name."
    return InputError(expected=expected, found=found, where=path.name, remedy=remedy, code="key-file")
