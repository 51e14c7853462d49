"""A page on tables alone says what the same numbers say one by one."""

from pathlib import Path

import numpy as np
import pytest

from plaquecast.domain.change import summarize
from plaquecast.errors import InputError
from plaquecast.pipeline.registry import report_registry
from plaquecast.pipeline.simulate import write_simulated_tables
from plaquecast.settings import Settings
from plaquecast.store.change_tables import read_change_factors_table, read_change_summary


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("registry") / "registry"
    write_simulated_tables(folder, 12, 5, Settings().with_overrides(["run.workers=1"]))
    return folder


def test_columns_and_rows_are_summed_up_to_the_same(registry: Path) -> None:
    by_column = read_change_summary(registry / "tables")
    by_row = summarize(entry.change for entry in read_change_factors_table(registry / "tables"))
    assert len(by_row) == len(by_column)
    for one, other in zip(by_row, by_column, strict=True):
        assert (one.factor, one.verdicts) == (other.factor, other.verdicts)
        np.testing.assert_array_equal(one.per_year, other.per_year)
    assert sum(len(each.per_year) for each in by_row) > 100


def test_the_page_counts_patients_and_says_that_they_are_simulated(registry: Path, tmp_path: Path) -> None:
    found = report_registry(registry, tmp_path / "page.html")
    assert (found.patients, found.visits) == (12, 24)
    page = found.report.read_text(encoding="utf-8")
    assert "12 patients with 24 visits" in page
    assert "Simulated data" in page


def test_a_folder_without_tables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="description of a run"):
        report_registry(tmp_path, tmp_path / "page.html")
