"""The findings of a check as a page on disk."""

from collections.abc import Sequence
from pathlib import Path

from plaquecast.domain.dataset import Finding
from plaquecast.ingest.dataset import read_dataset
from plaquecast.report.check import check_report
from plaquecast.store.atomic import write_text


def write_check_report(path: Path, dataset: Path, findings: Sequence[Finding]) -> None:
    """Write the findings about a dataset as one self-contained HTML page."""
    write_text(path, check_report(dataset.resolve().name, findings, read_dataset(dataset).simulated))
