"""Write the pages that are made from the code and from models/: python docs/generate.py."""

import html
import inspect
import io
import itertools
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgetl.report.page.results import Results

HERE = Path(__file__).parent
_CLI = """# The command line

Made by `docs/generate.py` from the commands themselves: `edgetl COMMAND --help` prints the same. Every command also takes `--json` (one
JSON document on stdout, all else on stderr) and `--verbose` (details, tracebacks, and what native code writes).
"""
_NEEDS = {"benchmark": "a board"}  # what not every machine has, of tests/needs.py, by the command whose example needs it


def cli() -> str:
    """Return docs/cli.md."""
    import typer

    from edgetl.cli.app import app
    from edgetl.cli.help import option_rows
    from edgetl.errors import EXIT_CODES, STOPS

    parts = [_CLI]
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        text = inspect.cleandoc(command.help or "")
        text, _, example = text.partition("\b\nExample:")
        calls = [" ".join(call.split()) for call in re.split(r"\n\s*(?=edgetl )", example.strip())]
        rows = [_row(*row) for row in option_rows([one for one in command.params if one.name not in ("as_json", "verbose")])]
        table = ["| argument or option | meaning |", "|---|---|", *rows] if rows else []
        needs = [f"<!-- needs: {_NEEDS[name]} -->"] if name in _NEEDS else []
        parts.append("\n".join([f"## edgetl {name}\n", text.strip(), "", *needs, "```sh", *calls, "```\n", *table, ""]))
    codes = [f"| {code} | {meaning} |" for code, meaning in (EXIT_CODES | STOPS).items()]
    return "\n".join([*parts, "## Exit codes\n", "| code | meaning |", "|---|---|", *codes, ""])


_SETTINGS = """# Settings

Made by `docs/generate.py` from the file that `edgetl list settings` prints. A recipe holds what differs from these;
`--set TABLE.NAME=VALUE`, and in Python `settings={"TABLE.NAME": value}`, change one of them."""


def settings() -> str:
    """Return docs/settings.md: each line of edgetl/resources/defaults.toml as a row of its table."""
    from edgetl.recipe import resource

    parts, table = [_SETTINGS], ""
    for line in resource("defaults.toml").split("\n"):
        text, _, comment = line.partition(" # ")
        if line.startswith("["):
            table = text.strip().strip("[]")
            parts += [
                f"\n## {table}\n",
                *([f"{comment[0].upper()}{comment[1:]}.\n"] if comment else []),
                "| setting | default | meaning |",
                "|---|---|---|",
            ]
        elif table and line:
            name, _, default = text.partition("=")
            cells = (cell.strip().replace("|", "\\|") for cell in (f"`{table}.{name.strip()}`", f"`{default.strip()}`", comment))
            parts.append(f"| {' | '.join(cells)} |")
    return "\n".join([*parts, ""])


_SCHEMAS = """# Files in JSON

Made by `docs/generate.py` from the code that writes these files. Each has a JSON schema, by which another program can read it: all fields
with their types, and what they mean. `schema_version` in a file says which version of its schema it follows.

| schema | file |
|---|---|
"""


def schemas() -> str:
    """Return docs/schemas.md."""
    from edgetl.documents import DOCUMENTS

    return _SCHEMAS + "".join(f"| [{name}](schemas/{name}.schema.json) | {DOCUMENTS.summary(name)} |\n" for name in sorted(DOCUMENTS))


_BACKBONES = """# Which backbone for my budget

Made by `docs/generate.py` from `models/*/results.json`. Each row was trained with the recipe in that folder of `models/`, exported to
int8, and measured on validation images. The runs do not record which images chose between the ways to quantize; it may have been the
validation images, whose accuracy then flatters a little. The number behind a network's name is its width (alpha); the size of the images
stands beside it, since a larger image costs as much time as a wider network.

{choices}

All points of a plot are of one set of images. The vertical line of a point is the 95 % interval of its accuracy, its area the size of
the int8 TFLite file. Points whose lines overlap may be equally accurate.

![Accuracy against latency of int8 TFLite files, with their sizes: the tables below have the figures](backbones.svg)

{tables}
## How to read the latencies

They are medians of one image on one thread, as the validation of each run measured them with LiteRT and ONNX Runtime. The records of the
runs hold no date, but the processor: of two kinds, both with two cores.

{machines}

The runs followed one another over days, and other work may have run beside them:
{again}. By `edgetl benchmark`, with nothing beside, `mobilenet_v2 0.35, 128 px` took 0.22 ms, not 0.33
([Quantization explained](quantization.md#what-it-costs-measured)). So trust the order of the networks more than the figures, and compare
within one machine. Time your own with `edgetl benchmark`, and let `edgetl tune` search within a budget.

**Ethos-U55** is what Arm's compiler estimates for its NPU with 128 units at 500 MHz (`--device vela:ethos-u55-128`), of the same
network with random weights: an estimate without the processor around it, never measured on a board.

**In the browser** one network was measured: `mobilenet_v2 0.35, 128 px` in Chromium 156 and on its host at once, one thread, median in
ms. All predictions named the same class on all 32 images. int8 TFLite is the file for the web.

| file | browser | host |
|---|---|---|
| int8 TFLite | 0.76 | 0.22 |
| int8 ONNX | 5.23 | 0.32 |
| float32 TFLite | 1.24 | 0.29 |
| float32 ONNX | 2.22 | 0.38 |

**On Arm** predictions were compared, not times: an emulator's say nothing of a board. With QEMU as cortex-a76 and as cortex-a53, the
int8 files of `mobilenet_v1 0.25, 128 px` and `mobilenet_v2 0.35, 128 px` gave the same numbers as on x86 on all 32 images. Nothing
here was timed on a phone.
"""
_SETS = {"tf_flowers": "2934 photographs of 5 flowers", "cifar10_small": "2000 images of CIFAR-10", "digits": "1455 handwritten digits"}
_BUDGETS_MS = (0.25, 0.5, 1.0, 2.0)
_SHOWN = 2  # sets in the plot; of the digits nearly all are right


def _results() -> "list[Results]":
    from edgetl.report.page.results import Results

    return [Results.read(path) for path in sorted((HERE.parent / "models").glob("*/results.json"))]


def _called(one: "Results") -> str:
    """Return a network as its options name it."""
    return f"{one.network.backbone} {one.network.alpha:g}, {one.network.image_size} px"


def _of_set(results: "list[Results]", source: str) -> "list[Results]":
    """Return the runs of a set, the fastest first."""
    return sorted((one for one in results if one.data.source == source), key=lambda one: one.models["tflite_int8"].latency_ms.p50)


def backbones() -> str:
    """Return docs/backbones.md."""
    results = _results()
    assert {one.data.source for one in results} == set(_SETS), "a set without words"
    tables = "\n".join(_table(_of_set(results, source), words) for source, words in _SETS.items())
    found = {_machine(one): one.cpu for one in sorted(results, key=_machine)}
    machines = [f"| {name} | {cpu.model} | {', '.join(map(_instructions, cpu.found))} |" for name, cpu in found.items()]
    return _BACKBONES.format(
        choices=_choices(_of_set(results, "tf_flowers")),
        tables=tables,
        machines="\n".join(["| machine | processor | instructions for int8 |", "|---|---|---|", *machines]),
        again=_again(results),
    )


def _machine(one: "Results") -> str:
    """Return the letter of the machine that a run was measured on: what its record tells apart."""
    return "A" if "avx_vnni" in one.cpu.found else "B"


def _instructions(feature: str) -> str:
    return feature.upper().replace("_", "-")


def _choices(results: "list[Results]") -> str:
    """Return, for each budget of time, the most accurate network within it."""
    rows = []
    for budget in _BUDGETS_MS:
        best = max((one for one in results if one.models["tflite_int8"].latency_ms.p50 <= budget), key=_accuracy)
        rows.append(
            f"| {budget:g} ms | `{_called(best)}` | {_accuracy(best):.1f} % | {best.models['tflite_int8'].size_bytes / 1024:,.0f} KiB |"
        )
    return "\n".join(["| at most, on one thread | take | top-1 on the flowers | int8 TFLite |", "|---|---|---|---|", *rows])


def _accuracy(one: "Results") -> float:
    return 100 * (one.models["tflite_int8"].top1_accuracy or 0.0)


def _again(results: "list[Results]") -> str:
    """Return how far apart the latencies of one network in two runs are, where they are furthest."""
    found, names = [], {}
    for pair in itertools.combinations(results, 2):
        if len({*map(_called, pair)}) == 1:
            found.append(sorted((one.models["tflite_int8"].latency_ms.p50, _machine(one)) for one in pair))
            names[found[-1][0]] = _called(pair[0])
    low, high = max(found, key=lambda one: one[1][0] / one[0][0])
    return f"`{names[low]}` took {low[0]:.2f} ms on machine {low[1]} and {high[0]:.2f} on machine {high[1]}"


def _table(results: "list[Results]", words: str) -> str:
    lines = [f"## {words[0].upper()}{words[1:]}\n"]
    columns = ("backbone", "from", "top-1 % (95 %)", "int8 TFLite KiB", "machine", "LiteRT int8 ms", "float32 ms", "ONNX int8 ms")
    columns += ("Ethos-U55 ms", "its memory KiB")
    lines += [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for one in sorted(results, key=_accuracy):
        int8, [npu] = one.models["tflite_int8"], one.npu
        low, high = int8.top1_interval_95 or (0.0, 0.0)
        weights = {"imagenet": "ImageNet", "none": "random weights"}.get(one.network.weights, "weights of our own")
        times = (one.models[name].latency_ms.p50 for name in ("tflite_int8", "tflite_float32", "onnx_int8"))
        cells = [
            f"`{_called(one)}`",
            weights,
            f"{_accuracy(one):.1f} ({100 * low:.1f} to {100 * high:.1f})".replace(" ", "&nbsp;"),
            f"{int8.size_bytes / 1024:,.0f}",
            _machine(one),
        ]
        cells += [*(f"{ms:.2f}" for ms in times), f"{npu.cycles / npu.clock_mhz / 1000:.2f}", f"{npu.sram_bytes / 1024:,.0f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def backbones_plot() -> str:
    """Return docs/backbones.svg: for each set accuracy against latency, with the size as area."""
    from matplotlib.figure import Figure

    from edgetl.report.plots import draw
    from edgetl.report.plots.axes import logarithmic

    results = _results()
    with draw.style():
        figure = Figure(figsize=(5.6, 8.4), layout="constrained", facecolor="white")  # inches
        for axes, (source, words) in zip(figure.subplots(_SHOWN, 1), list(_SETS.items())[:_SHOWN], strict=True):
            draw.panel(axes)
            timed = _of_set(results, source)
            for number, one in enumerate(timed):
                int8 = one.models["tflite_int8"]
                ms, (low, high), kib = int8.latency_ms.p50, int8.top1_interval_95 or (0.0, 0.0), int8.size_bytes / 1024
                colour = draw.COLOURS[number % len(draw.COLOURS)]
                axes.vlines(ms, 100 * low, 100 * high, colors=colour, linewidth=1)
                axes.scatter(ms, _accuracy(one), kib / 8 + 16, colour, alpha=0.35, linewidths=0)
                axes.plot(ms, _accuracy(one), ".", color=colour)
                text = f"{_called(one)}\n{_accuracy(one):.1f} %, {ms:.2f} ms, {kib:,.0f} KiB"
                late = number >= len(timed) / 2
                # Above is the place of the better ones, and of the late ones, whose text stands over that of the earlier.
                under = number == 0 or (not late and _accuracy(one) < max(map(_accuracy, timed[:number])))
                place = {"ha": "right" if late else "left", "va": "top" if under else "bottom"}
                shift = (-4 if late else 4, -2 if under else 2)
                axes.annotate(text, (ms, 100 * (low if under else high)), shift, textcoords="offset points", color=draw.INK, **place)
            axes.set_xscale("log")
            axes.margins(0.12, 0.14)
            logarithmic(axes.xaxis)
            axes.set_title(words, loc="left", fontweight="bold", color=draw.INK)
            axes.set_xlabel("median latency of int8 TFLite, ms (log)")
            axes.set_ylabel("top-1 accuracy, %")
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    return drawn.getvalue()


def _row(names: str, text: str) -> str:
    named = (
        f"`{names}`" if "|" not in names else f"<code>{html.escape(names).replace('|', '&#124;<wbr>')}</code>"
    )  # GitHub and the site agree on no other
    return f"| {named} | {text.replace('|', chr(92) + '|')} |"


PAGES = {"cli.md": cli, "settings.md": settings, "schemas.md": schemas, "backbones.md": backbones, "backbones.svg": backbones_plot}


if __name__ == "__main__":
    for name, page in PAGES.items():
        (HERE / name).write_text(page(), encoding="utf-8")
