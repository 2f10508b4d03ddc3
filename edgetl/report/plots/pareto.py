"""Latency against accuracy and size: which model is worth its time on which device."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from edgetl.accuracy import Metric
from edgetl.benchmarking.results import Benchmark
from edgetl.compared import MeasuredImages
from edgetl.files import atomic
from edgetl.report.plots.axes import logarithmic, widen
from edgetl.report.plots.draw import COLOURS, FAINT, INK, panel
from edgetl.report.plots.texts import Label, place

_AREA = 900.0  # points squared, of the largest model's circle


@dataclass(frozen=True)
class Cost:
    """A price of accuracy: its name, the axis with its unit, a comparative of models that take less of it, and both of a model in words."""

    name: str
    axis: str
    less: str
    words: str

    def of(self, point: "ModelPoint") -> str:
        """Return the price, in three digits, and the size of a model with their units."""
        price = f"{point.cost:.0f}" if point.cost >= 100 else f"{point.cost:.3g}"
        return self.words.format(price, f"{point.size_bytes / 1024:,.0f}")


LATENCY = Cost("Latency", "median latency of an inference, ms", "faster", "{} ms, {} KiB")
ESTIMATED_LATENCY = Cost("Estimated latency", "latency of an inference as Arm's compiler estimates it, ms", "faster", "{} ms, {} KiB")
ARENA = Cost("Working memory", "working memory (arena), KiB", "smaller in memory", "arena {}, flash {} KiB")


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


def pareto(points: Sequence[ModelPoint], path: Path, images: MeasuredImages, metric: Metric = "top-1", cost: Cost = LATENCY) -> None:
    """Write the plot of latency, or another cost, against accuracy and size as a PNG."""
    figure = pareto_figure(points, images, metric, cost)
    with atomic(path) as temporary:
        figure.savefig(temporary)


def pareto_figure(points: Sequence[ModelPoint], images: MeasuredImages, metric: Metric = "top-1", cost: Cost = LATENCY) -> Figure:
    """Draw a circle for each point: the cost across, top-1 or mAP (unknown: size) upwards, its area the file's size.

    A line joins those that no other of the same series beats in both.
    """
    accurate = all(point.accuracy is not None for point in points)
    figure = Figure(figsize=(10, 6.2), dpi=120, layout="constrained", facecolor="white")  # inches
    axes = panel(figure.add_subplot())
    axes.set_xscale("log")
    fronts = _draw(axes, points, accurate=accurate)
    axes.margins(0.2, 0.24)
    if accurate:
        widen(axes, "y", images.count)
    logarithmic(axes.xaxis)
    axes.set_xlabel(f"{cost.axis} (log)")
    axes.set_ylabel(f"{'top-1 accuracy' if metric == 'top-1' else metric} on {images}, %" if accurate else "size, KiB")
    axes.tick_params(labelsize=9)
    axes.set_title(
        f"{cost.name}, accuracy and size" if accurate else f"{cost.name} and size", loc="left", fontsize=14, fontweight="bold", color=INK
    )
    better = f"no model is both {cost.less} and {'more accurate' if accurate else 'smaller'}"
    note = f"; line: {better}" if any(len(front) > 1 for front in fronts.values()) else ""
    axes.text(0, -0.12, f"area of a circle: size of the file{note}", transform=axes.transAxes, va="top", fontsize=8.5, color=FAINT)
    handles, names = axes.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower left", ncols=2, frameon=False, labelcolor=INK)
    largest, texts = max(point.size_bytes for point in points), []
    for point in points:
        if point.label:
            height, radius = _height(point, accurate=accurate), _area(point, largest) ** 0.5 / 2
            texts.append(Label(point.cost, height, f"{point.label}\n{cost.of(point)}", radius, point in fronts[point.series]))
    place(figure, axes, texts)
    return figure


def _area(point: ModelPoint, largest: int) -> float:
    return _AREA * point.size_bytes / largest + 12


def _height(point: ModelPoint, *, accurate: bool) -> float:
    return 100 * (point.accuracy or 0.0) if accurate else point.size_bytes / 1024


Fronts = dict[str, list[ModelPoint]]


def _draw(axes: Axes, points: Sequence[ModelPoint], *, accurate: bool) -> Fronts:
    """Draw the points, and a line along the front of each series that has more than one point there; return the fronts."""
    largest, fronts = max(point.size_bytes for point in points), {}
    for number, series in enumerate(dict.fromkeys(point.series for point in points)):
        own, colour = [point for point in points if point.series == series], COLOURS[number % len(COLOURS)]
        for point in own:
            height = _height(point, accurate=accurate)
            axes.scatter(point.cost, height, _area(point, largest), colour, alpha=0.35, linewidths=0)
            axes.plot(point.cost, height, ".", color=colour)
        front = fronts[series] = _front(own, accurate=accurate)
        line = "-" if len(front) > 1 else ""  # a legend shows what is drawn
        places = [(point.cost, _height(point, accurate=accurate)) for point in front]
        axes.plot(*zip(*places, strict=True), marker=".", linestyle=line, color=colour, linewidth=1.2, label=series)
    return fronts


def _front(points: Sequence[ModelPoint], *, accurate: bool) -> list[ModelPoint]:
    """Return the points that no cheaper one equals or beats, cheapest first."""
    sign, front = 1 if accurate else -1, list[ModelPoint]()
    for point in sorted(points, key=lambda one: (one.cost, -sign * _height(one, accurate=accurate))):
        if not front or sign * _height(point, accurate=accurate) > sign * _height(front[-1], accurate=accurate):
            front.append(point)
    return front
