"""The report of one visit, and the parts of it that other reports use too."""

from collections.abc import Mapping, Sequence

from plaquecast.domain.anatomy import Side
from plaquecast.domain.examined import ExaminedVisit
from plaquecast.domain.missing import Measured, Missing
from plaquecast.domain.morphology import ArteryMorphology
from plaquecast.report.alignment import visit_alignment
from plaquecast.report.figures import cross_sections, wall_maps
from plaquecast.report.html import render_page
from plaquecast.report.lesion import lesion_table
from plaquecast.report.sections import Figure, Section, Table
from plaquecast.report.words import number

MEASUREMENT_ROWS: tuple[tuple[str, str, int], ...] = (
    ("covered_length_mm", "covered length, mm", 0),
    ("stenosis_nascet_percent", "stenosis (NASCET), %", 0),
    ("narrowest_position_mm", "read at, mm from the bifurcation", 0),
    ("distal_reference_position_mm", "compared with the internal carotid at, mm", 0),
    ("stenosis_ecst_percent", "stenosis (ECST), %", 0),
    ("stenosis_area_percent", "stenosis by area, %", 0),
    ("max_wall_thickness_mm", "wall thickness, maximum, mm", 2),
    ("mean_wall_thickness_mm", "wall thickness, mean, mm", 2),
    ("lumen_volume_mm3", "lumen volume, mm³", 0),
    ("wall_volume_mm3", "wall volume, mm³", 0),
    ("normalized_wall_index", "normalized wall index", 2),
    ("plaque_volume_mm3", "plaque volume, mm³", 0),
    ("plaque_length_mm", "plaque length, mm", 0),
    ("calcification_volume_mm3", "calcification, mm³", 1),
    ("near_lumen_calcification_volume_mm3", "calcification within 0.5 mm of the lumen, mm³", 1),
    ("lipid_rich_necrotic_core_volume_mm3", "lipid-rich necrotic core (hemorrhage included), mm³", 1),
    ("intraplaque_hemorrhage_volume_mm3", "intraplaque hemorrhage, mm³", 1),
    ("loose_matrix_volume_mm3", "loose matrix, mm³", 1),
    ("fibrous_cap_min_thickness_mm", "fibrous cap, thinnest, mm", 2),
    ("fibrous_cap_percentile5_thickness_mm", "fibrous cap, 5th percentile, mm", 2),
    ("fibrous_cap_mean_thickness_mm", "fibrous cap, mean, mm", 2),
    ("remodeling_index", "remodeling index", 2),
)
"""Measurements of an artery in the order of a report: field, words with unit, decimals."""


def visit_report(examined: ExaminedVisit, methods: Sequence[str], simulated: bool) -> str:
    """One self-contained page on one visit: the answer, slices with contours, the unwrapped wall, how it was made."""
    aligned = examined.aligned
    sections = [
        Section("Measurements", tables=[lesion_table(examined.arteries), measurement_table(examined.arteries)]),
        Section("Slices", figures=slices_of(examined)),
        Section("The wall, unwrapped", figures=_maps(examined)),
        Section("Alignment", tables=[alignment_table(examined)], figures=visit_alignment(examined)),
        Section("How this was made", paragraphs=methods),
    ]
    title = f"Carotid arteries of {aligned.patient_id}, visit {aligned.session_id}"
    answer = [artery_sentence(side, artery) for side, artery in examined.arteries.items()]
    return render_page(title, answer, [part for part in sections if _has_content(part)], simulated)


def artery_sentence(side: Side, artery: ArteryMorphology | Missing) -> str:
    """What one artery is like, in one sentence."""
    name = f"{side.value.capitalize()} carotid"
    if isinstance(artery, Missing):
        return f"{name}: no measurement ({artery})."
    parts = [
        _phrase("maximum wall thickness", artery.max_wall_thickness_mm, 1, " mm"),
        _phrase("stenosis (NASCET)", artery.stenosis_nascet_percent, 0, " %"),
        _phrase("plaque", artery.plaque_volume_mm3, 0, " mm³"),
        _phrase("lipid-rich necrotic core", artery.lipid_rich_necrotic_core_volume_mm3, 0, " mm³"),
        _phrase("hemorrhage", artery.intraplaque_hemorrhage_volume_mm3, 0, " mm³"),
    ]
    return f"{name}: {'; '.join(parts)}."


def _phrase(words: str, value: Measured, decimals: int, unit: str) -> str:
    return f"{words} {value}" if isinstance(value, Missing) else f"{words} {number(value, decimals)}{unit}"


def measurement_table(arteries: Mapping[Side, ArteryMorphology | Missing]) -> Table:
    """All measurements, one column per side; a missing one is given as its reason."""
    rows = [
        (words, *(_cell(artery, name, decimals) for artery in arteries.values()))
        for name, words, decimals in MEASUREMENT_ROWS
    ]
    return Table(("measurement", *(side.value for side in arteries)), tuple(rows))


def _cell(artery: ArteryMorphology | Missing, name: str, decimals: int) -> str:
    return str(artery) if isinstance(artery, Missing) else number(getattr(artery, name), decimals)


def slices_of(examined: ExaminedVisit) -> list[Figure]:
    """Cross-sections with contours of every artery that was found."""
    figures = (cross_sections(examined, side) for side in examined.segmentations)
    return [figure for figure in figures if figure is not None]


def _maps(examined: ExaminedVisit) -> list[Figure]:
    found = {side.value: artery for side, artery in examined.arteries.items() if isinstance(artery, ArteryMorphology)}
    figure = wall_maps(found)
    return [figure] if figure is not None else []


def alignment_table(examined: ExaminedVisit) -> Table:
    """How each weighting lies on the reference, and whether it was used."""
    aligned = examined.aligned
    rows = [
        (weighting.value, f"{quality.score:.2f}", "used" if quality.passed else "left out", quality.reason)
        for weighting, quality in aligned.quality.items()
    ]
    return Table(("weighting", "score (1 = best)", "verdict", "reason"), tuple(rows), f"Reference: {aligned.reference}")


def _has_content(section: Section) -> bool:
    return bool(section.paragraphs or section.tables or section.figures)
