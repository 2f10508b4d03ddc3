"""Quantization sensitivity: the operators that lose most."""

from edgetl.report.page.blocks import Absent, Plot, Section, Text
from edgetl.report.page.facts import Facts
from edgetl.report.plots.sensitivity import sensitivity_figure
from edgetl.wording import counted

_TITLE = "Quantization sensitivity"


def section(facts: Facts) -> Section | Absent:
    document = facts.sensitivity
    if document is None:
        return Absent(_TITLE, "not measured", "edgetl sensitivity RUN")
    worst, (_, first) = document.operators[0], document.first_loss
    text = (
        f"Measured on {counted(document.images, 'training image')} with {document.scheme}. Quantized alone, {worst.operator} hurts most: "
        f"the logits change by {100 * worst.logits_change:.2f} % of their size. In the complete file the "
        f"signal-to-noise ratio falls most at {first.operator}, by {first.lost_db:.1f} dB."
    )
    return Section(_TITLE, (Text(text), Plot(sensitivity_figure(document), f"Quantization damage operator by operator. {text}", wide=True)))
