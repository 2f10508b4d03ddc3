"""Models measured on devices, side by side: one thread a device, one model after the other on each."""

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import numpy as np

from edgetl.benchmark.operators import with_layers
from edgetl.benchmark.plan import Plan, Sent, Subject
from edgetl.benchmark.statistics import doubts, summary
from edgetl.devices import open_device
from edgetl.devices.base import Device
from edgetl.devices.process import end_all
from edgetl.errors import DependencyError, DeviceError, EdgetlError
from edgetl.evaluation.agreement import compare
from edgetl.evaluation.metrics import measure
from edgetl.evaluation.parity import Tolerance
from edgetl.evaluation.statistics import paired
from edgetl.files import sha256
from edgetl.progress import progress
from edgetl.run_folder import software

logger = logging.getLogger(__name__)

SCHEMA = 1
_KERNELS = "the same file under other kernels: they round by a step or so a layer otherwise, near ties tip over (measured: 1.5 %)"


def benchmark(subjects: Sequence[Subject], devices: Sequence[str], plan: Plan, sent: Sent | None) -> dict[str, Any]:
    """What `edgetl benchmark` writes; a device that fails leaves its error, the others keep their results."""
    names = list(dict.fromkeys(devices))
    stop, lock = threading.Event(), threading.Lock()
    with progress("benchmark", len(names) * len(subjects)) as tick, ThreadPoolExecutor(len(names)) as pool:

        def ticked(facts: str) -> None:
            with lock:
                tick(1, facts)

        jobs = [pool.submit(_on_device, name, subjects, plan, sent, stop, ticked) for name in names]
        try:
            wait(jobs)
        except BaseException:
            stop.set()
            end_all()  # the threads then see their programs fail, and clean up behind them
            raise
    outcomes = [job.result() for job in jobs]
    return {
        "schema": SCHEMA,
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "software": software(),
        "plan": asdict(plan) | {"images": len(sent.label_ids) if sent else 0},
        "models": {subject.name: _facts(subject) for subject in subjects},
        "devices": {name: device for name, (device, _) in zip(names, outcomes, strict=True)},
        "results": [result for _, results in outcomes for result in results],
    }


def _facts(subject: Subject) -> dict[str, Any]:
    return {
        "file": str(subject.path),
        "sha256": sha256(subject.path),
        "size_bytes": subject.path.stat().st_size,
        "runtime": subject.runtime,
        "top1_accuracy": subject.top1_accuracy,
    }


def _on_device(
    name: str, subjects: Sequence[Subject], plan: Plan, sent: Sent | None, stop: threading.Event, ticked: Callable[[str], None]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The device's facts (or its error), and a result a model."""
    try:
        device = open_device(name)
    except (DeviceError, DependencyError) as error:
        ticked(f"{name}: {error.problem}")
        return _error(error), []
    results = []
    try:
        facts = device.probe()
        for subject in subjects:
            if stop.is_set():
                break
            results.append({"device": name, "model": subject.name} | _result(device, subject, plan, sent))
            ticked(f"{name}: {subject.name}")
    except DeviceError as error:
        return _error(error), results
    finally:
        device.close()
    return facts | {"timed": device.timed}, results


def _result(device: Device, subject: Subject, plan: Plan, sent: Sent | None) -> dict[str, Any]:
    try:
        found = device.measure(plan.job(subject, sent))
    except DeviceError as error:
        logger.info(f"{device.name}: {subject.name}: {error.problem}")
        return _error(error)
    samples, predictions = found.pop("samples_ms"), found.pop("predictions", None)
    if found.get("profile"):
        found["profile"] = with_layers(found["profile"], subject.path)
    result = {"threads": plan.threads, "delegate": plan.delegate} | found
    if device.timed and not samples:
        result |= {"samples_ms": []}  # latency_ms and doubts are those of its tool, which tells no single runs
    elif device.timed:
        result |= {"latency_ms": summary(samples), "doubts": doubts(samples), "samples_ms": [round(ms, 5) for ms in samples]}
    else:
        result |= dict.fromkeys(("latency_ms", "import_ms", "load_ms", "first_ms", "cold_start_ms"))
    if sent and subject.expected is not None:
        result["predictions"] = _judged(device.name, np.asarray(predictions, np.float32), subject.expected, sent)
    return result


def _judged(device: str, predictions: Any, expected: Any, sent: Sent) -> dict[str, Any]:
    """The device's predictions against this host's and against the labels."""
    agreement = compare(expected, predictions)
    tolerance = Tolerance("this host", device, 0.985, 0.04, 1.0, _KERNELS)
    cost = paired(expected.argmax(1) == sent.label_ids, predictions.argmax(1) == sent.label_ids)
    return {
        "images": len(sent.label_ids),
        "accuracy": asdict(measure(predictions, sent.label_ids)),
        "agreement": asdict(agreement),
        "paired": asdict(cost),
        "failures": list(tolerance.failures(agreement, cost)),
    }


def _error(error: EdgetlError) -> dict[str, Any]:
    return {"error": {"problem": error.problem, "remedy": error.remedy}}
