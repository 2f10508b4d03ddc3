"""Whether a probability means what it says."""

from edgetl.evaluation.calibration import calibration_error, reliability
from edgetl.report.page.blocks import Absent, Plot, Section, Text
from edgetl.report.page.facts import Facts, percent
from edgetl.report.plots.draw import BLUE, FAINT, GOLD, legend, plot

_TITLE = "What a probability is worth"


def section(facts: Facts) -> Section | Absent:
    if isinstance(facts.predictions, Absent):
        return facts.absent(_TITLE)
    predictions = facts.predictions
    figure, axes = plot()
    axes.plot([0, 100], [0, 100], color=FAINT, linewidth=1, linestyle=(0, (3, 3)))
    errors, said = [], []
    for name, colour in zip(predictions.compared or (predictions.shipped,), (GOLD, BLUE), strict=False):
        bins = reliability(predictions.probabilities[name], predictions.label_ids)
        error = calibration_error(predictions.probabilities[name], predictions.label_ids)
        x, y = [100 * one.confidence for one in bins], [100 * one.accuracy for one in bins]
        axes.plot(x, y, color=colour, linewidth=1.4, label=f"{name}: off by {percent(error, 1)} points")
        axes.scatter(x, y, [8 + 240 * one.images / len(predictions.label_ids) for one in bins], color=colour, linewidths=0)
        errors.append(f"{name} {percent(error, 1)} points")
        lean = sum(one.images * (one.accuracy - one.confidence) for one in bins) / len(predictions.label_ids)
        said.append(f"{name} is right {abs(100 * lean):.1f} points {'more' if lean > 0 else 'less'} often than it says")
    axes.set_xlim(0, 103)
    axes.set_ylim(0, 103)
    axes.set_xlabel("top-1 probability, %")
    axes.set_ylabel("of these right, %")
    legend(axes, "upper left")
    text = (
        f"{'; '.join(said)}. The expected calibration error is the mean distance from the diagonal: {', '.join(errors)}. "
        "Training with label smoothing makes a model say less than it knows."
    )
    alt = f"Reliability diagram, dots as large as the share of images: {'; '.join(said)}"
    return Section(_TITLE, (Plot(figure, alt, "On the dashed line a probability is a promise kept."), Text(text, beside=True)))
