"""Speed of measurement: one artery of 32 slices at 0.25 mm, and how the cost grows with slices and pixels."""

import time
from collections.abc import Callable

import numpy as np
from tests.phantoms import draw, with_core

from plaquecast.change.factors import change_factors
from plaquecast.domain.measurements import PUBLISHED_ERRORS
from plaquecast.domain.volume import ArterySegmentation
from plaquecast.measure.artery import measure_artery
from plaquecast.settings import ChangeSettings, MeasureSettings

ROUNDS = 5
"""Each figure is the median of this many rounds, in seconds of processor time of one thread."""


def main() -> None:
    """Print the table."""
    print("| what | seconds of one core, median of rounds |\n|---|---|")
    seconds = {n: _time(_artery(n)) for n in (32, 320)}
    print(f"| one artery, 32 slices of 88 × 88 pixels at 0.25 mm | {seconds[32]:.3f} |")
    print(f"| the same with 320 slices | {seconds[320]:.3f} ({seconds[320] / seconds[32]:.1f} times) |")
    print(f"| 32 slices of 44 × 44 pixels at 0.5 mm | {_time(_artery(32, 0.5)):.3f} |")
    measured = measure_artery(_artery(32), {}, MeasureSettings())
    change = _rounds(lambda: change_factors(measured, measured, 1.0, PUBLISHED_ERRORS, ChangeSettings()))
    print(f"| change factors of two such arteries | {change:.4f} |")


def _artery(n_slices: int, pixel_mm: float = 0.25) -> ArterySegmentation:
    spacing = (1.0, pixel_mm, pixel_mm)
    return draw(with_core(2.5, 4.5, 0.7, 0.9), spacing, n_slices, samples=2, field_mm=22.0)


def _time(artery: ArterySegmentation) -> float:
    return _rounds(lambda: measure_artery(artery, {}, MeasureSettings()))


def _rounds(work: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return float(np.median(times))


if __name__ == "__main__":
    main()
