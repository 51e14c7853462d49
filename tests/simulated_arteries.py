"""Segmentations of simulated arteries drawn straight from their geometry, with no image between."""

from functools import lru_cache

import numpy as np

from plaquecast.domain.anatomy import N_TISSUES, Side
from plaquecast.domain.grid import Grid
from plaquecast.domain.volume import ArterySegmentation, Centerline, LabelMap
from plaquecast.settings import SimulateSettings
from plaquecast.simulate.artery import SimulatedArtery
from plaquecast.simulate.person import SimulatedPerson, draw_person
from plaquecast.simulate.tissues import LABEL_OF_MATTER

LAYERS_PER_SLICE = 4
SAMPLES_PER_PIXEL = 2


@lru_cache(maxsize=16)
def person(index: int, world: str = "strong") -> SimulatedPerson:
    """A simulated person with arteries at two visits, without images."""
    return draw_person(f"sim{index}", np.random.default_rng([3, index]), SimulateSettings(world=world))


@lru_cache(maxsize=4)
def segmented(index: int, side: Side, visit: int = 0) -> ArterySegmentation:
    """The true segmentation of one artery of `person(index)`."""
    return segment(person(index).arteries[visit][side])


def segment(artery: SimulatedArtery, half_length_mm: float = 17.0, field_mm: float = 26.0) -> ArterySegmentation:
    """Tissue fractions of an artery on axial slices of 2 mm and pixels of 0.275 mm, around its bifurcation."""
    spacing = (2.0, 0.275, 0.275)
    axis = artery.centerline
    middle = axis.at_position(np.array([0.0]))[0]
    shape = (round(2 * half_length_mm / 2.0), round(field_mm / 0.275), round(field_mm / 0.275))
    low = middle - 0.5 * (np.array(shape[::-1]) - 1) * np.array(spacing[::-1]) + 0.03
    grid = Grid.axis_aligned(shape, spacing, (low[0], low[1], low[2]))
    fractions = np.zeros((N_TISSUES, *shape), dtype=np.float32)
    tissue_of = np.zeros(256, dtype=np.uint8)
    for matter, tissue in LABEL_OF_MATTER.items():
        tissue_of[matter] = tissue
    per_voxel = (LAYERS_PER_SLICE, SAMPLES_PER_PIXEL, SAMPLES_PER_PIXEL)
    offsets = [(np.arange(n) + 0.5) / n - 0.5 for n in per_voxel]
    for k in range(shape[0]):
        axes = [(np.arange(n)[:, None] + offset).ravel() for n, offset in zip(shape[1:], offsets[1:], strict=True)]
        index = np.stack(np.meshgrid(k + offsets[0], *axes, indexing="ij"), axis=-1)
        tissue = tissue_of[artery.classify(grid.to_mm(index).reshape(-1, 3))]
        blocks = tissue.reshape(LAYERS_PER_SLICE, shape[1], SAMPLES_PER_PIXEL, shape[2], SAMPLES_PER_PIXEL)
        for value in np.unique(tissue):
            fractions[value, k] = (blocks == value).mean(axis=(0, 2, 4))
    heights = grid.to_mm(np.stack([np.arange(shape[0]), *[np.zeros(shape[0])] * 2], axis=1))[:, 2]
    return ArterySegmentation(
        side=artery.side,
        labels=LabelMap(grid, fractions.argmax(axis=0).astype(np.uint8)),
        centerline=Centerline(axis.points_mm, axis.position_mm, 1.0),
        slice_position_mm=np.interp(heights, axis.points_mm[:, 2], axis.position_mm),
        slice_confidence=np.ones(shape[0]),
        covered=np.ones(shape[0], dtype=bool),
        model_id="truth",
        probabilities=fractions,
    )
