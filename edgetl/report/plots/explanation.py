"""An image of where the float and the quantized model look, side by side."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from edgetl.explain.gradcam import Look
from edgetl.report.plots.draw import FAINT, INK, short

_FAINTEST = 0.1  # of 1: smaller changes are drawn pale, so that nothing does not look like much
_STRENGTH = 0.72  # of the map over the image: what lies beneath can still be seen


def explanation(image: NDArray[np.uint8], float_look: Look, int8_look: Look, classes: Sequence[str]) -> Figure:
    """The image, both maps over it, and their difference."""
    figure = Figure(figsize=(10, 3.05), layout="constrained", facecolor="white")
    shown, *maps, difference = figure.subplots(1, 4)
    shown.imshow(image)
    _said(shown, "the image", f"asked for: {short(classes[float_look.top1])}")
    grey = np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    for axes, name, look in zip(maps, ("float", "int8"), (float_look, int8_look), strict=True):
        axes.imshow(grey, alpha=0.6)
        axes.imshow(look.map, cmap="inferno", alpha=look.map * _STRENGTH, vmin=0, vmax=1)
        top, left, edge = look.window
        axes.add_patch(Rectangle((left - 0.5, top - 0.5), edge, edge, fill=False, edgecolor="#2bb3a3", linewidth=1.8))
        points = f"hidden: {-100 * look.drop:+.1f} points; elsewhere {-100 * look.drop_elsewhere:+.1f}"
        _said(axes, f"{name}: {short(classes[look.top1])} {100 * look.top1_probability:.1f} %", points)
    difference.imshow(grey, alpha=0.35)
    change = int8_look.map - float_look.map
    limit = max(float(np.abs(change).max()), _FAINTEST)
    difference.imshow(change, cmap="RdBu_r", vmin=-limit, vmax=limit, alpha=0.9 * np.abs(change) / limit)
    _said(difference, "int8 less float", f"largest change {np.abs(change).max():.2f} of 1")
    return figure


def lines(float_look: Look, int8_look: Look, classes: Sequence[str]) -> list[str]:
    """What the image shows, in words."""
    found = []
    for name, look in (("float", float_look), ("int8", int8_look)):
        named = f"{name} names {classes[look.top1]}, {100 * look.top1_probability:.1f} %"
        found.append(
            f"{named}. {classes[float_look.top1]} falls by {100 * look.drop:.1f} points when the place it looks at most is hidden, by "
            f"{100 * look.drop_elsewhere:.1f} elsewhere; that is more than at {100 * look.beaten:.0f} % of the other places"
        )
    return [*found, f"the maps differ by at most {np.abs(int8_look.map - float_look.map).max():.2f} of 1"]


def _said(axes: Any, title: str, below: str) -> None:
    axes.set_title(title, fontsize=10, color=INK)
    axes.set_xlabel(below, fontsize=8, color=FAINT)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
