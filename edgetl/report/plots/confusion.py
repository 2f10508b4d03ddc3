"""The plot of an evaluation: confusion matrices."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray

from edgetl.evaluation.results import Evaluation
from edgetl.evaluation.scores import Scores
from edgetl.files import atomic
from edgetl.report.plots.draw import INK
from edgetl.wording import counted

_COLOURS = "Blues"
_NUMBERED = 20  # classes up to which each cell has its number; beyond, it would not be legible
_NAMED = 60  # classes up to which each row has its name
_CONFUSED = 3  # pairs in the alternative text


def confusion_plot(evaluation: Evaluation, path: Path) -> str:
    """Write the confusion matrices of the first model and of the cross-validation as PNG; return its alternative text."""
    name, first = next(iter(evaluation.single_label.items()))
    panels = [(f"{name}, {counted(first.images, f'{evaluation.split} image')}", first)]
    crossed = evaluation.cross_validation
    if crossed:
        panels.append((f"Cross-validation in {crossed.folds} folds, {counted(crossed.pooled.images, 'image')}", crossed.pooled))
    class_names = evaluation.class_names
    side = min(max(3.2 + 0.55 * len(class_names), 5.0), 14.0)  # inches
    layout = ConstrainedLayoutEngine(w_pad=0.14, h_pad=0.14)  # inches
    figure = Figure(figsize=(side * len(panels), side), dpi=110, layout=layout, facecolor="white")
    [axes] = figure.subplots(1, len(panels), squeeze=False)
    for one, (title, scores) in zip(axes, panels, strict=True):
        _matrix(one, title, np.array(scores.confusion), class_names)
    alt = "; ".join(_describe(title, scores, class_names) for title, scores in panels)
    with atomic(path) as temporary:
        figure.savefig(temporary, metadata={"Title": "Confusion matrix", "Description": alt})
    return alt


def _matrix(axes: Axes, title: str, confusion: NDArray[np.integer], class_names: Sequence[str]) -> None:
    """Draw a row for each true class; a cell's colour is its share of the row, its number the images."""
    totals = confusion.sum(axis=1, keepdims=True)
    shares = np.divide(confusion, totals, out=np.zeros(confusion.shape), where=totals > 0)
    axes.imshow(shares, cmap=_COLOURS, vmin=0, vmax=1)
    axes.set_title(title, loc="left", fontsize=12, color=INK)
    axes.set_xlabel("predicted class", color=INK)
    axes.set_ylabel("true class", color=INK)
    axes.spines[:].set_visible(False)
    axes.tick_params(colors=INK, length=0)
    places = range(len(class_names)) if len(class_names) <= _NAMED else []
    size = 9 if len(class_names) <= _NUMBERED else 7
    axes.set_xticks(places, [class_names[k] for k in places], rotation=90 if len(class_names) > 4 else 0, fontsize=size)
    axes.set_yticks(places, [class_names[k] for k in places], fontsize=size)
    if len(class_names) > _NUMBERED:
        return
    for row, column in np.ndindex(*confusion.shape):
        if confusion[row, column]:
            colour = "white" if shares[row, column] > 0.5 else INK
            axes.text(column, row, str(confusion[row, column]), ha="center", va="center", fontsize=9, color=colour)


def _describe(title: str, scores: Scores, class_names: Sequence[str]) -> str:
    """Return what a person who cannot see the matrix has to know."""
    confusion = np.array(scores.confusion)
    wrong = [(int(confusion[i, j]), class_names[i], class_names[j]) for i, j in np.ndindex(*confusion.shape) if i != j and confusion[i, j]]
    worst = ", ".join(f"{count} {name} predicted as {other}" for count, name, other in sorted(wrong, key=lambda one: -one[0])[:_CONFUSED])
    right = f"{int(np.trace(confusion))} of {scores.images} correct"
    return f"{title}: {right}; {f'most often confused: {worst}' if worst else 'no image is confused'}"
