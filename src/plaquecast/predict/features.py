"""One row of numbers per artery: structured data and baseline measures, and nothing that lies after the first visit."""

from collections.abc import Sequence

import numpy as np

from plaquecast.domain.anatomy import Tissue, Weighting
from plaquecast.domain.clinical import ClinicalRecord, DrinkingHistory, Sex, SmokingHistory
from plaquecast.domain.clinical_columns import CLINICAL_CATALOGUE, YES_NO
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.learning import BaselineArtery, FeatureTable
from plaquecast.domain.measurements import CATALOGUE
from plaquecast.domain.missing import Missing, Reason
from plaquecast.domain.morphology import ArteryMorphology, WallMap
from plaquecast.errors import InputError

NUMBERS = tuple(name for name, column in CLINICAL_CATALOGUE.items() if column.is_number)
YES_OR_NO = tuple(name for name, column in CLINICAL_CATALOGUE.items() if column.words == YES_NO)
OF_THE_SCAN = ("covered_length_mm", "distal_reference_position_mm")
"""What tells how an artery was scanned and read, not what it is like."""
MEASURES = tuple(entry.name for entry in CATALOGUE if entry.name not in OF_THE_SCAN)
PRESENCE = {
    "has_plaque": "plaque_volume_mm3",
    "has_core": "lipid_rich_necrotic_core_volume_mm3",
    "has_hemorrhage": "intraplaque_hemorrhage_volume_mm3",
    "has_calcification": "calcification_volume_mm3",
}
"""Whether something exists at all is another question than how much of it there is."""

MAP_SUMMARIES = (
    "map_thickness_sd_mm", "map_thickness_percentile90_mm", "map_thick_share", "map_thickness_opposite_ratio",
    "map_core_share",
)  # fmt: skip
"""What the unwrapped wall adds to the measures: how uneven it is, and whether it is thickest opposite the divider."""
TEXTURED = (Weighting.T1W, Weighting.T2W, Weighting.TOF)
TEXTURES = tuple(f"map_{weighting.lower()}_{word}" for weighting in TEXTURED for word in ("variation", "skewness"))
"""Radiomics of the wall's intensities that no scale of intensities changes."""
THICK_MM = 1.5

STATIN_RESPONSE_YEARS = 2.0
"""Plaque answers to a new statin for about two years (Zhao 2011; Saam 2007), so the time since its start matters."""
HORIZON_COLUMNS = ("horizon_years", "statin_response_share")
_NAN = float("nan")


def feature_table(arteries: Sequence[BaselineArtery]) -> FeatureTable:
    """The features of each artery, float64 (n, p); the columns are the same for every cohort.

    A missing entry is NaN and has a `<name>_missing` column beside it. A cap that is known only to be thin is missing
    with `fibrous_cap_below_resolution` = 1.

    >>> from plaquecast.simulate.table import simulate_table
    >>> from plaquecast.settings import SimulateSettings
    >>> table = feature_table(simulate_table(2, 0, SimulateSettings()).arteries)
    >>> table.values.shape[0], table.patient_ids.tolist(), "age_years" in table.columns
    (4, ['sim0001', 'sim0001', 'sim0002', 'sim0002'], True)

    Raises:
        InputError: if there is no artery.
    """
    if not arteries:
        raise InputError(
            expected="at least one artery",
            found="none",
            where="feature table",
            remedy="Give the arteries of at least one visit.",
            code="no-arteries",
        )
    rows = [{**_clinical(artery.clinical), **_measures(artery.morphology)} for artery in arteries]
    columns = tuple(rows[0])
    return FeatureTable(
        np.array([artery.patient_id for artery in arteries]),
        tuple(artery.side for artery in arteries),
        columns,
        np.array([[row[name] for name in columns] for row in rows], dtype=np.float64),
    )


def at_horizon(features: FeatureTable, years: FloatArray) -> FeatureTable:
    """The features with what depends on how far ahead one looks: `years` (n,), the horizon of each row.

    `statin_response_share` is the share of the horizon during which a statin begun lately still works on the plaque.
    """
    left = features.values[:, features.columns.index("statin_response_left_years")]
    share = np.minimum(left, years) / years
    values = np.column_stack([features.values, years, share])
    return FeatureTable(features.patient_ids, features.sides, features.columns + HORIZON_COLUMNS, values)


OF_IMAGE = frozenset((
    *MEASURES, *PRESENCE, "fibrous_cap_below_resolution", *(f"{name}_missing" for name in MEASURES),
    *MAP_SUMMARIES, *TEXTURES, "map_missing",
))  # fmt: skip
"""Columns that come from the images; the others, but for the horizon, are structured data."""


def column(features: FeatureTable, name: str) -> FloatArray:
    """One column by name, float64 (n,).

    Raises:
        InputError: if there is no such column.
    """
    if name not in features.columns:
        raise InputError(
            expected=f"a feature named {name}",
            found=f"{len(features.columns)} others",
            where="feature table",
            remedy="Make the table with `feature_table`.",
            code="unknown-feature",
        )
    return features.values[:, features.columns.index(name)]


def _clinical(record: ClinicalRecord) -> dict[str, float]:
    row = {name: _number(getattr(record, name)) for name in NUMBERS}
    row["body_mass_index"] = _number(record.body_mass_index)
    row["is_man"] = _is(record.sex, Sex.MALE)
    row |= {name: _number(getattr(record, name)) for name in YES_OR_NO}
    row["smokes"] = _is(record.smoking_history, SmokingHistory.CURRENT)
    row["has_smoked"] = _is(record.smoking_history, SmokingHistory.FORMER)
    row["drinks_moderately"] = _is(record.drinking_history, DrinkingHistory.MODERATE)
    row["drinks_heavily"] = _is(record.drinking_history, DrinkingHistory.HEAVY)
    row["statin_response_left_years"] = _response_left(record)
    return row | _flags(row)


def _response_left(record: ClinicalRecord) -> float:
    """Years for which a statin still changes the plaque; none without a statin or once the response is spent."""
    if record.statin is False:
        return 0.0
    if isinstance(record.statin, Missing) or isinstance(record.statin_years, Missing):
        return _NAN
    return max(STATIN_RESPONSE_YEARS - record.statin_years, 0.0)


def _measures(artery: ArteryMorphology) -> dict[str, float]:
    row = {name: _number(getattr(artery, name)) for name in MEASURES}
    row |= {name: _NAN if np.isnan(row[source]) else float(row[source] > 0.0) for name, source in PRESENCE.items()}
    flags = _flags({name: row[name] for name in MEASURES})
    cap = artery.fibrous_cap_min_thickness_mm
    flags["fibrous_cap_below_resolution"] = float(isinstance(cap, Missing) and cap.reason is Reason.BELOW_RESOLUTION)
    return row | flags | _of_map(artery.wall_map)


def _of_map(wall: WallMap | None) -> dict[str, float]:
    """Summaries and textures of the unwrapped wall, all missing without one."""
    row = dict.fromkeys((*MAP_SUMMARIES, *TEXTURES), _NAN)
    known = np.zeros(0, dtype=bool) if wall is None else np.isfinite(wall.wall_thickness_mm)
    if wall is not None and known.any():
        thickness = wall.wall_thickness_mm[known]
        opposite = np.broadcast_to(np.cos(np.radians(wall.angle_degrees)) < 0.0, known.shape)[known]
        core = np.isin(wall.tissue[known], (Tissue.LIPID_RICH_NECROTIC_CORE, Tissue.INTRAPLAQUE_HEMORRHAGE))
        ratio = thickness[opposite].mean() / thickness.mean() if opposite.any() else _NAN
        numbers = (
            thickness.std(), np.quantile(thickness, 0.9), np.mean(thickness > THICK_MM), ratio, core.mean(),
        )  # fmt: skip
        row |= {name: float(value) for name, value in zip(MAP_SUMMARIES, numbers, strict=True)}
        for weighting in TEXTURED:
            row |= _texture(weighting, wall)
    return row | {"map_missing": float(not known.any())}


def _texture(weighting: Weighting, wall: WallMap) -> dict[str, float]:
    values = wall.intensity.get(weighting, np.zeros(0))
    values = values[np.isfinite(values)]
    if len(values) == 0 or values.mean() <= 0.0 or values.std() <= 1e-9 * values.mean():
        return {}
    scaled, name = (values - values.mean()) / values.std(), f"map_{weighting.lower()}"
    return {
        f"{name}_variation": float(values.std() / values.mean()), f"{name}_skewness": float(np.mean(scaled**3)),
    }  # fmt: skip


def _flags(row: dict[str, float]) -> dict[str, float]:
    return {f"{name}_missing": float(np.isnan(value)) for name, value in row.items()}


def _number(value: float | bool | Missing) -> float:
    return _NAN if isinstance(value, Missing) else float(value)


def _is(value: object, word: object) -> float:
    return _NAN if isinstance(value, Missing) else float(value == word)
