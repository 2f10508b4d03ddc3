"""The section on the confusion matrix."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from edgetl.evaluation.per_class import confusion
from edgetl.report.page.blocks import Absent, Block, Plot, Section, Table, Text
from edgetl.report.page.facts import Facts, Predictions
from edgetl.report.plots.draw import BLUE, INK, panel, short
from edgetl.wording import counted

_TITLE = "Confusion matrix"
_NUMBERED = 15  # classes up to which the count in each cell is legible
_NAMED = 60  # classes up to which each row has room for its name
_DRAWN = 30  # classes up to which the cells are shapes; beyond, a bitmap is smaller
_CONFUSED = 8  # pairs in the table: those worth collecting images for


def section(facts: Facts) -> Section | Absent:
    """Return the confusion matrix of the main model, and the classes that it confuses most."""
    predictions = facts.predicted(_TITLE)
    if isinstance(predictions, Absent):
        return predictions
    if predictions.several:
        return _of_several(predictions)
    counts = confusion(predictions.top1(predictions.main), predictions.label_ids, len(predictions.class_names))
    rows = _most_confused(counts, predictions)
    worst = f"; the most frequent mistake is {rows[0][0]} predicted as {rows[0][1]} ({rows[0][2]} of {rows[0][3]})" if rows else ""
    correct = f"{int(np.trace(counts)):,} of {counted(int(counts.sum()), 'image')} are predicted correctly"
    alt = f"Confusion matrix of {predictions.main}: {correct}{worst}"
    caption = f"{predictions.main}: {correct}. A row for each true class, shaded by the share of its images."
    blocks: list[Block] = [Plot(_matrix(counts, predictions.class_names), alt, caption)]
    if rows:
        blocks.append(Table(("true class", "predicted class", "images", "of"), rows, "Most frequent mistakes", beside=True))
    else:
        blocks.append(Text("Every image is predicted correctly.", beside=True))
    return Section(_TITLE, blocks)


def _of_several(predictions: Predictions) -> Section:
    """Return for each class how often it is found and missed: several classes of an image are not confused with one another."""
    shown, found = predictions.labelled, predictions.decisions(predictions.main)
    cells = [(shown & found), (shown & ~found), (~shown & found), (~shown & ~found)]
    counts = np.stack([cell.sum(axis=0) for cell in cells], axis=1)
    order = np.argsort(-(counts[:, 1] + counts[:, 2]), kind="stable").tolist()
    rows = [[predictions.class_names[k], *(f"{count:,}" for count in counts[k].tolist())] for k in order]
    exact = f"{int((shown == found).all(axis=1).sum()):,} of {counted(len(shown), 'image')} have all their classes found and no other"
    caption = f"{predictions.main}: {exact}. A row for each class, most mistakes first."
    columns = ("class", "shown and found", "shown, missed", "not shown, found", "not shown, not found")
    return Section("Confusion matrix of each class", (Table(columns, rows, caption),))


def _most_confused(counts: NDArray[np.int64], predictions: Predictions) -> list[list[str]]:
    off = counts - np.diag(np.diag(counts))
    order = np.argsort(-off, axis=None, kind="stable")[:_CONFUSED]
    pairs = [divmod(int(place), len(counts)) for place in order]
    names = predictions.class_names
    return [[names[a], names[b], str(off[a, b]), str(counts[a].sum())] for a, b in pairs if off[a, b]]


def _matrix(counts: NDArray[np.int64], classes: Sequence[str]) -> Figure:
    size = min(2.2 + 0.62 * len(classes), 5.8)
    figure = Figure(figsize=(size + 0.4, size), layout="constrained", facecolor="white")
    axes: Any = panel(figure.add_subplot(), "")
    axes.spines[:].set_visible(False)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shading = LinearSegmentedColormap.from_list("share", [f"{BLUE}00", f"{BLUE}ff"])  # see-through, for pages of any colour
    large = len(classes) > _DRAWN
    axes.pcolormesh(
        np.sqrt(shares), cmap=shading, vmin=0, vmax=1, edgecolors="none" if large else "#8a94a040", rasterized=large, linewidth=0.5
    )
    axes.set_aspect("equal")
    axes.invert_yaxis()
    middle = np.arange(len(classes)) + 0.5
    names = list(map(short, classes))
    small = 9 if len(classes) <= _NUMBERED else 5
    axes.set_yticks(middle if len(classes) <= _NAMED else [], names if len(classes) <= _NAMED else [], fontsize=small)
    axes.set_xticks(
        middle if len(classes) <= _NAMED else [], names if len(classes) <= _NAMED else [], fontsize=small, rotation=45, ha="right"
    )
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    if len(classes) <= _NUMBERED:
        for (row, column), count in np.ndenumerate(counts):
            if count:
                colour = "white" if shares[row, column] > 0.4 else INK
                axes.text(column + 0.5, row + 0.5, str(count), ha="center", va="center", color=colour, fontsize=small)
    return figure
