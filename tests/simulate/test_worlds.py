"""Each world keeps its promise: what it changes, and that the rest stays."""

from dataclasses import fields

import numpy as np
import pytest
from tests.small_cohort import cohort

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.change import Factor
from plaquecast.domain.clinical import ClinicalRecord
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.missing import is_number
from plaquecast.errors import InputError
from plaquecast.settings import SimulateSettings
from plaquecast.simulate.anatomy import draw_arteries
from plaquecast.simulate.mri import code_signal
from plaquecast.simulate.neck import N_SHADES
from plaquecast.simulate.people import SimulatedTable
from plaquecast.simulate.processes import Deviation, Fate, draw_deviations
from plaquecast.simulate.records import draw_record
from plaquecast.simulate.scanner import draw_scanner
from plaquecast.simulate.signal import PROTOCOLS, mean_tissues
from plaquecast.simulate.tissues import Matter
from plaquecast.simulate.worlds import world_of

N = 100
SEED = 11


def population(world: str) -> SimulatedTable:
    return cohort(N, SEED, world)


def explained_share(table: SimulatedTable, factor: Factor) -> float:
    true, expected = table.true.values[factor], table.expected[factor]
    known = np.isfinite(true) & np.isfinite(expected)
    return 1.0 - float(np.mean((true - expected)[known] ** 2) / np.var(true[known]))


def of_baseline(table: SimulatedTable, name: str) -> FloatArray:
    values = [getattr(artery, name) for artery in table.true_baseline]
    return np.array([float(value) if is_number(value) else np.nan for value in values])


def of_record(table: SimulatedTable, name: str) -> list[object]:
    return [getattr(artery.clinical, name) for artery in table.arteries[::2]]


@pytest.mark.parametrize(("world", "share"), [("default", 0.3), ("strong", 0.6), ("null", 0.0)])
def test_data_and_baseline_explain_the_stated_share_of_each_rate(world: str, share: float) -> None:
    rng, of_world = np.random.default_rng(4), world_of(SimulateSettings(world=world))
    units: dict[str, list[tuple[float, float]]] = {"wall": [], "core": []}
    for _ in range(500):
        record = draw_record(rng, of_world)
        deviations = draw_deviations(rng)
        for side, artery in draw_arteries(rng, record, of_world).items():
            fates = [Fate.of(record, artery, 1.4, by, of_world) for by in (Deviation.none(), deviations[side])]
            has_core = any(plaque.core for plaque in artery.plaques)
            for process in ("wall", "core") if has_core else ("wall",) if artery.plaques else ():
                units[process].append((fates[0].unit[process], fates[1].unit[process]))
    for process, pairs in units.items():
        expected, happened = np.array(pairs).T
        # three SDs of a squared correlation over 500 people, two arteries of whom share half of their chance
        assert np.var(expected) / np.var(happened) == pytest.approx(share, abs=0.12), process
        assert np.var(happened) == pytest.approx(1.0, abs=0.2), process


@pytest.mark.slow
def test_the_oracle_explains_the_stated_share_of_true_wall_growth() -> None:
    # growth of the largest plaques weighs most, so that R² over 2400 arteries still has an SD of about 0.03
    assert explained_share(cohort(1200, SEED), Factor.WALL_VOLUME) == pytest.approx(0.3, abs=0.09)


@pytest.mark.parametrize("factor", [factor for factor in Factor if factor is not Factor.FIBROUS_CAP_THICKNESS])
def test_nothing_predicts_change_in_the_null_world(factor: Factor) -> None:
    table = population("null")
    true = table.true.values[factor]
    age = np.array([float(artery.clinical.age_years) for artery in table.arteries])  # type: ignore[arg-type]
    for name in ("max_wall_thickness_mm", "wall_volume_mm3", "intraplaque_hemorrhage_volume_mm3"):
        for feature in (of_baseline(table, name), age):
            r = np.corrcoef(feature, true)[0, 1]
            # four SDs of a correlation of as many independent people
            assert abs(r) < 4.0 / np.sqrt(N) or np.var(true) == 0.0


def test_the_healthy_have_no_plaque() -> None:
    table = population("healthy")
    for name in ("plaque_volume_mm3", "calcification_volume_mm3", "lipid_rich_necrotic_core_volume_mm3"):
        assert (of_baseline(table, name) == 0.0).all()
    assert of_baseline(table, "max_wall_thickness_mm").max() < 1.5


def test_treatment_begins_statins_and_they_shrink_cores() -> None:
    treated, usual = population("treatment"), population("default")

    def new_users(table: SimulatedTable) -> float:
        pairs = zip(of_record(table, "statin"), of_record(table, "statin_years"), strict=True)
        return float(np.mean([statin is True and is_number(years) and years < 2.0 for statin, years in pairs]))  # type: ignore[arg-type, operator]

    assert new_users(treated) > 2.0 * new_users(usual)
    core = {name: table.true.values[Factor.LIPID_RICH_NECROTIC_CORE] for name, table in (("t", treated), ("u", usual))}
    assert core["t"].mean() < core["u"].mean()


def test_the_shifted_are_older_sicker_less_treated_and_scanned_otherwise() -> None:
    shifted, usual = population("shifted"), population("default")

    def mean(table: SimulatedTable, name: str) -> float:
        return float(np.mean([float(value) for value in of_record(table, name)]))  # type: ignore[arg-type]

    assert mean(shifted, "age_years") > mean(usual, "age_years") + 3.0
    assert mean(shifted, "statin") < mean(usual, "statin") - 0.1
    assert of_baseline(shifted, "max_wall_thickness_mm").mean() > of_baseline(usual, "max_wall_thickness_mm").mean()
    scanners = [draw_scanner(SimulateSettings(world=world)) for world in ("shifted", "default")]
    assert scanners[0].pixel_mm > scanners[1].pixel_mm
    assert scanners[0].snr_share < scanners[1].snr_share


def test_the_harsh_world_is_noisier_and_has_more_artifacts() -> None:
    harsh, usual = (draw_scanner(SimulateSettings(world=world)) for world in ("harsh", "default"))
    assert harsh.snr_share < usual.snr_share
    assert harsh.artifact_share > usual.artifact_share
    assert world_of(SimulateSettings(world="harsh")) == world_of(SimulateSettings())


def test_contrast_knows_no_physics_but_keeps_air_dark_and_blood_apart_from_the_wall() -> None:
    scanner, tissues = draw_scanner(SimulateSettings(world="contrast")), mean_tissues(3.0)
    middle = N_SHADES // 2
    ratios = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        signal = code_signal(Weighting.T1W, tissues, PROTOCOLS[Weighting.T1W], scanner, rng)
        lumen, wall = (float(signal[matter * N_SHADES + middle]) for matter in (Matter.LUMEN, Matter.WALL))
        assert signal[Matter.AIR * N_SHADES + middle] == 0.0
        assert abs(lumen - wall) > 0.1
        ratios.append(lumen / wall)
    # on a physical T1W the lumen is dark; here it is brighter than the wall as often as not
    assert min(ratios) < 1.0 < max(ratios)


def test_an_unknown_world_is_refused_in_words() -> None:
    for settings in (SimulateSettings(world="mars"), SimulateSettings(vendor="acme")):
        with pytest.raises(InputError, match=r"mars|acme"):
            draw_scanner(settings)
    with pytest.raises(InputError, match="one of the worlds"):
        world_of(SimulateSettings(world="mars"))


def test_a_patient_does_not_depend_on_how_many_come_after() -> None:
    few, many = cohort(3, SEED), population("default")
    for factor in Factor:
        assert np.array_equal(few.measured.values[factor], many.measured.values[factor][:6], equal_nan=True)
    assert few.arteries[5].clinical == many.arteries[5].clinical
    assert isinstance(few.arteries[0].clinical, ClinicalRecord)
    assert len(fields(ClinicalRecord)) > 20
