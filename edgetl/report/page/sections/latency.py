"""Latency, on this host and on devices."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from edgetl.benchmarking.results import Benchmark, BenchmarkResult
from edgetl.evaluation.validation import Validation
from edgetl.micro.estimate import LEGEND
from edgetl.report.page.blocks import Absent, Block, Plot, Section, Table, Text
from edgetl.report.page.facts import Facts
from edgetl.report.plots.axes import logarithmic
from edgetl.report.plots.draw import COLOURS, FAINT, INK, plot
from edgetl.report.terminal.benchmark import conditions, doubts, estimates_table, failures, latency_table, processors_table
from edgetl.wording import counted

_TITLE = "Latency"


def section(facts: Facts) -> Section | Absent:
    """Return what was measured on devices, and during the validation on this host."""
    blocks: list[Block] = []
    if facts.benchmark is not None:
        blocks += _measured(facts.benchmark)
    if facts.validation is not None:
        blocks.append(_here(facts.validation, folded=facts.benchmark is not None))
    if facts.benchmark is None:
        blocks.append(Text("To measure on boards, phones and browsers:", "edgetl benchmark RUN --device NAME"))
    if not facts.validation and not facts.benchmark:
        return Absent(_TITLE, "nothing was measured", "edgetl benchmark RUN")
    return Section(_TITLE, blocks)


def _measured(benchmark: Benchmark) -> list[Block]:
    blocks: list[Block] = []
    timed = benchmark.timed
    if timed:
        devices = list(dict.fromkeys(one.device for one in timed))
        fastest = min(timed, key=_p50)
        text = f"{fastest.shown} on {fastest.device} is the fastest: {_p50(fastest):.2f} ms"
        blocks.append(Plot(_dots(timed, devices), f"Median latency of each file on {', '.join(devices)}: {text}", f"{text}."))
    columns, rows = latency_table(benchmark)
    blocks.append(Table(columns, rows, conditions(benchmark).capitalize()))
    if benchmark.estimated:
        columns, rows = estimates_table(benchmark)
        blocks.append(Table(columns, rows, f"{LEGEND}."))
    blocks += [Text(f"{name}: {reason}", warning=True) for name, reason in failures(benchmark)]
    columns, rows = processors_table(benchmark)
    blocks.append(Table(columns, rows, "Who ran which share of the operators, and how a delegate agrees with the CPU", folded=True))
    doubtful = doubts(benchmark)
    if doubtful:
        blocks.append(Table(("result", "reason"), doubtful, f"Doubtful measurements: {len(doubtful)}", folded=True))
    return blocks


def _p50(result: BenchmarkResult) -> float:
    return result.p50_ms or 0.0


def _dots(timed: Sequence[BenchmarkResult], devices: Sequence[str]) -> Figure:
    """Draw a dot with its interval for each model on each device; bars would have no beginning on a logarithmic axis."""
    models = list(dict.fromkeys(one.shown for one in timed))
    figure, axes = plot(height=1.4 + 0.24 * len(models) * max(len(devices), 2) ** 0.7, grid="both")
    thickness = 0.8 / len(devices)
    for number, device in enumerate(devices):
        colour, label = COLOURS[number % len(COLOURS)], device
        for one in (one for one in timed if one.device == device):
            place = models.index(one.shown) + (number - (len(devices) - 1) / 2) * thickness
            latency = one.measurement.latency_ms if one.measurement else None
            low, high = (latency and latency.p50_interval_95) or (_p50(one), _p50(one))
            axes.plot([low, high], [place, place], color=colour, linewidth=2)
            axes.plot(_p50(one), place, "o", markersize=6, color=colour, label=label or None)
            axes.annotate(f"{_p50(one):.2f}", (high, place), (6, 0), textcoords="offset points", va="center", fontsize=7.5, color=FAINT)
            label = ""  # a device is once in the legend
    axes.set_xscale("log")
    axes.margins(x=0.12)
    logarithmic(axes.xaxis)
    axes.set_yticks(range(len(models)), models)
    axes.invert_yaxis()
    axes.set_xlabel("median latency of an inference, ms (log)")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=3, frameon=False, labelcolor=INK)
    return figure


def _here(validation: Validation, *, folded: bool) -> Table:
    rows = [[name, f"{one.latency_ms.p50:.3f}", f"{one.latency_ms.p90:.3f}"] for name, one in validation.subjects.items()]
    measured = validation.latency
    caption = f"During validation, on {validation.cpu.model}; threads: {measured.threads}; {counted(measured.timed_runs, 'run')}"
    return Table(("model", "p50 ms", "p90 ms"), rows, "; ".join([caption, *validation.timing_notes]), folded)
