"""The parts a report is made of: words, tables and figures in sections."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture (`data` PNG or SVG bytes), the caption a reader needs, and a text for those who cannot see it."""

    data: bytes
    media_type: str
    caption: str
    alternative: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table of text cells; the first column names the row."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with paragraphs, links (words → path relative to the page), tables and figures, in this order."""

    title: str
    paragraphs: Sequence[str] = field(default_factory=tuple)
    links: Mapping[str, str] = field(default_factory=dict)
    tables: Sequence[Table] = field(default_factory=tuple)
    figures: Sequence[Figure] = field(default_factory=tuple)
