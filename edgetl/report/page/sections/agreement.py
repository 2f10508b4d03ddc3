"""Whether the files give the same predictions."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from edgetl.evaluation.parity import Pair, Tolerance
from edgetl.report.page.blocks import Absent, Block, Plot, Section, Table
from edgetl.report.page.facts import Facts, Predictions, percent
from edgetl.report.plots.draw import BLUE, FAINT, RED, legend, plot

_TITLE = "Do the files agree"
_DOTS = 4000  # images in a scatter: more of them show nothing new and make the page heavy


def section(facts: Facts) -> Section | Absent:
    if facts.validation is None:
        return Absent(_TITLE, "the run is not validated, or its files have changed since", "edgetl validate RUN")
    blocks: list[Block] = []
    if not isinstance(facts.predictions, Absent):
        names = list(facts.predictions.probabilities)
        for first, second in [pair for pair in ((names[:2]), (names[1:3])) if len(pair) == 2]:
            blocks.append(_scatter(facts.predictions, first, second))
    pairs = facts.validation.pairs
    columns = ("first", "second", "same prediction %", "mean |dp|", "KL", "drop", "lost / won", "p", "verdict")
    blocks.append(Table(columns, [_row(pair) for pair in pairs], "Pair by pair: drop in points of top-1, p is McNemar's"))
    reasons = [(pair.tolerance.first, pair.tolerance.second, _allowed(pair.tolerance)) for pair in pairs]
    blocks.append(Table(("first", "second", "what is allowed, and why"), reasons, "Tolerances", folded=True))
    return Section(_TITLE, blocks)


def _row(pair: Pair) -> list[str]:
    agreement, compared, tolerance = pair.agreement, pair.paired, pair.tolerance
    return [
        tolerance.first,
        tolerance.second,
        percent(agreement.top1_agreement),
        f"{agreement.mean_abs_dp:.4f}",
        f"{agreement.kl:.4f}",
        f"{compared.drop_points:+.2f}",
        f"{compared.only_a} / {compared.only_b}",
        f"{compared.mcnemar_p:.2f}",
        "passed" if pair.passed else "FAILED",
    ]


def _allowed(tolerance: Tolerance) -> str:
    allowed = f"at least {percent(tolerance.min_top1_agreement, 1)} % the same, at most {tolerance.max_mean_abs_dp:g} apart"
    return f"{allowed}, a drop of {tolerance.max_drop_points:g} points: {tolerance.reason}"


def _scatter(predictions: Predictions, first: str, second: str) -> Plot:
    """Each image's probability of what the first model names, by both."""
    a, b = predictions.probabilities[first], predictions.probabilities[second]
    chosen = a.argmax(1)
    rows = np.arange(len(a))
    x, y, same = 100 * a[rows, chosen], 100 * b[rows, chosen], chosen == b.argmax(1)
    figure = _dots(x, y, same)
    axes = figure.axes[0]
    axes.set_xlabel(f"{first}, probability of its class, %")
    axes.set_ylabel(f"{second}, the same class, %")
    said = f"{int((~same).sum())} of {len(same):,} images get another class; {np.abs(x - y).mean():.2f} points apart on average"
    return Plot(figure, f"{first} against {second}: {said}", f"{said}.")


def _dots(x: Any, y: Any, same: Any) -> Figure:
    figure, axes = plot(height=4.2)
    axes.plot([0, 100], [0, 100], color=FAINT, linewidth=1, linestyle=(0, (3, 3)))
    kept = np.flatnonzero(same)[:_DOTS]
    axes.scatter(x[kept], y[kept], 9, color=BLUE, alpha=0.35, linewidths=0, label="same prediction", rasterized=len(kept) > _DOTS // 4)
    axes.scatter(x[~same], y[~same], 22, color=RED, linewidths=0, label="another prediction")
    axes.set_xlim(0, 103)
    axes.set_ylim(0, 103)
    legend(axes, "upper left")
    return figure
