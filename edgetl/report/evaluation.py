"""An evaluation for people: tables for the terminal, and the confusion matrices as an image."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from edgetl import console
from edgetl.files import atomic

_INK, _FAINT, _COLOURS = "#2b3440", "#8a94a0", "Blues"
_NUMBERED = 20  # classes up to which each cell has its number; beyond, it would not be legible
_NAMED = 60  # classes up to which each row has its name
_TITLES = {"f1": "F1", "roc_auc": "ROC-AUC"}
_CONFUSED = 3  # pairs that the alternative text names


def tell(document: Mapping[str, Any]) -> None:
    """Print every model's figures, then each class by the first model, then the cross-validation."""
    models = document["models"]
    images = next(iter(models.values()))["images"]
    console.note(f"{images} {document['split']} images; in %, with the interval at 95 %; loss in nats")
    if document["caveat"]:
        console.note(document["caveat"])
    summary(models)
    for note in dict.fromkeys(note for one in models.values() for note in one["notes"]):
        console.warn(note)
    name, first = next(iter(models.items()))
    _classes(f"classes, by {name}", first)
    crossed = document.get("cross_validation")
    if crossed:
        mean, std = 100 * crossed["mean_accuracy"], 100 * crossed["std_accuracy"]
        console.note(f"cross-validation in {crossed['folds']} folds: {mean:.2f} % accuracy, standard deviation over the folds {std:.2f}")
        console.note(crossed["caveat"])
        for note in (*crossed["notes"], *crossed["pooled"]["notes"]):
            console.warn(note)
        summary({"out of fold": crossed["pooled"]}, "the head, each image by one that has not seen it")
        _classes("classes, out of fold", crossed["pooled"])


def summary(models: Mapping[str, Mapping[str, Any]], title: str = "models") -> None:
    """A column a model."""
    rows = []
    tops = list(dict.fromkeys(k for one in models.values() for k in one["topk_accuracy"]))
    figures = [("accuracy", "accuracy"), *((f"top-{k}", k) for k in tops)]
    for name, key in figures:
        rows.append([name, *(percent(one["accuracy"] if key == "accuracy" else one["topk_accuracy"][key]) for one in models.values())])
    for kind in ("macro", "weighted"):
        for key in ("precision", "recall", "f1", "roc_auc"):
            rows.append([f"{_TITLES.get(key, key)}, {kind}", *(percent(one[kind][key]) for one in models.values())])
    rows.append(["calibration error", *(percent(one["calibration_error"]) for one in models.values())])
    rows.append(
        ["loss", *("{:.3f} ({:.3f} to {:.3f})".format(one["loss"]["value"], *one["loss"]["interval_95"]) for one in models.values())]
    )
    console.table(title, ["", *models], rows)


def percent(estimate: Mapping[str, Any] | None) -> str:
    """A figure in percent and its interval; a dash where there is none."""
    if estimate is None:
        return "-"
    low, high = estimate["interval_95"]
    return f"{100 * estimate['value']:.2f} ({100 * low:.1f} to {100 * high:.1f})"


def _short(estimate: Mapping[str, Any] | None, digits: int = 0) -> str:
    """The same where many stand side by side."""
    if estimate is None:
        return "-"
    low, high = (f"{100 * end:.{digits}f}" for end in estimate["interval_95"])
    return f"{100 * estimate['value']:.1f} ({low}-{high})"


def _classes(title: str, scores: Mapping[str, Any]) -> None:
    rows = [
        [
            one["label"],
            one["images"],
            one["named"],
            *(_short(one[key]) for key in ("precision", "recall", "f1")),
            _short(one["roc_auc"], 1),
        ]
        for one in scores["classes"]
    ]
    console.table(title, ["class", "images", "named", "precision", "recall", "F1", "ROC-AUC"], rows)


def confusion_plot(document: Mapping[str, Any], path: Path) -> str:
    """The first model's confusion matrix and, where there is one, that out of fold, as PNG; gives the alternative text that it holds."""
    name, first = next(iter(document["models"].items()))
    panels = [(f"{name}, {first['images']} {document['split']} images", first)]
    if "cross_validation" in document:
        crossed = document["cross_validation"]
        panels.append((f"Out of {crossed['folds']} folds, {crossed['pooled']['images']} images", crossed["pooled"]))
    labels: Sequence[str] = document["class_names"]
    side = min(max(3.2 + 0.55 * len(labels), 5.0), 14.0)  # inches
    layout = ConstrainedLayoutEngine(w_pad=0.14, h_pad=0.14)  # inches
    figure = Figure(figsize=(side * len(panels), side), dpi=110, layout=layout, facecolor="white")
    [axes] = figure.subplots(1, len(panels), squeeze=False)
    for one, (title, scores) in zip(axes, panels, strict=True):
        _matrix(one, title, np.array(scores["confusion"]), labels)
    alt = "; ".join(_in_words(title, scores, labels) for title, scores in panels)
    with atomic(path) as temporary:
        figure.savefig(temporary, metadata={"Title": "Confusion matrix", "Description": alt})
    return alt


def _matrix(axes: Axes, title: str, confusion: Any, labels: Sequence[str]) -> None:
    """Rows are what an image is; a cell's colour is its share of the row, its number the images."""
    totals = confusion.sum(axis=1, keepdims=True)
    shares = np.divide(confusion, totals, out=np.zeros(confusion.shape), where=totals > 0)
    axes.imshow(shares, cmap=_COLOURS, vmin=0, vmax=1)
    axes.set_title(title, loc="left", fontsize=12, color=_INK)
    axes.set_xlabel("called", color=_INK)
    axes.set_ylabel("is", color=_INK)
    axes.spines[:].set_visible(False)
    axes.tick_params(colors=_INK, length=0)
    places = range(len(labels)) if len(labels) <= _NAMED else []
    size = 9 if len(labels) <= _NUMBERED else 7
    axes.set_xticks(places, [labels[k] for k in places], rotation=90 if len(labels) > 4 else 0, fontsize=size)
    axes.set_yticks(places, [labels[k] for k in places], fontsize=size)
    if len(labels) > _NUMBERED:
        return
    for row, column in np.ndindex(*confusion.shape):
        if confusion[row, column]:
            colour = "white" if shares[row, column] > 0.5 else _INK
            axes.text(column, row, str(confusion[row, column]), ha="center", va="center", fontsize=9, color=colour)


def _in_words(title: str, scores: Mapping[str, Any], labels: Sequence[str]) -> str:
    """What a person who cannot see the matrix has to know."""
    confusion = np.array(scores["confusion"])
    wrong = [(int(confusion[i, j]), labels[i], labels[j]) for i, j in np.ndindex(*confusion.shape) if i != j and confusion[i, j]]
    worst = ", ".join(f"{count} {of} called {other}" for count, of, other in sorted(wrong, key=lambda one: -one[0])[:_CONFUSED])
    right = f"{int(np.trace(confusion))} of {scores['images']} right"
    return f"{title}: {right}; {f'most often confused: {worst}' if worst else 'nothing is confused'}"
