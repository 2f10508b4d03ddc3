"""A benchmark as files: a page of Markdown, and a row for each result in CSV."""

import csv
import io

from edgetl.benchmarking.results import Benchmark, BenchmarkResult
from edgetl.devices.plan import ACCELERATORS
from edgetl.micro import estimate
from edgetl.report.page.tables import markdown_table
from edgetl.report.terminal import benchmark as terminal


def markdown(benchmark: Benchmark) -> str:
    """Return devices, results, failures and doubts as a page of Markdown."""
    software = ", ".join(f"{name} {version}" for name, version in benchmark.software.items() if name == "edgetl")
    lines = ["# Benchmark", "", f"Measured {benchmark.measured} by {software}.", ""]
    for name, device in benchmark.devices.items():
        lines.append(f"- {name}: {', '.join(text for text in terminal.device_texts(device.facts, device.failure) if text)}")
    columns, rows = terminal.latency_table(benchmark)
    lines += ["", f"{terminal.conditions(benchmark).capitalize()}. {terminal.LEGEND.capitalize()}.", ""]
    lines += [*markdown_table(columns, rows), ""]
    columns, rows = terminal.processors_table(benchmark)
    lines += [*markdown_table(columns, rows), ""] if rows else []
    if benchmark.estimated:
        lines += [f"{estimate.LEGEND}.", "", *markdown_table(*terminal.estimates_table(benchmark)), ""]
    lines += [f"- {note}" for note in terminal.left_out(benchmark)]
    lines += [f"- {name}: {problem}" for name, problem in terminal.failures(benchmark) + terminal.doubts(benchmark)]
    if benchmark.timed:
        lines += ["", "![Latency, accuracy and size](benchmark.png)"]
    return "\n".join(lines).rstrip() + "\n"


def comma_separated(benchmark: Benchmark) -> str:
    """Return one row per result, with plain numbers in milliseconds and bytes."""
    rows = [_row(benchmark, result) for result in benchmark.results]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else ["device", "model"])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _row(benchmark: Benchmark, result: BenchmarkResult) -> dict[str, object]:
    file, measured = benchmark.models[result.model], result.measurement
    latency = measured.latency_ms if measured else None
    placed, compared = measured.placement if measured else None, result.beside_cpu
    return {
        "device": result.device,
        "model": result.model,
        "runtime": measured and measured.runtime,
        "delegate": result.delegate or benchmark.plan.delegate,
        "threads": benchmark.plan.threads,
        "batch": file.batch,
        "p50_ms": latency and latency.p50,
        "p90_ms": latency and latency.p90,
        "p95_ms": latency and latency.p95,
        "p99_ms": latency and latency.p99,
        "mean_ms": latency and latency.mean,
        "std_ms": latency and latency.std,
        "min_ms": latency and latency.min,
        "first_ms": measured and measured.first_ms,
        "cold_start_ms": measured and measured.cold_start_ms,
        "load_ms": measured and measured.load_ms,
        "peak_memory_bytes": measured and measured.peak_memory_bytes,
        "size_bytes": file.size_bytes,
        "top1_accuracy": file.top1_accuracy,
        "mean_average_precision": file.mean_average_precision,
        "operators": placed.operators if placed else None,
        "fell_back": placed and "; ".join(placed.fell_back),
        "accelerated": result.accelerated if result.delegate in ACCELERATORS else None,
        "same_top1_as_cpu": compared and compared.same_top1,
        "images_compared": compared and compared.images,
        "max_difference_from_cpu": compared and compared.max_difference,
        "arena_bytes": result.memory and result.memory.arena_bytes,
        "flash_bytes": result.memory and result.memory.flash_bytes,
        "estimated_ms": result.estimate and result.estimate.ms,
        "estimated_cycles": result.estimate and result.estimate.cycles,
        "estimated_sram_bytes": result.estimate and result.estimate.sram_bytes,
        "estimated_flash_bytes": result.estimate and result.estimate.flash_bytes,
        "failure": result.failure.problem if result.failure else None,
    }
