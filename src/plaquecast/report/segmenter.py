"""The report of a trained segmenter: curves, scores on patients it did not learn from, and its worst arteries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from plaquecast.domain.anatomy import Side
from plaquecast.domain.examined import ExaminedVisit
from plaquecast.report.figures import cross_sections, training_curves
from plaquecast.report.html import render_page
from plaquecast.report.sections import Figure, Section, Table


@dataclass(frozen=True, slots=True, eq=False)
class ComparedArtery:
    """One artery as the network found it and as it was annotated, with a name for the reader."""

    name: str
    side: Side
    found: ExaminedVisit
    annotated: ExaminedVisit


def segmenter_report(card: Mapping[str, Any], worst: Sequence[ComparedArtery], simulated: bool) -> str:
    """One self-contained page on a segmenter from its card and its worst validated arteries."""
    dice: Mapping[str, float] = card["validation_dice"]
    n_held_out = len(card["validation_patients"])
    answer = [
        f"Learned from {card['n_train']} patients ({card['origin']}), validated on {n_held_out} others.",
        f"Mean Dice there: lumen {dice['lumen']:.3f}, wall {dice['wall']:.3f}." if dice else "Nobody was left out.",
    ]
    rows = tuple((name.replace("_", " "), f"{value:.3f}") for name, value in dice.items())
    curve = training_curves(card.get("history", {}).get("epochs", ()))
    sections = [
        Section("Curves", figures=[curve] if curve else ()),
        Section("Dice by structure", tables=[Table(("structure", "mean Dice"), rows)] if rows else ()),
        *(Section(f"Among the worst: {each.name}", figures=_both(each)) for each in worst),
    ]
    shown = [section for section in sections if section.tables or section.figures]
    return render_page(f"Segmenter {card['model_id']}", answer, shown, simulated)


def _both(artery: ComparedArtery) -> list[Figure]:
    pairs = (("As annotated", artery.annotated), ("As found", artery.found))
    figures = [(words, cross_sections(visit, artery.side)) for words, visit in pairs]
    return [replace(figure, caption=f"{words}. {figure.caption}") for words, figure in figures if figure is not None]
