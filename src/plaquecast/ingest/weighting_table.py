"""The table `weightings.tsv`: what each series was taken for and why, and what the user decides instead."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from plaquecast.domain.anatomy import Weighting
from plaquecast.errors import InputError
from plaquecast.ingest.text_table import read_text_table
from plaquecast.ingest.weighting import Identification

COLUMNS = ("participant_id", "session_id", "series", "weighting", "confidence", "reason")
NONE = "none"
"""What stands for a series that is no weighting of ours."""

SeriesKey = tuple[str, str, str]
"""Patient's code, visit, and series number with its echo."""


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """One series and what it was taken for."""

    key: SeriesKey
    identification: Identification


def weighting_table(rows: Iterable[SeriesRow]) -> str:
    """The table as text; the column `weighting` is the user's to edit.

    >>> row = SeriesRow(("001", "baseline", "3 TE 11"), Identification(Weighting.PDW, 0.97, "spin echo"))
    >>> print(weighting_table([row]).splitlines()[1].replace(chr(9), " | "))
    sub-001 | ses-baseline | 3 TE 11 | PDW | 0.97 | spin echo
    """
    lines = ["\t".join(COLUMNS)]
    for row in rows:
        found = row.identification
        name = found.weighting.value if found.weighting else NONE
        patient, visit, series = row.key
        cells = (f"sub-{patient}", f"ses-{visit}", series, name, f"{found.confidence:.2f}", found.reason)
        lines.append("\t".join(cells))
    return "\n".join(lines) + "\n"


def read_weighting_table(path: Path) -> Mapping[SeriesKey, Weighting | None]:
    """What the user decided for each series; None where it is no weighting of ours.

    Raises:
        InputError: if the table cannot be read, a column is missing, or a weighting has an unknown name.
    """
    table = read_text_table(path)
    missing = [name for name in COLUMNS[:4] if name not in table.header]
    if missing:
        raise _refused(path.name, f"the columns {', '.join(COLUMNS[:4])}", f"no {missing[0]}")
    decided: dict[SeriesKey, Weighting | None] = {}
    for number, row in table.rows:
        name = row["weighting"]
        if name not in (NONE, *Weighting):
            found = repr(name[:20])
            raise _refused(f"row {number} of {path.name}", f"one of {NONE}, {', '.join(Weighting)}", found)
        key = (row["participant_id"].removeprefix("sub-"), row["session_id"].removeprefix("ses-"), row["series"])
        decided[key] = None if name == NONE else Weighting(name)
    return decided


def _refused(where: str, expected: str, found: str) -> InputError:
    remedy = "Edit the column `weighting` of the table that the import wrote, and leave the others as they are."
    return InputError(expected=expected, found=found, where=where, remedy=remedy, code="weighting-table")
