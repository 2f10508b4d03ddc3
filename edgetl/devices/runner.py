"""Run one job on the machine that this file was sent to, and report what the machine is. Needs Python 3.8 and the job's runtime.

    python3 runner.py probe             writes facts of this machine, as JSON, to stdout
    python3 runner.py run job.json      reads job.json, the model and the images beside it; writes result.json

It stands alone with the engine_*.py beside it: a board needs nothing of edgetl. All its files lie in the current folder.
edgetl/devices/messages.py has the form of both documents.
"""

from __future__ import annotations  # of Python 3.8, which some boards still have

import gc
import importlib
import json
import os
import platform
import shutil
import sys
import time
from collections import namedtuple
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol

MOST_SAMPLES = 200_000  # a long benchmark of a fast model has millions, which would fill a board's memory
ENGINES = {"litert": "LiteRT", "onnxruntime": "OnnxRuntime"}
COMPILED = ("engine_compiled", "CompiledLiteRT")
NOISE = 16  # images of noise to compare an accelerator by, where none were sent
# What job.json asks for: the fields of edgetl.devices.base.Job and Plan, with names of files in the current folder.
Order = namedtuple("Order", "model runtime images threads runs warmup duration_s cpus delegate profile")
PACKAGES = {"litert": ("ai-edge-litert", "tflite-runtime"), "onnxruntime": ("onnxruntime",)}


def probe() -> dict[str, Any]:
    """Return what this machine is; what cannot be read is empty or None."""
    found = {name: next((v for v in map(_version, packages) if v), None) for name, packages in PACKAGES.items()}
    return {
        "model": _text("/proc/device-tree/model") or _text("/sys/class/dmi/id/product_name"),
        "chip": _chip(),
        "abi": platform.machine(),
        "cores": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "os": _os(),
        "python": platform.python_version(),
        "runtimes": found,
        "free_bytes": shutil.disk_usage(".").free,
        "load_average": os.getloadavg()[0],
        "state": state(),
    }


def state() -> dict[str, Any]:
    """Return what changes while a benchmark runs: governor and frequency of each core, temperatures of the thermal zones."""
    cores = sorted(Path("/sys/devices/system/cpu").glob("cpu[0-9]*/cpufreq"))
    zones = sorted(Path("/sys/class/thermal").glob("thermal_zone[0-9]*"))
    return {
        "governors": sorted({governor for core in cores if (governor := _text(core / "scaling_governor"))}),
        "frequencies_mhz": [int(khz) // 1000 for core in cores if (khz := _text(core / "scaling_cur_freq"))],
        "temperatures_c": {_text(zone / "type"): int(t) / 1000 for zone in zones if (t := _text(zone / "temp")).lstrip("-").isdigit()},
    }


def peak_bytes(process: str = "self") -> int | None:
    """Return the most memory that a process had; None: the system keeps no count of others, as macOS."""
    if counted := _fields(f"/proc/{process}/status").get("VmHWM"):
        return int(counted.split()[0]) * 1024
    if process != "self":
        return None
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # of bytes on macOS; on Linux it counts the parent, too


def cores(process: int = 0) -> list[int] | None:
    """Return the cores that a process (0: this one) may run on; None: the system lets none be chosen, as macOS."""
    return sorted(os.sched_getaffinity(process)) if hasattr(os, "sched_getaffinity") else None


def _chip() -> str:
    facts = _fields("/proc/cpuinfo")
    names = (facts.get("model name"), facts.get("Hardware"), facts.get("Model"), _text("/proc/device-tree/compatible"))
    return next((name for name in names if name), platform.processor())


def _os() -> str:
    release = _fields("/etc/os-release", "=")
    return release.get("PRETTY_NAME", "").strip('"') or f"{platform.system()} {platform.release()}"


def _fields(path: str, separator: str = ":") -> dict[str, str]:
    pairs = (line.partition(separator) for line in _text(path).splitlines())
    return {key.strip(): value.strip() for key, found, value in pairs if found}


def _text(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip("\0\n ")
    except OSError:
        return ""


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


class Engine(Protocol):
    """A loaded model: `infer` runs it on the batch that `feed` put there; `predictions` reads the output, as probabilities [N, K]."""

    shape: tuple[int, ...]
    dtype: Any
    imported: float  # when the runtime's import was done, on time.perf_counter's clock

    @property
    def infer(self) -> Callable[[], None]: ...

    def feed(self, images: Any) -> None: ...

    def predictions(self) -> Any: ...

    def profile(self, runs: int) -> dict[str, object]:
        """Return the times of the operators as `profile`, or why there are none as `profile_note`."""
        ...

    def placed(self) -> dict[str, object]:
        """Return what is known of who runs which operator: see PlacementReport in edgetl/devices/messages.py."""
        ...


def _engine(job: Order) -> Engine:
    """Load the model by the module beside this file that runs it."""
    compiled = job.runtime == "litert" and job.delegate in ("gpu", "npu")
    module, kind = COMPILED if compiled else (f"engine_{job.runtime}", ENGINES[job.runtime])
    try:
        return getattr(importlib.import_module(module), kind)(job)  # type: ignore[no-any-return]
    except ImportError as error:
        raise SystemExit(f"cannot import {job.runtime}: {error}") from None


def run(job: Order) -> dict[str, Any]:
    """Time the model, then predict the images; return the content of result.json."""
    started = time.perf_counter()
    if job.cpus:
        if not hasattr(os, "sched_setaffinity"):
            raise SystemExit("this system does not let a process choose its cores: leave --cpu-mask out")
        os.sched_setaffinity(0, job.cpus)
    before = state()
    begun = time.perf_counter()
    engine = _engine(job)
    loaded = time.perf_counter()
    import numpy  # which both runtimes have brought

    pixels = numpy.fromfile(job.images, "uint8").reshape(-1, *engine.shape[1:]) if job.images else None
    if pixels is None:
        fed = numpy.random.default_rng(0).integers(0, 256, engine.shape, "uint8")
    else:
        fed = pixels[numpy.arange(engine.shape[0]) % len(pixels)]
    engine.feed(fed.astype(engine.dtype))
    first = time.perf_counter()
    engine.infer()
    first_ms = 1e3 * (time.perf_counter() - first)
    times_ms = _timed(engine.infer, job)
    after, peak = state(), peak_bytes()
    measurement = {
        "runtime": next((f"{package} {v}" for package in PACKAGES[job.runtime] if (v := _version(package))), ""),
        "import_ms": 1e3 * (engine.imported - begun),
        "load_ms": 1e3 * (loaded - engine.imported),
        "first_ms": first_ms,
        "cold_start_ms": 1e3 * (loaded - begun) + first_ms,
        "samples_ms": times_ms,
        "peak_memory_bytes": peak,
        "cpus": cores(),
        "before": before,
        "after": after,
    }
    predictions = _predictions(engine, pixels)
    measurement.update(engine.profile(job.profile) if job.profile else {})
    reply: dict[str, Any] = {"measurement": measurement, "predictions": predictions, "placed": engine.placed()}
    if job.delegate not in ("default", "cpu"):
        reply.update(_beside_cpu(engine, job, pixels))
    measurement["seconds"] = time.perf_counter() - started
    return reply


def _beside_cpu(engine: Engine, job: Order, pixels: Any) -> dict[str, object]:
    """Return the accelerator's predictions and those of this machine's CPU for the same images: those that were sent, else noise."""
    import numpy

    if pixels is None:
        random, (height, width, channels) = numpy.random.default_rng(0), engine.shape[1:]
        colours = random.uniform(0, 255, (NOISE, 1, 1, channels))  # that change from image to image, as predictions then do
        pixels = numpy.clip(colours + random.normal(0, 30, (NOISE, height, width, channels)), 0, 255).astype("uint8")
    cpu = _engine(job._replace(delegate="cpu" if job.delegate == "xnnpack" else "default"))
    return {"accelerated": _predictions(engine, pixels), "by_cpu": _predictions(cpu, pixels)}


def _timed(infer: Callable[[], None], job: Order) -> list[float]:
    """Return the milliseconds of warm runs: at least `runs` of them and `duration_s` seconds in all; of very many, evenly spaced ones."""
    samples: list[int] = []
    clock, every, runs = time.perf_counter_ns, 1, 0
    for _ in range(job.warmup):
        infer()
    gc.disable()  # a collection in the middle of a run would be measured as the model's
    end = clock() + int(job.duration_s * 1e9)
    while runs < job.runs or clock() < end:
        started = clock()
        infer()
        took = clock() - started
        runs += 1
        if runs % every == 0:
            samples.append(took)
        if len(samples) == MOST_SAMPLES:
            samples, every = samples[1::2], 2 * every
    gc.enable()
    return [ns / 1e6 for ns in samples]


def _predictions(engine: Engine, pixels: Any) -> list[list[float]]:
    """Return the probabilities of each image, once the timing is over."""
    predictions, count, size = [], 0 if pixels is None else len(pixels), engine.shape[0]
    for start in range(0, count, size):
        rows = [place % count for place in range(start, start + size)]  # the first ones fill up the last batch
        engine.feed(pixels[rows].astype(engine.dtype))
        engine.infer()
        predictions += engine.predictions().tolist()
    return predictions[:count]


def main(verb: str, *names: str) -> None:
    if verb == "probe":
        json.dump(probe(), sys.stdout)
        return
    [job] = names
    result = run(Order(**json.loads(Path(job).read_text(encoding="utf-8"))))
    Path("result.json").write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
