"""A simulated population as arrays: what publications report of arteries, at two visits."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plaquecast.domain.anatomy import Side
from plaquecast.domain.clinical import Sex
from plaquecast.domain.missing import is_number
from plaquecast.settings import SimulateSettings
from plaquecast.simulate.artery import SimulatedArtery
from plaquecast.simulate.course import COARSE
from plaquecast.simulate.person import SimulatedPerson
from plaquecast.simulate.table import measured_people
from plaquecast.simulate.truth import Integration

Array = NDArray[np.float64]

MEASURES = {
    "wall": "wall_volume_mm3", "lumen": "lumen_volume_mm3", "thickness": "max_wall_thickness_mm",
    "mean_thickness": "mean_wall_thickness_mm", "nascet": "stenosis_nascet_percent", "ecst": "stenosis_ecst_percent",
    "area_stenosis": "stenosis_area_percent", "plaque": "plaque_volume_mm3", "burden": "percent_wall_volume",
    "core": "lipid_rich_necrotic_core_volume_mm3", "hemorrhage": "intraplaque_hemorrhage_volume_mm3",
    "calcification": "calcification_volume_mm3", "cap_min": "fibrous_cap_min_thickness_mm",
}  # fmt: skip
"""Short name of each measurement; `x0` and `x1` are true at both visits, `m_x0` and `m_x1` as measured."""


@dataclass(frozen=True)
class Population:
    """Arrays over arteries (`of`) and over their cross-sections of 2 mm (`slices`, with the artery's row in `row`)."""

    of: Mapping[str, Array]
    slices: Mapping[str, Array]

    def __getitem__(self, name: str) -> Array:
        return self.of[name]

    def rate(self, name: str, measured: bool = False) -> Array:
        """Change per year."""
        lead = "m_" if measured else ""
        return (self.of[f"{lead}{name}1"] - self.of[f"{lead}{name}0"]) / self.of["years"]


def simulate_population(n_patients: int, seed: int, settings: SimulateSettings) -> Population:
    """Both arteries of each patient."""
    arteries: list[dict[str, float]] = []
    slices: list[dict[str, float]] = []
    for person, measured in measured_people(n_patients, seed, settings):
        for side in Side:
            row = _person(person) | _course(person.arteries[0][side])
            for visit in (0, 1):
                for short, name in MEASURES.items():
                    row[f"{short}{visit}"] = _number(getattr(person.morphology[visit][side], name))
                    row[f"m_{short}{visit}"] = _number(getattr(measured[visit][side], name))
                found = Integration(person.arteries[visit][side], COARSE)
                row |= {f"{name}{visit}": value for name, value in _segments(found).items()}
                if visit == 0:
                    slices += [section | {"row": float(len(arteries))} for section in _slices(found)]
            arteries.append(row)
    return Population(_columns(arteries), _columns(slices))


def _columns(rows: list[dict[str, float]]) -> dict[str, Array]:
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _number(value: object) -> float:
    return float(value) if is_number(value) else float("nan")  # type: ignore[arg-type]


def _person(person: SimulatedPerson) -> dict[str, float]:
    record = person.records[0]
    return {
        "years": person.interval_years,
        "age": _number(record.age_years),
        "man": float(record.sex is Sex.MALE),
        "statin": float(record.statin is True),
        "statin_years": _number(record.statin_years),
    }


def _course(artery: SimulatedArtery) -> dict[str, float]:
    """Diameters and angles of the artery as it would be without plaque."""
    shape, s = artery.course.shape, COARSE.position_mm
    diameter = 2.0 * artery.course.normal_radius(s)
    return {
        "common_mm": float(diameter[s < -13.0].mean()),
        "bulb_mm": float(diameter.max()),
        "internal_mm": float(diameter[s > 13.0].mean()),
        "external_mm": 2.0 * shape.external_radius_mm,
        "angle": shape.internal_angle_degrees + shape.external_angle_degrees,
        "internal_angle": shape.internal_angle_degrees,
        "n_plaques": float(len(artery.plaques)),
    }


def _segments(found: Integration) -> dict[str, float]:
    """Wall volume above and below the flow divider, largest and mean wall area, and what lies in slices with a core."""
    wall, lumen = found.wall_mm2.sum(axis=1), found.lumen_mm2.sum(axis=1)
    below = found.grid.position_mm < 0.0
    core = sum(
        area.sum(axis=1) for tissue, area in found.tissue_mm2.items() if "core" in tissue.label or "hem" in tissue.label
    )
    lipid = np.asarray(core) > 0.5
    return {
        "above": float(wall[~below].sum()),
        "below": float(wall[below].sum()),
        "largest_area": float(wall.max()),
        "mean_area": float(wall.mean()),
        "lipid_wall": float(wall[lipid].sum()) if lipid.any() else float("nan"),
        "lipid_vessel": float((wall + lumen)[lipid].sum()) if lipid.any() else float("nan"),
    }


def _slices(found: Integration) -> list[dict[str, float]]:
    """Two rows of the coarse grid are one slice of 2 mm."""

    def pairs(values: Array) -> Array:
        return values.reshape(-1, 2).mean(axis=1)

    lumen, wall = pairs(found.lumen_mm2.sum(axis=1)), pairs(found.wall_mm2.sum(axis=1))
    columns = {
        "position": pairs(found.grid.position_mm),
        "lumen": lumen,
        "wall": wall,
        "index": wall / (lumen + wall),
        "mean_thickness": np.sqrt((lumen + wall) / np.pi) - np.sqrt(lumen / np.pi),
        "max_thickness": pairs(found.thickness_mm.max(axis=1)),
    }
    return [dict(zip(columns, map(float, row), strict=True)) for row in zip(*columns.values(), strict=True)]
