"""Mask R-CNN on a region: vessel, lumen and components as instances, fused into tissue shares like the U-Net's."""

from typing import Any

import torch
from scipy import ndimage
from torch import Tensor, nn
from torch.nn import functional

from plaquecast.domain.anatomy import COMPONENTS, N_TISSUES, Tissue
from plaquecast.segment.losses import position_loss
from plaquecast.segment.mask_rcnn_shim import detection, operators
from plaquecast.segment.precision import autocast
from plaquecast.segment.regions import CHANNELS, NEIGHBORS
from plaquecast.segment.unet import Prediction, ResidualBlock

VESSEL_CLASS, LUMEN_CLASS = 1, 2
COMPONENT_CLASS = {tissue: index for index, tissue in enumerate(COMPONENTS, start=3)}
"""Classes of instances; 0 is background, as torchvision has it."""
LEAST_PIXELS = 4
"""Pieces smaller than this are no instances."""
LEAST_SCORE = 0.3
_N_FEATURES = 64


class Pyramid(nn.Module):
    """Residual encoder with a feature pyramid at strides 2, 4 and 8; what torchvision calls a backbone."""

    def __init__(self, n_in: int, base_channels: int) -> None:
        super().__init__()
        widths = [base_channels, 2 * base_channels, 4 * base_channels, 6 * base_channels]
        self.down = nn.ModuleList(
            ResidualBlock(n_in if index == 0 else widths[index - 1], width) for index, width in enumerate(widths)
        )
        self.pyramid = operators().FeaturePyramidNetwork(widths[1:], _N_FEATURES)
        self.out_channels = _N_FEATURES
        self.deepest = torch.zeros(0)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """(batch, n_in, rows, columns) → features by name; the pooled deepest ones stay in `deepest`."""
        with autocast(x.device):
            levels = {}
            for index, block in enumerate(self.down):
                x = block(x if index == 0 else functional.max_pool2d(x, 2))
                if index:
                    levels[str(index)] = x
            self.deepest = x.mean(dim=(2, 3)).float()
            return {name: level.float() for name, level in self.pyramid(levels).items()}


class MaskRcnn(nn.Module):
    """torchvision's Mask R-CNN on regions, with the position along the artery from its deepest features."""

    def __init__(self, base_channels: int) -> None:
        super().__init__()
        n_in = len(CHANNELS) * (len(NEIGHBORS) + 1)
        models = detection()
        anchors = models.rpn.AnchorGenerator(((6, 10), (16, 24), (32, 48)), ((0.6, 1.0, 1.6),) * 3)
        self.detector = models.MaskRCNN(
            Pyramid(n_in, base_channels), num_classes=None, rpn_anchor_generator=anchors, min_size=1, max_size=10_000,
            image_mean=[0.0] * n_in, image_std=[1.0] * n_in, box_roi_pool=_pool(7), mask_roi_pool=_pool(14),
            box_head=models.faster_rcnn.TwoMLPHead(_N_FEATURES * 49, 256),
            box_predictor=models.faster_rcnn.FastRCNNPredictor(256, 3 + len(COMPONENTS)),
            mask_head=models.mask_rcnn.MaskRCNNHeads(_N_FEATURES, (64, 64), 1),
            mask_predictor=models.mask_rcnn.MaskRCNNPredictor(64, 64, 3 + len(COMPONENTS)),
            rpn_pre_nms_top_n_train=200, rpn_pre_nms_top_n_test=100, rpn_post_nms_top_n_train=100,
            rpn_post_nms_top_n_test=40, box_batch_size_per_image=64, box_detections_per_img=16,
            box_score_thresh=LEAST_SCORE, box_nms_thresh=0.4,
        )  # fmt: skip
        self.detector.transform = _Batch()
        self.position = nn.Sequential(nn.Linear(6 * base_channels, 32), nn.LeakyReLU(0.01), nn.Linear(32, 1))

    def forward(self, images: Tensor, flags: Tensor) -> Prediction:
        """From images (batch, channels · 3, n, n) and flags (batch, channels)."""
        found = self.detector(list(_with_flags(images, flags)))
        shares = torch.stack([fused(each, images.shape[2:]) for each in found])
        deepest = self.detector.backbone.deepest
        return Prediction(shares.clamp_min(1e-4).log(), self.position(deepest)[:, 0], deepest)

    def loss(self, images: Tensor, flags: Tensor, fractions: Tensor, judged: Tensor, position: Tensor) -> Tensor:
        """Losses of proposals, boxes, classes and masks, and of the position; what was not judged is background."""
        targets = [instances(each) for each in fractions * judged[:, None]]
        losses = self.detector(list(_with_flags(images, flags)), targets)
        predicted = self.position(self.detector.backbone.deepest)[:, 0]
        return sum(losses.values()) + position_loss(predicted, position)


class _Batch(nn.Module):
    """Stands in for torchvision's resizing: regions have one size, and stay as they are."""

    def forward(self, images: list[Tensor], targets: list[dict[str, Tensor]] | None = None) -> Any:
        """The images as a batch."""
        models = detection()
        sizes = [(int(image.shape[1]), int(image.shape[2])) for image in images]
        return models.image_list.ImageList(torch.stack(images), sizes), targets

    def postprocess(
        self, found: list[dict[str, Tensor]], sizes: list[tuple[int, int]], _: list[tuple[int, int]]
    ) -> list[dict[str, Tensor]]:
        """Paste each mask into its region."""
        models = detection()
        return [
            {**each, "masks": models.transform.paste_masks_in_image(each["masks"], each["boxes"], size)}
            for each, size in zip(found, sizes, strict=False)  # in training nothing is found
        ]


def _pool(size: int) -> nn.Module:
    return operators().MultiScaleRoIAlign(["1", "2", "3"], size, 2, canonical_scale=24, canonical_level=2)


def _with_flags(images: Tensor, flags: Tensor) -> Tensor:
    planes = flags[:, :, None, None].expand(-1, -1, *images.shape[2:])
    return torch.cat([images, planes], dim=1)


def instances(fractions: Tensor) -> dict[str, Tensor]:
    """Boxes, labels and masks of the instances in tissue fractions (N_TISSUES, n, n), as torchvision wants them."""
    masks, labels = [], []
    wholes = [(VESSEL_CLASS, fractions[1:].sum(dim=0) > 0.5), (LUMEN_CLASS, fractions[Tissue.LUMEN] > 0.5)]
    for label, mask in wholes:
        masks.append(mask)
        labels.append(label)
    for tissue, label in COMPONENT_CLASS.items():
        pieces, count = ndimage.label((fractions[tissue] > 0.5).numpy())  # type: ignore[misc]
        masks += [torch.from_numpy(pieces == piece) for piece in range(1, count + 1)]
        labels += [label] * count
    kept = [index for index, mask in enumerate(masks) if int(mask.sum()) >= LEAST_PIXELS]
    if not kept:
        empty = fractions.new_zeros((0, *fractions.shape[1:]), dtype=torch.uint8)
        return {"boxes": fractions.new_zeros((0, 4)), "labels": torch.zeros(0, dtype=torch.long), "masks": empty}
    stack = torch.stack([masks[index] for index in kept])
    rows, columns = stack.any(dim=2), stack.any(dim=1)
    edges = []
    for profile in (columns, rows):
        first = profile.float().argmax(dim=1)
        last = profile.shape[1] - profile.flip(1).float().argmax(dim=1)
        edges.append((first.float(), last.float()))
    boxes = torch.stack([edges[0][0], edges[1][0], edges[0][1], edges[1][1]], dim=1)
    return {"boxes": boxes, "labels": torch.tensor([labels[index] for index in kept]), "masks": stack.to(torch.uint8)}


def fused(found: dict[str, Tensor], shape: torch.Size) -> Tensor:
    """Tissue shares (N_TISSUES, *shape) of one region's instances: the best vessel, its best lumen, then components.

    The lumen lies inside the vessel, components in what is left of it, and the wall is the rest.
    """
    shares = found["masks"].new_zeros((N_TISSUES, *shape))
    vessel = _best(found, VESSEL_CLASS, shares[0])
    lumen = torch.minimum(_best(found, LUMEN_CLASS, shares[0]), vessel)
    left = vessel - lumen
    for tissue, label in COMPONENT_CLASS.items():
        own = found["labels"] == label
        if own.any():
            shares[tissue] = found["masks"][own, 0].amax(dim=0) * left
    shares *= (left / shares.sum(dim=0).clamp_min(1e-6)).clamp_max(1.0)
    shares[Tissue.WALL] = left - shares.sum(dim=0)
    shares[Tissue.LUMEN], shares[Tissue.BACKGROUND] = lumen, 1.0 - vessel
    return shares.clamp(0.0, 1.0)


def _best(found: dict[str, Tensor], label: int, nothing: Tensor) -> Tensor:
    own = found["labels"] == label
    return found["masks"][own, 0][found["scores"][own].argmax()] if own.any() else nothing.clone()
