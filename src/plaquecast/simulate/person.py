"""A simulated person: structured data, arteries at each visit, dates, and the change that is true and expected."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from plaquecast.domain.anatomy import Side, Tissue
from plaquecast.domain.change import Factor
from plaquecast.domain.clinical import ClinicalRecord
from plaquecast.domain.missing import Measured, is_number
from plaquecast.domain.morphology import ArteryMorphology
from plaquecast.domain.visit import DAYS_PER_YEAR
from plaquecast.settings import SimulateSettings
from plaquecast.simulate.anatomy import draw_arteries
from plaquecast.simulate.artery import SimulatedArtery
from plaquecast.simulate.course import COARSE, FINE, WallGrid
from plaquecast.simulate.disease import expected_new_mm3, grow
from plaquecast.simulate.processes import Deviation, draw_deviations
from plaquecast.simulate.records import draw_record, later_record, with_gaps
from plaquecast.simulate.scalars import clamped
from plaquecast.simulate.truth import true_change, true_morphology
from plaquecast.simulate.worlds import World, world_of


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedPerson:
    """Who a simulated patient is; `arteries[visit][side]`, with records (as they reach a study) and dates by visit.

    `true_change` and `expected_change` are per year between the first two visits; the expected one is what a forecaster
    would say who knew the law of change, but not what chance adds (the oracle).
    """

    patient_id: str
    records: tuple[ClinicalRecord, ...]
    acquired: tuple[date, ...]
    arteries: tuple[Mapping[Side, SimulatedArtery], ...]
    morphology: tuple[Mapping[Side, ArteryMorphology], ...]
    true_change: Mapping[Side, Mapping[Factor, Measured]]
    expected_change: Mapping[Side, Mapping[Factor, Measured]]

    @property
    def interval_years(self) -> float:
        """Time between the first two visits."""
        return (self.acquired[1] - self.acquired[0]).days / DAYS_PER_YEAR


def patient_code(index: int) -> str:
    """The code of the patient with this index.

    >>> patient_code(0)
    'sim0001'
    """
    return f"sim{index + 1:04d}"


def draw_person(
    patient_id: str, rng: np.random.Generator, settings: SimulateSettings, n_visits: int = 2, coarse: bool = False
) -> SimulatedPerson:
    """Draw one person and what becomes of their arteries; `coarse` measures truth fast and without slices and maps."""
    world = world_of(settings)
    record = draw_record(rng, world)
    arteries = draw_arteries(rng, record, world)
    day = date(2015, 1, 1) + timedelta(days=int(rng.integers(0, 1500)))
    records, dates, visits = [record], [day], [arteries]
    seen: list[ClinicalRecord] = []
    for visit in range(1, max(n_visits, 2)):
        years = clamped(rng.lognormal(np.log(1.4), 0.45), 0.5, 4.0)
        days = round(years * DAYS_PER_YEAR)
        years = days / DAYS_PER_YEAR
        deviations = draw_deviations(rng)
        visits.append({side: grow(visits[-1][side], records[-1], years, deviations[side], world, rng) for side in Side})
        records.append(later_record(records[-1], years, rng))
        dates.append(dates[-1] + timedelta(days=days))
        # gaps are drawn visit by visit, so that a longer follow-up leaves the first two visits as they were
        seen += [with_gaps(entry, rng) for entry in (records if visit == 1 else records[-1:])]
    grid = COARSE if coarse else FINE
    morphology = [
        {side: true_morphology(artery, grid, with_slices=not coarse) for side, artery in visit.items()}
        for visit in visits
    ]
    years = (dates[1] - dates[0]).days / DAYS_PER_YEAR
    true = {side: true_change(morphology[0][side], morphology[1][side], years) for side in Side}
    expected = {side: _expected(visits[0][side], morphology[0][side], record, years, world, grid) for side in Side}
    return SimulatedPerson(
        patient_id,
        tuple(seen)[:n_visits],
        tuple(dates)[:n_visits],
        tuple(visits)[:n_visits],
        tuple(morphology)[:n_visits],
        true,
        expected,
    )


def _expected(
    artery: SimulatedArtery,
    baseline: ArteryMorphology,
    record: ClinicalRecord,
    years: float,
    world: World,
    grid: WallGrid,
) -> Mapping[Factor, Measured]:
    """Change per year of an artery that follows its expected rates; and the new components that are to be expected."""
    later = grow(artery, record, years, Deviation.none(), world, np.random.default_rng(0))
    expected: dict[Factor, Measured] = dict(
        true_change(baseline, true_morphology(later, grid, with_slices=False), years)
    )
    for tissue, volume_mm3 in expected_new_mm3(artery, record, years, world).items():
        factor = _FACTOR_OF_TISSUE[tissue]
        grown = expected[factor]
        expected[factor] = grown + volume_mm3 / years if is_number(grown) else grown
    return expected


_FACTOR_OF_TISSUE = {
    Tissue.LIPID_RICH_NECROTIC_CORE: Factor.LIPID_RICH_NECROTIC_CORE,
    Tissue.INTRAPLAQUE_HEMORRHAGE: Factor.INTRAPLAQUE_HEMORRHAGE,
    Tissue.CALCIFICATION: Factor.CALCIFICATION,
}


def number_or_nan(value: Measured) -> float:
    """A measured value for a matrix of learning: NaN where it is missing."""
    return float(value) if is_number(value) else float("nan")
