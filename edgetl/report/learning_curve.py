"""A learning curve for people: a table, a sentence, and an image."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import NullLocator

from edgetl import console
from edgetl.files import atomic

_INK, _FAINT, _GRID, _BAR, _MARK = "#2b3440", "#8a94a0", "#e3e7ec", "#3f6fa3", "#c8553d"


def tell(document: Mapping[str, Any]) -> None:
    rows = []
    for point in document["points"]:
        low, high = point["interval_95"]
        rows.append(
            [
                f"{point['images']:,}",
                f"{100 * point['accuracy']:.2f}",
                f"{100 * low:.1f} to {100 * high:.1f}",
                f"{100 * point['std_over_seeds']:.2f}",
            ]
        )
    console.note(f"{document['model']}; {document['caveat']}")
    console.note(f"top-1 in % on {document['validation_images']} validation images, mean of {document['seeds']} seeds")
    console.table("learning curve", ["training images", "top-1", "95 %", "std over seeds"], rows)
    console.note(worth(document))


def worth(document: Mapping[str, Any]) -> str:
    """What twice as many images would bring, in a sentence or two."""
    law, doubled = document["law"], document["doubled"]
    if law is None:
        return f"{len(document['points'])} sizes are too few for a power law: add images"
    low, high = doubled["gain_interval_95"]
    accuracy, gain = 100 * doubled["accuracy"], doubled["gain_points"]
    said = f"twice the images ({doubled['images']:,}) would be worth {gain:+.1f} points ({low:+.1f} to {high:+.1f}): {accuracy:.1f} %"
    if law["foreseen"] is None:
        return said
    found = 100 * document["points"][-1]["accuracy"]
    return f"{said}. From the smaller sizes alone the largest was foreseen at {100 * law['foreseen']:.1f} %, it has {found:.1f} %"


def plot(document: Mapping[str, Any], path: Path) -> str:
    """Accuracy over training images with the power law up to twice as many, as PNG; gives the alternative text that it holds."""
    figure = Figure(figsize=(9, 5.4), dpi=120, layout=ConstrainedLayoutEngine(w_pad=0.14, h_pad=0.12), facecolor="white")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[:].set_color(_FAINT)
    axes.grid(axis="y", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", colors=_INK, length=0)
    points, law, doubled = document["points"], document["law"], document["doubled"]
    sizes = [point["images"] for point in points]
    for point in points:
        axes.plot([point["images"]] * 2, [100 * end for end in point["interval_95"]], color=_BAR, linewidth=1.6)
    axes.plot(sizes, [100 * point["accuracy"] for point in points], "o", color=_BAR, markersize=6, label="measured")
    if law:
        numbers = np.geomspace(sizes[0], doubled["images"], 100)
        fitted = 100 * (1 - law["floor"] - law["scale"] * (numbers / sizes[-1]) ** -law["exponent"])
        inside = numbers <= sizes[-1]
        axes.plot(numbers[inside], fitted[inside], color=_FAINT, linewidth=1.2, label="power law")
        axes.plot(numbers[~inside], fitted[~inside], color=_MARK, linewidth=1.2, linestyle="--")
        axes.plot([doubled["images"]] * 2, [100 * end for end in doubled["accuracy_interval_95"]], color=_MARK, linewidth=1.6)
        axes.plot(doubled["images"], 100 * doubled["accuracy"], "o", color=_MARK, markersize=6, label="twice the images")
    axes.set_xscale("log")
    ticks = [*sizes, doubled["images"]] if law else sizes
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("training images", color=_INK)
    axes.set_ylabel(f"top-1 on {document['validation_images']} validation images, %", color=_INK)
    axes.legend(frameon=False, labelcolor=_INK, loc="lower right")
    axes.set_title(f"Head on {document['model']}", loc="left", fontsize=13, color=_INK)
    measured = ", ".join(f"{100 * point['accuracy']:.1f} % with {point['images']}" for point in points)
    alt = f"Learning curve, top-1 by training images: {measured}. {worth(document)}"
    with atomic(path) as temporary:
        figure.savefig(temporary, metadata={"Title": "Learning curve", "Description": alt})
    return alt
