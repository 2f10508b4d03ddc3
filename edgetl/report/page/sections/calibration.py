"""The section on calibration."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from edgetl.evaluation.calibration import Bin, bins_for, calibration_error, reliability
from edgetl.evaluation.multi_label import calibration_error_of_several, reliability_of_several
from edgetl.evaluation.resampling import wilson
from edgetl.report.page.blocks import Absent, Plot, Section, Text
from edgetl.report.page.facts import Facts, Predictions, percent
from edgetl.report.plots.draw import BLUE, FAINT, GOLD, legend, plot

_TITLE = "Calibration (reliability diagram)"


def section(facts: Facts) -> Section | Absent:
    """Return the reliability diagram and the calibration error of the float and the quantized model."""
    predictions = facts.predicted(_TITLE)
    if isinstance(predictions, Absent):
        return predictions
    figure, axes = plot()
    axes.plot([0, 100], [0, 100], color=FAINT, linewidth=1, linestyle=(0, (3, 3)))
    errors, leanings = [], []
    for name, colour in zip(predictions.shown, (GOLD, BLUE)[-len(predictions.shown) :], strict=True):
        bins, error = _found(predictions, name)
        count = sum(one.images for one in bins)
        x, y = [100 * one.confidence for one in bins], [100 * one.accuracy for one in bins]
        axes.plot(x, y, color=colour, linewidth=1.4, marker="o", markersize=5, label=name)
        ends = [wilson(one.accuracy, one.images) for one in bins]
        axes.vlines(x, [100 * low for low, _ in ends], [100 * high for _, high in ends], color=colour, linewidth=1.1)
        if name == predictions.main:
            _count(axes, bins)
        errors.append(f"{percent(error, 1)} % for {name}")
        lean = sum(one.images * (one.accuracy - one.confidence) for one in bins) / count
        leanings.append(f"{name} is {'underconfident' if lean > 0 else 'overconfident'} by {abs(100 * lean):.1f} points")
    axes.set_xlim(0, 103)
    axes.set_ylim(0, 103)
    what, right = ("probability", "share of images that show the class") if predictions.several else ("top-1 probability", "accuracy")
    axes.set_xlabel(f"{what}, %")
    axes.set_ylabel(f"{right}, %")
    legend(axes, "upper left")
    text = (
        f"On average {'; '.join(leanings)}. The expected calibration error is {' and '.join(errors)}: the mean distance between "
        f"{what} and {right}. Training with label smoothing makes a model underconfident."
    )
    alt = f"Reliability diagram. On average {'; '.join(leanings)}"
    counts = "decisions, one for each image and class" if predictions.several else "images"
    caption = (
        f"{right.capitalize()} by {what}, with 95 % intervals; the numbers below are {counts} by {predictions.main}. "
        "A perfectly calibrated model follows the dashed line."
    )
    return Section(_TITLE, (Plot(figure, alt, caption), Text(text, beside=True)))


def _count(axes: Axes, bins: Sequence[Bin]) -> None:
    """Write the images of each bin along the lower edge."""
    for one in bins:
        axes.annotate(
            f"{one.images:,}", (100 * one.confidence, 0), (0, 3), textcoords="offset points", ha="center", fontsize=7.5, color=FAINT
        )


def _found(predictions: Predictions, name: str) -> tuple[tuple[Bin, ...], float]:
    """Return a model's reliability by bin, and its expected calibration error."""
    probabilities = predictions.probabilities[name]
    bins = bins_for(len(probabilities))
    if predictions.several:
        shown = predictions.labelled
        return reliability_of_several(probabilities, shown, bins), calibration_error_of_several(probabilities, shown)
    return reliability(probabilities, predictions.label_ids, bins), calibration_error(probabilities, predictions.label_ids)
