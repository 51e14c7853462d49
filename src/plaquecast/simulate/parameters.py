"""The card's table of what a simulated cohort was made with: each parameter with its value, unit and source."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from plaquecast.domain.measurements import PUBLISHED_ERRORS
from plaquecast.settings import SimulateSettings
from plaquecast.simulate import anatomy, disease, processes
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
    return (*_anatomy(), *_people(settings), *_images(settings), *_measurement())


def _anatomy() -> Iterator[Parameter]:
    """Mean and SD of sizes, and the log odds of what a plaque holds."""
    morphometry = "Thomas 2005 (Stroke); 64-slice CT angiography of the bifurcation (West Indian Med J)"
    wall = "Varghese 2005 and Wei 2019; thickening with age: MESA 2014"
    prevalence = (
        "set to prevalences of Zhao H (PMC4059203), Zhao X (PMC5542669), ARIC 2009, Rotterdam (ehr227), Ota 2013"
    )
    yield Parameter("common_radius", anatomy.COMMON_RADIUS_MM, "mm, mean and SD", morphometry)
    yield Parameter("bulb_to_common", anatomy.BULB_TO_COMMON, "1, mean and SD", morphometry)
    yield Parameter("internal_radius", anatomy.INTERNAL_RADIUS_MM, "mm, mean and SD", morphometry)
    yield Parameter("external_radius", anatomy.EXTERNAL_RADIUS_MM, "mm, mean and SD", morphometry)
    yield Parameter("bifurcation_angle", anatomy.BIFURCATION_DEGREES, "degrees, mean and SD", morphometry)
    yield Parameter("body_scale", anatomy.BODY_SCALE, "1, mean and SD", "set to the SD of lumen areas (Wei 2019)")
    yield Parameter(
        "women_scale", anatomy.WOMEN_SCALE, "1", "3D digital subtraction angiography 2021 (s12883-021-02328-z)"
    )
    yield Parameter(
        "plaque_position",
        anatomy.PLAQUE_POSITION_MM,
        "mm above the flow divider, mean and SD",
        "asymptomatic elderly, 3D MRI: sites",
    )
    yield Parameter("log_height_per_severity", anatomy.LOG_HEIGHT_PER_SEVERITY, "1 per SD", wall)
    yield Parameter("wall", anatomy.WALL_MM, "mm at 60 years, mean and SD", wall)
    yield Parameter("wall_per_year", anatomy.WALL_MM_PER_YEAR, "mm per year of age", wall)
    yield Parameter("core", anatomy.CORE_LOGIT, "log odds", prevalence)
    yield Parameter("bled", anatomy.BLED_LOGIT, "log odds", prevalence)
    yield Parameter("calcified", anatomy.CALCIFIED_LOGIT, "log odds", "Lu 2019, by age")
    yield Parameter("ruptured", anatomy.RUPTURED_LOGIT, "log odds", "Ota 2013, by sex")


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
    for process in processes.PROCESSES:
        mean, spread = processes.MEAN_IN_SPREADS[process], processes.SPREAD[process]
        yield Parameter(f"rate.{process}.mean", mean, "SD", sources[process])
        yield Parameter(f"rate.{process}.sd", spread, units[process], sources[process])
    rotterdam = "Pletsch-Borba 2018, constant hazard"
    yield Parameter("new_core", processes.NEW_CORE_PER_YEAR, "per year", rotterdam)
    yield Parameter("new_calcification", processes.NEW_CALCIFICATION_PER_YEAR, "per year", rotterdam)
    yield Parameter("new_hemorrhage", processes.NEW_HEMORRHAGE_PER_YEAR, "per year", rotterdam)
    yield Parameter("calcification_growth", disease.CALCIFICATION_GROWTH_PER_YEAR, "log size per year", "assumed")
    yield Parameter("wall_aging", disease.AGING_MM_PER_YEAR, "mm per year, mean and SD", "Tattersall 2014 (MESA)")
    yield Parameter(
        "growth_in_height", disease.GROWTH_IN_HEIGHT, "power of volume", "set to Lu 2020: growth by segment"
    )
    yield Parameter("lumen_follows", disease.LUMEN_FOLLOWS, "share of growth", "set to ACSRS: growth of stenosis")
    yield Parameter("pull_to_core", disease.PULL_PER_YEAR, "share of the way per year", "assumed")
    yield Parameter("drift_along", disease.DRIFT_MM, "mm, SD per root year", "assumed")
    yield Parameter("drift_around", disease.DRIFT_RADIANS, "radians, SD per root year", "assumed")
    yield Parameter("statin_response", processes.STATIN_RESPONSE_YEARS, "year", "Zhao 2011: by year of treatment")


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
