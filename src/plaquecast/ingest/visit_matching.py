"""Which row of the clinical table belongs to which scan: by date, by the visit's name, or by intervals that agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from plaquecast.domain.dataset import Finding, Severity
from plaquecast.domain.missing import Missing
from plaquecast.ingest.clinical_table import ClinicalRow

TOLERANCE_DAYS = 1
"""A visit may be written down the day after; beyond that, a date is wrong in the table or in the images."""


@dataclass(frozen=True, slots=True)
class MatchedVisits:
    """For each scan the row that belongs to it, or None; findings that refuse the patient have severity refused."""

    rows: tuple[ClinicalRow | None, ...]
    findings: tuple[Finding, ...]


def match_rows(days: Sequence[date | Missing], rows: Sequence[ClinicalRow], where: str) -> MatchedVisits:
    """Match one patient's rows to the days of the scans, which stand in their order.

    A row with a date belongs to the scan of that day, or of the day beside it. If no dates agree, but the intervals
    between them do, the dates of one source were moved, and the order decides. A row without a date belongs to the scan
    of its visit's name (baseline is the first), or to the only scan there is.

    Args:
        days: day of each scan, in order; `Missing` where the images carry none.
        rows: the patient's rows.
        where: what to call the patient in findings.
    """
    findings: list[Finding] = []
    chosen: list[ClinicalRow | None] = [None] * len(days)
    moved = _were_moved(days, rows)
    for row in _in_order(rows):
        index = _index_by_order(row, rows, days) if moved else _index(row, days, rows)
        if index is None:
            findings.append(_unmatched(row, where))
        elif chosen[index] is not None:
            findings.append(_twice(row, where))
        else:
            chosen[index] = row
            findings += _contradictions(row, index, days, moved, where)
    if moved:
        findings.append(_moved(where))
    return MatchedVisits(tuple(chosen), tuple(findings))


def _in_order(rows: Sequence[ClinicalRow]) -> list[ClinicalRow]:
    return sorted(
        rows, key=lambda row: (str(row.acquired) if not isinstance(row.acquired, Missing) else "", row.number)
    )


def _index(row: ClinicalRow, days: Sequence[date | Missing], rows: Sequence[ClinicalRow]) -> int | None:
    if not isinstance(row.acquired, Missing):
        near = [
            i
            for i, day in enumerate(days)
            if not isinstance(day, Missing) and _apart(day, row.acquired) <= TOLERANCE_DAYS
        ]
        if near:
            return min(near, key=lambda i: _apart(days[i], row.acquired))
        if any(not isinstance(day, Missing) for day in days):
            return None
    return _index_by_order(row, rows, days)


def _index_by_order(row: ClinicalRow, rows: Sequence[ClinicalRow], days: Sequence[date | Missing]) -> int | None:
    if len(days) == len(rows) == 1:
        return 0
    named = _place_of_name(row.session_id)
    if named is None and len(rows) == len(days) and all(not isinstance(each.acquired, Missing) for each in rows):
        named = _in_order(rows).index(row)
    return named if named is not None and named < len(days) else None


def _place_of_name(session_id: str) -> int | None:
    """Place of a visit by its name: baseline 0, followup 1, followup2 2.

    >>> _place_of_name("baseline"), _place_of_name("followup2"), _place_of_name("May")
    (0, 2, None)
    """
    name = session_id.casefold()
    if name == "baseline":
        return 0
    rest = name.removeprefix("followup")
    if rest == name:
        return None
    return 1 if not rest else int(rest) if rest.isdecimal() else None


def _were_moved(days: Sequence[date | Missing], rows: Sequence[ClinicalRow]) -> bool:
    """Whether all dates differ between the sources while every interval agrees."""
    dated = [row.acquired for row in _in_order(rows)]
    if len(dated) != len(days) or len(days) < 2 or any(isinstance(day, Missing) for day in (*dated, *days)):
        return False
    if any(_apart(one, other) <= TOLERANCE_DAYS for one, other in zip(days, dated, strict=True)):
        return False
    steps = [_apart(one, other) for one, other in pairwise(days)]
    return all(
        abs(step - _apart(one, other)) <= TOLERANCE_DAYS
        for step, (one, other) in zip(steps, pairwise(dated), strict=True)
    )


def _apart(one: date | Missing, other: date | Missing) -> int:
    return abs(one.toordinal() - other.toordinal()) if isinstance(one, date) and isinstance(other, date) else 0


def _contradictions(
    row: ClinicalRow, index: int, days: Sequence[date | Missing], moved: bool, where: str
) -> list[Finding]:
    named = _place_of_name(row.session_id)
    if named is not None and named != index and not all(isinstance(day, Missing) for day in days):
        found = f"the {_ordinal(index)} scan on the date of {row.session_id}"
        remedy = "Mend the dates or the names of the visits in the table; they may be swapped."
        return [_refused("visit-swapped", "visits in the order of their dates", found, where, row, remedy)]
    if not moved and _apart(days[index], row.acquired) > TOLERANCE_DAYS:
        found = f"{_apart(days[index], row.acquired)} days between them"
        remedy = "Mend the date; a wrong one makes every change per year wrong."
        return [_refused("date-mismatch", "the same date in table and images", found, where, row, remedy)]
    return []


def _ordinal(index: int) -> str:
    return ("first", "second", "third")[index] if index < 3 else f"{index + 1}th"


def _unmatched(row: ClinicalRow, where: str) -> Finding:
    remedy = "Mend the date or the visit's name in the table, or add the scan; a wrong date makes every change wrong."
    return _refused("visit-without-scan", "a scan for each row of the table", "none for this one", where, row, remedy)


def _twice(row: ClinicalRow, where: str) -> Finding:
    remedy = "Keep one row for each visit, or mend the dates."
    return _refused("same-day-visits", "one row for each scan", "two for one", where, row, remedy)


def _moved(where: str) -> Finding:
    remedy = (
        "Nothing needs to be done if the images or the table were de-identified before; the images' dates are used."
    )
    found = "all of them moved by the same number of days"
    return Finding(Severity.FLAGGED, "dates-moved", "the same dates in table and images", found, where, remedy)


def _refused(code: str, expected: str, found: str, where: str, row: ClinicalRow, remedy: str) -> Finding:
    return Finding(Severity.REFUSED, code, expected, found, f"row {row.number}, {where}", remedy)
