"""Speed of the segmenter: both arteries, a training step, and the share of the processor's matrix rate they reach."""

import resource
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from benchmarks.train_reference import laid_out
from torch.utils.flop_counter import FlopCounterMode

from plaquecast.domain.anatomy import Side
from plaquecast.domain.grid import Grid
from plaquecast.domain.visit import AlignedVisit
from plaquecast.domain.volume import ArterySegmentation, Volume
from plaquecast.segment.network import REFERENCE, load_segmenter
from plaquecast.segment.precision import autocast, fast_type
from plaquecast.segment.regions import TrainingCase
from plaquecast.segment.samples import TissueSamples
from plaquecast.segment.tissue_training import BATCH, TissueTraining
from plaquecast.segment.unet import TissueNetwork
from plaquecast.settings import SegmentSettings, SimulateSettings
from plaquecast.simulate.cohort import FIVE_WEIGHTINGS, simulate_patient

N_SLICES = 32
ROUNDS = 3
CPU = torch.device("cpu")


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Median wall and processor seconds over the rounds, after one round to warm up."""
    work()
    wall, processor = [], []
    for _ in range(ROUNDS):
        began, used = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - began)
        processor.append(time.process_time() - used)
    return float(np.median(wall)), float(np.median(processor))


def stretched(visit: AlignedVisit) -> AlignedVisit:
    """The visit with `N_SLICES` slices: each is seen again where there are too few."""
    n_slices, rows, columns = visit.grid.shape
    index = np.arange(N_SLICES) * n_slices // N_SLICES
    spacing = (2.0 * n_slices / N_SLICES, *visit.grid.spacing_mm[1:])
    grid = Grid.axis_aligned((N_SLICES, rows, columns), spacing, tuple(visit.grid.affine[:3, 3]))
    volumes = {w: Volume(grid, volume.array[index], w) for w, volume in visit.volumes.items()}
    return replace(visit, volumes=volumes)


def matrix_rate(kind: torch.dtype) -> float:
    """Multiplications and additions per processor second of a large matrix product, in 10⁹."""
    n = 1536
    one, other = torch.randn(n, n).to(kind), torch.randn(n, n).to(kind)
    return 2.0 * n**3 / seconds(lambda: one @ other)[1] / 1e9


def main() -> None:
    """Print the table for one thread."""
    torch.set_num_threads(1)
    patient = simulate_patient(0, 51, SimulateSettings(), FIVE_WEIGHTINGS, 1).visits[0]
    aligned = laid_out(patient, np.random.default_rng(0))
    visit, segmenter = stretched(aligned), load_segmenter(REFERENCE)
    found = segmenter.segment(visit)
    print(f"found: {[side.value for side in Side if isinstance(found[side], ArterySegmentation)]}")
    wall, processor = seconds(lambda: segmenter.segment(visit))
    print(f"both arteries, {N_SLICES} slices, 5 weightings: {wall:.2f} s, {processor:.2f} s of one thread")
    settings = SegmentSettings()
    samples = TissueSamples([TrainingCase(aligned, patient.truth)], settings)
    training = TissueTraining(samples, None, settings, 60.0)
    rng = np.random.default_rng(0)
    drawn = [samples.draw(int(i) % len(samples), rng) for i in range(BATCH)]
    batch = [torch.stack(part) for part in zip(*drawn, strict=True)]
    network = TissueNetwork(settings.base_channels)
    with FlopCounterMode(display=False) as counted, torch.inference_mode():
        network(batch[0], batch[1])
    forward = counted.get_total_flops() / 1e9
    rate = matrix_rate(fast_type(CPU))

    def infer() -> None:
        with torch.inference_mode(), autocast(CPU):
            training.average(batch[0].contiguous(memory_format=torch.channels_last), batch[1])

    for name, work, flops in (
        ("network alone, 12 regions", infer, forward),
        ("training step, 12 regions", lambda: training._step(batch), 3 * forward),
    ):
        _, processor = seconds(work)
        print(f"{name}: {processor:.3f} s of one thread, {flops / processor / rate:.0%} of {rate:.0f} GFLOP/s")
    _, processor = seconds(lambda: [samples.draw(0, rng) for _ in range(BATCH)])
    print(f"drawing 12 regions: {processor:.3f} s of one thread")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


if __name__ == "__main__":
    main()
