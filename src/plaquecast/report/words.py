"""Numbers and names as a reader wants them."""

from plaquecast.domain.change import ChangeFactor, Factor
from plaquecast.domain.missing import Measured, Missing

FACTOR_WORDS: dict[Factor, tuple[str, str, int]] = {
    Factor.WALL_THICKENING: ("wall thickness, mean", "mm", 3),
    Factor.MAX_WALL_THICKENING: ("wall thickness, maximum", "mm", 2),
    Factor.STENOSIS: ("stenosis (NASCET)", "points", 1),
    Factor.LIPID_RICH_NECROTIC_CORE: ("lipid-rich necrotic core", "mm³", 1),
    Factor.INTRAPLAQUE_HEMORRHAGE: ("intraplaque hemorrhage", "mm³", 1),
    Factor.FIBROUS_CAP_THICKNESS: ("fibrous cap thickness", "mm", 3),
    Factor.PLAQUE_VOLUME: ("plaque volume", "mm³", 1),
    Factor.WALL_VOLUME: ("wall volume", "mm³", 1),
    Factor.NORMALIZED_WALL_INDEX: ("normalized wall index", "", 3),
    Factor.CALCIFICATION: ("calcification", "mm³", 1),
}
"""Words, unit and decimals of each factor."""


def number(value: Measured, decimals: int = 1, signed: bool = False) -> str:
    """A number with the given decimals, or the reason why there is none; what is rounded to nothing has no sign.

    >>> number(1.234, 2), number(0.5, 1, signed=True), number(-0.01, 1, signed=True)
    ('1.23', '+0.5', '0.0')
    """
    if isinstance(value, Missing):
        return str(value)
    text = f"{value:+.{decimals}f}" if signed else f"{value:.{decimals}f}"
    return text if float(text) else text.lstrip("+-")


def factor_name(factor: Factor) -> str:
    """A factor with the unit of its yearly change.

    >>> factor_name(Factor.STENOSIS)
    'stenosis (NASCET), points/yr'
    """
    words, unit, _ = FACTOR_WORDS[factor]
    return f"{words}, {unit}/yr" if unit else f"{words}, per yr"


def change_row(change: ChangeFactor) -> tuple[str, ...]:
    """One line of a change table: factor, baseline, follow-up, per year, detectable from, verdict."""
    decimals = FACTOR_WORDS[change.factor][2]
    verdict = change.verdict.value.replace("_", " ") if change.verdict else "–"
    return (
        factor_name(change.factor),
        number(change.baseline, decimals),
        number(change.follow_up, decimals),
        number(change.absolute_per_year, decimals, signed=True),
        number(change.smallest_detectable_per_year, decimals),
        verdict,
    )


CHANGE_COLUMNS = ("factor", "baseline", "follow-up", "change per year", "detectable from", "verdict")
"""Heads of the columns of `change_row`."""
