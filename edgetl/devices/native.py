"""The benchmark programs that the runtimes' makers publish, for devices without a Python: how to get, start and read them."""

import json
import math
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgetl.devices.base import Device, Job
from edgetl.devices.engine_onnxruntime import operators, placed
from edgetl.devices.messages import LatencyStatistics, Measurement, OperatorTime, PlacedOperator, PlacementReport, Reply, check
from edgetl.errors import DeviceError
from edgetl.fetch import UNREACHABLE, AnotherFile, fetch
from edgetl.files import sha256

_DOWNLOAD_S = 60.0  # without a byte
_MEMORY_EVERY_MS = 5
_NO_SAMPLES = "benchmark_model reports no single runs: there is no interval, and no check whether the phone held its speed"
_one_download = threading.Lock()  # two phones may want the same program at once


@dataclass(frozen=True)
class Tool:
    """A program.

    Args:
        name: the publisher's.
        setting: its path on this host in the devices file; with _url and _sha256: where to download it.
        measure: (job, device, command) -> reply, where the command starts the program beside the model, both its outputs in one.
            Where it reports no single runs, `samples_ms` is empty, `latency_ms` is the program's, and `doubts` says why that is less.
    """

    name: str
    setting: str
    measure: Callable[[Job, Device, Sequence[str]], Reply]


@dataclass(frozen=True)
class ToolSource:
    """Where a tool comes from: a path on this host, or a URL and the sha256 of what lies there."""

    path: str | None
    url: str | None
    sha256: str


def obtain(tool: Tool, source: ToolSource) -> Path | None:
    """Return the program's file on this host, downloaded once if need be; None where no source is named. Raises DeviceError."""
    from platformdirs import user_cache_path

    if source.path is not None:
        path = Path(source.path).expanduser()
        if not path.is_file():
            raise DeviceError(f"there is no {tool.name} at {path}", f"correct {tool.setting} in the devices file")
        return path
    url, wanted = source.url, source.sha256.lower()
    if url is None:
        return None
    if not re.fullmatch("[0-9a-f]{64}", wanted):
        raise DeviceError(
            f"{tool.setting}_url needs {tool.setting}_sha256 beside it", "a downloaded program is run only if its hash is known"
        )
    path = user_cache_path("edgetl") / f"{tool.name}-{wanted}"
    with _one_download:
        if not path.is_file() or sha256(path) != wanted:
            _download(url, wanted, path)
    return path


def _download(url: str, wanted: str, path: Path) -> None:
    try:
        fetch(url, wanted, path, _DOWNLOAD_S)
    except AnotherFile as error:
        raise DeviceError(
            f"{url} is not the file that the devices file names: its sha256 is {error.sha256}",
            "compare it with the hash that its publisher gives",
        ) from error
    except UNREACHABLE as error:
        raise DeviceError(f"cannot download {url}: {error}", "download it by hand, and name its path in the devices file") from error


_BENCHMARK_MODEL_DELEGATES = {
    "default": [],
    "cpu": ["--use_xnnpack=false"],  # it is on by default
    "xnnpack": ["--use_xnnpack=true"],
    "gpu": ["--use_gpu=true"],
    "nnapi": ["--use_nnapi=true"],
}


def _benchmark_model(job: Job, device: Device, command: Sequence[str]) -> Reply:
    """Run Google's tool for TFLite files (tensorflow/lite/tools/benchmark), which reports statistics over all runs only."""
    plan = job.plan
    if plan.delegate not in _BENCHMARK_MODEL_DELEGATES:
        advice = f"choose one of: {', '.join(_BENCHMARK_MODEL_DELEGATES)}"
        raise DeviceError(f"benchmark_model has no delegate '{plan.delegate}'", advice)
    start = [*command, f"--graph=model{job.model.suffix}", f"--num_threads={plan.threads}", *_BENCHMARK_MODEL_DELEGATES[plan.delegate]]
    counts = f"--num_runs={plan.runs}", f"--min_secs={plan.duration_s}", f"--max_secs={math.ceil(job.timeout_s)}"
    said = device.run([*start, f"--warmup_runs={plan.warmup + 1}", "--warmup_min_secs=0", *counts], job.timeout_s)
    stats = [_Statistics(line) for line in said.splitlines() if re.search(r"\bcount=[1-9]", line)]
    init = re.search(rf"\bInit: {_FIGURE}", said)
    if len(stats) != 2 or not init or stats[0].ms("first") is None:
        raise DeviceError(f"benchmark_model printed something other than its figures: {said[-200:]!r}", "is it a build for this phone?")
    applied = re.search(r"[Aa]pplied \S+ delegate, and the model graph will be (\w+)", said)
    if plan.delegate in ("xnnpack", "gpu", "nnapi") and not applied:  # it goes on without
        raise DeviceError(f"the phone has no delegate '{plan.delegate}' for this model", "leave --delegate out, or choose another")
    first_ms, load_ms = stats[0].ms("first"), float(init.group(1)) / 1e3
    partly = bool(applied and applied.group(1) == "partially")
    log, said = said, device.run([*start, *_watched(plan.profile, operators=partly)], job.timeout_s)
    peak = re.search(r"Overall peak memory footprint \(MB\)[^:]*: (\d[\d.]*)", said)
    report = PlacementReport(alone=not plan.accelerated, log=log, left=_outside(said) if partly else ())
    found = Measurement(
        runtime="",
        load_ms=load_ms,
        first_ms=first_ms,
        cold_start_ms=load_ms + (first_ms or 0.0),
        latency_ms=stats[1].latency(),
        doubts=(_NO_SAMPLES,),
        peak_memory_bytes=int(float(peak.group(1)) * 2**20) if peak else None,
        profile=_run_order(said) if plan.profile else None,
    )
    return Reply(measurement=found, placed=report)


_FIGURE = r"(\d[\d.]*(?:e[+-]?\d+)?)"


class _Statistics:
    """A line of benchmark_model such as "count=50 first=33466 curr=28853 ... avg=29471.4 std=1107", in microseconds."""

    def __init__(self, line: str) -> None:
        self._figures = dict(re.findall(rf"(\w+)={_FIGURE}", line))
        count = re.search(r"\bcount=(\d+)", line)
        self._runs = int(count.group(1)) if count else 0

    def ms(self, key: str) -> float | None:
        """Return a figure in milliseconds; None: it is not reported."""
        figures = self._figures
        if key in ("first", "min", "max", "avg"):  # runs that all took the same are reported as curr alone
            key = key if key in figures else "curr"
        elif key == "std" and key not in figures:
            return 0.0
        return round(float(figures[key]) / 1e3, 4) if key in figures else None

    def latency(self) -> LatencyStatistics:
        return LatencyStatistics(
            runs=self._runs,
            p50=self.ms("median"),
            p90=self.ms("p90"),
            p95=self.ms("p95"),
            p99=self.ms("p99"),
            p50_interval_95=None,
            mean=self.ms("avg"),
            std=self.ms("std"),
            min=self.ms("min"),
            max=self.ms("max"),
        )


def _watched(profile: int, *, operators: bool) -> list[str]:
    """Return the options of a second call, which watches memory and operators: that takes time of its own."""
    few = [f"--num_runs={profile or 1}", "--min_secs=0", "--warmup_runs=1", "--warmup_min_secs=0"]
    watch = ["--report_peak_memory_footprint=true", f"--memory_footprint_check_interval_ms={_MEMORY_EVERY_MS}"]
    return few + watch + (["--enable_op_profiling=true"] if profile or operators else [])


def _outside(said: str) -> tuple[str, ...]:
    """Return the types of the operators that ran outside of the delegate: the first of the tables has one row for all of its own."""
    return tuple(one.type for one in _run_order(said.partition("Delegate internal")[0]) if "Delegate" not in one.type)


def _run_order(said: str) -> tuple[OperatorTime, ...]:
    """Return the operators that benchmark_model lists in the order in which they run; a delegate's own in place of the delegate."""
    said = said.rpartition("Regular Benchmark Runs")[2]  # the last of the tables before is about loading the model
    operators: list[OperatorTime] = []
    for table in said.split("= Run Order =")[1:]:
        lines = table.partition("\n\n")[0].splitlines()[1:]
        head, *rows = [[cell.strip().replace("[", "").replace("]", "") for cell in line.split("\t")[1:]] for line in lines] or [[]]
        if not {"Name", "node type", "avg ms"} <= set(head):
            continue
        name, kind, ms = (head.index(column) for column in ("Name", "node type", "avg ms"))
        complete = (row for row in rows if len(row) == len(head) and re.fullmatch(_FIGURE, row[ms]))
        operators += [OperatorTime(operator=row[name], type=row[kind], ms=float(row[ms])) for row in complete]
    return tuple(one for one in operators if "Delegate internal" not in said or "Delegate" not in one.type)


_PERF_TEST_PROVIDERS = {"default": "cpu", "cpu": "cpu", "xnnpack": "xnnpack", "nnapi": "nnapi", "npu": "qnn"}


def _perf_test(job: Job, device: Device, command: Sequence[str]) -> Reply:
    """Run ONNX Runtime's own tool (onnxruntime/test/perftest), which writes the time of every run."""
    plan = job.plan
    if plan.delegate not in _PERF_TEST_PROVIDERS:
        advice = f"choose one of: {', '.join(_PERF_TEST_PROVIDERS)}; or measure the .tflite file"
        raise DeviceError(f"ONNX Runtime has no delegate '{plan.delegate}' on phones", advice)
    start = [*command, "-I", "-e", _PERF_TEST_PROVIDERS[plan.delegate], "-x", str(plan.threads)]
    device.run(["sh", "-c", "rm -f result.csv trace*"], job.timeout_s)  # it appends
    # Either so many runs or so many seconds; its one run before them is the first inference.
    model = f"model{job.model.suffix}"
    times = ["-m", "times", "-r", str(plan.runs + plan.warmup)]
    if plan.duration_s:
        times = ["-m", "duration", "-t", str(math.ceil(plan.duration_s))]
    said = device.run([*start, *times, model, "result.csv"], job.timeout_s)
    lines = device.pull("result.csv").decode(errors="replace").splitlines()
    rows = [row for line in lines if (row := re.fullmatch(rf".*,{_FIGURE},(\d+),[^,]*,[^,]*", line))]
    samples_ms = tuple(1e3 * float(row.group(1)) for row in rows)  # a row: model, seconds, peak memory in bytes, CPU usage, number
    load = re.search(rf"Session creation time cost: *{_FIGURE} s", said)
    if not samples_ms or not load:
        raise DeviceError(
            f"onnxruntime_perf_test printed something other than its figures: {said[-200:]!r}", "is it a build for this phone?"
        )
    first = re.search(rf"First inference time cost: *{_FIGURE} ms", said)
    load_ms, first_ms = 1e3 * float(load.group(1)), float(first.group(1)) if first else None
    runs = plan.profile or 1
    traced: tuple[tuple[OperatorTime, ...], tuple[PlacedOperator, ...]] = (), ()
    if plan.profile or plan.accelerated:
        device.run([*start, "-m", "times", "-r", str(runs), "-p", "trace", model, "profiled.csv"], job.timeout_s)
        traced = _traced(device.name, device.run(["sh", "-c", "cat trace*"], job.timeout_s), runs + 1)
    measurement = Measurement(
        runtime="",
        load_ms=load_ms,
        first_ms=first_ms,
        cold_start_ms=load_ms + first_ms if first_ms is not None else None,
        samples_ms=samples_ms[plan.warmup :] or samples_ms,
        peak_memory_bytes=int(rows[0].group(2)),
        profile=traced[0] if plan.profile else None,
    )
    return Reply(measurement=measurement, placed=PlacementReport(operators=traced[1]) if traced[1] else None)


def _traced(device: str, trace: str, runs: int) -> tuple[tuple[OperatorTime, ...], tuple[PlacedOperator, ...]]:
    """Return the mean time of each operator from ONNX Runtime's trace of so many runs, and who ran it. Raises DeviceError."""
    try:
        events = json.loads(trace)
        times = tuple(check(device, OperatorTime, one) for one in operators(events, runs))
        return times, tuple(check(device, PlacedOperator, one) for one in placed(events))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise DeviceError(f"{device}: onnxruntime_perf_test wrote a trace that cannot be read: {error}", "leave --profile out") from error


TOOLS = {
    "litert": Tool("benchmark_model", "benchmark_model", _benchmark_model),
    "onnxruntime": Tool("onnxruntime_perf_test", "perf_test", _perf_test),
}
