"""The one door to torchvision's Mask R-CNN: where its compiled operators do not load beside a CPU torch, ours stand in.

The wheel of torchvision is linked against CUDA. Beside a CPU build of torch its library fails to load, and its import
then fails because operators that it describes are not there. So they are declared before the import, and the two that
Mask R-CNN needs, non-maximum suppression and RoI align, are replaced by plain PyTorch, the same on CPU and GPU.
"""

import importlib
import importlib.util
from functools import lru_cache
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor
from torch.nn import functional

from plaquecast.errors import ModelError

_DECLARED = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


def non_maximum_suppression(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Indices of the boxes (n, 4; x0, y0, x1, y1) that are kept, best first.

    A box is kept if it overlaps no better one that is kept by more than `iou_threshold`.

    >>> boxes = torch.tensor([[0.0, 0, 10, 10], [1, 1, 10, 10], [20, 20, 30, 30]])
    >>> non_maximum_suppression(boxes, torch.tensor([0.8, 0.9, 0.7]), 0.5).tolist()
    [1, 2]
    """
    order = scores.argsort(descending=True, stable=True)
    sorted_boxes = boxes[order]
    area = (sorted_boxes[:, 2:] - sorted_boxes[:, :2]).clamp_min(0.0).prod(dim=1)
    low = torch.maximum(sorted_boxes[:, None, :2], sorted_boxes[None, :, :2])
    high = torch.minimum(sorted_boxes[:, None, 2:], sorted_boxes[None, :, 2:])
    shared = (high - low).clamp_min(0.0).prod(dim=2)
    overlaps = (shared > iou_threshold * (area[:, None] + area[None] - shared)).cpu().numpy()
    kept: list[int] = []
    for index in range(len(order)):
        if not overlaps[index, kept].any():
            kept.append(index)
    return order[torch.tensor(kept, dtype=torch.long, device=order.device)]


def roi_align(
    features: Tensor,
    boxes: Tensor | list[Tensor],
    output_size: int | tuple[int, int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = False,
) -> Tensor:
    """Mean of bilinear samples in each cell of each box (He et al. 2017), (n_boxes, channels, rows, columns).

    As `torchvision.ops.roi_align` with the same arguments; where `sampling_ratio` is not positive there, the number of
    samples depends on each box, here it is 2 per cell and axis.

    >>> ramp = torch.arange(8.0).expand(1, 1, 8, 8)
    >>> roi_align(ramp, torch.tensor([[0.0, 2.0, 2.0, 6.0, 6.0]]), 2, aligned=True)[0, 0].tolist()
    [[2.5, 4.5], [2.5, 4.5]]
    """
    if isinstance(boxes, list):
        owners = torch.cat([torch.full_like(each[:, :1], index) for index, each in enumerate(boxes)])
        boxes = torch.cat([owners, torch.cat(boxes)], dim=1)
    rows, columns = (output_size, output_size) if isinstance(output_size, int) else output_size
    ratio = sampling_ratio if sampling_ratio > 0 else 2
    corners = boxes[:, 1:] * spatial_scale - (0.5 if aligned else 0.0)
    x, y = (
        _places(corners[:, axis], corners[:, axis + 2], n * ratio, aligned) for axis, n in ((0, columns), (1, rows))
    )
    height, width = features.shape[2:]
    out = features.new_zeros((len(boxes), features.shape[1], rows, columns))
    for owner in boxes[:, 0].unique().long().tolist():
        own = (boxes[:, 0].long() == owner).nonzero()[:, 0]
        unit_x, unit_y = 2.0 * x[own] / max(width - 1, 1) - 1.0, 2.0 * y[own] / max(height - 1, 1) - 1.0
        grid = torch.stack(
            [unit_x[:, None, :].expand(-1, rows * ratio, -1), unit_y[:, :, None].expand(-1, -1, columns * ratio)],
            dim=-1,
        )
        sampled = functional.grid_sample(
            features[owner : owner + 1], grid.flatten(0, 1)[None].to(features.dtype), align_corners=True,
            padding_mode="border",
        )  # fmt: skip
        sampled = sampled[0].unflatten(1, (len(own), rows * ratio)).transpose(0, 1)
        out = out.index_copy(0, own, functional.avg_pool2d(sampled, ratio))
    return out


def _places(low: Tensor, high: Tensor, n: int, aligned: bool) -> Tensor:
    """The middles of n equal parts of each interval, (n_boxes, n)."""
    length = high - low if aligned else (high - low).clamp_min(1.0)
    return low[:, None] + length[:, None] * (torch.arange(n, device=low.device) + 0.5) / n


@lru_cache(maxsize=1)
def detection() -> ModuleType:
    """`torchvision.models.detection`, with our operators where its own do not load.

    Raises:
        ModelError: if torchvision is not installed.
    """
    found = importlib.util.find_spec("torchvision")
    if found is None or found.origin is None:
        raise ModelError(
            expected="torchvision 0.28.0 for Mask R-CNN", found="no torchvision", where="this Python",
            remedy="Install the extra `plaquecast[mask-rcnn]`, or use the U-Net.", code="no-torchvision",
        )  # fmt: skip
    if own_operators_load():
        return importlib.import_module("torchvision.models.detection")
    library = torch.library.Library("torchvision", "FRAGMENT")
    for signature in _DECLARED:
        library.define(signature)
    module = importlib.import_module("torchvision.models.detection")
    setattr(module, "_declarations", library)  # noqa: B010 - they live as long as this object
    setattr(importlib.import_module("torchvision.ops.boxes"), "nms", non_maximum_suppression)  # noqa: B010
    for name in ("torchvision.ops.poolers", "torchvision.models.detection.roi_heads"):
        setattr(importlib.import_module(name), "roi_align", roi_align)  # noqa: B010
    return module


def operators() -> ModuleType:
    """`torchvision.ops`, likewise."""
    detection()
    return importlib.import_module("torchvision.ops")


def own_operators_load() -> bool:
    """Whether the compiled operators of torchvision, if it is installed, load beside this torch."""
    found = importlib.util.find_spec("torchvision")
    folder = Path(found.origin).parent if found is not None and found.origin is not None else Path()
    for library in folder.glob("_C*.so"):
        try:
            torch.ops.load_library(str(library))
        except OSError:
            return False
    return hasattr(torch.ops.torchvision, "nms")
