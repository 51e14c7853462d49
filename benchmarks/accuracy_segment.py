"""How well a segmenter does on simulated patients it never saw; the truth is exact, the images are simulated.

`python -m benchmarks.accuracy_segment MODEL [OTHER] --world shifted --seed 52 --patients 15 --register`;
with two models, each and the mean of both.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from benchmarks.train_reference import laid_out

from plaquecast.domain.anatomy import COMPONENTS, Side, Tissue, Weighting
from plaquecast.domain.missing import Missing
from plaquecast.domain.visit import AlignedVisit
from plaquecast.domain.volume import ArterySegmentation, LabelMap
from plaquecast.geometry.plaque import plaque_mask
from plaquecast.pipeline.agreement import agreement
from plaquecast.register.contrasts import align_visit
from plaquecast.segment.calibration import calibration_errors
from plaquecast.segment.evaluation import challenge_score, presence_kappa
from plaquecast.segment.network import NetworkSegmenter, load_segmenter
from plaquecast.segment.overlap import dice_by_tissue
from plaquecast.segment.topology import clean_slice
from plaquecast.settings import RegisterSettings, SimulateSettings
from plaquecast.simulate.cohort import FIVE_WEIGHTINGS, simulate_patient

DETECTION_FLOOR_MM3 = 5.0
"""A component smaller than this does not count as there."""


@dataclass
class Tally:
    """Everything that is scored, artery by artery and slice by slice."""

    dice: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    volumes_mm3: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    challenge: list[float] = field(default_factory=list)
    thickness_mm: list[float] = field(default_factory=list)
    review: list[tuple[float, float]] = field(default_factory=list)
    shares: list[np.ndarray] = field(default_factory=list)
    fractions: list[np.ndarray] = field(default_factory=list)
    false_plaque: list[tuple[float, float]] = field(default_factory=list)
    position_mm: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def add(self, found: ArterySegmentation | Missing, true: ArterySegmentation) -> None:
        """Score one artery; one that was not found scores 0 and has no volumes."""
        if isinstance(found, Missing):
            print(f"  not found: {found}")
            self.challenge += [0.0] * int(true.covered.sum())
        for name, value in dice_by_tissue(true, None if isinstance(found, Missing) else found).items():
            self.dice[name].append(value)
        if isinstance(found, Missing) or true.probabilities is None or found.plaque is None:
            return
        shares, voxel = on_grid_of(true, found), true.grid.voxel_volume_mm3
        for k in np.flatnonzero(true.covered & ((true.labels.array == Tissue.LUMEN).sum(axis=(1, 2)) > 4)):
            score = challenge_score(shares[:, k], true.probabilities[:, k], true.grid.spacing_mm[1:])
            self.challenge.append(score.score)
            self.review.append((float(found.slice_confidence[k]), score.ring_dice))
            if score.found:
                own, wanted = (
                    thickness_mm(each[:, k], true.grid.pixel_area_mm2) for each in (shares, true.probabilities)
                )
                self.thickness_mm.append(own - wanted)
        for tissue in (Tissue.LUMEN, *COMPONENTS):
            pair = [float(each[tissue][true.covered].sum()) * voxel for each in (shares, true.probabilities)]
            self.volumes_mm3[tissue.label].append((pair[0], pair[1]))
        near = (shares[1:].sum(axis=0) + true.probabilities[1:].sum(axis=0))[true.covered] > 0.02
        self.shares.append(shares[:, true.covered][:, near].T[::7])
        self.fractions.append(true.probabilities[:, true.covered][:, near].T[::7])
        wall = float((found.labels.array > Tissue.LUMEN).sum())
        self.false_plaque.append((float(found.plaque.sum()) / wall, float(shares[3:].sum() / shares[2:].sum())))
        both = true.covered & found.covered
        self.position_mm.append(float(np.median((found.slice_position_mm - true.slice_position_mm)[both])))

    def lines(self) -> Iterator[str]:
        """The tables."""
        yield f"{len(self.dice['lumen'])} arteries, {np.mean(self.seconds):.1f} s of one thread per visit"
        for name, values in self.dice.items():
            yield f"Dice {name}: {np.mean(values):.3f} ({len(values)} arteries)"
        yield f"challenge score: {np.mean(self.challenge):.3f} ({len(self.challenge)} slices)"
        bias, sd = np.mean(self.thickness_mm), np.std(self.thickness_mm)
        yield f"mean wall thickness of a slice: bias {bias:+.3f}, SD {sd:.3f} mm"
        for name, pairs in self.volumes_mm3.items():
            found, true = np.array(pairs).T
            agreed = agreement(found, true)
            kappa = presence_kappa(found > DETECTION_FLOOR_MM3, true > DETECTION_FLOOR_MM3)
            spread = f"bias {agreed.bias:+.1f}, SD {agreed.sd:.1f} mm3"
            yield f"{name} volume: ICC {agreed.icc:.3f}, {spread}, kappa {kappa:.2f}"
        shares, fractions = (torch.from_numpy(np.concatenate(part)) for part in (self.shares, self.fractions))
        errors = calibration_errors(shares, fractions)
        yield "calibration error: " + ", ".join(f"{tissue.label} {errors[tissue]:.3f}" for tissue in Tissue)
        confidence, dice = np.array(self.review).T
        worst, first = dice <= np.quantile(dice, 0.1), confidence <= np.quantile(confidence, 0.2)
        yield f"the first 20 % of the review queue holds {(worst & first).sum() / worst.sum():.0%} of the worst tenth"
        plaque, components = np.array(self.false_plaque).mean(axis=0)
        yield f"called plaque {plaque:.1%}, components {components:.1%} of the wall"
        yield f"position: median error {np.median(np.abs(self.position_mm)):.2f} mm"


def thickness_mm(shares: np.ndarray, pixel_mm2: float) -> float:
    """Mean wall thickness from areas: √(A_outer/π) − √(A_lumen/π)."""
    outer, lumen = (1.0 - shares[Tissue.BACKGROUND]).sum(), shares[Tissue.LUMEN].sum()
    return float(np.sqrt(outer * pixel_mm2 / np.pi) - np.sqrt(lumen * pixel_mm2 / np.pi))


def on_grid_of(true: ArterySegmentation, found: ArterySegmentation) -> np.ndarray:
    """Shares of `found` on the crop of `true`; background beyond it. Both are crops of one grid."""
    assert found.probabilities is not None
    start = np.rint(found.grid.to_index(true.grid.to_mm(np.zeros(3)))).astype(int)
    placed = np.zeros((len(Tissue), *true.grid.shape), dtype=np.float32)
    placed[Tissue.BACKGROUND] = 1.0
    low = np.maximum(0, -start)
    high = np.minimum(true.grid.shape, np.array(found.grid.shape) - start)
    into = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    out_of = tuple(slice(a + s, b + s) for a, b, s in zip(low, high, start, strict=True))
    placed[(slice(None), *into)] = found.probabilities[(slice(None), *out_of)]
    return placed


def mean_of(found: Sequence[ArterySegmentation | Missing], true: ArterySegmentation) -> ArterySegmentation | Missing:
    """The mean of what several networks found of one artery, on the grid of the truth."""
    seen = [each for each in found if not isinstance(each, Missing)]
    if not seen:
        return found[0]
    shares = np.stack([on_grid_of(true, each) for each in seen]).sum(axis=0) / np.float32(len(seen))
    for k in np.flatnonzero(true.covered):
        rows, columns = np.nonzero(shares[Tissue.LUMEN, k] >= 0.5 * shares[Tissue.LUMEN, k].max())
        shares[:, k] = clean_slice(shares[:, k], (float(rows.mean()), float(columns.mean())))
    labels = LabelMap(true.grid, shares.argmax(axis=0).astype(np.uint8))
    first = int(np.rint(seen[0].grid.to_index(true.grid.to_mm(np.zeros(3))))[0])
    own = slice(first, first + true.grid.shape[0])
    return replace(
        seen[0], labels=labels, probabilities=shares, plaque=plaque_mask(labels.array, true.grid),
        slice_position_mm=np.mean([each.slice_position_mm[own] for each in seen], axis=0),
        slice_confidence=np.mean([each.slice_confidence[own] for each in seen], axis=0),
        covered=np.all([each.covered[own] for each in seen], axis=0),
        model_id=" and ".join(each.model_id for each in seen),
    )  # fmt: skip


def segmented(
    visit: AlignedVisit, segmenters: Sequence[NetworkSegmenter], truth: Mapping[Side, ArterySegmentation]
) -> Iterator[tuple[str, Mapping[Side, ArterySegmentation | Missing], float]]:
    """What each network found, and the mean of all if they are several: name, arteries, processor seconds."""
    every, costs = [], []
    for segmenter in segmenters:
        began = time.process_time()
        every.append(segmenter.segment(visit))
        costs.append(time.process_time() - began)
        yield segmenter.model_id, every[-1], costs[-1]
    if len(every) > 1:
        yield (
            "mean of both",
            {side: mean_of([found[side] for found in every], truth[side]) for side in Side},
            sum(costs),
        )


def scored(
    segmenters: Sequence[NetworkSegmenter], subsets: Mapping[str, tuple[Weighting, ...]], given: argparse.Namespace
) -> Mapping[tuple[str, str], Tally]:
    """Every network on every subset of the weightings of every simulated visit."""
    tallies: defaultdict[tuple[str, str], Tally] = defaultdict(Tally)
    for index in range(given.patients):
        patient = simulate_patient(index, given.seed, SimulateSettings(world=given.world), tuple(Weighting))
        for number, visit in enumerate(patient.visits):
            if given.register:
                aligned = align_visit(visit.visit, RegisterSettings())
            else:
                aligned = laid_out(visit, np.random.default_rng([given.seed, index, number]))
            for name, used in subsets.items():
                for model, found, cost in segmented(_only(aligned, used), segmenters, visit.truth):
                    tallies[name, model].seconds.append(cost)
                    for side in Side:
                        tallies[name, model].add(found[side], visit.truth[side])
    return tallies


def main() -> None:
    """Simulate, segment, score."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, nargs="+")
    parser.add_argument("--world", default="default")
    parser.add_argument("--seed", type=int, default=51)
    parser.add_argument("--patients", type=int, default=15)
    parser.add_argument("--subsets", action="store_true", help="also with CE_T1W, and without each weighting in turn")
    parser.add_argument("--register", action="store_true", help="lay weightings on each other by registration")
    given = parser.parse_args()
    torch.set_num_threads(1)
    subsets: dict[str, tuple[Weighting, ...]] = {"five weightings": FIVE_WEIGHTINGS}
    if given.subsets:
        subsets["five and CE_T1W"] = (*FIVE_WEIGHTINGS, Weighting.CE_T1W)
        for left_out in FIVE_WEIGHTINGS:
            subsets[f"without {left_out.value}"] = tuple(w for w in FIVE_WEIGHTINGS if w is not left_out)
    tallies = scored([load_segmenter(folder) for folder in given.model], subsets, given)
    for (name, model), tally in tallies.items():
        print(f"\n# World {given.world}, seed {given.seed}, {name}, {model}")
        for line in tally.lines():
            print(line)


def _only(visit: AlignedVisit, used: Sequence[Weighting]) -> AlignedVisit:
    volumes = {w: volume for w, volume in visit.volumes.items() if w in used}
    return replace(visit, volumes=volumes, reference=visit.reference if visit.reference in volumes else used[0])


if __name__ == "__main__":
    main()
