"""The benchmark programs that the runtimes' makers publish, for devices without a Python: how to get, start and read them."""

import hashlib
import json
import math
import re
import threading
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

from edgetl.devices.base import Device, Job
from edgetl.devices.runner import operators
from edgetl.errors import DeviceError
from edgetl.files import atomic, sha256

_DOWNLOAD_S = 60.0  # without a byte
_MEMORY_EVERY_MS = 5
_NO_SAMPLES = "benchmark_model tells no single runs: there is no interval, and no check whether the phone held its speed"
_one_download = threading.Lock()  # two phones may want the same program at once


@dataclass(frozen=True)
class Tool:
    """A program.

    Args:
        name: the publisher's.
        setting: its path on this host in the devices file; with _url and _sha256: where to download it.
        measure: (job, device, command) to what runner.run returns, where the command starts the program beside the model, both its outputs
            in one. Where it tells no single runs, `samples_ms` is empty, `latency_ms` holds what it says, None for what it does not, and
            `doubts` why that is less.
    """

    name: str
    setting: str
    measure: Callable[[Job, Device, Sequence[str]], dict[str, Any]]


def obtain(tool: Tool, settings: Mapping[str, str]) -> Path | None:
    """The program's file on this host, downloaded once if need be; None where the settings name none. Raises DeviceError."""
    from platformdirs import user_cache_path

    if tool.setting in settings:
        path = Path(settings[tool.setting]).expanduser()
        if not path.is_file():
            raise DeviceError(f"there is no {tool.name} at {path}", f"mend {tool.setting} in the devices file")
        return path
    url, wanted = settings.get(f"{tool.setting}_url"), settings.get(f"{tool.setting}_sha256", "").lower()
    if url is None:
        return None
    if not re.fullmatch("[0-9a-f]{64}", wanted):
        raise DeviceError(
            f"{tool.setting}_url needs {tool.setting}_sha256 beside it", "a program from the network runs only if it is known"
        )
    path = user_cache_path("edgetl") / f"{tool.name}-{wanted}"
    with _one_download:
        if not path.is_file() or sha256(path) != wanted:
            _download(url, wanted, path)
    return path


def _download(url: str, wanted: str, path: Path) -> None:
    try:
        with urllib.request.urlopen(url, timeout=_DOWNLOAD_S) as answer:
            data = answer.read()
    except (OSError, ValueError, HTTPException) as error:
        raise DeviceError(f"cannot download {url}: {error}", "download it by hand, and name its path in the devices file") from error
    found = hashlib.sha256(data).hexdigest()
    if found != wanted:
        raise DeviceError(f"{url} is another file than the devices file says: its sha256 is {found}", "compare with its publisher's")
    with atomic(path) as temporary:
        temporary.write_bytes(data)


_BENCHMARK_MODEL_DELEGATES = {
    "default": [],
    "cpu": ["--use_xnnpack=false"],  # it is on by default
    "xnnpack": ["--use_xnnpack=true"],
    "gpu": ["--use_gpu=true"],
    "nnapi": ["--use_nnapi=true"],
}


def _benchmark_model(job: Job, device: Device, command: Sequence[str]) -> dict[str, Any]:
    """Google's tool for TFLite files (tensorflow/lite/tools/benchmark), which says figures over all runs only."""
    start = [*command, f"--graph=model{job.model.suffix}", f"--num_threads={job.threads}", *_BENCHMARK_MODEL_DELEGATES[job.delegate]]
    counts = f"--num_runs={job.runs}", f"--min_secs={job.duration_s}", f"--max_secs={math.ceil(job.timeout_s)}"
    said = device.run([*start, f"--warmup_runs={job.warmup + 1}", "--warmup_min_secs=0", *counts], job.timeout_s)
    stats: list[dict[str, str]] = [
        dict(re.findall(r"(\w+)=([\d.e+]+)", line)) for line in said.splitlines() if re.search(r"\bcount=[1-9]", line)
    ]
    init = re.search(r"\bInit: ([\d.e+]+)", said)
    if len(stats) != 2 or not init:
        raise DeviceError(f"benchmark_model said something else than its figures: {said[-200:]!r}", "is it a build for this phone?")
    applied = re.search(r"[Aa]pplied \S+ delegate, and the model graph will be (\w+)", said)
    if job.delegate in ("xnnpack", "gpu", "nnapi") and not applied:  # it goes on without
        raise DeviceError(f"the phone has no delegate '{job.delegate}' for this model", "leave --delegate out, or choose another")
    # Runs that all took the same are told as curr alone.
    first, warm = ((dict.fromkeys(("first", "min", "max", "avg"), one["curr"]) | {"std": "0"} | one) for one in stats)

    def ms(key: str) -> float | None:
        return round(float(warm[key]) / 1e3, 4) if key in warm else None

    load_ms, first_ms = float(init[1]) / 1e3, float(first["first"]) / 1e3
    # Again, since watching memory and operators takes time of its own.
    few = f"--num_runs={job.profile or 1}", "--min_secs=0", "--warmup_runs=1", "--warmup_min_secs=0"
    watch = "--report_peak_memory_footprint=true", f"--memory_footprint_check_interval_ms={_MEMORY_EVERY_MS}"
    said = device.run([*start, *few, *watch, *(["--enable_op_profiling=true"] if job.profile else [])], job.timeout_s)
    peak = re.search(r"Overall peak memory footprint \(MB\)[^:]*: ([\d.]+)", said)
    return {
        "import_ms": None,
        "load_ms": load_ms,
        "first_ms": first_ms,
        "cold_start_ms": load_ms + first_ms,
        "samples_ms": [],
        "doubts": [_NO_SAMPLES, *([f"only a part of the model ran by {job.delegate}"] if applied and applied[1] == "partially" else [])],
        "latency_ms": {
            "runs": int(warm["count"]),
            **{name: ms(key) for name, key in (("p50", "median"), ("p90", "p90"), ("p95", "p95"), ("p99", "p99"))},
            "p50_interval_95": None,
            **{name: ms(key) for name, key in (("mean", "avg"), ("std", "std"), ("min", "min"), ("max", "max"))},
        },
        "peak_memory_bytes": int(float(peak[1]) * 2**20) if peak else None,
        "profile": _run_order(said) if job.profile else None,
    }


def _run_order(said: str) -> list[dict[str, Any]]:
    """The operators that benchmark_model lists in the order in which they run; a delegate's own in place of the delegate."""
    said = said.rpartition("Regular Benchmark Runs")[2]  # the last table of those before is of loading the model
    operators: list[dict[str, Any]] = []
    for table in said.split("= Run Order =")[1:]:
        lines = table.partition("\n\n")[0].splitlines()[1:]
        head, *rows = ([cell.strip().replace("[", "").replace("]", "") for cell in line.split("\t")[1:]] for line in lines)
        named = (dict(zip(head, row, strict=True)) for row in rows if len(row) == len(head))
        operators += ({"operator": row["Name"], "type": row["node type"], "ms": float(row["avg ms"])} for row in named)
    return [one for one in operators if "Delegate internal" not in said or "Delegate" not in one["type"]]


def _perf_test(job: Job, device: Device, command: Sequence[str]) -> dict[str, Any]:
    """ONNX Runtime's own tool (onnxruntime/test/perftest), which writes the time of every run."""
    if job.delegate == "gpu":
        raise DeviceError("ONNX Runtime has no delegate 'gpu' on phones", "choose xnnpack or nnapi, or measure the .tflite file")
    provider = job.delegate if job.delegate in ("xnnpack", "nnapi") else "cpu"
    start = [*command, "-I", "-e", provider, "-x", str(job.threads)]
    device.run(["sh", "-c", "rm -f result.csv trace*"], job.timeout_s)  # it appends
    # Either so many runs or so many seconds; its one run before them is the first inference.
    model = f"model{job.model.suffix}"
    times = (
        ["-m", "duration", "-t", str(math.ceil(job.duration_s))] if job.duration_s else ["-m", "times", "-r", str(job.runs + job.warmup)]
    )
    said = device.run([*start, *times, model, "result.csv"], job.timeout_s)
    # A row: model, seconds, peak memory in bytes, CPU usage, number.
    rows = [line.rsplit(",", 4) for line in device.pull("result.csv").decode(errors="replace").splitlines() if line.count(",") >= 4]
    samples_ms = [1e3 * float(row[1]) for row in rows]
    load = re.search(r"Session creation time cost: *([\d.e+-]+) s", said)
    if not samples_ms or not load:
        raise DeviceError(f"onnxruntime_perf_test said something else than its figures: {said[-200:]!r}", "is it a build for this phone?")
    first = re.search(r"First inference time cost: *([\d.e+-]+) ms", said)
    load_ms, first_ms = 1e3 * float(load[1]), float(first[1]) if first else None
    profile = None
    if job.profile:
        device.run([*start, "-m", "times", "-r", str(job.profile), "-p", "trace", model, "profiled.csv"], job.timeout_s)
        profile = operators(json.loads(device.run(["sh", "-c", "cat trace*"], job.timeout_s)), job.profile + 1)
    return {
        "import_ms": None,
        "load_ms": load_ms,
        "first_ms": first_ms,
        "cold_start_ms": load_ms + first_ms if first_ms is not None else None,
        "samples_ms": samples_ms[job.warmup :] or samples_ms,
        "peak_memory_bytes": int(rows[0][2]),
        "profile": profile,
    }


TOOLS = {
    "litert": Tool("benchmark_model", "benchmark_model", _benchmark_model),
    "onnxruntime": Tool("onnxruntime_perf_test", "perf_test", _perf_test),
}
