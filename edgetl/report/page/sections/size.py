"""Size of the files, beside accuracy and latency."""

from edgetl.compared import right
from edgetl.report.page.blocks import Absent, Block, Plot, Section, Table
from edgetl.report.page.facts import Facts, kib, percent
from edgetl.report.plots.pareto import benchmark_points, pareto_figure

_TITLE = "Size"


def section(facts: Facts) -> Section | Absent:
    """Return the size of every model, and accuracy by latency where it was benchmarked."""
    if facts.validation is None:
        return Absent(_TITLE, "the run is not validated, or its files have changed since", "edgetl validate RUN")
    subjects = facts.validation.subjects
    rows = [
        [
            name,
            kib(one.size_bytes),
            percent(one.accuracy.top1_accuracy),
            percent(one.accuracy.macro_f1),
            f"{one.accuracy.loss:.3f}",
        ]
        for name, one in subjects.items()
    ]
    caption = f"All models of the run; the metrics are of {facts.validation.measured_on}"
    blocks: list[Block] = [Table(("model", "size KiB", f"{right(facts.validation.truth)} %", "macro F1 %", "loss"), rows, caption)]
    if facts.benchmark is not None and facts.benchmark.timed:
        alt = (
            "Top-1 accuracy by median latency; the area of a circle is the size of the file. A line joins the models of a device for which "
            "no other one is both faster and more accurate"
        )
        blocks.append(Plot(pareto_figure(benchmark_points(facts.benchmark), facts.benchmark.measured_on), alt, f"{alt}.", wide=True))
    return Section(_TITLE, blocks)
