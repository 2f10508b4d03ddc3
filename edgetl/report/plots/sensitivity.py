"""Plots of a run. Matplotlib's objects only: pyplot would open windows and keep global state."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from edgetl.files import atomic
from edgetl.quantization.results import Damage, Drift, Sensitivity
from edgetl.wording import counted

_INK, _FAINT, _GRID, _BAR, _MARK = "#2b3440", "#8a94a0", "#e3e7ec", "#7d9cc0", "#c8553d"
_WORST = 20  # operators as bars: what fits with names that can be read
_NAMES = 66  # operators whose names fit side by side below the curve; of more, every second or third is named
_NAME_LENGTH = 26  # characters there: longer names leave the curve no height
_LETTER = 0.0078  # of the panel's width, at the size of the marks' names
_MARKED = 3  # places where most is lost
_HEADROOM = 0.34  # of the curve's panel, for the marks' names
_ROOM = 1.35  # of the longest bar, for its label and the column of flips
_LEFT = 0.025  # of the width: where all titles begin


def sensitivity(document: Sensitivity, path: Path) -> None:
    """Draw the sensitivity as a PNG."""
    figure = sensitivity_figure(document)
    with atomic(path) as temporary:
        figure.savefig(temporary)


def sensitivity_figure(document: Sensitivity) -> Figure:
    """Draw each operator alone, worst first, and the complete file over the network's depth."""
    figure = Figure(figsize=(11, 12.5), dpi=120, layout=ConstrainedLayoutEngine(w_pad=0.16, h_pad=0.1), facecolor="white")  # inches
    title = f"{document.model}  ·  {document.scheme}  ·  {counted(document.images, 'training image')}"
    figure.suptitle(title, x=_LEFT, ha="left", fontsize=15, fontweight="bold", color=_INK)
    worst = document.operators[:_WORST]
    [above], [below] = figure.subfigures(2, 1, squeeze=False, height_ratios=[0.28 * max(len(worst), 5) + 1, 6])
    _alone(above, worst, len(document.operators))
    _over_depth(below, document.drift)
    return figure


def _panel(figure: SubFigure, title: str, grid: Literal["x", "y"]) -> Axes:
    figure.suptitle(title, x=_LEFT, ha="left", fontsize=12, color=_INK)
    axes = figure.add_subplot()
    axes.spines[["top", "right", "left" if grid == "x" else "bottom"]].set_visible(False)
    axes.spines[:].set_color(_FAINT)
    axes.tick_params(colors=_INK, length=0)
    axes.grid(axis=grid, color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    return axes


def _alone(figure: SubFigure, worst: Sequence[Damage], operators: int) -> None:
    """Draw a bar for each operator: the change of the logits when it alone is quantized."""
    several = f": the {len(worst)} worst of {operators}" if operators > len(worst) else ""
    axes = _panel(figure, f"One operator in int8, all others in float{several}", "x")
    changes = [100 * one.logits_change for one in worst]
    longest = max([*changes, 0.01])
    axes.barh(range(len(worst)), changes, height=0.66, color=_BAR)
    axes.set_xlim(0, longest * _ROOM)
    axes.set_ylim(len(worst) - 0.4, -1.4)  # worst on top, below a line for the column's head
    axes.set_xticks([tick for tick in axes.get_xticks() if tick <= longest])
    axes.set_yticks(range(len(worst)), [one.operator for one in worst], fontsize=9)
    at_edge = axes.get_yaxis_transform()
    axes.text(1, -0.9, "images predicted differently", transform=at_edge, ha="right", va="center", fontsize=9, color=_FAINT)
    for place, (one, change) in enumerate(zip(worst, changes, strict=True)):
        axes.annotate(f"{change:.2f} %", (change, place), (5, 0), textcoords="offset points", va="center", fontsize=9, color=_INK)
        flips, colour = (f"{100 * one.top1_flips:.1f} %", _MARK) if one.top1_flips else ("none", _FAINT)
        axes.text(1, place, flips, transform=at_edge, ha="right", va="center", fontsize=9, color=colour)
    axes.set_xlabel("change of the logits, % of their size", color=_INK, loc="left")


def _over_depth(figure: SubFigure, drift: Sequence[Drift]) -> None:
    """Draw the signal-to-noise ratio; the places where it falls most below what the operator reads are marked by name."""
    axes = _panel(figure, "The complete int8 file compared with the float model, in the order of the network", "y")
    ratios = [float("nan") if one.signal_to_noise_db is None else one.signal_to_noise_db for one in drift]
    axes.plot(ratios, color=_BAR, linewidth=1.8, marker="o", markersize=3.5)
    known = [ratio for ratio in ratios if ratio == ratio]
    low, high = min(known, default=0.0), max(known, default=0.0)
    margin = max(high - low, 6.0) / 12  # dB; a smaller span would make a mountain of a flat curve
    low, high = low - margin, high + margin
    axes.set_ylim(low, low + (high - low) / (1 - _HEADROOM))
    axes.spines.left.set_bounds(low, high)
    axes.set_xlim(-0.8, len(drift) - 0.2)
    _mark(axes, drift, ratios)
    every = -(-len(drift) // _NAMES)
    places = range(0, len(drift), every)
    names = [_short(drift[place].operator) for place in places]
    axes.set_xticks(places, names, rotation=90, fontsize=7 if len(places) > 40 else 8)
    axes.set_yticks([tick for tick in axes.get_yticks() if low <= tick <= high])
    axes.set_ylabel("signal to noise of the output, dB\n(higher is nearer to float)", color=_INK)


def _short(name: str) -> str:
    """Return a long name without its middle: the block's number stands before it, what tells the block's operators apart behind it."""
    return name if len(name) <= _NAME_LENGTH else f"{name[: _NAME_LENGTH - 10]}…{name[-9:]}"


def _mark(axes: Axes, drift: Sequence[Drift], ratios: Sequence[float]) -> None:
    """Write names in rows of their own above the curve, like stairs, so that no line crosses a name."""
    largest = sorted(range(len(drift)), key=lambda place: -drift[place].lost_db)[:_MARKED]
    places = sorted(place for place in largest if drift[place].lost_db > 0 and ratios[place] == ratios[place])
    texts = {place: f"{drift[place].operator}  loses {drift[place].lost_db:.1f} dB" for place in places}
    left = _reading_rightwards(places, {place: len(text) * _LETTER * len(drift) for place, text in texts.items()}, len(drift))
    for row, place in enumerate([*left, *reversed(places[len(left) :])]):
        axes.annotate(
            texts[place],
            (place, ratios[place]),
            (place, 0.93 - row * 0.09),  # of the panel
            textcoords=axes.get_xaxis_transform(),
            ha="left" if place in left else "right",
            va="center",
            fontsize=9.5,
            color=_MARK,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
            arrowprops={"arrowstyle": "-", "color": _MARK, "linewidth": 0.9, "relpos": (0, 0.5) if place in left else (1, 0.5)},
        )
        axes.plot(place, ratios[place], "o", color=_MARK, markersize=7)


def _reading_rightwards(places: Sequence[int], lengths: Mapping[int, float], end: int) -> Sequence[int]:
    """Return the places whose names go to the right: all or none where there is room, else those before the widest gap."""
    if all(place + lengths[place] < end for place in places):
        return places
    if all(place - lengths[place] > 0 for place in places):
        return []
    gaps = [after - before for before, after in pairwise(places)]
    return places[: gaps.index(max(gaps)) + 1] if gaps else places
