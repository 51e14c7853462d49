"""Units and definitions of the columns of our tables; they stand in the JSON sidecar of each."""

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.clinical_columns import CLINICAL_CATALOGUE

_UNIT_OF_ENDING = (
    ("_mm_per_year", "mm per year"),
    ("_per_year", "per year"),
    ("_mm2", "mm^2"),
    ("_mm3", "mm^3"),
    ("_mm", "mm"),
    ("_percent", "%"),
    ("_degrees", "degree"),
    ("_years", "year"),
)

DEFINITIONS: dict[str, str] = {
    "participant_id": "Study code of the patient",
    "session_id": "Visit",
    "repeat_session_id": "The visit that scanned the same artery again",
    "ahead_mm": "By how much more the repeat scan's positions count at the same place of the artery",
    "side": "The patient's own side; both = the patient as a whole",
    "position_mm": "Position along the artery from the bifurcation (tip of the flow divider), + towards the head",
    "angle_degrees": "Angle around the artery: 0 at the flow divider, rising towards anterior on both sides",
    "length_mm": "Length of artery that this slice stands for",
    "lumen_area_mm2": "Area inside the inner boundary, perpendicular to the artery",
    "vessel_area_mm2": "Area inside the outer boundary, perpendicular to the artery",
    "wall_area_mm2": "Vessel area minus lumen area",
    "normalized_wall_index": "Wall divided by vessel, 0 to 1",
    "mean_wall_thickness_mm": "Mean wall thickness",
    "max_wall_thickness_mm": "Largest wall thickness",
    "eccentricity_index": "(Largest - smallest wall thickness) / largest",
    "remodeling_index": "Vessel area at the narrowest slice divided by that of the reference",
    "plaque_area_mm2": "Area of plaque: thick wall and every component",
    "plaque_volume_mm3": "Volume of plaque: thick wall and every component",
    "plaque_length_mm": "Length of artery that bears plaque",
    "covered_length_mm": "Length of artery that was found whole",
    "lumen_volume_mm3": "Volume of the lumen over the covered length",
    "vessel_volume_mm3": "Volume inside the outer boundary over the covered length",
    "wall_volume_mm3": "Vessel volume minus lumen volume",
    "percent_wall_volume": "100 x wall volume / vessel volume",
    "stenosis_nascet_percent": "100 x (1 - narrowest diameter / diameter of the parallel-walled internal carotid)",
    "stenosis_ecst_percent": "100 x (1 - narrowest lumen diameter / vessel diameter at that slice)",
    "stenosis_area_percent": "100 x (1 - lumen area / vessel area) at the narrowest slice",
    "narrowest_position_mm": "Position of the slice at which stenosis was read",
    "distal_reference_position_mm": "Middle of the internal carotid whose diameter is NASCET's reference",
    "calcification_area_mm2": "Area of calcification",
    "calcification_volume_mm3": "Volume of calcification",
    "near_lumen_calcification_area_mm2": "Area of calcification within 0.5 mm of the lumen",
    "near_lumen_calcification_volume_mm3": "Volume of calcification within 0.5 mm of the lumen",
    "lipid_rich_necrotic_core_area_mm2": "Area of the lipid-rich necrotic core, hemorrhage in it included",
    "lipid_rich_necrotic_core_volume_mm3": "Volume of the lipid-rich necrotic core, hemorrhage in it included",
    "non_hemorrhagic_core_area_mm2": "Area of the core without hemorrhage",
    "non_hemorrhagic_core_volume_mm3": "Volume of the core without hemorrhage",
    "intraplaque_hemorrhage_area_mm2": "Area of intraplaque hemorrhage",
    "intraplaque_hemorrhage_volume_mm3": "Volume of intraplaque hemorrhage",
    "fibrous_cap_area_mm2": "Area of the fibrous cap",
    "fibrous_cap_min_thickness_mm": "Smallest thickness of the cap over the arc that faces the core",
    "fibrous_cap_percentile5_thickness_mm": "Thickness that 5 % of the cap over the core do not reach",
    "fibrous_cap_mean_thickness_mm": "Mean thickness of the cap over the arc that faces the core",
    "fibrous_cap_arc_degrees": "Angle over which the lumen faces a core",
    "fibrous_cap_resolution_mm": "A cap thinner than this is given as below resolution",
    "loose_matrix_area_mm2": "Area of loose matrix",
    "loose_matrix_volume_mm3": "Volume of loose matrix",
    "confidence": "How far the segmentation is trusted, 0 to 1",
    "model_id": "What segmented or forecast",
    "wall_thickness_mm": "Wall thickness along the ray",
    "tissue": "Most telling tissue along the ray: component before wall",
    "factor": "Change factor; the unit of the underlying measurement is part of the name",
    "baseline": "Value at the first visit, in the unit of the factor",
    "follow_up": "Value at the second visit, in the unit of the factor",
    "interval_years": "Time between the visits, days / 365.25",
    "absolute_per_year": "(Follow-up - baseline) / interval, in the unit of the factor per year",
    "log_percent_per_year": "100 x ln(follow-up / baseline) / interval",
    "error_per_year": "One SD of absolute_per_year: sqrt(2) x SEM / interval",
    "smallest_detectable_per_year": "1.96 x error_per_year",
    "verdict": "progression, no_detectable_change or regression; a thinning cap is progression",
    "missing_reason": "Why there is no number",
    "wall_thickening_mm_per_year": "Expected change of wall thickness at this place",
    "lower_mm_per_year": "Lower end of what would be measured at this place",
    "upper_mm_per_year": "Upper end of what would be measured at this place",
    "horizon_years": "Time ahead for which the forecast is meant",
    "value": "Expected change, in the unit of the factor per year",
    "lower": "Lower end of the interval",
    "upper": "Upper end of the interval",
    "confidence_level": "Share of patients whose change is to lie in the interval",
    "p_progression": "Probability of detectable progression",
    "p_no_detectable_change": "Probability of no detectable change",
    "p_regression": "Probability of detectable regression",
    "in_cohort": "Whether the patient is like those the model learned from",
    "calibration_size": "Number of arteries on which the interval was calibrated",
    "reasons": "What moved the forecast, or why there is none",
    "expected_per_year": "Change to be expected from structured data and baseline in the simulated world (the oracle)",
    "true_per_year": "Change that truly happened in the simulated world",
}

DEFINITIONS |= {
    f"intensity_{w.value.lower()}": f"Mean {w.value} intensity of the wall along the ray" for w in Weighting
}

DEFINITIONS |= {column.name: column.description for column in CLINICAL_CATALOGUE.values()}
DEFINITIONS |= {"acq_date": "Date of the visit"}

REASON_ENDING = "_missing_reason"


def column_sidecar(columns: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """Unit and definition of each column, as a BIDS sidecar.

    >>> column_sidecar(("wall_area_mm2", "wall_area_mm2_missing_reason"))["wall_area_mm2"]["Units"]
    'mm^2'
    """
    return {column: _entry(column) for column in columns}


def _entry(column: str) -> dict[str, str]:
    if column.endswith(REASON_ENDING) and column not in DEFINITIONS:
        return {"Description": f"Why {column.removesuffix(REASON_ENDING)} has no number"}
    entry = {"Description": DEFINITIONS[column]}
    clinical = CLINICAL_CATALOGUE.get(column)
    ours = next((unit for ending, unit in _UNIT_OF_ENDING if column.endswith(ending)), "")
    unit = clinical.unit if clinical else ours
    return entry | {"Units": unit} if unit else entry
