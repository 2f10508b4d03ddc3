"""The section on per-class metrics."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from edgetl.compared import of_split
from edgetl.evaluation.multi_label import average_precisions
from edgetl.evaluation.per_class import ClassMetrics, confusion, decided_metrics, per_class_metrics
from edgetl.report.page.blocks import Absent, Plot, Section, Table
from edgetl.report.page.facts import Facts, Predictions, percent
from edgetl.report.plots.axes import widen
from edgetl.report.plots.draw import BLUE, FAINT, GOLD, INK, plot, short

_TITLE = "Per-class metrics"
_DRAWN = 24  # classes with a row in the plot: the worst of them, where there are more
_NAME_LENGTH = 21


def section(facts: Facts) -> Section | Absent:
    """Return precision, recall and F1 of each class, lowest F1 first."""
    predictions = facts.predicted(_TITLE)
    if isinstance(predictions, Absent):
        return predictions
    names = predictions.shown
    metrics = [_metrics(predictions, name) for name in names]
    areas = [_average_precisions(predictions, name) for name in names] if predictions.several else []
    order = sorted(range(len(predictions.class_names)), key=lambda k: metrics[-1][k].f1)
    rows = []
    for k in order:
        one = metrics[-1][k]
        shares = [one.precision, one.recall, *(of[k].f1 for of in metrics)]
        rows.append(
            [predictions.class_names[k], str(one.images), *(percent(share, 1) for share in shares), *(_area(of[k]) for of in areas)]
        )
    columns = ["class", "images", "precision %", "recall %", *(["F1 % float", "F1 % int8"] if len(names) > 1 else ["F1 %"])]
    columns += ["AP % float", "AP % int8"][: len(areas)] if len(areas) > 1 else ["AP %"] * len(areas)
    worst, best = predictions.class_names[order[0]], predictions.class_names[order[-1]]
    alt = f"F1 of each class by {' and '.join(names)}: lowest for {worst}, highest for {best}"
    drawn = _dots([predictions.class_names[k] for k in order[:_DRAWN]], names, [[of[k] for k in order[:_DRAWN]] for of in metrics])
    caption = f"{predictions.main} on {of_split(len(predictions.label_ids), predictions.split)}, lowest F1 first"
    table = Table(columns, rows, caption, folded=len(rows) > _DRAWN, beside=len(rows) <= _DRAWN and not areas)
    return Section(_TITLE, (Plot(drawn, alt), table))


def _metrics(predictions: Predictions, name: str) -> list[ClassMetrics]:
    if predictions.several:
        return decided_metrics(predictions.decisions(name), predictions.labelled)
    return per_class_metrics(confusion(predictions.top1(name), predictions.label_ids, len(predictions.class_names)))


def _average_precisions(predictions: Predictions, name: str) -> list[float]:
    """Return the average precision of each class, NaN where no image shows it."""
    areas = average_precisions(predictions.probabilities[name], predictions.labelled)
    found: list[float] = areas(np.ones((1, len(predictions.label_ids))))[0].tolist()
    return found


def _area(value: float) -> str:
    return "-" if np.isnan(value) else percent(value, 1)


def _dots(classes: Sequence[str], names: Sequence[str], metrics: Sequence[Sequence[ClassMetrics]]) -> Figure:
    """Draw a dot for each model, those of a class joined: on an axis that begins at 0 the differences would be invisible."""
    figure, axes = plot(height=1.4 + 0.34 * len(classes), grid="both")
    places = range(len(classes))
    values = [[100 * one.f1 for one in of] for of in metrics]
    lowest, highest = [min(of) for of in zip(*values, strict=True)], [max(of) for of in zip(*values, strict=True)]
    axes.hlines(places, lowest, highest, color=FAINT, linewidth=1.2)
    for name, of, colour in zip(names, values, (GOLD, BLUE)[-len(names) :], strict=True):
        axes.plot(of, places, "o", markersize=7, color=colour, label=name)
    axes.set_yticks(places, [short(name, _NAME_LENGTH) for name in classes])
    axes.set_ylim(len(classes) - 0.4, -0.6)
    widen(axes, "x", min(one.images for one in metrics[-1]))
    axes.set_xlabel("F1, %")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=2, frameon=False, labelcolor=INK)
    return figure
