"""Parts of a report: sections of blocks, the same for a web page, Markdown and PDF."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from matplotlib.figure import Figure


@dataclass(frozen=True)
class Text:
    """A paragraph; `warning` if it reports a problem, and the command that mends it or goes on."""

    text: str
    command: str = ""
    warning: bool = False
    beside: bool = False  # placed next to the plot before it if there is room


@dataclass(frozen=True)
class Tile:
    """A value in large type: the value, its name, and a line of context."""

    value: str
    name: str
    note: str = ""
    good: bool | None = None


@dataclass(frozen=True)
class Tiles:
    """A row of values in large type."""

    tiles: Sequence[Tile]


@dataclass(frozen=True)
class Table:
    """A table of texts. The page highlights 'passed', 'ok' and 'FAILED'."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    folded: bool = False  # closed until the reader opens it, if the format supports that
    beside: bool = False  # as for Text


@dataclass(frozen=True)
class Plot:
    """A plot with its alternative text."""

    figure: Figure
    alt: str
    caption: str = ""
    wide: bool = False  # takes the full width


@dataclass(frozen=True)
class Tick:
    """A box that a reader may tick to have a line in the list that the page makes; `ticked`: it is at first."""

    text: str
    line: str
    ticked: bool


@dataclass(frozen=True)
class Photo:
    """An encoded image with its alternative text, title and caption lines.

    Args:
        content: empty where the image is not there any more.
        parts: the same image cut into panels, which a narrow page shows one below the other.
        groups: what a reader may choose it by, as pairs of a kind and a name, such as ("true class", "rose").
    """

    content: bytes
    kind: str  # "jpeg" or "png"
    alt: str
    title: str
    lines: Sequence[str] = ()
    groups: Sequence[tuple[str, str]] = ()
    ticks: Sequence[Tick] = ()
    parts: Sequence[bytes] = ()


@dataclass(frozen=True)
class Gallery:
    """Images with captions; small ones side by side. Where they have groups, a page lets its reader choose one."""

    photos: Sequence[Photo]
    large: bool = False

    @property
    def grouped(self) -> bool:
        """Whether the images have groups to choose by."""
        return any(photo.groups for photo in self.photos)


@dataclass(frozen=True)
class TickedList:
    """A list that a reader makes by ticking boxes, and saves; a page without a script does not show it.

    Args:
        file: its name.
        head: lines that it begins with.
        lines: of images that are in it although the page has no box for them.
    """

    file: str
    head: Sequence[str]
    lines: Sequence[str]


Block = TickedList | Text | Tiles | Table | Plot | Gallery


@dataclass(frozen=True)
class Section:
    """A section of the report."""

    title: str
    blocks: Sequence[Block] = field(default_factory=tuple)


@dataclass(frozen=True)
class Absent:
    """A section that cannot be shown, the reason, and the command that provides it."""

    title: str
    reason: str
    command: str = ""
