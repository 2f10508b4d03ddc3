"""Latency against accuracy and size: which model is worth its time on which device."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from edgetl.accuracy import Metric
from edgetl.benchmarking.results import Benchmark
from edgetl.files import atomic

_INK, _FAINT, _GRID = "#2b3440", "#8a94a0", "#e3e7ec"
_COLOURS = ("#3f6fa3", "#c8553d", "#4f9d69", "#a0719f", "#b8912f", "#5aa7b3")  # a device each
_NEAR = 1.12  # times as slow: a text's height on this axis
_AREA = 900.0  # points squared, of the largest model's circle


@dataclass(frozen=True)
class Cost:
    """A price of accuracy: its name, the axis with its unit, and a comparative of models that take less of it."""

    name: str
    axis: str
    less: str


LATENCY = Cost("Latency", "median latency of an inference, ms", "faster")
ESTIMATED_LATENCY = Cost("Estimated latency", "latency of an inference as Arm's compiler estimates it, ms", "faster")
ARENA = Cost("Working memory", "working memory (arena), KiB", "smaller in memory")


@dataclass(frozen=True)
class ModelPoint:
    """A model in the plot.

    Args:
        series: such as the device; points of one series have one colour and one line.
        label: text at the point; may be empty.
        cost: median latency of an inference in milliseconds, or what else the plot is of.
        accuracy: top-1 or mAP in 0..1, where it is known.
    """

    series: str
    label: str
    cost: float
    size_bytes: int
    accuracy: float | None


def benchmark_points(benchmark: Benchmark) -> list[ModelPoint]:
    """Return a point for each model that was timed on each device."""
    files = ((result, benchmark.models[result.model]) for result in benchmark.timed)
    return [ModelPoint(one.device, one.shown, one.p50_ms or 0.0, file.size_bytes, file.value) for one, file in files]


def pareto(points: Sequence[ModelPoint], path: Path, images: str, metric: Metric = "top-1", cost: Cost = LATENCY) -> None:
    """Write the plot of latency, or another cost, against accuracy and size as a PNG."""
    figure = pareto_figure(points, images, metric, cost)
    with atomic(path) as temporary:
        figure.savefig(temporary)


def pareto_figure(points: Sequence[ModelPoint], images: str, metric: Metric = "top-1", cost: Cost = LATENCY) -> Figure:
    """Draw a circle for each point: the cost across, top-1 or mAP (unknown: size) upwards, its area the file's size.

    A line joins those that no other of the same series beats in both.
    """
    accurate = all(point.accuracy is not None for point in points)
    figure = Figure(figsize=(10, 6.2), dpi=120, layout="constrained", facecolor="white")  # inches
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[:].set_color(_FAINT)
    axes.grid(color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    largest = max(point.size_bytes for point in points)
    for number, series in enumerate(dict.fromkeys(point.series for point in points)):
        _draw(axes, [point for point in points if point.series == series], largest, _COLOURS[number % len(_COLOURS)], accurate=accurate)
    axes.set_xscale("log")
    axes.margins(0.16, 0.24)
    axes.set_xlabel(f"{cost.axis} (log)", color=_INK)
    axes.set_ylabel(f"{'top-1 accuracy' if metric == 'top-1' else metric} on {images}, %" if accurate else "size, KiB", color=_INK)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.tick_params(which="both", colors=_INK, length=0, labelsize=9)
    heading = f"no model is both {cost.less} and more accurate:" if accurate else f"no model is both {cost.less} and smaller:"
    legend = axes.legend(frameon=False, labelcolor=_INK, loc="lower right", title=heading, alignment="left")
    legend.get_title().set_color(_INK)
    axes.set_title(
        f"{cost.name}, accuracy and size" if accurate else f"{cost.name} and size", loc="left", fontsize=14, fontweight="bold", color=_INK
    )
    return figure


def _draw(axes: Axes, points: Sequence[ModelPoint], largest: int, colour: str, *, accurate: bool) -> None:
    """Draw one series."""

    def height(point: ModelPoint) -> float:
        return 100 * (point.accuracy or 0.0) if accurate else point.size_bytes / 1024

    for point in points:
        axes.scatter(point.cost, height(point), _AREA * point.size_bytes / largest + 12, colour, alpha=0.35, linewidths=0)
        axes.plot(point.cost, height(point), ".", color=colour)
    named = [(point.cost, height(point), point.label) for point in points if point.label]
    for ms, place, name in _together(named):
        axes.annotate(name, (ms, place), (5, 6), rotation=42, rotation_mode="anchor", textcoords="offset points", fontsize=8.5, color=_INK)
    front = _front([(point.cost, height(point)) for point in points], higher_is_better=accurate)
    axes.plot(*zip(*front, strict=True), color=colour, linewidth=1.2, label=points[0].series)


def _together(named: Sequence[tuple[float, float, str]]) -> list[tuple[float, float, str]]:
    """Join the names of points that lie on one another: two of them could not be read."""
    joined: list[tuple[float, float, str]] = []
    for ms, height, name in sorted(named):
        near = [number for number, one in enumerate(joined) if one[1] == height and ms < _NEAR * one[0]]
        if near:
            joined[near[-1]] = (*joined[near[-1]][:2], f"{joined[near[-1]][2]}, {name}")
        else:
            joined.append((ms, height, name))
    return joined


def _front(points: Sequence[tuple[float, float]], *, higher_is_better: bool) -> list[tuple[float, float]]:
    """Return the points that no faster one equals or beats, by latency."""
    front: list[tuple[float, float]] = []
    for ms, height in sorted(points, key=lambda point: (point[0], -point[1] if higher_is_better else point[1])):
        if not front or (height > front[-1][1] if higher_is_better else height < front[-1][1]):
            front.append((ms, height))
    return front
