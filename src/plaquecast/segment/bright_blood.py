"""Segmenter for visits with bright blood only: lumens and axes of both carotids, found by anatomy, not by training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from plaquecast.domain.anatomy import N_TISSUES, Side, Tissue, Weighting
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.missing import Missing, Reason
from plaquecast.domain.visit import AlignedVisit
from plaquecast.domain.volume import ArterySegmentation, Centerline, LabelMap, Volume
from plaquecast.errors import ModelError
from plaquecast.segment.bright_branch import Directions, follow_branch
from plaquecast.segment.bright_lumen import Array, center_of, lumen_share
from plaquecast.segment.bright_pair import Midplane, evidence, find_midplane, follow_pair
from plaquecast.segment.bright_tubes import Spots, bright_spots, brightness
from plaquecast.segment.cross_sections import crop_around, slice_positions

LEAST_EVIDENCE = 0.0
"""Evidence (`bright_pair.evidence`) of a spot below which a slice does not show the artery."""
LEAST_LENGTH_MM = 12.0
LEAST_SLICES = 3
MARGIN_MM = 12.0


@dataclass(frozen=True, slots=True, eq=False)
class _Vessel:
    """A vessel slice by slice, from the chest to the head: slice → share of lumen, and center (row mm, column mm)."""

    shares: Mapping[int, Array]
    centers_mm: Mapping[int, FloatArray]


class BrightBloodSegmenter:
    """Finds both carotids by what they look like in a neck: a pair of bright round tubes; a `Segmenter`.

    Labels are lumen only: bright blood does not show the wall. The internal carotid is labeled above the bifurcation;
    the external one has its axis in `ArterySegmentation.external`.
    """

    @property
    def model_id(self) -> str:
        """Name and version of the method."""
        return "bright-blood-tubes-1"

    def segment(self, visit: AlignedVisit) -> Mapping[Side, ArterySegmentation | Missing]:
        """Segment both lumens on crops of the visit's reference grid; a side that is not found is `Missing`.

        Raises:
            ModelError: if the visit has no TOF (or other bright-blood GRE named so), or its slices are not axial.
        """
        volume = _bright_volume(visit)
        layers = brightness(volume)
        spots = [bright_spots(layer) for layer in layers]
        plane = find_midplane(layers)
        front = -1 if volume.grid.affine[1, 1] > 0 else 1
        pairs = follow_pair(spots, plane, front, volume.grid.slice_spacing_mm)
        pairs = dict(sorted(pairs.items(), reverse=bool(volume.grid.affine[2, 0] < 0)))  # from the chest to the head
        return {side: self._artery(side, volume, spots, plane, pairs) for side in Side}

    def _artery(
        self,
        side: Side,
        volume: Volume,
        spots: Sequence[Spots],
        plane: Midplane,
        pairs: Mapping[int, tuple[int, int]],
    ) -> ArterySegmentation | Missing:
        toward_large = side.sign_x * np.sign(volume.grid.affine[0, 2]) > 0
        followed = {k: pair[1 if toward_large else 0] for k, pair in pairs.items()}
        artery = _longest_run(
            {k: i for k, i in followed.items() if evidence(spots[k].strengths[i]) > LEAST_EVIDENCE}, volume
        )
        if artery is None:
            return Missing(Reason.NOT_COVERED, f"no bright round tube where the {side.value} carotid should be")
        directions = Directions(1 if toward_large else -1, -1 if volume.grid.affine[1, 1] > 0 else 1)
        branch, in_front = follow_branch(spots, artery, plane, directions, volume.grid.slice_spacing_mm)
        if branch and not in_front:  # what was followed is the external carotid, and the branch the internal
            internal = {k: branch.get(k, i) for k, i in artery.items()}
            branch = {k: artery[k] for k in branch}
            artery = internal
        main = _vessel(volume, spots, artery, branch)
        if len(main.shares) < LEAST_SLICES:
            return Missing(Reason.NOT_COVERED, f"the {side.value} carotid does not stand out from its surroundings")
        return self._assembled(side, volume, spots, artery, main, _vessel(volume, spots, branch, artery))

    def _assembled(
        self,
        side: Side,
        volume: Volume,
        spots: Sequence[Spots],
        artery: Mapping[int, int],
        main: _Vessel,
        other: _Vessel,
    ) -> ArterySegmentation:
        n_slices = volume.grid.shape[0]
        crop, rows, columns = crop_around(volume.grid, np.array(list(main.centers_mm.values())), MARGIN_MM)
        fractions = np.zeros((N_TISSUES, *crop.shape), dtype=np.float32)
        covered, confidence = np.zeros(n_slices, dtype=bool), np.zeros(n_slices)
        for k, share in main.shares.items():
            fractions[Tissue.LUMEN, k] = share[np.ix_(rows, columns)]
            covered[k] = True
            confidence[k] = float(np.clip(0.4 + 0.5 * evidence(spots[k].strengths[artery[k]]), 0.0, 1.0))
        fractions[Tissue.BACKGROUND] = 1.0 - fractions[Tissue.LUMEN]
        axis = _points(volume, main)
        length = _length(axis)
        parted = next((k for k in other.centers_mm), None)
        sure = 0.0 if parted is None else float(np.mean([confidence[k] for k in other.centers_mm if covered[k]] or [0]))
        zero = 0.5 * length[-1] if parted is None else float(np.interp(_height(volume, parted), axis[:, 2], length))
        centerline = Centerline(axis, length - zero, sure)
        branch = _points(volume, other)
        external = Centerline(branch, _length(branch), sure) if len(branch) >= 2 else None
        return ArterySegmentation(
            side, LabelMap(crop, fractions.argmax(axis=0).astype(np.uint8)), centerline,
            slice_positions(crop, centerline), confidence, covered, self.model_id, fractions, None, external,
        )  # fmt: skip


def describe() -> str:
    """What segmented, in one sentence for the methods text."""
    return (
        "Both carotids were found in bright-blood images as a symmetric pair of bright round tubes medial to the"
        " jugular veins, and their lumens outlined at half of the contrast to their surroundings; wall, plaque and"
        " components are not shown by these images."
    )


def _bright_volume(visit: AlignedVisit) -> Volume:
    where = f"{visit.patient_id} {visit.session_id}"
    if Weighting.TOF not in visit.volumes:
        raise ModelError(
            expected="a bright-blood image (TOF)", found=", ".join(visit.volumes), where=where,
            remedy="Name the bright-blood image with --weighting FILE=TOF.", code="no-bright-blood",
        )  # fmt: skip
    volume = visit.volumes[Weighting.TOF]
    axes = np.abs(volume.grid.affine[:3, :3] / np.linalg.norm(volume.grid.affine[:3, :3], axis=0))
    if min(axes[2, 0], axes[1, 1], axes[0, 2]) < np.cos(np.deg2rad(40.0)):
        raise ModelError(
            expected="axial slices, tilted by less than 40°", found="slices across another axis", where=where,
            remedy="Reformat the image to axial slices.", code="not-axial",
        )  # fmt: skip
    return volume


def _longest_run(artery: dict[int, int], volume: Volume) -> dict[int, int] | None:
    """The longest run of slices without a gap of more than 6 mm, if it is long enough."""
    slice_mm = volume.grid.slice_spacing_mm
    runs: list[list[int]] = [[]]
    for k in artery:
        if runs[-1] and abs(k - runs[-1][-1]) * slice_mm > max(6.0, 1.5 * slice_mm):
            runs.append([])
        runs[-1].append(k)
    best = max(runs, key=len)
    if len(best) < LEAST_SLICES or len(best) * slice_mm < LEAST_LENGTH_MM:
        return None
    return {k: artery[k] for k in best}


def _vessel(volume: Volume, spots: Sequence[Spots], vessel: Mapping[int, int], other: Mapping[int, int]) -> _Vessel:
    """Lumen and center of a vessel in each of its slices in which it stands out."""
    spacing_mm = volume.grid.spacing_mm[1:]
    shares, centers = {}, {}
    for k, index in vessel.items():
        beside = [other[k]] if k in other and other[k] != index else []
        share = lumen_share(
            volume.array[k], spacing_mm, spots[k].centers_mm[index], float(spots[k].radii_mm[index]),
            spots[k].centers_mm[beside],
        )  # fmt: skip
        if share.any():
            shares[k], centers[k] = share, center_of(share, spacing_mm)
    return _Vessel(shares, centers)


def _points(volume: Volume, vessel: _Vessel) -> FloatArray:
    """Centers in LPS mm (n, 3), from the chest to the head."""
    _, row_mm, column_mm = volume.grid.spacing_mm
    index = [(k, row / row_mm, column / column_mm) for k, (row, column) in vessel.centers_mm.items()]
    return volume.grid.to_mm(np.array(index).reshape(-1, 3))


def _height(volume: Volume, k: int) -> float:
    return float(volume.grid.to_mm((k, 0.5 * volume.grid.shape[1], 0.5 * volume.grid.shape[2]))[2])


def _length(points_mm: FloatArray) -> FloatArray:
    return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points_mm, axis=0), axis=1))])
