"""What a measured artery carries beside its numbers comes back from a file, and stands in the report."""

from pathlib import Path

from tests.phantoms import draw, with_core

from plaquecast.domain.anatomy import Side
from plaquecast.domain.missing import Missing, Reason
from plaquecast.measure.artery import describe, measure_artery
from plaquecast.report.lesion import lesion_table
from plaquecast.settings import MeasureSettings
from plaquecast.store.morphology_files import read_arteries, write_arteries

ARTERY = measure_artery(draw(with_core(2.5, 4.8, 0.7, 0.9), n_slices=4, samples=2), {}, MeasureSettings())


def test_a_lesion_comes_back_from_a_file(tmp_path: Path) -> None:
    write_arteries(tmp_path / "arteries.json", {Side.LEFT: ARTERY, Side.RIGHT: Missing(Reason.NOT_COVERED)})
    found = read_arteries(tmp_path / "arteries.json")[Side.LEFT]
    assert not isinstance(found, Missing)
    assert found.lesion is not None
    assert ARTERY.lesion is not None
    for name in ("cap_status", "lesion_type", "high_risk", "largest_core_percent", "percent_wall_volume"):
        assert getattr(found.lesion, name) == getattr(ARTERY.lesion, name)


def test_the_report_reads_the_lesion() -> None:
    table = lesion_table({Side.LEFT: ARTERY, Side.RIGHT: Missing(Reason.NOT_COVERED)})
    assert table.rows[0][1:] == ("IV-V", "not covered")
    assert table.rows[1][1] == "thick"


def test_the_methods_text_says_what_was_set() -> None:
    text = describe(MeasureSettings(plaque_thickness_mm=1.25, n_angles=60))
    assert "1.25 mm" in text
    assert "60 rays" in text
