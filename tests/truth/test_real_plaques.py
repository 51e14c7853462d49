"""The catalogue's plausible ranges on 126 real plaques measured by CT: what they flag, and that nothing else is."""

import csv
from pathlib import Path

import pytest

from plaquecast.domain.measurements import implausible

MEASUREMENT_OF_COLUMN = {
    "max_max_wall_thickness": "max_wall_thickness_mm",
    "max_remodeling_ratio": "remodeling_index",
    "max_stenosis_by_area": "stenosis_area_percent",
    "max_stenosis_by_diameter": "stenosis_ecst_percent",
    "wall_vol": "wall_volume_mm3",
    "lrnc_vol": "lipid_rich_necrotic_core_volume_mm3",
    "calc_vol": "calcification_volume_mm3",
}


@pytest.fixture(scope="module")
def flags(shared_data: Path) -> dict[str, list[float]]:
    """Implausible values by measurement."""
    with (shared_data / "tables/carotid_plaque_cta.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found: dict[str, list[float]] = {name: [] for name in MEASUREMENT_OF_COLUMN.values()}
    for row in rows:
        values = {name: float(row[column]) for column, name in MEASUREMENT_OF_COLUMN.items()}
        for name, value in implausible(values).items():
            found[name].append(round(value, 1))
    return found


def test_walls_of_83_and_69_mm_are_flagged_and_the_thickest_that_may_be_real(flags: dict[str, list[float]]) -> None:
    # judged: no neck holds a wall of 83.6 or 68.8 mm; 15 mm is as thick as a whole carotid is wide
    assert sorted(flags["max_wall_thickness_mm"]) == [14.8, 15.3, 68.8, 83.6]


def test_the_remodeling_ratio_of_that_table_is_another_measurement(flags: dict[str, list[float]]) -> None:
    # judged: 27.9 is flagged; but half of all rows lie above 3, so the table does not compare with the common carotid
    assert 27.9 in flags["remodeling_index"]
    assert len(flags["remodeling_index"]) > 60


@pytest.mark.parametrize("name", ["stenosis_area_percent", "stenosis_ecst_percent", "wall_volume_mm3",
                                  "lipid_rich_necrotic_core_volume_mm3", "calcification_volume_mm3"])  # fmt: skip
def test_no_other_real_value_is_flagged(flags: dict[str, list[float]], name: str) -> None:
    assert flags[name] == []
