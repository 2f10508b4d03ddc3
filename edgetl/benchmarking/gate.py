"""Compare a benchmark with an earlier one: is any model slower on any device than allowed?"""

from dataclasses import dataclass
from pathlib import Path

from edgetl.benchmarking.results import NAME, Benchmark
from edgetl.errors import RunError, UsageError
from edgetl.wording import counted


@dataclass(frozen=True)
class GateRow:
    """One model on one device: both medians, and their ratio. None: it was not measured this time."""

    device: str
    model: str
    before_ms: float
    now_ms: float | None
    ratio: float | None
    passed: bool


def load_baseline(path: Path) -> Benchmark:
    """Read a document that `edgetl benchmark` wrote. Raises UsageError."""
    try:
        return Benchmark.read(path)
    except RunError as error:
        raise UsageError(f"{path} is not a baseline: {error.problem}", f"name a {NAME} that 'edgetl benchmark' wrote") from error


def against(baseline: Benchmark, measured: Benchmark, max_slowdown: float) -> list[GateRow]:
    """Compare every median latency of the baseline with the one that was measured now.

    One that is missing now fails: a gate that passes because nothing ran is useless. Raises UsageError when the baseline has none, or
    an inference of a model is of another number of images now.
    """
    for name, file in baseline.models.items():
        batch = measured.models[name].images_at_once if name in measured.models else file.images_at_once
        if batch != file.images_at_once:
            raise UsageError(
                f"an inference of {name} is of {counted(batch, 'image')} now, and of {file.images_at_once:,} in the baseline",
                f"export it with --batch {file.images_at_once}, or make a baseline of the files as they are now",
            )
    now = {(one.device, one.model, one.delegate or measured.plan.delegate): one.p50_ms for one in measured.timed}
    rows = []
    for one in baseline.timed:
        before_ms, now_ms = one.p50_ms or 0.0, now.get((one.device, one.model, one.delegate or baseline.plan.delegate))
        ratio = now_ms / before_ms if now_ms is not None and before_ms else None
        passed = ratio is not None and ratio <= max_slowdown
        rows.append(GateRow(one.device, one.shown, before_ms, now_ms, ratio, passed))
    if not rows:
        raise UsageError("the baseline holds no latencies", "make one where at least one model was measured")
    return rows
