"""The section on calibration."""

from edgetl.evaluation.calibration import calibration_error, reliability
from edgetl.report.page.blocks import Absent, Plot, Section, Text
from edgetl.report.page.facts import Facts, percent
from edgetl.report.plots.draw import BLUE, FAINT, GOLD, legend, plot

_TITLE = "Calibration"


def section(facts: Facts) -> Section | Absent:
    """Return the reliability diagram and the calibration error of the float and the quantized model."""
    predictions = facts.predicted(_TITLE)
    if isinstance(predictions, Absent):
        return predictions
    figure, axes = plot()
    axes.plot([0, 100], [0, 100], color=FAINT, linewidth=1, linestyle=(0, (3, 3)))
    errors, leanings = [], []
    for name, colour in zip(predictions.shown, (GOLD, BLUE)[-len(predictions.shown) :], strict=True):
        bins = reliability(predictions.probabilities[name], predictions.label_ids)
        error = percent(calibration_error(predictions.probabilities[name], predictions.label_ids), 1)
        axes.plot([100 * one.confidence for one in bins], [100 * one.accuracy for one in bins], color=colour, linewidth=1.4, label=name)
        sizes = [8 + 240 * one.images / len(predictions.label_ids) for one in bins]
        axes.scatter([100 * one.confidence for one in bins], [100 * one.accuracy for one in bins], sizes, color=colour, linewidths=0)
        errors.append(f"{error} % for {name}")
        lean = sum(one.images * (one.accuracy - one.confidence) for one in bins) / len(predictions.label_ids)
        leanings.append(f"{name} is {'underconfident' if lean > 0 else 'overconfident'} by {abs(100 * lean):.1f} points")
    axes.set_xlim(0, 103)
    axes.set_ylim(0, 103)
    axes.set_xlabel("top-1 probability, %")
    axes.set_ylabel("accuracy, %")
    legend(axes, "upper left")
    text = (
        f"On average {'; '.join(leanings)}. The expected calibration error is {' and '.join(errors)}: the mean distance between top-1 "
        "probability and accuracy. Training with label smoothing makes a model underconfident."
    )
    alt = f"Reliability diagram. On average {'; '.join(leanings)}"
    caption = "Accuracy by top-1 probability; larger dots stand for more images. A perfectly calibrated model follows the dashed line."
    return Section(_TITLE, (Plot(figure, alt, caption), Text(text, beside=True)))
