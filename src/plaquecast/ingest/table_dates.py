"""Dates of visits as tables write them: read when they can mean one day only, otherwise missing with the reason."""

import re
from datetime import date, datetime

from plaquecast.domain.missing import Missing, Reason

EARLIEST_YEAR = 1800
"""Shifted dates of de-identified data may lie far back; before this it is a slip."""

_ISO = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?")


def read_date(text: str, date_format: str = "", latest: date | None = None) -> date | Missing:
    """Read an ISO date (a time of day is dropped), or one of the declared `strptime` format.

    Args:
        text: what stands in the table.
        date_format: the declared format, such as `%d/%m/%Y`; empty for ISO.
        latest: the last day that is not in the future; today if None.

    >>> read_date("2023-04-11T09:30:00")
    datetime.date(2023, 4, 11)
    >>> print(read_date("***"))
    absent from input: the date '***' is not a date of the form YYYY-MM-DD
    """
    shown = repr(text[:40])
    try:
        if date_format:
            day = datetime.strptime(text, date_format).date()
        else:
            match = _ISO.fullmatch(text)
            day = date.fromisoformat(match.group(1) if match else "")
    except ValueError:
        form = f"of the form {date_format}" if date_format else "of the form YYYY-MM-DD"
        return Missing(Reason.ABSENT, f"the date {shown} is not a date {form}")
    if day.year < EARLIEST_YEAR or day > (latest or date.today()):
        return Missing(Reason.ABSENT, f"the date {shown} lies in the future or before {EARLIEST_YEAR}")
    return day
