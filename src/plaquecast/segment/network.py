"""The trained segmenter: both carotids of an aligned visit, tissue by tissue, with what it does not know."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from plaquecast.domain.anatomy import N_TISSUES, WALL_WEIGHTINGS, Side, Tissue
from plaquecast.domain.grid import FloatArray, Grid
from plaquecast.domain.missing import Missing, Reason
from plaquecast.domain.visit import AlignedVisit
from plaquecast.domain.volume import ArterySegmentation, Centerline, LabelMap
from plaquecast.errors import ModelError
from plaquecast.geometry.plaque import plaque_mask
from plaquecast.segment.cross_sections import Indices, crop_around, slice_positions
from plaquecast.segment.localize import LEAST_HEAT, locate
from plaquecast.segment.precision import autocast, laid_out
from plaquecast.segment.regions import Region, presence, sample, sample_images, spread, stack_of
from plaquecast.segment.samples import POSITION_SCALE_MM
from plaquecast.segment.topology import clean_slice
from plaquecast.segment.weights import SegmenterModel, read_segmenter

REFERENCE = Path(__file__).parent / "reference"
"""The segmenter that comes with the package, trained on simulated patients only."""
LEAST_SLICES = 4
LEAST_TYPICAL_HEAT = 0.5
"""Known arteries have 0.7 and more in the middle of their slices."""
LARGEST_PIXEL_MM, LARGEST_SLICE_MM = 1.2, 8.0
"""Beyond these a wall of 1 mm is a matter of luck."""
LONGEST_BIFURCATION_SPREAD_MM = 8.0

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class _Sight:
    """What the networks see of one artery, per slice; `heat` and `strange` over all slices."""

    centers: FloatArray
    usable: NDArray[np.bool_]
    heat: float
    shares: Array
    agreement: FloatArray
    positions: FloatArray
    strange: float


class NetworkSegmenter:
    """Localizer and tissue network; a `Segmenter`."""

    def __init__(self, model: SegmenterModel, card: Mapping[str, Any]) -> None:
        self._model = model
        laid_out(model.heat)
        laid_out(model.tissue)
        self.card = card

    @property
    def model_id(self) -> str:
        """Name and version of the model, from its card."""
        return str(self.card["model_id"])

    def segment(self, visit: AlignedVisit) -> Mapping[Side, ArterySegmentation | Missing]:
        """Segment both arteries on crops of the visit's reference grid.

        Images in which what was found looks, over both sides, like nothing that was learned, or of which the localizer
        is unsure in most slices, give no artery (`Missing`).

        Raises:
            ModelError: if no weighting that the model knows shows the wall, or the grid is too coarse.
        """
        visit = self._fitting(visit)
        seen = {side: self._look(visit, *course) for side, course in locate(visit, self._model.heat).items()}
        found = [sight for sight in seen.values() if sight is not None]
        strange = float(np.mean([sight.strange for sight in found])) if found else 0.0
        return {side: self._judged(visit, side, seen[side], strange) for side in Side}

    def _look(self, visit: AlignedVisit, centers: FloatArray, heat: FloatArray) -> _Sight | None:
        usable = heat >= LEAST_HEAT
        if usable.sum() < LEAST_SLICES:
            return None
        centers = _smooth_path(centers, usable)
        return _Sight(centers, usable, float(np.median(heat[usable])), *self._predict(visit, centers))

    def _judged(
        self, visit: AlignedVisit, side: Side, sight: _Sight | None, strange: float
    ) -> ArterySegmentation | Missing:
        if sight is None:
            return Missing(Reason.NOT_COVERED, f"the {side.value} carotid was not found")
        if strange > 1.0 or sight.heat < LEAST_TYPICAL_HEAT:
            return Missing(
                Reason.OUT_OF_COHORT,
                f"what was found as the {side.value} carotid is {strange:.1f} times as far from what was learned as"
                f" most known arteries are, and the localizer is sure of it to {sight.heat:.0%}",
            )
        return self._assembled(visit, side, sight)

    def _fitting(self, visit: AlignedVisit) -> AlignedVisit:
        """The visit with the weightings that the model knows."""
        known = {w: volume for w, volume in visit.volumes.items() if w.value in self.card["weightings_seen"]}
        where = f"{visit.patient_id} {visit.session_id}"
        if not any(weighting.shows_wall for weighting in known):
            wall = [weighting.value for weighting in WALL_WEIGHTINGS if weighting.value in self.card["weightings_seen"]]
            raise ModelError(
                expected=f"at least one of {', '.join(wall)}, which this model knows and which show the wall",
                found=", ".join(visit.volumes), where=where,
                remedy="Add such an image, or train a segmenter on the weightings that there are.",
                code="no-wall-weighting",
            )  # fmt: skip
        slice_mm, *pixel_mm = visit.grid.spacing_mm
        if slice_mm > LARGEST_SLICE_MM or max(pixel_mm) > LARGEST_PIXEL_MM:
            raise ModelError(
                expected=f"pixels up to {LARGEST_PIXEL_MM} mm and slices up to {LARGEST_SLICE_MM} mm apart",
                found=" x ".join(f"{mm:.2f}" for mm in visit.grid.spacing_mm) + " mm", where=where,
                remedy="The wall cannot be measured in these images.", code="too-coarse",
            )  # fmt: skip
        reference = visit.reference if visit.reference in known else next(iter(known))
        return replace(visit, volumes=known, reference=reference)

    def _assembled(self, visit: AlignedVisit, side: Side, sight: _Sight) -> ArterySegmentation | Missing:
        centers, shares = sight.centers, sight.shares
        crop, rows, columns = crop_around(visit.grid, centers, self._half_mm)
        fractions = np.zeros((N_TISSUES, *crop.shape), dtype=np.float32)
        fractions[Tissue.BACKGROUND] = 1.0
        covered, confidence = np.zeros(crop.shape[0], dtype=bool), np.zeros(crop.shape[0])
        for k in range(crop.shape[0]):
            place = self._region(k, centers[k])
            fractions[:, k] = _resample(shares[k], place, visit.grid, rows, columns)
            middle = (centers[k, 0] / crop.spacing_mm[1] - rows[0], centers[k, 1] / crop.spacing_mm[2] - columns[0])
            fractions[:, k] = clean_slice(fractions[:, k], middle)
            covered[k] = bool(sight.usable[k]) and bool((fractions[Tissue.LUMEN, k] > 0.5).sum() >= 6)
            confidence[k] = sight.agreement[k] if covered[k] else 0.0
        if covered.sum() < LEAST_SLICES:
            return Missing(Reason.NOT_COVERED, f"no {side.value} carotid with lumen and wall in {LEAST_SLICES} slices")
        axis = _centerline(crop, fractions, covered, sight.positions)
        labels = LabelMap(crop, fractions.argmax(axis=0).astype(np.uint8))
        return ArterySegmentation(
            side, labels, axis, slice_positions(crop, axis), confidence, covered, self.model_id, fractions,
            plaque_mask(labels.array, crop),
        )  # fmt: skip

    @property
    def _half_mm(self) -> float:
        return 0.5 * int(self.card["region_pixels"]) * float(self.card["pixel_mm"])

    def _region(self, k: int, center: FloatArray) -> Region:
        pixels, pixel_mm = int(self.card["region_pixels"]), float(self.card["pixel_mm"])
        return Region(k, float(center[0]), float(center[1]), pixels, pixel_mm)

    def _predict(self, visit: AlignedVisit, centers: FloatArray) -> tuple[Array, FloatArray, FloatArray, float]:
        """Tissue shares (slices, N_TISSUES, n, n), agreement and position (mm) of each slice, and how strange it looks.

        Shares and positions are means over the region and its mirror image, in which a left artery looks like a right
        one; agreement is that of these two views (`ring_agreement`), strangeness the median over the slices
        (`Familiarity.distances`).
        """
        model = self._model
        stack, present = stack_of(visit.volumes)
        _, row_mm, column_mm = visit.grid.spacing_mm
        regions = [
            spread(sample_images(stack, (row_mm, column_mm), self._region(k, point)), present)
            for k, point in enumerate(centers)
        ]
        images = torch.stack(regions).contiguous(memory_format=torch.channels_last)
        flags = torch.from_numpy(presence(visit.volumes)).expand(len(images), -1)
        views, positions, strange = [], torch.zeros(()), torch.zeros(())
        for mirrored in (False, True):
            with torch.inference_mode(), autocast(images.device):
                found = model.tissue(images.flip(3) if mirrored else images, flags)
            share = (found.logits.float() / model.temperature).softmax(dim=1)
            views.append((share.flip(3) if mirrored else share).numpy())
            positions = positions + 0.5 * POSITION_SCALE_MM * found.position.float()
            strange = strange + 0.5 * model.familiarity.distances(found.features)
        shares = 0.5 * (views[0] + views[1])
        return shares, ring_agreement(*views), positions.numpy().astype(np.float64), float(strange.median())


def load_segmenter(folder: Path) -> NetworkSegmenter:
    """Load a trained segmenter.

    Raises:
        ModelError: if the folder does not hold one that fits this version.
    """
    return NetworkSegmenter(*read_segmenter(folder))


def describe(card: Mapping[str, Any]) -> str:
    """What segmented, in one sentence for the methods text."""
    return (
        f"Both carotids were found and their tissues segmented by {card['model_id']}, a residual U-Net on"
        f" regions across the artery with their neighbor slices, trained on {card['n_train']} patients"
        f" ({card['origin']})."
    )


def ring_agreement(one: Array, other: Array) -> FloatArray:
    """Dice (slices,), 0–1, between the wall rings of two views of the same shares (slices, N_TISSUES, rows, columns).

    Where a network contradicts its own view in the mirror, it is unsure. On simulated patients this finds twice as many
    of the worst slices as the Dice that its shares by themselves let expect.

    >>> lumen_and_wall = np.zeros((1, 8, 1, 4), dtype=np.float32)
    >>> lumen_and_wall[0, 1, 0, :2], lumen_and_wall[0, 2, 0, 2:] = 1.0, 1.0
    >>> ring_agreement(lumen_and_wall, lumen_and_wall), ring_agreement(lumen_and_wall, lumen_and_wall[..., ::-1])
    (array([1.]), array([0.]))
    """
    rings = [shares[:, Tissue.WALL :].sum(axis=1, dtype=np.float64) for shares in (one, other)]
    total = rings[0].sum(axis=(1, 2)) + rings[1].sum(axis=(1, 2))
    return 2.0 * np.minimum(*rings).sum(axis=(1, 2)) / np.maximum(total, 1e-6)


def _smooth_path(centers: FloatArray, usable: NDArray[np.bool_]) -> FloatArray:
    """Centers with those of unsure slices filled in from their neighbors."""
    index = np.arange(len(centers))
    filled = np.stack([np.interp(index, index[usable], centers[usable, axis]) for axis in (0, 1)], axis=1)
    return np.asarray(ndimage.gaussian_filter1d(filled, 0.6, axis=0, mode="nearest"))


def _resample(shares: Array, region: Region, grid: Grid, rows: Indices, columns: Indices) -> Array:
    """Shares of a region on the pixels of a crop, (N_TISSUES, rows, columns); background outside the region.

    Cubic, for a linear value between two pixels is softer than the edge that both show; what overshoots is cut off.
    """
    middle = 0.5 * (region.n_pixels - 1)
    row = ((rows * grid.spacing_mm[1] - region.row_mm) / region.pixel_mm + middle).astype(np.float32)
    column = ((columns * grid.spacing_mm[2] - region.column_mm) / region.pixel_mm + middle).astype(np.float32)
    places = np.meshgrid(row, column, indexing="ij")
    found = sample(torch.from_numpy(shares), places[0], places[1], "zeros", "bicubic")
    kept = found.clamp_min(0.0).numpy()
    kept[Tissue.BACKGROUND] += np.clip(1.0 - kept.sum(axis=0), 0.0, 1.0)
    kept /= kept.sum(axis=0)
    return kept


def _centerline(grid: Grid, fractions: Array, covered: NDArray[np.bool_], positions_mm: FloatArray) -> Centerline:
    """Axis through the lumens' centers of mass; the slices' predicted positions agree on where the bifurcation is."""
    index = np.flatnonzero(covered)
    points = []
    for k in index:
        weight = np.where(fractions[Tissue.LUMEN, k] > 0.5, fractions[Tissue.LUMEN, k], 0.0)
        rows, columns = np.mgrid[: weight.shape[0], : weight.shape[1]]
        total = float(weight.sum())
        points.append((k, float((weight * rows).sum()) / total, float((weight * columns).sum()) / total))
    axis = grid.to_mm(np.array(points))
    axis = np.asarray(ndimage.gaussian_filter1d(axis, 1.0, axis=0, mode="nearest"))
    if axis[0, 2] > axis[-1, 2]:
        axis, index = axis[::-1], index[::-1]
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(axis, axis=0), axis=1))])
    offsets = positions_mm[index] - length
    trusted = np.abs(positions_mm[index]) < 12.0  # far from the bifurcation one slice looks like the next
    chosen = offsets[trusted] if trusted.sum() >= 3 else offsets
    spread = float(np.subtract(*np.percentile(chosen, (75.0, 25.0))))
    confidence = float(np.clip(1.0 - spread / LONGEST_BIFURCATION_SPREAD_MM, 0.0, 1.0))
    return Centerline(axis, length + float(np.median(chosen)), confidence)
