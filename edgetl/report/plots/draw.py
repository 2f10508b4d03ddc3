"""Style of a report's plots, and their conversion to SVG with the page's colours or to PNG."""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, FAINT, GRID = "#2b3440", "#8a94a0", "#e3e7ec"
BLUE, RED, GREEN, PURPLE, GOLD, TEAL = COLOURS = ("#3f6fa3", "#c8553d", "#4f9d69", "#a0719f", "#b8912f", "#5aa7b3")
# The page has a light and a dark value for each.
_VARIABLES = {
    INK: "ink",
    FAINT: "faint",
    GRID: "grid",
    BLUE: "blue",
    RED: "red",
    GREEN: "green",
    PURPLE: "purple",
    GOLD: "gold",
    TEAL: "teal",
}
_VARIABLES |= {"#7d9cc0": "blue", "#ffffff": "card", "white": "card"}
_INCHES = (5.6, 3.7)  # 9 points are legible on a phone, where 5.6 inches are 360 pixels


@contextmanager
def style() -> Iterator[None]:
    """Make and save figures in this context: a dollar sign in a class name begins no formula."""
    with (
        warnings.catch_warnings(),
        mpl.rc_context({"text.parse_math": False, "svg.fonttype": "none", "svg.hashsalt": "edgetl", "font.size": 9}),
    ):
        warnings.filterwarnings("ignore", "Glyph .* missing")  # matplotlib's fonts lack most scripts, a browser's do not
        yield


def plot(width: float = _INCHES[0], height: float = _INCHES[1], grid: str = "both") -> tuple[Figure, Axes]:
    """Return a figure of this size in inches with one pair of axes; grid: "x", "y", "both" or ""."""
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    return figure, panel(figure.add_subplot(), grid)


def panel(axes: Axes, grid: str = "both") -> Axes:
    """Apply the common style to axes."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[:].set_color(FAINT)
    axes.tick_params(which="both", colors=INK, length=0)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    axes.title.set_color(INK)
    if grid:
        axes.grid(axis=grid, color=GRID, linewidth=0.8)  # type: ignore[arg-type]  # one of its three words
        axes.set_axisbelow(True)
    return axes


def short(name: str, most: int = 18) -> str:
    """Return the name cut to at most so many characters."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def legend(axes: Axes, location: Literal["best", "upper left", "lower right"] = "best") -> None:
    """Add a legend without a frame."""
    axes.legend(frameon=False, labelcolor=INK, loc=location, fontsize=8.5)


def svg(figure: Figure) -> str:
    """Return an <svg> element that takes its colours from the page; its texts stay texts."""
    figure.set_facecolor("none")
    for axes in figure.get_axes():
        axes.set_facecolor("none")
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    text = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", drawn.getvalue(), flags=re.DOTALL)
    text = text[text.index("<svg") :]
    for colour, name in _VARIABLES.items():
        text = re.sub(rf"\b(fill|stroke): {colour}\b", rf"\1: var(--{name})", text)
    text = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1; font-family: inherit", text)
    # The width and height in points would be the element's size; the page's columns say that.
    return re.sub(r'(<svg [^>]*?)\swidth="[^"]*"', r"\1", re.sub(r'(<svg [^>]*?)\sheight="[^"]*"', r"\1", text, count=1), count=1)


def png(figure: Figure) -> bytes:
    """Return the figure as PNG."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=130)
    return drawn.getvalue()
