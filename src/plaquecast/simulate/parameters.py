"""The card's table of what a simulated cohort was made with: each parameter with its value, unit and source."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from plaquecast.domain.measurements import PUBLISHED_ERRORS
from plaquecast.settings import SimulateSettings
from plaquecast.simulate import disease
from plaquecast.simulate.scanner import draw_scanner
from plaquecast.simulate.signal import PROTOCOLS, mean_tissues
from plaquecast.simulate.tissues import Matter
from plaquecast.simulate.worlds import world_of


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of the simulation."""

    name: str
    value: object
    unit: str
    source: str


def parameter_table(settings: SimulateSettings) -> tuple[Parameter, ...]:
    """Every parameter that has a name, for the world, vendor and field strength of the settings.

    Raises:
        InputError: if a setting is not known.

    >>> [row.value for row in parameter_table(SimulateSettings()) if row.name == "world.explained_share"]
    [0.3]
    """
    return (*_people(settings), *_images(settings), *_measurement())


def _people(settings: SimulateSettings) -> Iterator[Parameter]:
    for name, value in asdict(world_of(settings)).items():
        yield Parameter(f"world.{name}", value, "", "chosen for the world")
    units = {"wall": "mm^3 per year", "core": "mm^3 per year", "hemorrhage": "mm^3 per year", "cap": "mm per year"}
    sources = {
        "wall": "Lu 2019 and 2020; statins: Saam 2007, 3D ultrasound trial of 2 years",
        "core": "Zhao 2011 and 2023 (AIM-HIGH); ORION 2008",
        "hemorrhage": "Lu 2022; Rotterdam study",
        "cap": "coronary OCT of 52 weeks as a proxy (HUYGENS 2022)",
    }
    for process in disease.PROCESSES:
        mean, spread = disease.MEAN_IN_SPREADS[process], disease.SPREAD[process]
        yield Parameter(f"rate.{process}.mean", mean, "SD", sources[process])
        yield Parameter(f"rate.{process}.sd", spread, units[process], sources[process])
    rotterdam = "Pletsch-Borba 2018, constant hazard"
    yield Parameter("new_core", disease.NEW_CORE_PER_YEAR, "per year", rotterdam)
    yield Parameter("new_calcification", disease.NEW_CALCIFICATION_PER_YEAR, "per year", rotterdam)
    yield Parameter("new_hemorrhage", disease.NEW_HEMORRHAGE_PER_YEAR, "per year", rotterdam)
    yield Parameter("calcification_growth", disease.CALCIFICATION_GROWTH_PER_YEAR, "log size per year", "assumed")
    yield Parameter("statin_response", disease.STATIN_RESPONSE_YEARS, "year", "Zhao 2011: by year of treatment")


def _images(settings: SimulateSettings) -> Iterator[Parameter]:
    for name, value in asdict(draw_scanner(settings)).items():
        yield Parameter(f"scanner.{name}", value, "", "chosen for world, vendor and field strength")
    for weighting, protocol in PROTOCOLS.items():
        for name, value in asdict(protocol).items():
            yield Parameter(f"protocol.{weighting}.{name}", value, "", "ISMRM 2018 #3494, or in common use")
    tissues = asdict(mean_tissues(settings.field_strength_tesla))
    for matter in Matter:
        for name, values in tissues.items():
            unit = "ms" if name.endswith("_ms") else "water = 1"
            source = "Qiao 2020, Wang 2023, Stanisz 2006 and common tables"
            yield Parameter(f"tissue.{matter.name.lower()}.{name}", round(float(values[matter]), 3), unit, source)


def _measurement() -> Iterator[Parameter]:
    for name, error in PUBLISHED_ERRORS.items():
        yield Parameter(f"error.{name}.relative", error.relative, "1", error.origin)
        yield Parameter(f"error.{name}.absolute", error.absolute, "unit of the measurement", error.origin)
