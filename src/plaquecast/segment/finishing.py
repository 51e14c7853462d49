"""What is measured on a trained tissue network before it is saved: that it learned, its calibration, what it knows."""

import numpy as np
import torch
from torch import Tensor, nn

from plaquecast.domain.anatomy import Tissue
from plaquecast.errors import ModelError
from plaquecast.segment.calibration import fit_temperature
from plaquecast.segment.familiarity import Familiarity
from plaquecast.segment.losses import near_vessel
from plaquecast.segment.precision import autocast
from plaquecast.segment.samples import TissueSamples
from plaquecast.segment.unet import HeatNetwork
from plaquecast.segment.weights import SegmenterModel

LEAST_DICE = 0.3
"""A network that has learned anything at all finds the lumen better than this in slices it has learned."""
N_KNOWN, N_OTHER = 384, 192
"""Samples drawn from patients that were learned from, and from others."""
BATCH = 12
_PIXEL_STEP = 5


def finish(
    heat: HeatNetwork, tissue: nn.Module, learned: TissueSamples, held_out: TissueSamples | None
) -> SegmenterModel:
    """Refuse a network that learned nothing, then calibrate it and learn what is familiar to it.

    Without patients that were held out, probabilities stay as they are, and learned slices set the limit.

    Raises:
        ModelError: if the Dice of the lumen over learned slices is below `LEAST_DICE`.
    """
    tissue.eval()
    known, known_dice, _, _ = _look(tissue, learned, N_KNOWN, seed=1)
    if known_dice < LEAST_DICE:
        raise ModelError(
            expected=f"a lumen Dice of at least {LEAST_DICE} on slices that were learned", found=f"{known_dice:.2f}",
            where="train-segmenter", remedy="Train longer, or check that annotations and images belong together.",
            code="collapsed",
        )  # fmt: skip
    # variation makes slices harder and stranger than they are; what is fitted on it would be too cautious. But users
    # bring any subset of the weightings, and a network sees one alone with other features than all of them.
    others, *_ = _look(tissue, held_out or learned, N_OTHER, seed=2, varied=False, thinned=True)
    familiarity = Familiarity.learn(known, others)
    if held_out is None:
        return SegmenterModel(heat, tissue, 1.0, familiarity)
    _, _, logits, fractions = _look(tissue, held_out, N_OTHER, seed=2, varied=False)
    return SegmenterModel(heat, tissue, fit_temperature(logits, fractions), familiarity)


def _look(
    tissue: nn.Module, samples: TissueSamples, n: int, seed: int, varied: bool = True, thinned: bool = False
) -> tuple[Tensor, float, Tensor, Tensor]:
    """Features (n, …), lumen Dice, and logits and fractions (pixels, N_TISSUES) of every fifth pixel near a vessel."""
    rng = np.random.default_rng(seed)
    features, logits, fractions = [], [], []
    overlap = total = 0.0
    for batch in np.array_split(rng.integers(0, len(samples), min(n, 4 * len(samples))), max(1, n // BATCH)):
        if not len(batch):
            continue
        drawn = [samples.draw(int(which), rng, varied, thinned) for which in batch]
        images, flags, true, judged, _ = (torch.stack(part) for part in zip(*drawn, strict=True))
        with torch.inference_mode(), autocast(images.device):
            found = tissue(images.contiguous(memory_format=torch.channels_last), flags)
        lumen, is_lumen = found.logits.argmax(dim=1) == int(Tissue.LUMEN), true[:, Tissue.LUMEN] > 0.5
        overlap, total = overlap + 2.0 * float((lumen & is_lumen).sum()), total + float(lumen.sum() + is_lumen.sum())
        near = (near_vessel(true, judged)[:, 0] > 0.5) & (judged > 0.99)
        features.append(found.features.float())
        logits.append(found.logits.float().permute(0, 2, 3, 1)[near][::_PIXEL_STEP])
        fractions.append(true.permute(0, 2, 3, 1)[near][::_PIXEL_STEP])
    return torch.cat(features).clone(), overlap / max(total, 1.0), torch.cat(logits).clone(), torch.cat(fractions)
