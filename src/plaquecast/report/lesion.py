"""The disease of the arteries as a reader would put it, as a table."""

from collections.abc import Mapping

from plaquecast.domain.anatomy import Side
from plaquecast.domain.lesion import Lesion, Segment
from plaquecast.domain.missing import Missing
from plaquecast.domain.morphology import ArteryMorphology
from plaquecast.report.sections import Table
from plaquecast.report.words import number


def lesion_table(arteries: Mapping[Side, ArteryMorphology | Missing]) -> Table:
    """Lesion type, cap, high-risk features and burden by segment, one column per side."""
    columns = [_column(artery) for artery in arteries.values()]
    rows = [(words, *(column[i] for column in columns)) for i, words in enumerate(_WORDS)]
    return Table(("reading", *(side.value for side in arteries)), tuple(rows))


_WORDS = (
    "lesion type (AHA, modified for MR)", "fibrous cap", "high-risk features", "largest share of core in a wall, %",
    *(f"plaque burden of the {segment.value}, %" for segment in Segment),
)  # fmt: skip


def _column(artery: ArteryMorphology | Missing) -> tuple[str, ...]:
    lesion: Lesion | Missing | None = artery if isinstance(artery, Missing) else artery.lesion
    if lesion is None or isinstance(lesion, Missing):
        return ("not read" if lesion is None else str(lesion),) * len(_WORDS)
    return (
        str(lesion.lesion_type),
        str(lesion.cap_status),
        ", ".join(lesion.high_risk) or "none",
        number(lesion.largest_core_percent, 0),
        *(number(lesion.percent_wall_volume[segment], 0) for segment in Segment),
    )
