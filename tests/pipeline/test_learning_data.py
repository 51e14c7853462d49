"""What a predictor learns from, read out of tables, is what was written into them."""

from pathlib import Path

import numpy as np
import pytest

from plaquecast.domain.change import Factor
from plaquecast.domain.measurements import PUBLISHED_ERRORS
from plaquecast.errors import InputError
from plaquecast.pipeline.learning_data import read_learning_data
from plaquecast.pipeline.simulate import write_simulated_tables
from plaquecast.settings import Settings
from plaquecast.simulate.table import simulate_table


def test_tables_of_a_simulated_cohort_come_back(tmp_path: Path) -> None:
    settings = Settings()
    write_simulated_tables(tmp_path / "run", 12, 5, settings)
    data = read_learning_data(tmp_path / "run")
    wanted = simulate_table(12, 5, settings.simulate, PUBLISHED_ERRORS)
    assert data.simulated
    assert [(each.patient_id, each.side) for each in data.arteries] == [
        (each.patient_id, each.side) for each in wanted.arteries
    ]
    assert data.true is not None
    assert data.expected is not None
    # visits are dated to the day, so an interval is exact to half a day in at least half a year
    np.testing.assert_allclose(data.measured.interval_years, wanted.measured.interval_years, atol=0.5 / 365.25)
    for factor in Factor:
        np.testing.assert_allclose(data.true.values[factor], wanted.true.values[factor], rtol=1e-9)
        np.testing.assert_allclose(data.expected[factor], wanted.expected[factor], rtol=1e-9)


def test_a_folder_without_a_description_is_refused(tmp_path: Path) -> None:
    write_simulated_tables(tmp_path / "run", 2, 5, Settings())
    (tmp_path / "run/dataset_description.json").unlink()
    with pytest.raises(InputError, match="simulated"):
        read_learning_data(tmp_path / "run")
