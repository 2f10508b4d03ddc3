"""Runs side by side for people: a table, the tests of each two, and an image."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from edgetl import console
from edgetl.files import atomic

_INK, _FAINT, _GRID, _BAR, _MARK = "#2b3440", "#8a94a0", "#e3e7ec", "#3f6fa3", "#c8553d"
_SHOWN = 0.05  # p below which a difference is said to be shown


def tell(document: Mapping[str, Any]) -> None:
    """Print the runs, best first, each against the best; then every two of them."""
    runs = _best_first(document)
    best, short = runs[0], dict(zip((run["run"] for run in runs), _names(runs), strict=True))
    rows = []
    for run in runs:
        low, high = run["top1_interval_95"]
        latency = f"{run['latency_ms']['p50']:.2f}" if run["latency_ms"] else ""
        against = _pair(document, best["run"], run["run"])
        tested = [_p(against["mcnemar_p"]), _p(against["holm_p"])] if against else ["", ""]
        accuracy = f"{100 * run['top1_accuracy']:.2f} ({100 * low:.1f}-{100 * high:.1f})"
        rows.append([short[run["run"]], run["model"], accuracy, f"{run['size_bytes'] / 1024:,.0f}", latency, *tested])
    console.note(f"top-1 in % on {document['images']} images with its interval at 95 %; latency in ms, as validated")
    console.note("p: McNemar's, exact, against the best; Holm: raised for the number of comparisons")
    console.table("runs", ["run", "model", "top-1", "KiB", "p50", "p", "Holm"], rows)
    if len({run["model"] for run in runs}) > 1:
        console.warn("the runs' models are not of one kind: --model model_int8.tflite, say, compares like with like")
    pairs = [
        [
            *(short[pair["first"]], short[pair["second"]], f"{-pair['drop_points']:+.2f}", pair["only_a"], pair["only_b"]),
            *(_p(pair["mcnemar_p"]), _p(pair["holm_p"])),
        ]
        for pair in document["pairs"]
    ]
    console.note("points: what the second is better by; only 1st, only 2nd: images that one alone gets right")
    console.table("each two", ["first", "second", "points", "only 1st", "only 2nd", "p", "Holm"], pairs)
    console.note(_verdict(document))


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.0005 else "<0.001"


def _best_first(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return sorted(document["runs"], key=lambda run: (-run["top1_accuracy"], run["loss"]))


def _pair(document: Mapping[str, Any], one: str, other: str) -> Mapping[str, Any] | None:
    return next((pair for pair in document["pairs"] if {pair["first"], pair["second"]} == {one, other}), None)


def _verdict(document: Mapping[str, Any]) -> str:
    best, *others = (run["run"] for run in _best_first(document))
    beaten = [other for other in others if (pair := _pair(document, best, other)) and pair["holm_p"] < _SHOWN]
    if not beaten:
        return f"{best} is best by count, but no difference to it is shown: it may be chance"
    level = [other for other in others if other not in beaten]
    return f"{best} is better than {', '.join(beaten)}" + (f"; its lead over {', '.join(level)} may be chance" if level else "")


def plot(document: Mapping[str, Any], path: Path) -> str:
    """Accuracy and interval of each run, best on top, as PNG; gives the alternative text that it holds."""
    runs = _best_first(document)
    figure = Figure(figsize=(9, 1.9 + 0.5 * len(runs)), dpi=120, layout=ConstrainedLayoutEngine(w_pad=0.14, h_pad=0.1), facecolor="white")
    axes = figure.add_subplot()
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines[:].set_color(_FAINT)
    axes.grid(axis="x", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_INK, length=0)
    for place, run in enumerate(runs):
        low, high = (100 * end for end in run["top1_interval_95"])
        pair = _pair(document, runs[0]["run"], run["run"])
        worse = pair is not None and pair["holm_p"] < _SHOWN
        axes.plot([low, high], [place, place], color=_MARK if worse else _BAR, linewidth=2, solid_capstyle="round")
        axes.plot(100 * run["top1_accuracy"], place, "o", color=_MARK if worse else _BAR, markersize=7)
        text = f"p {_p(pair['holm_p'])}" if pair else "best"
        axes.text(1.01, place, text, transform=axes.get_yaxis_transform(), va="center", fontsize=9, color=_MARK if worse else _FAINT)
    axes.set_yticks(range(len(runs)), _names(runs), fontsize=9)
    axes.set_ylim(len(runs) - 0.5, -0.5)
    axes.set_xlabel("top-1, % with its interval at 95 %; p against the best: McNemar, Holm-corrected", color=_INK, loc="left", fontsize=9)
    axes.set_title(f"{document['images']} validation images", loc="left", fontsize=13, color=_INK)
    figures = ", ".join(f"{name} {100 * run['top1_accuracy']:.2f} %" for name, run in zip(_names(runs), runs, strict=True))
    alt = f"Top-1 of {len(runs)} runs on {document['images']} validation images: {figures}. {_verdict(document)}"
    with atomic(path) as temporary:
        figure.savefig(temporary, metadata={"Title": "Runs compared", "Description": alt})
    return alt


def _names(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """The folders' own names, or whole paths where two are alike."""
    short = [Path(run["run"]).name for run in runs]
    return short if len(set(short)) == len(short) else [run["run"] for run in runs]
