"""The section on agreement between runtimes."""

from itertools import pairwise

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from edgetl.compared import right
from edgetl.evaluation.parity import Pair, Tolerance
from edgetl.report.page.blocks import Absent, Block, Plot, Section, Table
from edgetl.report.page.facts import Facts, Predictions, percent
from edgetl.report.plots.draw import BLUE, FAINT, RED, legend, plot
from edgetl.wording import counted

_TITLE = "Agreement between runtimes"
_DOTS = 4000  # images in a scatter plot: more of them show nothing new and make the page heavy


def section(facts: Facts) -> Section | Absent:
    """Return how well the predictions of the exported files agree, pair by pair."""
    if facts.validation is None:
        return Absent(_TITLE, "the run is not validated, or its files have changed since", "edgetl validate RUN")
    blocks: list[Block] = []
    if not isinstance(facts.predictions, Absent):
        blocks += [_scatter(facts.predictions, first, second) for first, second in pairwise(facts.predictions.probabilities)]
    pairs = facts.validation.pairs
    several = facts.validation.metric == "mAP"
    decided = not several and any(pair.same_decisions is not None for pair in pairs)
    unknown = any(pair.same_of_unknown is not None for pair in pairs)
    columns = (
        "first",
        "second",
        "same classes %" if several else "same prediction %",
        *(["same decision %"] if decided else []),
        *(["same of unknown %"] if unknown else []),
        "mean |dp|",
        "KL",
        "second minus first",
        "lost / won",
        "p",
        "verdict",
    )
    caption = (
        "Pairs of models. |dp|: largest difference of an image's probabilities; KL: divergence in nats; second minus first: percentage "
        f"points of '{right(facts.truth, facts.validation.metric)}'; lost / won: images that only the first / only the second predicts "
        "correctly"
        + (", all classes and no other" if several else "")
        + "; p: McNemar's test"
        + ("; same decision: both say the same class by the thresholds, or unknown" if decided else "")
        + (f"; same of unknown: of {counted(facts.validation.unknown_images, 'image')} of none of the classes" if unknown else "")
    )
    blocks.append(Table(columns, [_row(pair, decided=decided, unknown=unknown) for pair in pairs], caption))
    reasons = [(pair.tolerance.first, pair.tolerance.second, _allowed(pair.tolerance, several=several)) for pair in pairs]
    blocks.append(Table(("first", "second", "tolerance and its reason"), reasons, "Tolerances", folded=True))
    return Section(_TITLE, blocks)


def _row(pair: Pair, *, decided: bool, unknown: bool) -> list[str]:
    agreement, compared, tolerance = pair.agreement, pair.paired, pair.tolerance
    return [
        tolerance.first,
        tolerance.second,
        percent(agreement.same),
        *([_share(pair.same_decisions)] if decided else []),
        *([_share(pair.same_of_unknown)] if unknown else []),
        f"{agreement.mean_abs_dp:.4f}",
        f"{agreement.kl:.4f}",
        f"{-pair.drop_points:+z.2f}",
        f"{compared.only_a} / {compared.only_b}",
        f"{compared.mcnemar_p:.2f}",
        "passed" if pair.passed else "FAILED",
    ]


def _share(share: float | None) -> str:
    return "" if share is None else percent(share)


def _allowed(tolerance: Tolerance, *, several: bool) -> str:
    agreement = f"at least {percent(tolerance.min_top1_agreement, 1)} % same {'decisions on a class' if several else 'predictions'}"
    decided = f" and {percent(tolerance.min_same_decisions, 1)} % same {'classes of an image' if several else 'decisions'}"
    agreement += decided if tolerance.min_same_decisions else ""
    limits = f"mean |dp| at most {tolerance.max_mean_abs_dp:g}, drop at most {tolerance.max_drop_points:g} points"
    return f"{agreement}, {limits}: {tolerance.reason}"


def _scatter(predictions: Predictions, first: str, second: str) -> Plot:
    """Plot the probability of the class that the first model predicts, by both models, with a dot for each image."""
    if predictions.several:
        return _scatter_of_several(predictions, first, second)
    a, b = predictions.probabilities[first], predictions.probabilities[second]
    chosen = a.argmax(1)
    rows = np.arange(len(a))
    x, y, same = 100 * a[rows, chosen], 100 * b[rows, chosen], chosen == b.argmax(1)
    figure = _dots(x, y, same)
    axes = figure.axes[0]
    axes.set_xlabel(f"top-1 probability by {first}, %")
    axes.set_ylabel(f"same class by {second}, %")
    differ = f"{int((~same).sum()):,} of {counted(len(same), 'image')} get another class"
    text = f"{first} and {second}: {differ}; probabilities differ by {np.abs(x - y).mean():.2f} points on average"
    return Plot(figure, text, f"{text}.")


def _scatter_of_several(predictions: Predictions, first: str, second: str) -> Plot:
    """Plot the probability of each class of each image by both models."""
    x, y = (100 * predictions.probabilities[name].ravel() for name in (first, second))
    alike = predictions.decisions(first) == predictions.decisions(second)
    figure = _dots(x, y, alike.ravel())
    figure.axes[0].set_xlabel(f"probability of a class by {first}, %")
    figure.axes[0].set_ylabel(f"by {second}, %")
    differ = f"{int((~alike.all(axis=1)).sum()):,} of {counted(len(alike), 'image')} get other classes"
    text = f"{first} and {second}: {differ}; probabilities differ by {np.abs(x - y).mean():.2f} points on average"
    return Plot(figure, text, f"{text}. A dot for each class of each image.")


def _dots(x: NDArray[np.floating], y: NDArray[np.floating], same: NDArray[np.bool_]) -> Figure:
    figure, axes = plot(height=4.2)
    axes.plot([0, 100], [0, 100], color=FAINT, linewidth=1, linestyle=(0, (3, 3)))
    kept = np.flatnonzero(same)[:_DOTS]
    axes.scatter(x[kept], y[kept], 9, color=BLUE, alpha=0.35, linewidths=0, label="same prediction", rasterized=len(kept) > _DOTS // 4)
    axes.scatter(x[~same], y[~same], 22, color=RED, linewidths=0, label="different prediction")
    axes.set_xlim(0, 103)
    axes.set_ylim(0, 103)
    legend(axes, "upper left")
    return figure
