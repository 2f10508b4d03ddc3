"""How fast, on which device."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from edgetl.evaluation.validation import Validation
from edgetl.report import benchmark
from edgetl.report.page.blocks import Absent, Block, Plot, Section, Table, Text
from edgetl.report.page.facts import Facts
from edgetl.report.plots.draw import COLOURS, FAINT, INK, plot
from edgetl.report.plots.pareto import has_median

_TITLE = "How fast"


def section(facts: Facts) -> Section | Absent:
    blocks: list[Block] = []
    if facts.benchmark is not None:
        blocks += _measured(facts.benchmark)
    if facts.validation is not None:
        blocks.append(_here(facts.validation, folded=facts.benchmark is not None))
    if facts.benchmark is None:
        blocks.append(Text("Boards, phones and browsers: edgetl benchmark RUN --device NAME"))
    if not facts.validation and not facts.benchmark:
        return Absent(_TITLE, "nothing was timed", "edgetl benchmark RUN")
    return Section(_TITLE, blocks)


def _measured(document: Mapping[str, Any]) -> list[Block]:
    blocks: list[Block] = []
    timed = [one for one in document["results"] if has_median(one)]
    if timed:
        devices = list(dict.fromkeys(one["device"] for one in timed))
        quickest = min(timed, key=lambda one: one["latency_ms"]["p50"])
        fastest = f"{quickest['model']} on {quickest['device']} is fastest, {quickest['latency_ms']['p50']:.2f} ms"
        blocks.append(Plot(_dots(timed, devices), f"Median latency of each file on {', '.join(devices)}: {fastest}", f"{fastest}."))
    plan = document["plan"]
    caption = f"One image, {plan['threads']} thread(s), at least {plan['runs']} runs after {plan['warmup']}; times in ms"
    columns, rows = benchmark.latency_table(document)
    blocks.append(Table(columns, rows, caption))
    failed = [name for name, facts in document["devices"].items() if "error" in facts]
    failed += [f"{one['device']}, {one['model']}" for one in document["results"] if "error" in one]
    problems = benchmark.problems(document)
    blocks += [Text(f"{name}: {why}", warning=True) for name, why in problems if name in failed]
    doubts = [problem for problem in problems if problem[0] not in failed]
    if doubts:
        blocks.append(Table(("what", "why it is doubtful"), doubts, f"Doubtful figures: {len(doubts)}", folded=True))
    return blocks


def _dots(timed: Sequence[Mapping[str, Any]], devices: Sequence[str]) -> Figure:
    """A dot with its interval for each model on each device; bars would have no beginning on a logarithmic axis."""
    models = list(dict.fromkeys(one["model"] for one in timed))
    figure, axes = plot(height=1.4 + 0.24 * len(models) * max(len(devices), 2) ** 0.7, grid="both")
    thickness = 0.8 / len(devices)
    for number, device in enumerate(devices):
        for one in (one for one in timed if one["device"] == device):
            place = models.index(one["model"]) + (number - (len(devices) - 1) / 2) * thickness
            p50 = one["latency_ms"]["p50"]
            low, high = one["latency_ms"].get("p50_interval_95") or (p50, p50)
            first = one is next(other for other in timed if other["device"] == device)
            colour = COLOURS[number % len(COLOURS)]
            axes.plot([low, high], [place, place], color=colour, linewidth=2)
            axes.plot(p50, place, "o", markersize=6, color=colour, label=device if first else None)
            axes.annotate(f"{p50:.2f}", (high, place), (6, 0), textcoords="offset points", va="center", fontsize=7.5, color=FAINT)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("")
    axes.margins(x=0.12)
    axes.set_yticks(range(len(models)), models)
    axes.invert_yaxis()
    axes.set_xlabel("median latency of one image, ms (log)")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=3, frameon=False, labelcolor=INK)
    return figure


def _here(validation: Validation, folded: bool) -> Table:
    rows = [[name, f"{one.latency_ms.p50:.3f}", f"{one.latency_ms.p90:.3f}"] for name, one in validation.subjects.items()]
    measured = validation.latency
    caption = f"While validating, on {validation.cpu.model}; threads: {measured.threads}; {measured.timed_runs} runs, in ms"
    return Table(("model", "p50", "p90"), rows, caption, folded)
