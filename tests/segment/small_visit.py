"""Two straight arteries in a made-up neck, small enough to train a network on in seconds."""

import numpy as np

from plaquecast.domain.anatomy import N_TISSUES, Side, Tissue, Weighting
from plaquecast.domain.clinical import ClinicalRecord
from plaquecast.domain.grid import Grid
from plaquecast.domain.missing import Missing, Reason
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.visit import AlignedVisit
from plaquecast.domain.volume import ArterySegmentation, Centerline, LabelMap, Volume
from plaquecast.segment.regions import TrainingCase

GRID = Grid.axis_aligned((6, 128, 160), (2.0, 0.5, 0.5), (-40.0, -32.0, 0.0))
LUMEN_MM, OUTER_MM = 3.0, 4.5
CENTER_MM = {Side.LEFT: (24.0, -4.0), Side.RIGHT: (-24.0, -2.0)}
"""LPS x and y of each artery."""


def fractions(side: Side, grid: Grid = GRID) -> np.ndarray:
    """Tissue fractions of a straight tube, from the distance to its edges."""
    rows, columns = np.mgrid[: grid.shape[1], : grid.shape[2]]
    points = grid.to_mm(np.stack([np.zeros_like(rows), rows, columns], axis=-1))
    x, y = CENTER_MM[side]
    radius = np.hypot(points[..., 0] - x, points[..., 1] - y)
    inside = [np.clip(0.5 + (edge - radius) / 0.5, 0.0, 1.0) for edge in (LUMEN_MM, OUTER_MM)]
    shares = np.zeros((N_TISSUES, *grid.shape), dtype=np.float32)
    shares[Tissue.LUMEN], shares[Tissue.WALL] = inside[0], inside[1] - inside[0]
    shares[Tissue.BACKGROUND] = 1.0 - inside[1]
    return shares


def truth(side: Side) -> ArterySegmentation:
    """What is true of one of the arteries, on the whole grid; position 0 lies in slice 2."""
    shares = fractions(side)
    heights = GRID.to_mm(np.stack([np.arange(6), np.zeros(6), np.zeros(6)], axis=1))[:, 2]
    x, y = CENTER_MM[side]
    axis = Centerline(np.stack([np.full(6, x), np.full(6, y), heights], axis=1), heights - 4.0, 1.0)
    labels = LabelMap(GRID, shares.argmax(axis=0).astype(np.uint8))
    return ArterySegmentation(
        side, labels, axis, heights - 4.0, np.ones(6), np.ones(6, dtype=bool), "truth", shares, None
    )  # fmt: skip


def visit(
    patient_id: str, seed: int, weightings: tuple[Weighting, ...] = (Weighting.T1W, Weighting.T2W)
) -> AlignedVisit:
    """Black-blood images of the two tubes with noise: dark lumen, bright wall, gray neck."""
    rng = np.random.default_rng(seed)
    both = {side: fractions(side) for side in Side}
    lumen = sum(shares[Tissue.LUMEN] for shares in both.values())
    wall = sum(shares[Tissue.WALL] for shares in both.values())
    volumes = {}
    for weighting in weightings:
        image = 100.0 - 90.0 * lumen + 60.0 * wall + rng.normal(0.0, 3.0, GRID.shape)
        volumes[weighting] = Volume(GRID, image.astype(np.float32), weighting)
    reference = weightings[0]
    moves = {weighting: RigidTransform.identity() for weighting in weightings}
    return AlignedVisit(
        patient_id, "baseline", Missing(Reason.ABSENT), reference, volumes, moves, {}, ClinicalRecord()
    )  # fmt: skip


def case(patient_id: str, seed: int) -> TrainingCase:
    """A visit with both truths."""
    return TrainingCase(visit(patient_id, seed), {side: truth(side) for side in Side})
