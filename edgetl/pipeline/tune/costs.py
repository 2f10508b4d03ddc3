"""The latency and the memory of an int8 file, which do not depend on its weights: they are known before anything is trained."""

import logging
from pathlib import Path

from edgetl.benchmarking.plan import ModelFile
from edgetl.benchmarking.run import benchmark
from edgetl.devices.plan import Plan
from edgetl.errors import DeviceError
from edgetl.micro.footprint import footprint, reserved
from edgetl.runtimes import runtime_of
from edgetl.tuning_record import TuningTrial

logger = logging.getLogger(__name__)


def with_costs(trial: TuningTrial, path: Path, device: str, *, memory: bool) -> TuningTrial:
    """Return the trial with what its file takes on a device.

    Args:
        memory: a microcontroller's memory is asked for, whatever the device is.

    Raises DeviceError when the device has no figure, DependencyError without TensorFlow Lite Micro's interpreter, ExportError for what that
    cannot run.
    """
    measured = benchmark([ModelFile(path.name, path, runtime_of(path))], [device], [Plan()], None)
    failures = [one.failure for one in measured.devices.values()] + [one.failure for one in measured.results]
    failure = next(filter(None, failures), None)
    if failure:
        raise DeviceError(failure.problem, failure.remedy)
    [result] = measured.results
    figures: dict[str, float | int | bool | None] = {"latency_ms": result.p50_ms}
    if result.estimate:
        sizes = {"arena_bytes": result.estimate.sram_bytes, "flash_bytes": result.estimate.flash_bytes}
        figures = {"latency_ms": result.estimate.ms, **sizes, "estimated": True}
    elif result.memory:
        figures |= {"arena_bytes": reserved(result.memory.arena_bytes), "flash_bytes": result.memory.flash_bytes}
    elif result.p50_ms is None:
        raise DeviceError(f"{device} reports no median latency", "name a device that does: 'edgetl devices'")
    elif memory:
        found = footprint(path.read_bytes())
        figures |= {"arena_bytes": found.arena_size_bytes, "flash_bytes": found.flash_bytes}
    costly = trial.model_copy(update=figures)
    logger.info(f"{costly.cost_text} on {device}")
    return costly
