"""Texts at the points of a plot, placed so that they can be read: inside of the frame, on no other text and on no point."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from edgetl.report.plots.draw import FAINT, INK

_MARGIN = 1.0  # around a text, in pixels
_GAP = 3.0  # between a point's edge and its text, in typographic points
# Where a text may stand: the direction from its point.
_DIRECTIONS = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
_FAR = (26.0, 44.0, 62.0, 80.0)  # typographic points, for a text that is needed: lines to all others would cross
_SIDES: Mapping[int, Literal["left", "center", "right"]] = {1: "left", 0: "center", -1: "right"}
_HEIGHTS: Mapping[int, Literal["bottom", "center", "top"]] = {1: "bottom", 0: "center", -1: "top"}


@dataclass(frozen=True)
class _Spot:
    across: float
    up: float
    direction: tuple[int, int]
    line: bool


@dataclass(frozen=True)
class Label:
    """A text at a point in data coordinates, of a radius in typographic points; one that is not needed is left out where it has no room."""

    x: float
    y: float
    text: str
    radius: float
    needed: bool = True

    def spots(self) -> Iterator[_Spot]:
        """Yield the places where the text may stand, the best first."""
        for across, up in _DIRECTIONS:
            distance = (self.radius + _GAP) * (0.75 if across and up else 1.0)  # a circle is nearer to its centre at its diagonals
            yield _Spot(across * distance, up * distance, (across, up), line=False)
        for distance in _FAR if self.needed else ():
            for across, up in _DIRECTIONS[4:]:
                yield _Spot(across * distance, up * distance, (across, up), line=True)


def place(figure: Figure, axes: Axes, texts: Sequence[Label]) -> None:
    """Write each text beside its point, the needed ones first. The axes' limits and all else in the figure must be set."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()  # the layout is settled
    frame, taken = axes.get_window_extent(), []
    for one in texts:
        (x, y), half = axes.transData.transform((one.x, one.y)), 0.7 * one.radius * figure.dpi / 72
        taken.append(Bbox.from_extents(x - half, y - half, x + half, y + half))
    for label in sorted(texts, key=lambda one: not one.needed):
        best: tuple[float, Bbox, _Spot] | None = None
        for spot in label.spots():
            tried = _written(axes, label, spot)
            box = tried.get_window_extent(renderer).padded(_MARGIN)
            tried.remove()
            cost = box.width * box.height - _overlap(box, frame) + sum(_overlap(box, other) for other in taken)
            best = min(best or (cost, box, spot), (cost, box, spot), key=lambda one: one[0])
            if cost == 0:
                break
        if best and (best[0] == 0 or label.needed):
            _written(axes, label, best[2], line=best[2].line)
            taken.append(best[1])


def _written(axes: Axes, label: Label, spot: _Spot, *, line: bool = False) -> Annotation:
    made = axes.annotate(
        label.text,
        (label.x, label.y),
        (spot.across, spot.up),
        textcoords="offset points",
        ha=_SIDES[spot.direction[0]],
        va=_HEIGHTS[spot.direction[1]],
        fontsize=8,
        color=INK,
        arrowprops={"arrowstyle": "-", "color": FAINT, "linewidth": 0.7} if line else None,
    )
    made.set_in_layout(False)
    return made


def _overlap(first: Bbox, second: Bbox) -> float:
    width = min(first.x1, second.x1) - max(first.x0, second.x0)
    height = min(first.y1, second.y1) - max(first.y0, second.y0)
    return float(max(width, 0.0) * max(height, 0.0))
