"""The plot of an evaluation of several labels an image: precision, recall, F1 and average precision of each class."""

from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from edgetl.evaluation.multi_label_scores import LabelScores
from edgetl.evaluation.resampling import Estimate
from edgetl.evaluation.results import Evaluation
from edgetl.files import atomic
from edgetl.report.plots.axes import widen
from edgetl.report.plots.draw import BLUE, FAINT, GOLD, INK, RED, panel, short
from edgetl.wording import counted

_DRAWN = 40  # classes with a row: the worst of them, where there are more
_METRICS: dict[str, tuple[str, str, Callable[[LabelScores], Estimate | None]]] = {
    "precision": (GOLD, "<", lambda one: one.precision),
    "recall": (RED, ">", lambda one: one.recall),
    "F1": (BLUE, "o", lambda one: one.f1),
    "average precision": (INK, "|", lambda one: one.average_precision),
}


def class_plot(evaluation: Evaluation, path: Path) -> str:
    """Write the per-class metrics of the first model as PNG; return its alternative text."""
    name, scores = next(iter(evaluation.multi_label.items()))
    classes = sorted(scores.classes, key=lambda one: one.f1.value if one.f1 else 0.0)
    figure = Figure(figsize=(8, 1.8 + 0.36 * min(len(classes), _DRAWN)), dpi=110, layout="constrained", facecolor="white")
    axes = panel(figure.add_subplot(), "both")
    title = f"{name}, {counted(scores.images, f'{evaluation.split} image')}"
    draw_classes(axes, classes[:_DRAWN])
    figure.suptitle(title, x=0.02, ha="left", fontsize=12, color=INK)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False, labelcolor=INK)
    alt = f"Precision, recall, F1 and average precision of each class. {title}: {described(classes)}"
    with atomic(path) as temporary:
        figure.savefig(temporary, metadata={"Title": "Per-class metrics", "Description": alt})
    return alt


def draw_classes(axes: Axes, classes: Sequence[LabelScores]) -> None:
    """Draw a row for each class, with a mark for each metric that it has."""
    for place, one in enumerate(classes):
        found = [100 * value.value for _, _, of in _METRICS.values() if (value := of(one))]
        axes.hlines([place] * bool(found), min(found, default=0.0), max(found, default=0.0), color=FAINT, linewidth=1.2)
    for metric, (colour, marker, of) in _METRICS.items():
        known = [(100 * value.value, place) for place, one in enumerate(classes) if (value := of(one))]
        axes.plot([share for share, _ in known], [place for _, place in known], marker, color=colour, markersize=8, label=metric)
    axes.set_yticks(range(len(classes)), [short(one.class_name) for one in classes])
    axes.set_ylim(len(classes) - 0.4, -0.6)
    widen(axes, "x", min((one.images for one in classes), default=0))
    axes.set_xlabel("%")


def described(classes: Sequence[LabelScores]) -> str:
    """Return the classes with the lowest and the highest F1, lowest first, in words."""
    texts = [f"{one.class_name} {100 * (one.f1.value if one.f1 else 0.0):.1f} %" for one in classes]
    return f"F1 is lowest for {texts[0]} and highest for {texts[-1]}"
