"""The memory of any microcontroller as a device: measured, and nothing is timed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edgetl.devices import open_device
from edgetl.devices.base import Job
from edgetl.devices.plan import Plan
from edgetl.errors import DeviceError, UsageError
from edgetl.micro.footprint import footprint
from tests.conftest import CliResult, Made

pytest.importorskip("tflite_micro", reason="tflite-micro is not installed: pip install edgetl[mcu]")


def test_memory_is_measured_and_nothing_is_timed(made: Made, cli: Callable[..., CliResult], tmp_path: Path) -> None:
    model = made.run / "export" / "model_int8.tflite"
    found = footprint(model.read_bytes())
    outcome = cli("benchmark", model, "--device", "tflm", "--out", tmp_path / "bench", "--json")
    assert outcome.code == 0, outcome.err
    [result] = outcome.document["results"]
    assert result["measurement"]["memory"] == {"arena_bytes": found.arena_bytes, "flash_bytes": found.flash_bytes, "macs": found.macs}
    assert result["measurement"]["latency_ms"] is None
    assert "arena KiB" in outcome.err
    assert "arena KiB" in (tmp_path / "bench" / "benchmark.md").read_text(encoding="utf-8")


def test_it_runs_nothing(made: Made, tmp_path: Path) -> None:
    device = open_device("tflm")
    model = made.run / "export" / "model_int8.tflite"
    with pytest.raises(DeviceError, match="measures memory alone"):
        device.measure(Job(model, "litert", images=tmp_path, image_count=2))
    with pytest.raises(DeviceError, match="has no delegate 'npu'"):
        device.measure(Job(model, "litert", Plan(delegate="npu")))
    with pytest.raises(DeviceError, match="float"):
        device.measure(Job(made.run / "export" / "model_float32.tflite", "litert"))
    with pytest.raises(UsageError, match="the same on all"):
        open_device("tflm:cortex-m4")
