"""What the tissue network learns from: regions around annotated slices, varied at random every time they are drawn."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from plaquecast.domain.anatomy import N_TISSUES, NOT_ANNOTATED, Tissue
from plaquecast.domain.volume import ArterySegmentation
from plaquecast.errors import InputError
from plaquecast.segment.regions import (
    CHANNELS,
    Region,
    TrainingCase,
    annotated_slices,
    corner_of,
    presence,
    sample,
    sample_images,
    spread,
    stack_of,
)
from plaquecast.settings import SegmentSettings

POSITION_SCALE_MM = 10.0
"""Unit in which the network predicts the position along the artery."""
SHIFT_MM = 2.0
LARGEST_SCALE = 1.35
"""Margin of the cached crop, as a share of the region: turned and enlarged regions still lie in it."""


@dataclass(frozen=True, slots=True, eq=False)
class _Artery:
    """One artery's crop, kept in memory: images float16 (slices, weightings, rows, columns), fractions as 0–255."""

    images: Tensor
    fractions: Tensor
    judged: Tensor
    present: list[int]
    flags: Tensor
    spacing_mm: tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Place:
    """One annotated slice: which artery, its slice, the center of its lumen within the crop, and its position."""

    artery: int
    slice_index: int
    row_mm: float
    column_mm: float
    position_mm: float


class TissueSamples:
    """Regions around annotated slices: drawn with random shift, turn, size, mirror, gain and missing weightings.

    Raises:
        InputError: if no slice is annotated.
    """

    def __init__(self, cases: Sequence[TrainingCase], settings: SegmentSettings) -> None:
        self.settings = settings
        self._arteries: list[_Artery] = []
        self._places: list[_Place] = []
        for case in cases:
            for annotation in case.annotations.values():
                self._add(case, annotation)
        if not self._places:
            raise InputError(
                expected="at least one annotated slice with a lumen", found="none", where="the annotations",
                remedy="Check that the label maps lie on the visits' reference grid.", code="no-annotations",
            )  # fmt: skip

    def _add(self, case: TrainingCase, annotation: ArterySegmentation) -> None:
        grid = case.visit.grid
        slices = annotated_slices(annotation, grid)
        if not slices:
            return
        _, row_mm, column_mm = grid.spacing_mm
        half_mm = 0.5 * self.settings.region_pixels * self.settings.pixel_mm * LARGEST_SCALE + 2.0 * SHIFT_MM
        centers = np.array([place[:2] for place in slices.values()])
        low = np.maximum(np.floor((centers.min(axis=0) - half_mm) / (row_mm, column_mm)), 0).astype(int)
        high = np.minimum(np.ceil((centers.max(axis=0) + half_mm) / (row_mm, column_mm)) + 1, grid.shape[1:]).astype(
            int
        )
        window = (slice(low[0], high[0]), slice(low[1], high[1]))
        stack, present = stack_of(case.visit.volumes)
        images = stack[:, :, window[0], window[1]]
        brightest = images.amax(dim=(0, 2, 3), keepdim=True).clamp_min(1e-6)
        fractions, judged = _fractions_on(grid.shape, annotation, corner_of(annotation, grid), window)
        self._arteries.append(
            _Artery(
                (images / brightest).half(), fractions, judged, present,
                torch.from_numpy(presence(case.visit.volumes)), (row_mm, column_mm),
            )
        )  # fmt: skip
        for k, (row, column, position) in slices.items():
            place = (row - low[0] * row_mm, column - low[1] * column_mm)
            self._places.append(_Place(len(self._arteries) - 1, k, *place, position))

    def __len__(self) -> int:
        """How many slices are annotated."""
        return len(self._places)

    def draw(
        self, which: int, rng: np.random.Generator, varied: bool = True, thinned: bool = False
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """One sample; not `varied`, it is as a visit is seen when it is segmented, but for a small shift.

        `thinned`, it has any number of the visit's weightings, each number as likely as the next.

        Images (channels · neighbors, n, n), flags (channels,), tissue fractions (N_TISSUES, n, n), the share of each
        pixel that the annotator judged (n, n), and the position in units of `POSITION_SCALE_MM`.
        """
        place, size = self._places[which], self.settings
        artery = self._arteries[place.artery]
        shift_mm = rng.normal(0, SHIFT_MM if varied else 0.5 * SHIFT_MM, 2)
        region = Region(
            place.slice_index, place.row_mm + float(shift_mm[0]), place.column_mm + float(shift_mm[1]),
            size.region_pixels, size.pixel_mm,
        )  # fmt: skip
        if varied:
            region = replace(
                region,
                angle=float(rng.normal(0, 0.2)),
                scale=float(np.exp(rng.normal(0, 0.1))),
                flip=bool(rng.random() < 0.5),
            )
        images = sample_images(artery.images, artery.spacing_mm, region)
        present = _disturb(images, artery.present, rng) if varied else artery.present
        present = _thinned(present, rng) if thinned else present
        flags = torch.zeros(len(CHANNELS))
        flags[present] = 1.0
        images = spread(images, artery.present) * flags.repeat_interleave(images.shape[1])[:, None, None]
        planes = torch.cat([artery.fractions[place.slice_index], artery.judged[place.slice_index][None]])
        found = sample(planes, *region.coordinates(artery.spacing_mm), padding="zeros") / 255.0
        fractions, judged = found[:-1], found[-1]
        fractions[Tissue.BACKGROUND] = (1.0 - fractions[1:].sum(dim=0)).clamp(0.0, 1.0)
        return images, flags, fractions, judged, torch.tensor(place.position_mm / POSITION_SCALE_MM)


def _fractions_on(
    shape: tuple[int, int, int],
    annotation: ArterySegmentation,
    corner: tuple[int, int, int],
    window: tuple[slice, slice],
) -> tuple[Tensor, Tensor]:
    """Tissue fractions and what was judged, uint8 0–255, on a window of a visit's slices."""
    own = annotation.labels.array
    fractions = np.zeros((shape[0], N_TISSUES, *shape[1:]), dtype=np.uint8)
    judged = np.full(shape, 255, dtype=np.uint8)
    first, row, column = corner
    box = (slice(first, first + own.shape[0]), slice(row, row + own.shape[1]), slice(column, column + own.shape[2]))
    for tissue in Tissue:
        if annotation.probabilities is not None:
            share = np.rint(255.0 * annotation.probabilities[tissue])
        else:
            share = 255.0 * (own == tissue)
        fractions[box[0], tissue, box[1], box[2]] = share
    judged[box] = np.where(own == NOT_ANNOTATED, 0, 255)
    return torch.from_numpy(fractions[:, :, *window].copy()), torch.from_numpy(judged[:, *window].copy())


def _disturb(images: Tensor, present: list[int], rng: np.random.Generator) -> list[int]:
    """Vary contrast and noise of each weighting in place; give the weightings left in (one shows the wall, if any)."""
    keep = [channel for channel in present if rng.random() > 0.2] if rng.random() < 0.6 else present
    if not any(CHANNELS[channel].shows_wall for channel in keep):
        keep = present
    for part in images:
        part *= float(np.exp(rng.normal(0, 0.15)))
        part += float(rng.normal(0, 0.1))
        noise = rng.standard_normal(part.shape, dtype=np.float32)
        part += float(rng.uniform(0, 0.12)) * torch.from_numpy(noise)
    return keep


def _thinned(present: list[int], rng: np.random.Generator) -> list[int]:
    """Some of the channels, one that shows the wall among them, if any does."""
    shuffled = [present[i] for i in rng.permutation(len(present))]
    shuffled.sort(key=lambda channel: not CHANNELS[channel].shows_wall)  # stable, so still in any order
    others = [shuffled[1 + i] for i in rng.permutation(len(shuffled) - 1)]
    return sorted([shuffled[0], *others[: int(rng.integers(0, len(present)))]])
