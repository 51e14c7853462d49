"""Twelve ways in which an artery can be unlike those that a predictor learned from; each takes a usual one."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

from plaquecast.domain.clinical import ClinicalRecord
from plaquecast.domain.learning import BaselineArtery
from plaquecast.domain.missing import Missing, Reason, is_number
from plaquecast.domain.morphology import ArteryMorphology


def _clinical(artery: BaselineArtery, **changes: Any) -> BaselineArtery:
    return replace(artery, clinical=replace(artery.clinical, **changes))


def _measured(artery: BaselineArtery, **changes: Any) -> BaselineArtery:
    return replace(artery, morphology=replace(artery.morphology, **changes))


def _scaled(artery: BaselineArtery, power: Mapping[str, float]) -> BaselineArtery:
    changes = {}
    for field in fields(ArteryMorphology):
        value = getattr(artery.morphology, field.name)
        for suffix, factor in power.items():
            if field.name.endswith(suffix) and isinstance(value, float):
                changes[field.name] = value * factor
    return _measured(artery, **changes)


def _without_measures(artery: BaselineArtery) -> BaselineArtery:
    names = [f.name for f in fields(ArteryMorphology) if isinstance(getattr(artery.morphology, f.name), float)]
    gap = Missing(Reason.NOT_COVERED)
    return _measured(artery, **{name: gap for name in names if name != "confidence"})


def _volume(artery: BaselineArtery, name: str) -> float:
    value = getattr(artery.morphology, name)
    return value if is_number(value) else 0.0


KINDS_OF_NOVELTY: Mapping[str, Callable[[BaselineArtery], BaselineArtery]] = {
    "glucose in mg/dL": lambda a: _clinical(a, glucose_mmol_per_l=100.0),
    "weight in grams / 1000 twice (child's weight)": lambda a: _clinical(a, weight_kg=18.0),
    "age 12 years": lambda a: _clinical(a, age_years=12.0),
    "pressure in kPa": lambda a: _clinical(a, systolic_pressure_mmhg=18.0, diastolic_pressure_mmhg=11.0),
    "height in inches": lambda a: _clinical(a, height_cm=66.0),
    "voxel size doubled in all directions": lambda a: _scaled(a, {"_mm3": 8.0, "_mm": 2.0}),
    "voxel size halved in all directions": lambda a: _scaled(a, {"_mm3": 0.125, "_mm": 0.5}),
    "slice spacing tripled": lambda a: _scaled(a, {"_mm3": 3.0}),
    "lumen and vessel swapped": lambda a: _measured(
        a, lumen_volume_mm3=_volume(a, "vessel_volume_mm3"), vessel_volume_mm3=_volume(a, "lumen_volume_mm3")
    ),
    "near occlusion": lambda a: _measured(
        a, stenosis_nascet_percent=95.0, stenosis_ecst_percent=96.0, stenosis_area_percent=99.0
    ),
    "aneurysm": lambda a: _measured(a, vessel_volume_mm3=6000.0, lumen_volume_mm3=5200.0, remodeling_index=2.5),
    "nothing measured and no structured data": lambda a: replace(_without_measures(a), clinical=ClinicalRecord()),
}
"""Kinds by name; each gives a changed copy of the artery it is given."""
