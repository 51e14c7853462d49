"""Make the segmenter that ships with the package, from simulated patients of the default and the contrast world.

`python -m benchmarks.train_reference OUT` (two cores for an hour), and once more from there on patients not seen yet:
`python -m benchmarks.train_reference MORE --start OUT --first 1000 --default 110 --contrast 24 --epochs 6`
"""

import argparse
import copyreg
import itertools
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

import joblib
import numpy as np
import torch

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.visit import AlignedVisit
from plaquecast.domain.volume import Volume
from plaquecast.geometry.resample import resample
from plaquecast.segment.regions import TrainingCase
from plaquecast.segment.training import train_segmenter
from plaquecast.settings import SegmentSettings, SimulateSettings
from plaquecast.simulate.cohort import simulate_patient
from plaquecast.simulate.people import SimulatedVisit
from plaquecast.store.model_files import write_model_manifest

SEED = 1


def frozen(mapping: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    """A mapping as it was before it crossed processes, which pickle cannot do by itself."""
    return MappingProxyType(mapping)


copyreg.pickle(MappingProxyType, lambda mapping: (frozen, (dict(mapping),)))


def laid_out(simulated: SimulatedVisit, rng: np.random.Generator) -> AlignedVisit:
    """The weightings on the reference grid by their true moves, with an error of the size that registration leaves.

    0.12 mm and 0.15° per axis (SD): registering every visit would take three times as long as simulating it.
    """
    visit, fixed = simulated.visit, simulated.visit.volumes[simulated.reference]
    volumes = {simulated.reference: fixed}
    for weighting, volume in visit.volumes.items():
        if weighting is not simulated.reference:
            error = RigidTransform.from_euler(rng.normal(0, 0.15, 3), rng.normal(0, 0.12, 3), center_mm=(0, 15.0, 0))
            move = simulated.transforms[weighting] @ error
            volumes[weighting] = Volume(fixed.grid, resample(volume.array, volume.grid, fixed.grid, move), weighting)
    return AlignedVisit(
        visit.patient_id, visit.session_id, visit.acquired, simulated.reference, volumes, {}, {}, visit.clinical
    )


def case(world: str, index: int) -> TrainingCase:
    """One visit of a patient, baseline and follow-up in turn: another patient teaches more than another visit.

    Named by the world, so that codes do not repeat.
    """
    patient = simulate_patient(index, SEED, SimulateSettings(world=world), tuple(Weighting))
    number = index % 2
    visit = patient.visits[number]
    aligned = laid_out(visit, np.random.default_rng([SEED, index, number]))
    return TrainingCase(
        replace(aligned, patient_id=f"{world}{SEED}{aligned.patient_id}"), visit.truth, helper=world == "contrast"
    )


def stored(folder: Path, world: str, index: int) -> Path:
    """A case in a file of its own, made if it is not there; read as a memory map it takes no memory of ours."""
    path = folder / f"{world}-{index}.joblib"
    if not path.exists():
        partial = path.with_suffix(".partial")
        joblib.dump(case(world, index), partial)
        partial.replace(path)
    return path


def main() -> None:
    """Simulate, train, save with a manifest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--first", type=int, default=0, help="number of the first patient")
    parser.add_argument("--default", type=int, default=100, help="patients of the default world")
    parser.add_argument("--contrast", type=int, default=20, help="patients of random contrast")
    parser.add_argument("--start", type=Path, help="a model to go on from")
    parser.add_argument("--cases", type=Path, help="folder in which simulated patients are kept (120 MB each)")
    parser.add_argument("--channels", type=int, default=24)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--minutes", type=float, default=45.0)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    counts = {"default": given.default, "contrast": given.contrast}
    wanted = [(world, given.first + i) for world, count in counts.items() for i in range(count)]
    with TemporaryDirectory() as temporary:
        folder = given.cases or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        with ProcessPoolExecutor(given.threads) as pool:
            paths = list(pool.map(stored, itertools.repeat(folder), *zip(*wanted, strict=True)))
        learned = [joblib.load(path, mmap_mode="r") for path in paths]
        torch.set_num_threads(given.threads)
        settings = SegmentSettings(max_minutes=given.minutes, max_epochs=given.epochs, base_channels=given.channels)
        origin = "simulated patients only, worlds default and contrast"
        train_segmenter(learned, settings, given.out, lambda *said: print(*said, flush=True), origin, start=given.start)
    write_model_manifest(given.out)


if __name__ == "__main__":
    main()
