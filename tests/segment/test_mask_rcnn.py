"""The operators that stand in for torchvision's, and the fusion of instances into tissue shares."""

import importlib
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plaquecast.domain.anatomy import N_TISSUES, Tissue
from plaquecast.segment.mask_rcnn import MaskRcnn, fused, instances
from plaquecast.segment.mask_rcnn_shim import detection, non_maximum_suppression, roi_align

pytestmark = pytest.mark.skipif(find_spec("torchvision") is None, reason="the extra `mask-rcnn` is not installed")


def boxes_of(rng: np.random.Generator, n: int, size: float) -> torch.Tensor:
    corner, extent = rng.uniform(0, 0.6 * size, (n, 2)), rng.uniform(0.05 * size, 0.4 * size, (n, 2))
    return torch.from_numpy(np.concatenate([corner, corner + extent], axis=1).astype(np.float32))


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.3, 0.5, 0.7]))
def test_suppression_keeps_what_overlaps_no_better_kept_box(seed: int, threshold: float) -> None:
    rng = np.random.default_rng(seed)
    boxes, scores = boxes_of(rng, 30, 50.0), torch.from_numpy(rng.permutation(30).astype(np.float32))
    kept = non_maximum_suppression(boxes, scores, threshold).tolist()
    box_iou = importlib.import_module("torchvision.ops.boxes").box_iou if detection() else None
    overlaps = box_iou(boxes, boxes)
    expected: list[int] = []
    for index in scores.argsort(descending=True).tolist():
        if all(float(overlaps[index, better]) <= threshold for better in expected):
            expected.append(index)
    assert kept == expected


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_roi_align_equals_torchvisions_own_slow_one(seed: int, aligned: bool) -> None:
    detection()
    reference = importlib.import_module("torchvision.ops.roi_align")._roi_align.__wrapped__  # not compiled
    rng = np.random.default_rng(seed)
    features = torch.from_numpy(rng.normal(0, 1, (2, 3, 24, 28)).astype(np.float32))
    boxes = torch.cat([torch.from_numpy(rng.integers(0, 2, (9, 1)).astype(np.float32)), boxes_of(rng, 9, 40.0)], dim=1)
    ours = roi_align(features, boxes, (5, 4), 0.5, 2, aligned)
    theirs = reference(features, boxes, 0.5, 5, 4, 2, aligned)
    # float32 interpolation of values around 1, at coordinates of up to 28
    torch.testing.assert_close(ours, theirs, atol=5e-5, rtol=0.0)


def ring() -> torch.Tensor:
    """Shares of a vessel with a lumen and one calcification."""
    shares = torch.zeros(N_TISSUES, 48, 48)
    shares[Tissue.WALL, 12:36, 14:38] = 1.0
    shares[Tissue.LUMEN, 18:30, 18:30] = 1.0
    shares[Tissue.CALCIFICATION, 14:17, 20:28] = 1.0
    shares[Tissue.WALL] -= shares[Tissue.LUMEN] + shares[Tissue.CALCIFICATION]
    shares[Tissue.BACKGROUND] = 1.0 - shares.sum(dim=0)
    return shares


def test_instances_fuse_back_into_the_shares_they_came_from() -> None:
    shares = ring()
    found = instances(shares)
    masks = found["masks"][:, None].float()
    back = fused({**found, "masks": masks, "scores": torch.ones(len(masks))}, shares.shape[1:])
    torch.testing.assert_close(back, shares)
    assert found["boxes"][0].tolist() == [14.0, 12.0, 38.0, 36.0]


def test_an_empty_slice_has_no_instances() -> None:
    shares = torch.zeros(N_TISSUES, 32, 32)
    shares[Tissue.BACKGROUND] = 1.0
    assert instances(shares)["boxes"].shape == (0, 4)


def test_it_learns_a_slice_by_heart() -> None:
    torch.manual_seed(0)
    network = MaskRcnn(8)
    shares = ring()[None].repeat(2, 1, 1, 1)
    images = (shares[:, 2:3] - shares[:, 1:2] + 2.0 * shares[:, 3:4]).repeat(1, 21, 1, 1)
    flags, judged, position = torch.ones(2, 7), torch.ones(2, 48, 48), torch.zeros(2)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    network.train()
    for _ in range(60):
        loss = network.loss(images, flags, shares, judged, position)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
    network.eval()
    with torch.inference_mode():
        labels = network(images, flags).logits.argmax(dim=1)
    true = shares.argmax(dim=1)
    for tissue in (Tissue.LUMEN, Tissue.WALL):
        one, other = labels == int(tissue), true == int(tissue)
        assert 2.0 * float((one & other).sum()) / float(one.sum() + other.sum()) > 0.8
