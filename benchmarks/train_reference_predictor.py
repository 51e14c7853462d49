"""Make the predictor that ships with the package: simulated patients as tables, measured as the shipped segmenter errs.

`python -m benchmarks.train_reference_predictor OUT`
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from plaquecast.pipeline.models import open_segmenter
from plaquecast.pipeline.simulate import write_simulated_tables
from plaquecast.pipeline.train_predictor import train_predictor_on
from plaquecast.segment.network import REFERENCE
from plaquecast.settings import Settings

SEED = 9000


def main() -> None:
    """Simulate, learn, save with scores and card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--patients", type=int, default=1000)
    given = parser.parse_args()
    errors = open_segmenter(REFERENCE).errors
    with TemporaryDirectory() as folder:
        tables = Path(folder) / "tables"
        write_simulated_tables(tables, given.patients, SEED, Settings(), wall_maps=True, errors=errors)
        lines, _ = train_predictor_on(tables, given.out, Settings())
    print(*lines, sep="\n")


if __name__ == "__main__":
    main()
