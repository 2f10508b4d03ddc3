"""How large, and what is worth its time."""

from edgetl.report.page.blocks import Absent, Block, Plot, Section, Table
from edgetl.report.page.facts import Facts, kib, percent
from edgetl.report.plots.pareto import has_median, pareto_figure

_TITLE = "How large"


def section(facts: Facts) -> Section | Absent:
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
    blocks: list[Block] = [Table(("model", "KiB", "top-1 %", "macro F1 %", "loss"), rows, "Every model of the run")]
    if facts.benchmark is not None and any(map(has_median, facts.benchmark["results"])):
        alt = "Median latency across, top-1 upwards, a circle's area is the file's size; a line joins what nothing on that device beats"
        blocks.append(Plot(pareto_figure(facts.benchmark), alt, f"{alt}.", wide=True))
    return Section(_TITLE, blocks)
