"""Precision, recall and F1 of each class."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from edgetl.evaluation.per_class import ClassMetrics, confusion, per_class_metrics
from edgetl.report.page.blocks import Absent, Plot, Section, Table
from edgetl.report.page.facts import Facts, Predictions, percent
from edgetl.report.plots.draw import BLUE, FAINT, GOLD, INK, plot, short

_TITLE = "Class by class"
_DRAWN = 24  # classes with a bar: the worst of them, where there are more
_NAME_LENGTH = 21


def section(facts: Facts) -> Section | Absent:
    if isinstance(facts.predictions, Absent):
        return facts.absent(_TITLE)
    predictions = facts.predictions
    names = predictions.compared or (predictions.shipped,)
    figures = [_figures(predictions, name) for name in names]
    order = sorted(range(len(predictions.class_names)), key=lambda k: figures[-1][k].f1)
    rows = []
    for k in order:
        one = figures[-1][k]
        before = [percent(figures[0][k].f1, 1)] if predictions.compared else []
        rows.append(
            [
                predictions.class_names[k],
                str(one.images),
                *(percent(x, 1) for x in (one.precision, one.recall)),
                *before,
                percent(one.f1, 1),
            ]
        )
    columns = ["class", "images", "precision", "recall", *(["F1 float", "F1 int8"] if predictions.compared else ["F1"])]
    worst, best = predictions.class_names[order[0]], predictions.class_names[order[-1]]
    alt = f"F1 of each class by {' and '.join(names)}: lowest for {worst}, highest for {best}"
    drawn = _dots([predictions.class_names[k] for k in order[:_DRAWN]], names, [[of[k] for k in order[:_DRAWN]] for of in figures])
    table = Table(
        columns,
        rows,
        f"{predictions.shipped} on {len(predictions.label_ids):,} validation images, in %, worst class first",
        folded=len(rows) > _DRAWN,
        beside=len(rows) <= _DRAWN,
    )
    return Section(_TITLE, (Plot(drawn, alt), table))


def _figures(predictions: Predictions, name: str) -> list[ClassMetrics]:
    return per_class_metrics(confusion(predictions.probabilities[name].argmax(1), predictions.label_ids, len(predictions.class_names)))


def _dots(classes: Sequence[str], names: Sequence[str], figures: Sequence[Sequence[ClassMetrics]]) -> Figure:
    """A dot a model, those of a class joined: an axis that begins at 0 would show no difference."""
    figure, axes = plot(height=1.4 + 0.34 * len(classes), grid="both")
    places = range(len(classes))
    values = [[100 * one.f1 for one in of] for of in figures]
    axes.hlines(
        places, [min(of) for of in zip(*values, strict=True)], [max(of) for of in zip(*values, strict=True)], color=FAINT, linewidth=1.2
    )
    for name, of, colour in zip(names, values, (GOLD, BLUE)[-len(names) :], strict=True):
        axes.plot(of, places, "o", markersize=7, color=colour, label=name)
    axes.set_yticks(places, [short(name, _NAME_LENGTH) for name in classes])
    axes.set_ylim(len(classes) - 0.4, -0.6)
    axes.set_xlabel("F1, %")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=2, frameon=False, labelcolor=INK)
    return figure
