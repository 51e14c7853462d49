"""What every tissue network in the table must do."""

import pytest
import torch

from plaquecast.domain.anatomy import N_TISSUES, Tissue
from plaquecast.errors import InputError
from plaquecast.segment.architectures import ARCHITECTURES, build_tissue_network
from plaquecast.segment.regions import CHANNELS, NEIGHBORS

N = 32


def batch() -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(2, len(CHANNELS) * len(NEIGHBORS), N, N, generator=generator)
    fractions = torch.zeros(2, N_TISSUES, N, N)
    fractions[:, Tissue.WALL, 8:24, 8:24] = 1.0
    fractions[:, Tissue.LUMEN, 12:20, 12:20] = 1.0
    fractions[:, Tissue.WALL, 12:20, 12:20] = 0.0
    fractions[:, Tissue.BACKGROUND] = 1.0 - fractions[:, 1:].sum(dim=1)
    return images, torch.ones(2, len(CHANNELS)), fractions, torch.ones(2, N, N), torch.zeros(2)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_prediction_has_the_shapes_of_the_contract(name: str) -> None:
    torch.manual_seed(0)
    network = build_tissue_network(name, 8).eval()
    images, flags, *_ = batch()
    with torch.inference_mode():
        found = network(images, flags)
    assert found.logits.shape == (2, N_TISSUES, N, N)
    assert found.position.shape == (2,)
    assert found.features.ndim == 2
    assert torch.isfinite(found.logits.float()).all()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_loss_is_a_number_that_reaches_every_weight(name: str) -> None:
    torch.manual_seed(0)
    network = build_tissue_network(name, 8).train()
    loss = network.loss(*batch())  # type: ignore[operator]
    assert torch.isfinite(loss.detach())
    loss.backward()
    assert all(weight.grad is not None for weight in network.parameters())


def test_an_unknown_network_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError, match="unet, mask-rcnn"):
        build_tissue_network("transformer", 8)
