"""Measurements that a foreign table brings along: each of a declared quantity, held against its plausible range."""

from collections.abc import Mapping

from plaquecast.domain.dataset import Finding, Severity
from plaquecast.domain.missing import Measured, Missing, Reason
from plaquecast.ingest.clinical_cells import RowPlace, is_missing, plain_number
from plaquecast.ingest.measured_quantities import QUANTITIES, MeasuredColumn, Quantity


def read_measured(
    cells: Mapping[str, str], columns: Mapping[str, MeasuredColumn], place: RowPlace, decimal: str
) -> tuple[dict[str, Measured], list[Finding]]:
    """One row's measurements; a value outside its quantity's range is flagged and becomes `Missing`.

    >>> columns = {"thickest": MeasuredColumn("mwt", "max_wall_thickness_mm")}
    >>> values, findings = read_measured({"mwt": "83.6"}, columns, RowPlace("t.csv", 2), ".")
    >>> str(values["thickest"]), findings[0].expected
    ('failed quality: found 83.6', 'max_wall_thickness_mm from 0.4 to 10 mm')
    """
    values: dict[str, Measured] = {}
    findings = []
    for name, column in columns.items():
        text, quantity = cells.get(column.source, ""), QUANTITIES[column.quantity]
        number = plain_number(text, decimal)
        if is_missing(text, column.missing):
            values[name] = Missing(Reason.ABSENT)
        elif number is not None and quantity.low <= number <= quantity.high:
            values[name] = number
        else:
            values[name] = Missing(Reason.FAILED_QUALITY, f"found {text[:40]}")
            findings.append(_finding(column, quantity, text, place))
    return values, findings


def _finding(column: MeasuredColumn, quantity: Quantity, text: str, place: RowPlace) -> Finding:
    return Finding(
        Severity.FLAGGED,
        "implausible-measurement",
        f"{column.quantity} from {quantity.low:g} to {quantity.high:g} {quantity.unit}",
        repr(text[:40]),
        f"row {place.number}, column {column.source} of {place.table}",
        f"Check the value ({quantity.reason}); it is not used.",
        place.patient_id,
        place.session_id,
    )
