"""Measure models on devices side by side: one thread per device, one model after the other on each."""

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product

import numpy as np
from numpy.typing import NDArray

from edgetl.benchmarking.beside_cpu import beside_cpu
from edgetl.benchmarking.operators import known, with_layers
from edgetl.benchmarking.placement import placement
from edgetl.benchmarking.plan import ModelFile, SentImages
from edgetl.benchmarking.results import Benchmark, BenchmarkedDevice, BenchmarkedFile, BenchmarkResult, PredictionCheck
from edgetl.benchmarking.statistics import doubts, summary
from edgetl.devices import open_device
from edgetl.devices.base import Device
from edgetl.devices.messages import Measurement
from edgetl.devices.plan import Plan
from edgetl.devices.process import end_all
from edgetl.errors import DependencyError, DeviceError
from edgetl.evaluation.measures import measures_of
from edgetl.evaluation.parity import Judging, Labelled, Tolerance
from edgetl.export import main_format
from edgetl.files import sha256
from edgetl.progress import progress
from edgetl.software import software
from edgetl.wording import joined

logger = logging.getLogger(__name__)

_KERNELS = "the same file under other kernels: they round otherwise by a step or so a layer, and near ties tip over (measured: 1.5 %)"
_TIMES = ("latency_ms", "import_ms", "load_ms", "first_ms", "cold_start_ms")


@dataclass(frozen=True)
class _Task:
    """The work of each device, and how its thread is stopped and reports."""

    models: Sequence[ModelFile]
    plans: Sequence[Plan]
    sent: SentImages | None
    stop: threading.Event
    report: Callable[[str], None]


def benchmark(models: Sequence[ModelFile], devices: Sequence[str], plans: Sequence[Plan], sent: SentImages | None) -> Benchmark:
    """Measure every model on every device by every plan: they differ in their delegates.

    A device that fails leaves its failure, the others keep their results.
    """
    names = list(dict.fromkeys(devices))
    lock = threading.Lock()
    with progress("benchmark", len(names) * len(models) * len(plans)) as tick, ThreadPoolExecutor(len(names)) as pool:

        def report(facts: str) -> None:
            with lock:
                tick(1, facts)

        task = _Task(models, plans, sent, threading.Event(), report)
        jobs = [pool.submit(_on_device, name, task) for name in names]
        try:
            wait(jobs)
        except BaseException:
            task.stop.set()
            end_all()  # the threads then see their programs fail, and clean up behind them
            raise
    outcomes = {name: job.result() for name, job in zip(names, jobs, strict=True)}
    return Benchmark(
        measured=datetime.now(UTC).isoformat(timespec="seconds"),
        software=software(),
        plan=plans[0],
        images=len(sent.label_ids) if sent and sent.judged else 0,
        models={model.name: _facts(model) for model in models},
        devices={name: device for name, (device, _) in outcomes.items()},
        results=tuple(result for _, results in outcomes.values() for result in results),
    )


def _facts(model: ModelFile) -> BenchmarkedFile:
    known = model.accuracy
    return BenchmarkedFile(
        file=str(model.path),
        sha256=sha256(model.path),
        size_bytes=model.path.stat().st_size,
        runtime=model.runtime,
        top1_accuracy=known.value if known and known.metric == "top-1" else None,
        mean_average_precision=known.value if known and known.metric == "mAP" else None,
        measured_on=model.judged_by.words,
        measured_images=model.judged_by.count,
        batch=model.batch,
    )


def _on_device(name: str, task: _Task) -> tuple[BenchmarkedDevice, list[BenchmarkResult]]:
    """Return the device's facts (or its failure), and a result per model."""
    try:
        device = open_device(name)
    except (DeviceError, DependencyError) as error:
        task.report(f"{name}: {error.problem}")
        return BenchmarkedDevice(failure=error.failure), []
    results: list[BenchmarkResult] = []
    try:
        facts = device.probe()
        models, left_out = _measurable(device, task.models)
        for model, plan in product(models, task.plans):
            if task.stop.is_set():
                break
            results.append(_result(device, model, plan, task.sent))
            task.report(f"{name}: {results[-1].shown}")
    except DeviceError as error:
        return BenchmarkedDevice(failure=error.failure), results
    finally:
        device.close()
    return BenchmarkedDevice(facts=facts, timed=device.timed, left_out=left_out), results


def _measurable(device: Device, models: Sequence[ModelFile]) -> tuple[Sequence[ModelFile], str]:
    """Return the models that the device has a runtime for and may run, and which others are left out, with the reason, in words.

    Where it may run none, all of them fail, each for its reason. Raises DeviceError when there is a runtime for none.
    """
    found = [model for model in models if model.runtime in device.runtimes]
    if not found:
        needed = joined([main_format(runtime).suffix for runtime in device.runtimes])
        raise DeviceError(f"{device.name} can measure none of these files", f"export or name one that ends in {needed}")
    unfit = {model.name: device.unfit(model.path) for model in found}
    able = [model for model in found if not unfit[model.name]]
    reasons = dict.fromkeys(filter(None, unfit.values())) if able else ()
    left_out = [f"{joined([name for name, why in unfit.items() if why == reason])} ({reason})" for reason in reasons]
    return able or found, "; ".join(left_out)


def _result(device: Device, model: ModelFile, plan: Plan, sent: SentImages | None) -> BenchmarkResult:
    row = BenchmarkResult(device=device.name, model=model.name, delegate=plan.delegate)
    try:
        reply = device.measure(model.job(plan, sent))
        predictions = None
        if sent and sent.judged and model.expected is not None:
            predictions = _judged(device.name, np.array(reply.predictions, np.float32), model.expected, sent)
        compared = beside_cpu(device.name, reply.accelerated, reply.by_cpu, noise=sent is None)
    except DeviceError as error:
        logger.info(f"{device.name}: {model.name}: {error.problem}")
        return row.model_copy(update={"failure": error.failure})
    measurement = _summarized(reply.measurement, timed=device.timed)
    if measurement.profile:
        measurement = measurement.model_copy(update={"profile": with_layers(measurement.profile, model.path)})
    if reply.placed:
        measurement = measurement.model_copy(update={"placement": placement(plan.delegate, known(reply.placed, model.path))})
    return row.model_copy(update={"measurement": measurement, "predictions": predictions, "beside_cpu": compared})


def _summarized(found: Measurement, *, timed: bool) -> Measurement:
    """Add statistics and doubts to the samples; take all times away where they mean nothing."""
    if not timed:
        return found.model_copy(update={**dict.fromkeys(_TIMES), "samples_ms": ()})
    if not found.samples_ms:  # statistics and doubts are those of the device's tool, which reports no single runs
        return found
    samples = tuple(round(ms, 5) for ms in found.samples_ms)
    return found.model_copy(update={"latency_ms": summary(found.samples_ms), "doubts": doubts(found.samples_ms), "samples_ms": samples})


def _judged(device: str, predictions: NDArray[np.float32], expected: NDArray[np.float32], sent: SentImages) -> PredictionCheck:
    """Compare the device's predictions with this host's and with the classes of the images. Raises DeviceError for another form."""
    if predictions.shape != expected.shape:
        raise DeviceError(f"{device} predicted {predictions.shape}, this computer {expected.shape}", "report it in an issue")
    kernels = Tolerance("this host", device, 0.985, 0.04, 1.0, _KERNELS, min_same_decisions=0.985)
    judge = Judging(
        measures_of(sent.output), {kernels.first: expected, device: predictions}, Labelled.nameless(sent.label_ids), sent.output
    )
    found = judge.pair(kernels)
    return PredictionCheck(
        images=len(sent.label_ids),
        accuracy=judge.measures.measure(predictions, sent.label_ids),
        agreement=found.agreement,
        paired=found.paired,
        failures=found.failures,
        same_decisions=found.same_decisions,
        map_drop_points=found.map_drop_points,
    )
