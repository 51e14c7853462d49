"""Several processes train one network as one process does, at the same batch."""

import json
import os
import socket
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from tests import forked
from tests.segment.small_visit import case

from plaquecast.segment import team
from plaquecast.segment.samples import TissueSamples
from plaquecast.segment.tissue_training import TissueTraining
from plaquecast.settings import SegmentSettings

SMALL = SegmentSettings(pixel_mm=0.5, region_pixels=32, base_channels=8, max_epochs=2, max_minutes=10.0)


def losses(settings: SegmentSettings = SMALL) -> list[float]:
    """The loss of each of two epochs, from the same first weights."""
    torch.manual_seed(0)
    samples = TissueSamples([case("p0", 0), case("p1", 1)], settings)
    training = TissueTraining(samples, None, settings, 600.0)
    for _ in range(2):
        training.run_epoch(lambda *_: None)
    return [epoch["loss"] for epoch in training.history]


def take_part(rank: int, port: int, folder: Path) -> None:
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    with team.joined():
        (folder / f"losses{rank}").write_text(json.dumps(losses()))


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_two_processes_lose_as_much_as_one(tmp_path: Path) -> None:
    if not torch.distributed.is_available():
        pytest.skip("this build of torch trains in one process only")
    port = free_port()
    children = [forked.start(partial(take_part, rank, port, tmp_path)) for rank in (0, 1)]
    alone = losses()
    for child in children:
        os.waitpid(child, 0)
    together = [json.loads((tmp_path / f"losses{rank}").read_text()) for rank in (0, 1)]
    assert together[0] == together[1]
    # the same sums in another order: 1e-7 of each gradient, which AdamW's first steps (m/√v of size 1) hand on to the
    # weights where a gradient is near 0; over 4 steps of 0.002 that moves a loss of about 3 by less than 1e-3
    np.testing.assert_allclose(together[0], alone, rtol=1e-3)


def test_shares_cover_a_batch_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for n_processes in (1, 2, 5):
        monkeypatch.setattr(team, "size", lambda n=n_processes: n)
        for n in (1, 11, 12, 13):
            pieces = [index for piece in team._shares(n) for index in range(n)[piece]]
            assert pieces == list(range(n))
