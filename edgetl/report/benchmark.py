"""A benchmark for people: tables for the terminal, Markdown and CSV, and a plot of latency against accuracy and size."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgetl import console
from edgetl.files import atomic, write_json
from edgetl.report.plots.pareto import has_median, pareto
from edgetl.report.terminal.tables import markdown_table

_TOP_OPERATORS = 10  # of a profile: they hold most of the time
_LATENCY = ("device", "model", "p50", "95 %", "p90", "p99")
_START = ("device", "model", "load", "first", "cold", "MiB", "KiB", "top-1 %")


def write(document: Mapping[str, Any], folder: Path) -> None:
    """benchmark.json, benchmark.md, benchmark.csv, and benchmark.png where anything was timed."""
    write_json(folder / "benchmark.json", document)
    _text(folder / "benchmark.md", markdown(document))
    _text(folder / "benchmark.csv", comma_separated(document))
    if _timed(document):
        pareto(document, folder / "benchmark.png")


def _timed(document: Mapping[str, Any]) -> bool:
    return any(map(has_median, document["results"]))


def _text(path: Path, text: str) -> None:
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def tell(document: Mapping[str, Any]) -> None:
    """Print the devices, the results, what the devices answered, the profiles, and every doubt."""
    devices = [[name, *_device(facts)] for name, facts in document["devices"].items()]
    console.table("devices", ["device", "chip", "cores", "memory", "system"], devices)
    plan = document["plan"]
    console.note(f"one image, {plan['threads']} thread(s), at least {plan['runs']} runs after {plan['warmup']}; times in ms")
    console.table("latency", _LATENCY, [_latency(result) for result in document["results"]])
    console.note("cold: import of the runtime, load of the model and first inference; MiB: peak memory of that process; KiB: the file")
    console.table("start and size", _START, [_start(document, result) for result in document["results"]])
    predictions = [_predictions(result) for result in document["results"] if "predictions" in result]
    if predictions:
        console.note("the device's predictions against this host's, in steps of 1/256 of probability")
        console.table("predictions", ["device", "model", "images", "same %", "mean steps", "max", "top-1 %", ""], predictions)
    for result in document["results"]:
        if result.get("profile"):
            _profile(result)
        elif result.get("profile_note"):
            console.note(f"{result['device']}, {result['model']}: no profile: {result['profile_note']}")
    for name, one in problems(document):
        console.warn(f"{name}: {one}")


def reachable(devices: Mapping[str, Mapping[str, Any]]) -> None:
    """Print what `edgetl devices` found."""
    found = {name: facts for name, facts in devices.items() if "error" not in facts}
    rows = [[name, *_device(facts), _runtimes(facts)] for name, facts in found.items()]
    console.table("reachable", ["device", "chip", "cores", "memory", "system", "runtimes"], rows)
    missing = [[name, facts["error"]["problem"], facts["error"]["remedy"]] for name, facts in devices.items() if name not in found]
    if missing:
        console.table("not reachable", ["device", "what is wrong", "what to do"], missing)


def _runtimes(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {version}" if version else f"no {name}" for name, version in facts.get("runtimes", {}).items())


def problems(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(what, why) of everything that failed or is doubtful."""
    found = [(name, _why(facts)) for name, facts in document["devices"].items() if "error" in facts]
    for result in document["results"]:
        what = f"{result['device']}, {result['model']}"
        reasons = [_why(result)] if "error" in result else result.get("doubts", [])
        found += [(what, reason) for reason in [*reasons, *result.get("predictions", {}).get("failures", [])]]
    return found


def _why(failed: Mapping[str, Any]) -> str:
    """What was wrong, and what to do."""
    return "; ".join(text for text in (failed["error"]["problem"], failed["error"]["remedy"]) if text)


def markdown(document: Mapping[str, Any]) -> str:
    """Devices, results and doubts."""
    lines = ["# Benchmark", "", f"Measured {document['measured']} by edgetl {document['software'].get('edgetl', '')}.", ""]
    lines += [f"- {name}: {', '.join(text for text in _device(facts) if text)}" for name, facts in document["devices"].items()]
    columns, rows = latency_table(document)
    lines += ["", "Times in ms of one image; cold: import, load and first inference; MiB: peak memory; KiB: the file.", ""]
    lines += [*markdown_table(columns, rows), ""]
    lines += [f"- {name}: {problem}" for name, problem in problems(document)]
    if _timed(document):
        lines += ["", "![Latency, accuracy and size](benchmark.png)"]
    return "\n".join(lines).rstrip() + "\n"


def latency_table(document: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Columns and rows of all that was measured."""
    return [*_LATENCY, *_START[2:]], [[*_latency(result), *_start(document, result)[2:]] for result in document["results"]]


def comma_separated(document: Mapping[str, Any]) -> str:
    """One row a result, plain numbers in milliseconds and bytes."""
    columns = ("p50", "p90", "p95", "p99", "mean", "std", "min")
    head = ["device", "model", "runtime", "delegate", "threads", *(f"{name}_ms" for name in columns)]
    head += ["first_ms", "cold_start_ms", "load_ms", "peak_memory_bytes", "size_bytes", "top1_accuracy", "error"]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(head)
    for result in document["results"]:
        model, latency = document["models"][result["model"]], result.get("latency_ms") or {}
        row = [result["device"], result["model"], result.get("runtime"), result.get("delegate"), result.get("threads")]
        row += [latency.get(name) for name in columns] + [result.get(name) for name in head[12:16]]
        writer.writerow([*row, model["size_bytes"], model["top1_accuracy"], result.get("error", {}).get("problem")])
    return text.getvalue()


def gate(rows: Sequence[Mapping[str, Any]], max_slowdown: float) -> None:
    """Print a comparison with a baseline, see `edgetl.benchmark.gate`."""
    shown = [
        [row["device"], row["model"], _number(row["before_ms"], 3), _number(row["now_ms"], 3), _number(row["ratio"], 2), _verdict(row)]
        for row in rows
    ]
    console.table(f"against the baseline: at most {max_slowdown:g} times", ["device", "model", "before", "now", "ratio", ""], shown)


def _verdict(row: Mapping[str, Any]) -> str:
    return "ok" if row["passed"] else "SLOWER" if row["now_ms"] else "MISSING"


def _device(facts: Mapping[str, Any]) -> list[str]:
    if "error" in facts:
        return [facts["error"]["problem"], "", "", ""]
    memory = f"{facts['memory_bytes'] / 2**30:.1f} GiB" if facts.get("memory_bytes") else ""
    chip = ", ".join(text for text in (facts.get("model"), facts.get("chip")) if text)
    return [chip, str(facts.get("cores") or ""), memory, " ".join(text for text in (facts.get("os"), facts.get("abi")) if text)]


def _latency(result: Mapping[str, Any]) -> list[str]:
    latency, names = result.get("latency_ms"), [result["device"], result["model"]]
    if latency is None:
        return [*names, "failed" if "error" in result else "not timed", "", "", ""]
    middle = _number(latency["p50"], 3) or f"mean {latency['mean']:.3f}"
    interval = "{:.3f} to {:.3f}".format(*latency["p50_interval_95"]) if latency["p50_interval_95"] else ""
    return [*names, middle, interval, _number(latency["p90"], 3), _number(latency["p99"], 3)]


def _start(document: Mapping[str, Any], result: Mapping[str, Any]) -> list[str]:
    model, memory = document["models"][result["model"]], result.get("peak_memory_bytes")
    times = [_number(result.get(key), 1) for key in ("load_ms", "first_ms", "cold_start_ms")]
    accuracy = None if model["top1_accuracy"] is None else 100 * model["top1_accuracy"]
    memory_mib = f"{memory / 2**20:.0f}" if memory else ""
    return [result["device"], result["model"], *times, memory_mib, f"{model['size_bytes'] / 1024:,.0f}", _number(accuracy, 2)]


def _predictions(result: Mapping[str, Any]) -> list[str]:
    predictions = result["predictions"]
    agreement = predictions["agreement"]
    steps = [f"{100 * agreement['top1_agreement']:.2f}", f"{agreement['mean_steps']:.2f}", f"{agreement['max_steps']:.0f}"]
    accuracy = f"{100 * predictions['accuracy']['top1_accuracy']:.2f}"
    return [result["device"], result["model"], str(predictions["images"]), *steps, accuracy, "FAILED" if predictions["failures"] else "ok"]


def _profile(result: Mapping[str, Any]) -> None:
    operators = sorted(result["profile"], key=lambda one: -one["ms"])
    total = sum(one["ms"] for one in operators) or 1.0
    rows = [[one["layer"], one["type"], f"{one['ms']:.3f}", f"{100 * one['ms'] / total:.1f}"] for one in operators[:_TOP_OPERATORS]]
    title = f"{result['device']}, {result['model']}: {len(rows)} slowest of {len(operators)} operators, {total:.2f} ms in all"
    console.table(title, ["operator", "type", "ms", "%"], rows)


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
