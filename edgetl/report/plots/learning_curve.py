"""The plot of a learning curve."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import NullLocator

from edgetl.evaluation.results import LearningCurve
from edgetl.files import atomic
from edgetl.report.plots.axes import widen
from edgetl.report.plots.draw import BLUE, FAINT, GRID, INK, RED


def learning_curve_plot(curve: LearningCurve, path: Path) -> str:
    """Write accuracy by training images, with the power law up to twice as many, as PNG; return its alternative text."""
    figure = Figure(figsize=(9, 5.4), dpi=120, layout=ConstrainedLayoutEngine(w_pad=0.14, h_pad=0.12), facecolor="white")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[:].set_color(FAINT)
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", colors=INK, length=0)
    points, law, doubled = curve.points, curve.law, curve.doubled
    sizes = [point.images for point in points]
    for point in points:
        axes.plot([point.images] * 2, [100 * end for end in point.interval_95], color=BLUE, linewidth=1.6)
    axes.plot(sizes, [100 * point.accuracy for point in points], "o", color=BLUE, markersize=6, label="measured")
    if law and doubled:
        numbers = np.geomspace(sizes[0], doubled.images, 100)
        fitted = np.array([100 * law.accuracy(number / sizes[-1]) for number in numbers])
        inside = numbers <= sizes[-1]
        axes.plot(numbers[inside], fitted[inside], color=FAINT, linewidth=1.2, label="power law")
        axes.plot(numbers[~inside], fitted[~inside], color=RED, linewidth=1.2, linestyle="--")
        axes.plot([doubled.images] * 2, [100 * end for end in doubled.accuracy_interval_95], color=RED, linewidth=1.6)
        axes.plot(doubled.images, 100 * doubled.accuracy, "o", color=RED, markersize=6, label="twice as many images")
    axes.set_xscale("log")
    widen(axes, "y", curve.validation_images)
    ticks = [*sizes, doubled.images] if doubled else sizes
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("training images", color=INK)
    axes.set_ylabel(f"top-1 accuracy on {curve.measured_on}, %", color=INK)
    axes.legend(frameon=False, labelcolor=INK, loc="lower right")
    axes.set_title(f"Head on {curve.model}", loc="left", fontsize=13, color=INK)
    measured = ", ".join(f"{100 * point.accuracy:.1f} % with {point.images}" for point in points)
    alt = f"Learning curve, top-1 accuracy by number of training images: {measured}. {curve.summary()}"
    with atomic(path) as temporary:
        figure.savefig(temporary, metadata={"Title": "Learning curve", "Description": alt})
    return alt
