"""What a report is made of: sections of blocks, the same for a web page, Markdown and PDF."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from matplotlib.figure import Figure


@dataclass(frozen=True)
class Text:
    """A paragraph; `warning` when something is wrong with what is shown."""

    text: str
    warning: bool = False
    beside: bool = False  # stands beside the plot before it, where there is room


@dataclass(frozen=True)
class Tile:
    """One figure in large type: its value, what it is, and a line that puts it into proportion."""

    value: str
    name: str
    note: str = ""
    good: bool | None = None


@dataclass(frozen=True)
class Tiles:
    """A row of figures in large type."""

    tiles: Sequence[Tile]


@dataclass(frozen=True)
class Table:
    """Texts in rows, as many as there are columns. The page marks 'passed', 'ok' and 'FAILED'."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    folded: bool = False  # closed until the reader opens it, where the form can
    beside: bool = False  # as a text


@dataclass(frozen=True)
class Plot:
    """A figure, and in words what it shows."""

    figure: Figure
    alt: str
    caption: str = ""
    wide: bool = False  # takes a row of its own


@dataclass(frozen=True)
class Photo:
    """An encoded image with what it is called and what is to be said of it."""

    content: bytes
    kind: str  # "jpeg" or "png"
    alt: str
    title: str
    lines: Sequence[str] = ()


@dataclass(frozen=True)
class Gallery:
    """Gallery with captions; small ones side by side."""

    photos: Sequence[Photo]
    large: bool = False


Block = Text | Tiles | Table | Plot | Gallery


@dataclass(frozen=True)
class Section:
    """A part of the report."""

    title: str
    blocks: Sequence[Block] = field(default_factory=tuple)


@dataclass(frozen=True)
class Absent:
    """A part that cannot be shown, why, and the command that brings it."""

    title: str
    reason: str
    command: str = ""
