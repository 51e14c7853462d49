"""What a column of a foreign table may measure: the catalogue of measurements, and what other groups measure."""

from collections.abc import Mapping
from dataclasses import dataclass

from plaquecast.domain.measurements import CATALOGUE


@dataclass(frozen=True, slots=True)
class Quantity:
    """What can be measured: its unit, the range outside which a value is taken for a slip, and why that range."""

    unit: str
    low: float
    high: float
    reason: str


QUANTITIES: Mapping[str, Quantity] = {
    entry.name: Quantity(entry.unit.replace("³", "3"), entry.low, entry.high, entry.formula) for entry in CATALOGUE
} | {
    "share": Quantity("1", 0.0, 1.0, "a part of a whole"),
    "largest_area_ratio": Quantity("1", 0.1, 10.0, "a bulb of 14 mm over an internal carotid of 4.4 mm, squared"),
    "diameter_stenosis_percent": Quantity("%", 0.0, 100.0, "a lumen between open and closed"),
}
"""The catalogue of measurements, and what other groups measure."""


@dataclass(frozen=True, slots=True)
class MeasuredColumn:
    """A column of the table that holds a measurement: where it stands, what it is, and further marks of missing."""

    source: str
    quantity: str
    missing: tuple[str, ...] = ()
