"""The catalogue of measurements: name, unit, formula, source, plausible range, and published repeatability."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from plaquecast.domain.grid import FloatArray
from plaquecast.domain.missing import Measured


@dataclass(frozen=True, slots=True)
class MeasurementError:
    """Error of one measurement of one scan, one SD: `relative` × value and `absolute` (its unit), in quadrature.

    >>> import numpy as np
    >>> MeasurementError(0.03, 0.4).sd(np.array([10.0])).round(3).tolist()
    [0.5]
    """

    relative: float
    absolute: float
    origin: str = ""

    def sd(self, value: FloatArray) -> FloatArray:
        """SD of the error at the given values, same shape."""
        return np.hypot(self.relative * np.abs(value), self.absolute)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One entry of the catalogue; `name` is the field of `ArteryMorphology`, `low` and `high` a plausible range."""

    name: str
    unit: str
    formula: str
    source: str
    low: float
    high: float
    error: MeasurementError | None = None


CATALOGUE: tuple[Measurement, ...] = (
    Measurement("covered_length_mm", "mm", "length along the axis of the covered slices", "own", 0, 80),
    Measurement("lumen_volume_mm3", "mm³", "Σ lumen area × slice length", "Saam 2005", 100, 6000,
                MeasurementError(0.035, 0.0, "Roberts 2012; Saam 2009")),
    Measurement("vessel_volume_mm3", "mm³", "Σ area inside the outer wall × slice length", "Saam 2005", 200, 12000,
                MeasurementError(0.025, 0.0, "Saam 2009")),
    Measurement("wall_volume_mm3", "mm³", "vessel volume − lumen volume", "Saam 2005", 100, 6500,
                MeasurementError(0.045, 0.0, "Varghese 2005; Saam 2005")),
    Measurement("percent_wall_volume", "%", "100 × wall volume / vessel volume", "Zhao 2010", 10, 95,
                MeasurementError(0.032, 0.0, "Saam 2005")),
    Measurement("normalized_wall_index", "1", "mean over slices of wall area / vessel area", "Saam 2005", 0.1, 0.95,
                MeasurementError(0.032, 0.0, "Saam 2005")),
    Measurement("mean_wall_thickness_mm", "mm", "mean Laplace thickness: length of the streamline of the harmonic "
                "function between lumen and outer wall", "Jones 2000", 0.3, 5,
                MeasurementError(0.0, 0.03, "Underhill 2006")),
    Measurement("max_wall_thickness_mm", "mm", "largest Laplace thickness, averaged over 1 mm of wall",
                "Wasserman 2010", 0.4, 10,
                MeasurementError(0.08, 0.0, "Li 2010; ICC 0.87")),
    Measurement("remodeling_index", "1", "vessel area at the narrowest slice / vessel area of the common carotid",
                "Glagov 1987", 0.2, 3),
    Measurement("stenosis_nascet_percent", "%", "100 × (1 − smallest lumen diameter / distal ICA diameter), "
                "diameters equivalent to areas", "NASCET 1991", -150, 100,
                MeasurementError(0.0, 5.0, "Heiserman 2005, halved for automated reading")),
    Measurement("stenosis_ecst_percent", "%", "100 × (1 − smallest lumen diameter / vessel diameter there)",
                "ECST 1998", 0, 100,
                MeasurementError(0.0, 4.0, "as NASCET")),
    Measurement("stenosis_area_percent", "%", "100 × (1 − lumen area / vessel area) at the narrowest slice",
                "Mihai 2011", 0, 100,
                MeasurementError(0.0, 4.0, "as NASCET")),
    Measurement("narrowest_position_mm", "mm", "position of the slice with the smallest lumen above −8 mm",
                "own", -8, 60),
    Measurement("distal_reference_position_mm", "mm", "middle of the uppermost 4 mm, if they lie 10 mm above the "
                "bifurcation or higher and their diameters differ by 10 % at most", "NASCET 1991", 10, 60),
    Measurement("plaque_volume_mm3", "mm³", "wall thicker than the plaque limit over at least two slices, and "
                "every component", "own", 0, 3000, MeasurementError(0.08, 10.0, "assumed between wall and core")),
    Measurement("plaque_length_mm", "mm", "length of the slices that hold plaque", "own", 0, 60,
                MeasurementError(0.0, 2.0, "one slice")),
    Measurement("calcification_volume_mm3", "mm³", "Σ area across the artery × slice length", "Saam 2005", 0, 2000,
                MeasurementError(0.186, 1.0, "Saam 2005")),
    Measurement("near_lumen_calcification_volume_mm3", "mm³", "calcification within 0.5 mm of the lumen's surface",
                "own", 0, 500),
    Measurement("lipid_rich_necrotic_core_volume_mm3", "mm³", "Σ area across the artery × slice length, "
                "hemorrhage in it included", "Saam 2005", 0, 2000, MeasurementError(0.111, 3.0, "Saam 2005")),
    Measurement("non_hemorrhagic_core_volume_mm3", "mm³", "the core without its hemorrhage", "Saam 2005", 0, 2000,
                MeasurementError(0.15, 3.0, "assumed from the core")),
    Measurement("intraplaque_hemorrhage_volume_mm3", "mm³", "Σ area across the artery × slice length",
                "Saam 2007", 0, 1500, MeasurementError(0.125, 3.0, "assumed; no published figure")),
    Measurement("loose_matrix_volume_mm3", "mm³", "Σ area across the artery × slice length", "Smits 2016", 0, 1500,
                MeasurementError(0.3, 3.0, "Smits 2016")),
    Measurement("fibrous_cap_min_thickness_mm", "mm", "smallest depth of the core below the lumen",
                "Trivedi 2004", 0, 3, MeasurementError(0.0, 0.15, "Wasserman 2010, ICC 0.38")),
    Measurement("fibrous_cap_percentile5_thickness_mm", "mm", "5th percentile of the depth of the core below the "
                "lumen, over the arc that faces it", "Trivedi 2004", 0, 4),
    Measurement("fibrous_cap_mean_thickness_mm", "mm", "mean depth of the core below the lumen, over the arc "
                "that faces it", "Trivedi 2004", 0, 4, MeasurementError(0.0, 0.12, "Wasserman 2010, ICC 0.38")),
)  # fmt: skip
"""Every measurement of an artery."""

PUBLISHED_ERRORS: Mapping[str, MeasurementError] = {
    entry.name: entry.error for entry in CATALOGUE if entry.error is not None
}
"""Published repeatability by the field of `ArteryMorphology`; used until a segmenter's own is known."""


def implausible(values: Mapping[str, Measured]) -> dict[str, float]:
    """The given measurements, by name, that lie outside their plausible range.

    >>> implausible({"max_wall_thickness_mm": 83.6, "stenosis_area_percent": 40.0})
    {'max_wall_thickness_mm': 83.6}
    """
    found = {}
    for entry in CATALOGUE:
        value = values.get(entry.name)
        if isinstance(value, float) and not entry.low <= value <= entry.high:
            found[entry.name] = value
    return found


def catalogue_as_markdown() -> str:
    """The catalogue as a page of the docs."""
    lines = [
        "# Measurements\n",
        "Generated by `make docs` from `domain/measurements.py`. One value per artery; those per slice follow the same "
        "formulas. The published error is one SD of one scan.\n",
        "| measurement | unit | formula | source | plausible | published error | from |",
        "|---|---|---|---|---|---|---|",
    ]
    for entry in CATALOGUE:
        error, origin = "–", ""
        if entry.error is not None:
            parts = [f"{100 * entry.error.relative:g} %"] if entry.error.relative else []
            parts += [f"{entry.error.absolute:g} {entry.unit}"] if entry.error.absolute else []
            error, origin = " and ".join(parts), entry.error.origin
        lines.append(
            f"| `{entry.name}` | {entry.unit} | {entry.formula} | {entry.source} | {entry.low:g} to {entry.high:g}"
            f" | {error} | {origin} |"
        )
    return "\n".join(lines) + "\n"
