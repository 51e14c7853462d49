"""Align real scans and print how far the result lies from what is known: `python -m benchmarks.real_scans_register`."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.register_real import brain_pairs, flair_agreement, vessel_pairs

from plaquecast.domain.grid import FloatArray
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.visit import RegistrationQuality
from plaquecast.domain.volume import Volume
from plaquecast.register.carotids import bent_sides
from plaquecast.register.rigid import Prepared, prepare
from plaquecast.register.search import find_neck
from plaquecast.settings import RegisterSettings

SHARED_DATA = Path(os.environ.get("PLAQUECAST_SHARED_DATA", Path(__file__).parents[2] / "shared/data"))

SETTINGS = RegisterSettings()


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; errors in mm. `floor` is what the best rigid fit to a given affine transform leaves."""

    data: str
    before: FloatArray
    errors: FloatArray
    floor: FloatArray
    verdict: RegistrationQuality

    def __str__(self) -> str:
        numbers = (
            np.median(self.before), np.median(self.errors), np.percentile(self.errors, 95), self.errors.max(),
            np.median(self.floor), np.percentile(self.floor, 95), self.verdict.score,
        )  # fmt: skip
        return f"| {self.data} | " + " | ".join(f"{number:.2f}" for number in numbers) + " |"


def rows(shared_data: Path) -> Iterator[Row]:
    """Align every real pair; for vessels the floor is 0, since they should coincide."""
    for pair in brain_pairs(shared_data / "two-visit-brain"):
        _, found, verdict = _aligned(pair.reference, pair.other)
        before, floor = (pair.errors_mm(each) for each in (RigidTransform.identity(), pair.best_rigid()))
        yield Row(f"brain, {pair.name}", before, pair.errors_mm(found), floor, verdict)
    for pair in vessel_pairs(shared_data / "neck-spinalcord"):
        images, neck, verdict = _aligned(pair.reference, pair.other)
        before = pair.errors_mm(RigidTransform.identity(), {})
        for name, local in (("one transform", {}), ("per artery", bent_sides(*images, neck, SETTINGS))):
            yield Row(f"neck, {pair.name}, {name}", before, pair.errors_mm(neck, local), np.zeros(1), verdict)


def _aligned(reference: Volume, other: Volume) -> tuple[tuple[Prepared, Prepared], RigidTransform, RegistrationQuality]:
    images = prepare(reference, SETTINGS), prepare(other, SETTINGS)
    return images, *find_neck(images, lambda _: 1.0, SETTINGS)


def main() -> None:
    """Print the tables."""
    print(
        "| data | before, median mm | error, median | 95th | largest | best rigid fit, median | 95th | gate's score |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for row in rows(SHARED_DATA):
        print(row, flush=True)
    folder = SHARED_DATA / "two-visit-brain"
    *_, visits = brain_pairs(folder)
    found = _aligned(visits.reference, visits.other)[1]
    print("\n| FLAIR of visit 2 on visit 1 | correlation in the brain | difference outside | inside changed lesions |")
    print("|---|---|---|---|")
    for name, matrix in (("as scanned", np.eye(4)), ("found", found.matrix_mm), ("given", visits.given)):
        print(f"| {name} | " + " | ".join(f"{number:.3f}" for number in flair_agreement(folder, matrix)) + " |")


if __name__ == "__main__":
    main()
