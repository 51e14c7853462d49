"""The tables of a run: domain things to rows and back, each number with the reason beside it where it is missing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from plaquecast.domain.anatomy import Side, Tissue, Weighting
from plaquecast.domain.missing import Missing, Reason
from plaquecast.domain.morphology import ArteryMorphology, SliceMorphology, WallMap
from plaquecast.store.table_files import Table, read_table, write_table
from plaquecast.store.table_rows import (
    columns_of,
    measured_cells,
    measured_columns,
    measured_fields,
    parse_missing,
    read_measured,
    write_rows,
)

_IDS = {"participant_id": pa.string(), "session_id": pa.string(), "side": pa.string()}
_PATIENT_SIDE = {"participant_id": pa.string(), "side": pa.string()}
_BOTH = "both"


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredArtery:
    """One artery of one visit as the tables know it: measured, or `Missing` as a whole."""

    patient_id: str
    session_id: str
    side: Side
    morphology: ArteryMorphology | Missing


SLICE_MEASUREMENTS = measured_fields(SliceMorphology)
ARTERY_MEASUREMENTS = measured_fields(ArteryMorphology)


def write_arteries_table(folder: Path, arteries: Iterable[MeasuredArtery]) -> None:
    """Write the table `arteries`: one row per artery and visit, sides that were not found included."""
    rows = []
    for artery in arteries:
        row = _ids(artery) | measured_cells(artery.morphology, ARTERY_MEASUREMENTS)
        found = None if isinstance(artery.morphology, Missing) else artery.morphology
        row["confidence"] = None if found is None else found.confidence
        row["model_id"] = None if found is None else found.model_id
        row["missing_reason"] = None if found else str(artery.morphology)
        rows.append(row)
    schema = _IDS | measured_columns(ARTERY_MEASUREMENTS)
    write_rows(folder, "arteries", rows, schema | columns_of(pa.float64(), "confidence") | _TEXTS_OF_ARTERY)


_TEXTS_OF_ARTERY = {"model_id": pa.string(), "missing_reason": pa.string()}


def write_slices_table(folder: Path, arteries: Iterable[MeasuredArtery]) -> None:
    """Write the table `slices`: one row per measured cross-section."""
    rows = []
    for artery, found in _found(arteries):
        for section in found.slices:
            row = _ids(artery) | {"position_mm": section.position_mm, "confidence": section.confidence}
            rows.append(row | measured_cells(section, SLICE_MEASUREMENTS))
    schema = _IDS | columns_of(pa.float64(), "position_mm") | measured_columns(SLICE_MEASUREMENTS)
    write_rows(folder, "slices", rows, schema | columns_of(pa.float64(), "confidence"))


def write_wall_maps_table(folder: Path, arteries: Iterable[MeasuredArtery]) -> None:
    """Write the table `wall_maps`: one row per position and angle of each unwrapped wall."""
    weightings = [weighting for weighting in Weighting]
    schema = _IDS | columns_of(pa.float64(), "position_mm", "angle_degrees", "wall_thickness_mm")
    schema |= {"tissue": pa.string(), "missing_reason": pa.string()}
    schema |= columns_of(pa.float64(), *[_intensity_column(weighting) for weighting in weightings])
    columns: dict[str, list[Any]] = {name: [] for name in schema}
    for artery, found in _found(arteries):
        if found.wall_map is not None:
            for name, values in (_repeated_ids(artery, found.wall_map) | _map_columns(found.wall_map)).items():
                columns[name].extend(values)
    write_table(folder, Table("wall_maps", columns), schema)


def read_arteries_tables(folder: Path) -> tuple[MeasuredArtery, ...]:
    """Read `arteries`, `slices` and `wall_maps` back into one thing per artery and visit.

    Raises:
        InputError: if a table is missing or damaged.
    """
    sections = _grouped(read_table(folder, "slices"))
    maps = _grouped(read_table(folder, "wall_maps"))
    return tuple(_artery(row, sections, maps) for row in read_table(folder, "arteries").rows())


def _ids(artery: MeasuredArtery) -> dict[str, Any]:
    return {
        "participant_id": f"sub-{artery.patient_id}",
        "session_id": f"ses-{artery.session_id}",
        "side": artery.side.value,
    }


def _found(arteries: Iterable[MeasuredArtery]) -> Iterable[tuple[MeasuredArtery, ArteryMorphology]]:
    for artery in arteries:
        if not isinstance(artery.morphology, Missing):
            yield artery, artery.morphology


def _intensity_column(weighting: Weighting) -> str:
    return f"intensity_{weighting.value.lower()}"


def _repeated_ids(artery: MeasuredArtery, wall_map: WallMap) -> dict[str, list[Any]]:
    return {name: [value] * wall_map.wall_thickness_mm.size for name, value in _ids(artery).items()}


def _map_columns(wall_map: WallMap) -> dict[str, list[Any]]:
    n, m = wall_map.wall_thickness_mm.shape
    covered = np.isfinite(wall_map.wall_thickness_mm).ravel()
    columns: dict[str, list[Any]] = {
        "position_mm": np.repeat(wall_map.position_mm, m).tolist(),
        "angle_degrees": np.tile(wall_map.angle_degrees, n).tolist(),
        "wall_thickness_mm": _or_none(wall_map.wall_thickness_mm),
        "tissue": [Tissue(value).label for value in wall_map.tissue.ravel().tolist()],
        "missing_reason": [None if there else Reason.NOT_COVERED.value for there in covered],
    }
    for weighting in Weighting:
        intensity = wall_map.intensity.get(weighting)
        columns[_intensity_column(weighting)] = [None] * (n * m) if intensity is None else _or_none(intensity)
    return columns


def _or_none(values: Any) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in np.asarray(values, dtype=np.float64).ravel().tolist()]


Key = tuple[str, str, str]


def _key(row: Mapping[str, Any]) -> Key:
    return row["participant_id"], row["session_id"], row["side"]


def _grouped(table: Table) -> dict[Key, list[dict[str, Any]]]:
    return {key: list(rows) for key, rows in groupby(table.rows(), _key)}


def _artery(row: dict[str, Any], sections: Mapping[Key, Any], maps: Mapping[Key, Any]) -> MeasuredArtery:
    patient_id, session_id, side = row["participant_id"][4:], row["session_id"][4:], Side(row["side"])
    if row["missing_reason"] is not None:
        return MeasuredArtery(patient_id, session_id, side, parse_missing(row["missing_reason"]))
    morphology = ArteryMorphology(
        side=side,
        slices=tuple(_section(each) for each in sections.get(_key(row), ())),
        confidence=row["confidence"],
        model_id=row["model_id"],
        wall_map=_wall_map(maps[_key(row)]) if _key(row) in maps else None,
        **read_measured(row, ARTERY_MEASUREMENTS),
    )
    return MeasuredArtery(patient_id, session_id, side, morphology)


def _section(row: Mapping[str, Any]) -> SliceMorphology:
    return SliceMorphology(
        position_mm=row["position_mm"], confidence=row["confidence"], **read_measured(row, SLICE_MEASUREMENTS)
    )


def _wall_map(rows: Sequence[Mapping[str, Any]]) -> WallMap:
    positions = list(dict.fromkeys(row["position_mm"] for row in rows))
    shape = (len(positions), len(rows) // len(positions))
    tissue_of = {tissue.label: int(tissue) for tissue in Tissue}

    def matrix(name: str) -> Any:
        return np.array([row[name] for row in rows], dtype=np.float64).reshape(shape)

    shown = [w for w in Weighting if any(row[_intensity_column(w)] is not None for row in rows)]
    return WallMap(
        position_mm=np.array(positions),
        angle_degrees=np.array([row["angle_degrees"] for row in rows[: shape[1]]]),
        wall_thickness_mm=matrix("wall_thickness_mm"),
        tissue=np.array([tissue_of[row["tissue"]] for row in rows], dtype=np.uint8).reshape(shape),
        intensity={weighting: matrix(_intensity_column(weighting)) for weighting in shown},
    )
