"""A baseline as a gate."""

from pathlib import Path

import pytest

from edgetl.benchmarking.gate import against, load_baseline
from edgetl.benchmarking.results import Benchmark, BenchmarkedDevice, BenchmarkedFile, BenchmarkResult
from edgetl.devices.messages import DeviceFacts, LatencyStatistics, Measurement
from edgetl.devices.plan import Plan
from edgetl.errors import UsageError


def measured(**p50: float | None) -> Benchmark:
    """A benchmark of these models on one device."""
    results = []
    for name, ms in p50.items():
        latency = LatencyStatistics(runs=1, p50=ms, p90=ms, p95=ms, p99=ms, p50_interval_95=None, mean=ms, std=0, min=ms, max=ms)
        results.append(BenchmarkResult(device="d", model=name, measurement=Measurement(runtime="x", latency_ms=latency if ms else None)))
    file = BenchmarkedFile(file="x", sha256="0", size_bytes=1, runtime="litert", top1_accuracy=None)
    return Benchmark(
        measured="2026-01-01T00:00:00+00:00",
        software={},
        plan=Plan(),
        images=0,
        models=dict.fromkeys(p50, file),
        devices={"d": BenchmarkedDevice(facts=DeviceFacts())},
        results=tuple(results),
    )


def test_slower_than_allowed_and_missing_do_not_pass() -> None:
    rows = against(measured(a=1.0, b=1.0, c=1.0), measured(a=1.1, b=1.11, d=9.0), 1.1)
    assert [(row.model, row.passed) for row in rows] == [("a", True), ("b", False), ("c", False)]
    assert rows[1].ratio == pytest.approx(1.11)
    assert rows[2].now_ms is None


def test_each_delegate_is_compared_with_itself() -> None:
    """An earlier document names one for all of its rows, in the plan."""
    old, now = measured(a=1.0), measured(a=9.0)
    gpu = [row.model_copy(update={"delegate": "gpu", "measurement": old.results[0].measurement}) for row in now.results]
    slow = [row.model_copy(update={"delegate": "default"}) for row in now.results]
    now = now.model_copy(update={"results": (*gpu, *slow)})
    assert [row.now_ms for row in against(old, now, 1.1)] == [9.0]
    assert [(row.model, row.now_ms) for row in against(now, now, 1.1)] == [("a by gpu", 1.0), ("a", 9.0)]


def test_a_baseline_without_latencies_is_none() -> None:
    with pytest.raises(UsageError, match="holds no latencies"):
        against(measured(a=None), measured(a=1.0), 1.1)


def test_other_batches_are_not_compared() -> None:
    """A batch takes as many times as long, and would count as a slowdown; of any number of images one is measured."""
    batches = {size: of_batch(size) for size in (1, 4, "dynamic")}
    assert against(batches["dynamic"], batches[1], 1.1)[0].passed
    with pytest.raises(UsageError, match="of a is of 4 images now, and of 1 in the baseline"):
        against(batches[1], batches[4], 1.1)


def of_batch(size: int | str) -> Benchmark:
    made = measured(a=1.0)
    return made.model_copy(update={"models": {"a": made.models["a"].model_copy(update={"batch": size})}})


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema_version": 2}', "null"])
def test_what_is_no_baseline_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="is not a baseline"):
        load_baseline(tmp_path / "old.json")
    with pytest.raises(UsageError, match="is not a baseline"):
        load_baseline(tmp_path / "missing.json")


def test_a_written_document_is_one(tmp_path: Path) -> None:
    measured(a=1.0).write(tmp_path / "old.json")
    assert load_baseline(tmp_path / "old.json") == measured(a=1.0)


def test_a_result_of_an_unknown_model_or_device_is_refused(tmp_path: Path) -> None:
    for name in ("models", "devices"):
        values = measured(a=1.0).to_json() | {name: {}}
        with pytest.raises(ValueError, match="unknown"):
            Benchmark.parse(values)
