"""Align real scans and print how far the result lies from what is known: `python -m benchmarks.real_scans_register`."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.register_real import brain_pairs, vessel_pairs

from plaquecast.register.rigid import prepare, register_rigid
from plaquecast.settings import RegisterSettings

SHARED_DATA = Path(os.environ.get("PLAQUECAST_SHARED_DATA", Path(__file__).parents[2] / "shared/data"))


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; errors in mm. `floor` is what the best rigid fit to a given affine transform leaves."""

    data: str
    before_median: float
    median: float
    p95: float
    floor_median: float
    floor_p95: float


def rows(shared_data: Path, settings: RegisterSettings) -> Iterator[Row]:
    """Align every real pair; for vessels the floor is 0, since they should coincide."""
    for pair in brain_pairs(shared_data / "two-visit-brain"):
        found = register_rigid(prepare(pair.reference, settings), prepare(pair.other, settings), settings)
        before, errors, floor = (
            pair.errors_mm(found.identity()),
            pair.errors_mm(found),
            pair.errors_mm(pair.best_rigid()),
        )
        yield _row(f"brain, {pair.name}", before, errors, floor)
    for pair in vessel_pairs(shared_data / "neck-spinalcord"):
        found = register_rigid(prepare(pair.reference, settings), prepare(pair.other, settings), settings)
        errors = pair.errors_mm(found)
        yield _row(f"neck, {pair.name}", pair.errors_mm(found.identity()), errors, np.zeros(1))


def _row(data: str, before: np.ndarray, errors: np.ndarray, floor: np.ndarray) -> Row:
    return Row(
        data, float(np.median(before)), float(np.median(errors)), float(np.percentile(errors, 95)),
        float(np.median(floor)), float(np.percentile(floor, 95)),
    )  # fmt: skip


def main() -> None:
    """Print the table."""
    print(
        "| data | before, median mm | error, median mm | 95th percentile | best rigid fit, median | 95th percentile |"
    )
    print("|---|---|---|---|---|---|")
    for row in rows(SHARED_DATA, RegisterSettings()):
        numbers = (row.before_median, row.median, row.p95, row.floor_median, row.floor_p95)
        print(f"| {row.data} | " + " | ".join(f"{number:.2f}" for number in numbers) + " |")


if __name__ == "__main__":
    main()
