"""How often images that are no neck with carotids, or not as they should be, are refused, and how often good ones are.

`python benchmarks/out_of_domain_segment.py MODEL [--patients 5]`; good images are simulated, bad ones are made of them.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from benchmarks.train_reference import laid_out
from scipy import ndimage

from plaquecast.domain.grid import FloatArray, Grid
from plaquecast.domain.missing import Missing
from plaquecast.domain.visit import AlignedVisit
from plaquecast.domain.volume import Volume
from plaquecast.errors import ModelError
from plaquecast.segment.network import NetworkSegmenter, load_segmenter
from plaquecast.settings import SimulateSettings
from plaquecast.simulate.cohort import FIVE_WEIGHTINGS, simulate_patient

Spoil = Callable[[FloatArray, np.random.Generator], FloatArray]


def noise(image: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Noise, and nothing else."""
    return np.abs(rng.normal(0.0, image.std(), image.shape))


def bottle(image: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A phantom: one bright bottle with two rods."""
    rows, columns = np.mgrid[: image.shape[1], : image.shape[2]]
    middle = np.array(image.shape[1:]) / 2 + rng.normal(0, 5, 2)
    radius = np.hypot(rows - middle[0], columns - middle[1])
    inside = np.where(radius < 0.42 * image.shape[1], 100.0, 0.0)
    for side in (-1, 1):
        inside[np.hypot(rows - middle[0], columns - middle[1] - side * 70.0) < rng.uniform(8, 25)] = 10.0
    return np.abs(inside[None] + rng.normal(0, 4.0, image.shape))


def knee(image: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A leg: fat, muscle, one bone with bright marrow and dark cortex."""
    rows, columns = np.mgrid[: image.shape[1], : image.shape[2]]
    middle = np.array(image.shape[1:]) / 2 + rng.normal(0, 8, 2)
    stretch = rng.uniform(0.9, 1.2)
    radius = np.hypot(rows - middle[0], stretch * (columns - middle[1]))
    leg = np.select([radius < 60, radius < 75, radius < 150, radius < 180], [160.0, 10.0, 60.0, 180.0], 2.0)
    texture = ndimage.gaussian_filter(rng.normal(0, 60.0, image.shape), (0.5, 4, 4))
    return np.abs(leg[None] + texture * (leg[None] > 5) + rng.normal(0, 4.0, image.shape))


def turned(image: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Turned by a quarter in its plane."""
    side = min(image.shape[1:])
    top, left = (image.shape[1] - side) // 2, (image.shape[2] - side) // 2
    spoiled = np.zeros_like(image)
    square = image[:, top : top + side, left : left + side]
    spoiled[:, top : top + side, left : left + side] = np.rot90(square, int(rng.choice([1, 3])), (1, 2))
    return spoiled


def inverted(image: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Bright is dark."""
    return np.percentile(image, 99.0) - np.minimum(image, np.percentile(image, 99.0))


def swamped(image: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Noise as strong as the tissue."""
    level = 1.2 * float(np.percentile(image, 80.0))
    return np.hypot(image + rng.normal(0, level, image.shape), rng.normal(0, level, image.shape))


def smeared(image: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Blurred over some millimetres."""
    return np.asarray(ndimage.gaussian_filter(image, (0, *rng.uniform(9, 14, 2))))


def shuffled(image: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Every block of 3 cm somewhere else."""
    rows, columns = image.shape[1] // 100, image.shape[2] // 100
    blocks = [image[:, 100 * r : 100 * r + 100, 100 * c : 100 * c + 100] for r in range(rows) for c in range(columns)]
    order, spoiled = rng.permutation(len(blocks)), np.zeros_like(image)
    for place, source in enumerate(order):
        r, c = divmod(place, columns)
        spoiled[:, 100 * r : 100 * r + 100, 100 * c : 100 * c + 100] = blocks[source]
    return spoiled


def enlarged(image: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Three times too large for its header."""
    return _zoomed(image, 1.0 / 3.0)


def shrunk(image: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A third of the size its header says."""
    return _zoomed(image, 3.0)


def _zoomed(image: FloatArray, step: float) -> FloatArray:
    middle = np.array([0.0, *(0.5 * (n - 1) * (1.0 - step) for n in image.shape[1:])])
    return np.asarray(ndimage.affine_transform(image, np.array([1.0, step, step]), middle, order=1))


def banded(image: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Stripes over everything, as from a spike in k-space."""
    rows, columns = np.mgrid[: image.shape[1], : image.shape[2]]
    wave = np.cos(rng.uniform(0.3, 0.6) * rows + rng.uniform(0.3, 0.6) * columns)
    return np.abs(image + 2.0 * np.percentile(image, 90.0) * wave[None])


def binary(image: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A mask in the place of an image."""
    return (image > np.percentile(image, 70.0)).astype(np.float64)


KINDS: dict[str, Spoil] = {
    each.__name__: each
    for each in (
        noise, bottle, knee, turned, inverted, swamped, smeared, shuffled, enlarged, shrunk, banded, binary,
    )
}  # fmt: skip


def good_visits(n_patients: int, world: str) -> Iterator[AlignedVisit]:
    """Both visits of simulated patients that no segmenter here has seen."""
    for index in range(n_patients):
        patient = simulate_patient(
            index, 51 if world == "default" else 52, SimulateSettings(world=world), FIVE_WEIGHTINGS
        )
        for number, visit in enumerate(patient.visits):
            yield laid_out(visit, np.random.default_rng([index, number]))


def spoiled(visit: AlignedVisit, kind: Spoil, rng: np.random.Generator) -> AlignedVisit:
    """The visit with every weighting spoiled in the same way."""
    seed = int(rng.integers(2**31))
    volumes = {}
    for weighting, volume in visit.volumes.items():
        image = kind(volume.array.astype(np.float64), np.random.default_rng(seed))
        volumes[weighting] = Volume(Grid(volume.grid.shape, volume.grid.affine), image.astype(np.float32), weighting)
    return replace(visit, volumes=volumes)


def refused(segmenter: NetworkSegmenter, visit: AlignedVisit) -> bool:
    """Whether no artery gets a number."""
    try:
        return all(isinstance(found, Missing) for found in segmenter.segment(visit).values())
    except ModelError:
        return True


def main() -> None:
    """Print how many of each kind are refused."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--patients", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(1)
    segmenter, rng = load_segmenter(given.model), np.random.default_rng(0)
    visits = list(good_visits(given.patients, "default"))
    total = 0
    for name, kind in KINDS.items():
        count = sum(refused(segmenter, spoiled(visit, kind, rng)) for visit in visits)
        total += count
        print(f"{name}: {count} of {len(visits)} refused")
    print(f"all kinds: {total} of {len(KINDS) * len(visits)} refused")
    for world in ("default", "shifted"):
        known = visits if world == "default" else list(good_visits(given.patients, world))
        lost = sum(isinstance(found, Missing) for visit in known for found in segmenter.segment(visit).values())
        print(f"good images, {world} world: {lost} of {2 * len(known)} arteries refused")


if __name__ == "__main__":
    main()
