"""The plot of a comparison: accuracy and interval of each run, best on top."""

from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from edgetl.accuracy import figure as figure_of
from edgetl.evaluation.results import Comparison
from edgetl.files import atomic
from edgetl.report.plots.axes import widen
from edgetl.report.plots.draw import BLUE, FAINT, GRID, INK, RED


def comparison_plot(comparison: Comparison, path: Path) -> str:
    """Write the plot as PNG and return its alternative text."""
    runs, names = comparison.best_first, short_names(comparison)
    figure = Figure(figsize=(9, 1.9 + 0.5 * len(runs)), dpi=120, layout=ConstrainedLayoutEngine(w_pad=0.14, h_pad=0.1), facecolor="white")
    axes = figure.add_subplot()
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines[:].set_color(FAINT)
    axes.grid(axis="x", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=INK, length=0)
    for place, run in enumerate(runs):
        low, high = (100 * end for end in figure_of(run).interval_95)
        pair = comparison.pair(runs[0], run)
        worse = pair is not None and pair.significant
        axes.plot([low, high], [place, place], color=RED if worse else BLUE, linewidth=2, solid_capstyle="round")
        axes.plot(100 * figure_of(run).value, place, "o", color=RED if worse else BLUE, markersize=7)
        text = f"p {p_value(pair.holm_p)}" if pair else "best"
        axes.text(1.01, place, text, transform=axes.get_yaxis_transform(), va="center", fontsize=9, color=RED if worse else FAINT)
    widen(axes, "x", comparison.images)
    axes.set_yticks(range(len(runs)), [names[run.run] for run in runs], fontsize=9)
    axes.set_ylim(len(runs) - 0.5, -0.5)
    what = "top-1 accuracy" if comparison.metric == "top-1" else comparison.metric
    label = f"{what} and its 95 % interval, %; p: Holm-corrected McNemar test against the best run"
    axes.set_xlabel(label, color=INK, loc="left", fontsize=9)
    images = comparison.measured_on
    axes.set_title(images, loc="left", fontsize=13, color=INK)
    accuracies = ", ".join(f"{names[run.run]} {100 * figure_of(run).value:.2f} %" for run in runs)
    alt = f"Top-1 accuracy of {len(runs)} runs on {images}: {accuracies}. {comparison.summary()}"
    with atomic(path) as temporary:
        figure.savefig(temporary, metadata={"Title": "Comparison of runs", "Description": alt})
    return alt


def p_value(value: float) -> str:
    """Return a p-value with three digits."""
    return f"{value:.3f}" if value >= 0.0005 else "<0.001"


def short_names(comparison: Comparison) -> dict[str, str]:
    """Return each run's folder name by its path; the path itself where two have the same name."""
    short = {run.run: Path(run.run).name for run in comparison.runs}
    return short if len(set(short.values())) == len(short) else {path: path for path in short}
