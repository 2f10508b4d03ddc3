"""Latency against accuracy and size: which model is worth its time on which device."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from edgetl.files import atomic

_INK, _FAINT, _GRID = "#2b3440", "#8a94a0", "#e3e7ec"
_COLOURS = ("#3f6fa3", "#c8553d", "#4f9d69", "#a0719f", "#b8912f", "#5aa7b3")  # a device each
_NEAR = 1.12  # times as slow: a text's height on this axis
_AREA = 900.0  # points squared, of the largest model's circle


def pareto(document: Mapping[str, Any], path: Path) -> None:
    """Latency against accuracy and size, as a PNG."""
    figure = pareto_figure(document)
    with atomic(path) as temporary:
        figure.savefig(temporary)


def pareto_figure(document: Mapping[str, Any]) -> Figure:
    """A circle for each model on each device: median latency across, top-1 (or, unknown, size) upwards, its area the file's size.

    A result has its model's name at it, or its "label".
    A line joins those that no other on the same device beats in both.
    """
    timed = [result for result in document["results"] if has_median(result)]
    models = document["models"]
    accurate = all(models[result["model"]]["top1_accuracy"] is not None for result in timed)
    figure = Figure(figsize=(10, 6.2), dpi=120, layout="constrained", facecolor="white")  # inches
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[:].set_color(_FAINT)
    axes.grid(color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    largest = max(models[result["model"]]["size_bytes"] for result in timed)
    for number, device in enumerate(dict.fromkeys(result["device"] for result in timed)):
        colour = _COLOURS[number % len(_COLOURS)]
        points, named = [], []
        for result in (one for one in timed if one["device"] == device):
            model = models[result["model"]]
            ms, height = result["latency_ms"]["p50"], 100 * model["top1_accuracy"] if accurate else model["size_bytes"] / 1024
            points.append((ms, height))
            axes.scatter(ms, height, _AREA * model["size_bytes"] / largest + 12, colour, alpha=0.35, linewidths=0)
            axes.plot(ms, height, ".", color=colour)
            if label := result.get("label", result["model"]):
                named.append((ms, height, label))
        for ms, height, name in _together(named):
            axes.annotate(
                name, (ms, height), (5, 6), rotation=42, rotation_mode="anchor", textcoords="offset points", fontsize=8.5, color=_INK
            )
        front = _front(points, higher_is_better=accurate)
        axes.plot(*zip(*front, strict=True), color=colour, linewidth=1.2, label=device)
    axes.set_xscale("log")
    axes.margins(0.16, 0.24)
    axes.set_xlabel("median latency of one image, ms", color=_INK)
    axes.set_ylabel("top-1 on validation, %" if accurate else "size, KiB", color=_INK)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.tick_params(which="both", colors=_INK, length=0, labelsize=9)
    legend = axes.legend(
        frameon=False, labelcolor=_INK, loc="lower right", title="nothing is both faster and better than", alignment="left"
    )
    legend.get_title().set_color(_INK)
    axes.set_title("Latency, accuracy and size" if accurate else "Latency and size", loc="left", fontsize=14, fontweight="bold", color=_INK)
    return figure


def has_median(result: Mapping[str, Any]) -> bool:
    """Failed, untimed ones and those of tools that tell a mean only have none."""
    return (result.get("latency_ms") or {}).get("p50") is not None


def _together(named: Sequence[tuple[float, float, str]]) -> list[tuple[float, float, str]]:
    """Points with their names, those that lie on one another under one name: two of them could not be read."""
    joined: list[tuple[float, float, str]] = []
    for ms, height, name in sorted(named):
        near = [number for number, one in enumerate(joined) if one[1] == height and ms < _NEAR * one[0]]
        if near:
            joined[near[-1]] = (*joined[near[-1]][:2], f"{joined[near[-1]][2]}, {name}")
        else:
            joined.append((ms, height, name))
    return joined


def _front(points: Sequence[tuple[float, float]], higher_is_better: bool) -> list[tuple[float, float]]:
    """The points that no faster one equals or beats, by latency."""
    front: list[tuple[float, float]] = []
    for ms, height in sorted(points, key=lambda point: (point[0], -point[1] if higher_is_better else point[1])):
        if not front or (height > front[-1][1] if higher_is_better else height < front[-1][1]):
            front.append((ms, height))
    return front
