"""Size of the files, beside accuracy and latency."""

from edgetl.accuracy import figure
from edgetl.compared import right
from edgetl.report.page.blocks import Absent, Block, Plot, Section, Table
from edgetl.report.page.facts import Facts, kib, percent
from edgetl.report.plots.pareto import benchmark_points, pareto_figure
from edgetl.runtimes.base import with_memory

_TITLE = "Model size"


def section(facts: Facts) -> Section | Absent:
    """Return the size of every model, and accuracy by latency where it was benchmarked."""
    if facts.validation is None:
        return Absent(_TITLE, "the run is not validated, or its files have changed since", "edgetl validate RUN")
    subjects = facts.validation.subjects
    rows = [
        [
            name,
            kib(one.size_bytes),
            percent(figure(one.accuracy).value),
            percent(one.accuracy.macro_f1),
            f"{one.accuracy.loss:.3f}",
        ]
        for name, one in subjects.items()
    ]
    validation, benchmark = facts.validation, facts.benchmark
    caption = f"All models of the run; the metrics are of {validation.measured_on}"
    shown = ("model", "size KiB", f"{right(validation.truth, validation.metric)} %", "macro F1 %", "loss")
    columns, rows = with_memory(shown, rows, [one.memory for one in subjects.values()])
    blocks: list[Block] = [Table(columns, rows, caption)]
    if benchmark is not None and benchmark.timed:
        what = "Top-1 accuracy" if benchmark.metric == "top-1" else benchmark.metric
        alt = (
            f"{what} by median latency; the area of a circle is the size of the file. A line joins the models of a device for which "
            "no other one is both faster and more accurate"
        )
        drawn = pareto_figure(benchmark_points(benchmark), benchmark.judged_by, benchmark.metric)
        blocks.append(Plot(drawn, alt, f"{alt}.", wide=True))
    return Section(_TITLE, blocks)
