"""Align real scans and print how far the result lies from what is known: `python -m benchmarks.real_scans_register`."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.register_real import brain_pairs, flair_agreement, vessel_pairs

from plaquecast.register.carotids import bent_sides
from plaquecast.register.rigid import prepare, register_rigid
from plaquecast.settings import RegisterSettings

SHARED_DATA = Path(os.environ.get("PLAQUECAST_SHARED_DATA", Path(__file__).parents[2] / "shared/data"))

SETTINGS = RegisterSettings()


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
        found = register_rigid(prepare(pair.reference, settings), prepare(pair.other, settings))
        before, errors, floor = (
            pair.errors_mm(found.identity()),
            pair.errors_mm(found),
            pair.errors_mm(pair.best_rigid()),
        )
        yield _row(f"brain, {pair.name}", before, errors, floor)
    for pair in vessel_pairs(shared_data / "neck-spinalcord"):
        own, other = prepare(pair.reference, settings), prepare(pair.other, settings)
        neck = register_rigid(own, other)
        before = pair.errors_mm(neck.identity(), {})
        yield _row(f"neck, {pair.name}, one transform", before, pair.errors_mm(neck, {}), np.zeros(1))
        errors = pair.errors_mm(neck, bent_sides(own, other, neck, settings))
        yield _row(f"neck, {pair.name}, per artery", before, errors, np.zeros(1))


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
    for row in rows(SHARED_DATA, SETTINGS):
        numbers = (row.before_median, row.median, row.p95, row.floor_median, row.floor_p95)
        print(f"| {row.data} | " + " | ".join(f"{number:.2f}" for number in numbers) + " |", flush=True)
    folder = SHARED_DATA / "two-visit-brain"
    *_, visits = brain_pairs(folder)
    found = register_rigid(prepare(visits.reference, SETTINGS), prepare(visits.other, SETTINGS))
    print("\n| FLAIR of visit 2 on visit 1 | correlation in the brain | difference outside | inside changed lesions |")
    print("|---|---|---|---|")
    for name, matrix in (("as scanned", np.eye(4)), ("found", found.matrix_mm), ("given", visits.given)):
        print(f"| {name} | " + " | ".join(f"{number:.3f}" for number in flair_agreement(folder, matrix)) + " |")


if __name__ == "__main__":
    main()
