"""Axes that can be read: ticks of round numbers, and ranges in which one image does not look like a gap."""

import math
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator

_FEWEST_TICKS, _MOST_TICKS = 3, 9
_LEAST_POINTS = 5.0  # of a range of percent: a smaller one makes a mountain of chance
_IMAGES = 10  # that a range holds at least: one of them is then a tenth of the axis


def ticks_between(low: float, high: float) -> list[float]:
    """Return round numbers between two positive ones for a logarithmic axis: 1, 2 and 5 times powers of ten, or finer ones."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 2, 5), (1,)):
        ticks = [tick for power in powers for factor in factors if low <= (tick := float(f"{factor}e{power}")) <= high]
        if len(ticks) <= _MOST_TICKS:
            break
    if len(ticks) >= _FEWEST_TICKS:
        return ticks
    finer = MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(low, high)
    return [float(f"{tick:.6g}") for tick in finer if low <= tick <= high]


def logarithmic(axis: Axis) -> None:
    """Give a logarithmic axis, whose limits are set, ticks of round numbers, each with its number."""
    low, high = axis.get_view_interval()
    ticks = ticks_between(low, high)
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FixedFormatter([f"{tick:,g}" for tick in ticks]))
    axis.set_minor_locator(NullLocator())


def widened(low: float, high: float, images: int = 0) -> tuple[float, float]:
    """Return a range of percent that is wide enough: 5 points, and ten of so many images, of which it is a share; within 0 to 100."""
    least = min(max(_LEAST_POINTS, 100 * _IMAGES / images if images else 0.0), 100.0)
    if high - low >= least:
        return low, high
    low = min(max((low + high - least) / 2, 0.0), 100.0 - least)
    return low, low + least


def widen(axes: Axes, which: Literal["x", "y"], images: int = 0) -> None:
    """Widen the range of an axis of percent, "x" or "y", as `widened` does; markers at its ends stay complete."""
    low, high = axes.get_xlim() if which == "x" else axes.get_ylim()
    wide = widened(min(low, high), max(low, high), images)
    if wide != (min(low, high), max(low, high)):
        margin = (wide[1] - wide[0]) / 40
        ends = wide[0] - margin, wide[1] + margin
        (axes.set_xlim if which == "x" else axes.set_ylim)(ends if low < high else ends[::-1])
