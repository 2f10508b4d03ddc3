"""A drawing of where the float and the quantized model look, side by side."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from edgetl.explanation.gradcam import Saliency
from edgetl.report.plots.draw import INK, short

_FAINTEST = 0.1  # of 1: smaller changes are drawn pale, so that nothing does not look like much
_MODELS = ("float", "quantized")
_VERBS = {None: "predicts", True: "finds", False: "does not find"}
_STRENGTH = 0.72  # of the map over the image: what lies beneath can still be seen


def saliency_figure(image: NDArray[np.uint8], of_float: Saliency, of_int8: Saliency, class_names: Sequence[str]) -> Figure:
    """Draw the image, both saliency maps over it, and their difference."""
    figure = Figure(figsize=(10, 3.05), layout="constrained", facecolor="white")
    shown, *maps, difference = figure.subplots(1, 4)
    shown.imshow(np.broadcast_to(image, (*image.shape[:2], 3)))
    _label(shown, "image", f"explained class: {short(class_names[of_float.figures.top1])}")
    grey = np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    for axes, name, one in zip(maps, _MODELS, (of_float, of_int8), strict=True):
        axes.imshow(grey, alpha=0.6)
        axes.imshow(one.map, cmap="inferno", alpha=one.map * _STRENGTH, vmin=0, vmax=1)
        figures = one.figures
        top, left, edge = figures.window
        axes.add_patch(Rectangle((left - 0.5, top - 0.5), edge, edge, fill=False, edgecolor="#2bb3a3", linewidth=1.8))
        points = f"frame hidden: {-100 * figures.drop:+z.0f}, elsewhere {-100 * figures.drop_elsewhere:+z.0f} points"
        likeliest = f"{short(class_names[figures.top1])} ({100 * figures.top1_probability:.1f} %)"
        _label(axes, f"{name}: unknown, {likeliest}" if figures.unknown else f"{name}: {likeliest}", points)
    difference.imshow(grey, alpha=0.35)
    change = of_int8.map - of_float.map
    limit = max(float(np.abs(change).max()), _FAINTEST)
    difference.imshow(change, cmap="RdBu_r", vmin=-limit, vmax=limit, alpha=0.9 * np.abs(change) / limit)
    _label(difference, "quantized minus float", f"largest change: {np.abs(change).max():.2f} (of 1)")
    return figure


def sentences(of_float: Saliency, of_int8: Saliency, class_names: Sequence[str]) -> tuple[str, ...]:
    """Say in words what the drawing shows."""
    found = []
    explained = class_names[of_float.figures.top1]
    for name, figures in zip(_MODELS, (of_float.figures, of_int8.figures), strict=True):
        hidden, elsewhere = _changed(f"the probability of {explained}", figures.drop), _changed("it", figures.drop_elsewhere)
        verb = "rejects the image as unknown; most probable is" if figures.unknown else _VERBS[figures.present]
        found.append(
            f"The {name} model {verb} {class_names[figures.top1]} ({100 * figures.top1_probability:.1f} %). Hiding the "
            f"most salient region {hidden}, hiding another region {elsewhere} on average; the drop is larger than for "
            f"{100 * figures.beaten:.0f} % of the other regions"
        )
    return (*found, f"The saliency maps (0 to 1) differ by at most {np.abs(of_int8.map - of_float.map).max():.2f}")


def _changed(what: str, drop: float) -> str:
    return f"{'raises' if drop < 0 else 'lowers'} {what} by {abs(100 * drop):.1f} points"


def _label(axes: Axes, title: str, below: str) -> None:
    axes.set_title(title, fontsize=10, color=INK)
    axes.set_xlabel(below, fontsize=7.5, color=INK)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
