"""The runner on this host, and the door to other programs."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from edgetl.devices import open_device, process, runner
from edgetl.devices.base import Job
from edgetl.devices.local import LocalDevice
from edgetl.devices.plan import Plan
from edgetl.errors import DeviceError
from edgetl.export import onnx_batch, tflite_batch
from tests.devices.conftest import RUNTIMES, Models

BATCHED: dict[str, Callable[[bytes, int], bytes]] = {"litert": tflite_batch.in_batches, "onnxruntime": onnx_batch.in_batches}
every_runtime = pytest.mark.parametrize("runtime", RUNTIMES)


@pytest.fixture
def device() -> Iterator[LocalDevice]:
    with_folder = LocalDevice("local")
    yield with_folder
    with_folder.close()


def test_it_says_what_it_is(device: LocalDevice) -> None:
    facts = device.probe()
    assert facts.cores
    assert facts.memory_bytes
    assert facts.memory_bytes > 2**28
    assert facts.abi in ("x86_64", "aarch64")
    assert facts.chip
    assert facts.os
    assert all(facts.runtimes.values()), "the environment of the tests has both"
    assert facts.free_bytes
    assert facts.load_average is not None


@every_runtime
def test_a_file_of_several_images_is_fed_whole_batches(runtime: str, models: Models, device: LocalDevice, tmp_path: Path) -> None:
    path = tmp_path / models.paths[runtime].name
    path.write_bytes(BATCHED[runtime](models.paths[runtime].read_bytes(), 7))
    reply = device.measure(Job(path, runtime, Plan(runs=1, warmup=0), models.file, len(models.images), batch=7))
    np.testing.assert_allclose(reply.predictions, models.expected(runtime), atol=1e-6)


@every_runtime
def test_what_it_measures(device: LocalDevice, models: Models, runtime: str) -> None:
    reply = device.measure(models.job(runtime, runs=30))
    found = reply.measurement
    assert len(found.samples_ms) == 30
    assert min(found.samples_ms) > 0
    assert None not in (found.cold_start_ms, found.load_ms, found.first_ms, found.peak_memory_bytes)
    assert found.cold_start_ms >= found.load_ms + found.first_ms  # type: ignore[operator]
    assert 2**24 < found.peak_memory_bytes < 2**29, "of the runner alone, not of the process that started it"  # type: ignore[operator]
    assert found.runtime.split()[1][0].isdigit()
    np.testing.assert_array_equal(np.float32(reply.predictions), models.expected(runtime))
    assert np.ptp(reply.predictions, axis=0).min() > 0.1, "a model that always predicts the same would agree with anything"
    state = runner.state()
    assert found.before.governors == found.after.governors == tuple(state["governors"])
    assert found.after.temperatures_c.keys() == state["temperatures_c"].keys()


@every_runtime
def test_a_float_output_of_an_int8_file_is_read(device: LocalDevice, float_ended: Models, runtime: str) -> None:
    reply = device.measure(float_ended.job(runtime, profile=3))
    np.testing.assert_allclose(np.float32(reply.predictions), float_ended.expected(runtime), atol=1e-6)
    np.testing.assert_allclose(np.sum(reply.predictions, axis=1), 1, atol=1e-5)
    assert reply.measurement.profile, "the operators have names"
    assert reply.measurement.profile[-1].type.lower().startswith("softmax")


def test_a_duration_is_a_lower_bound(device: LocalDevice, models: Models) -> None:
    found = device.measure(models.job("litert", runs=3, duration_s=0.3)).measurement
    assert len(found.samples_ms) > 3
    assert sum(found.samples_ms) > 100, "most of 0.3 s was spent in runs of far less than a millisecond"


def test_very_many_samples_are_thinned_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "MOST_SAMPLES", 8)
    ticks = iter(range(10_000))
    monkeypatch.setattr(runner.time, "perf_counter_ns", lambda: next(ticks) ** 2)  # every run takes longer than the one before
    order = runner.Order("", "", None, threads=1, runs=100, warmup=0, duration_s=0, cpus=[], delegate="default", profile=0)
    samples = runner._timed(lambda: None, order)
    assert 4 <= len(samples) < 8
    assert len({round(1e6 * gap) for gap in np.diff(samples)}) == 1, "evenly spaced"


def test_only_the_chosen_cores_run(device: LocalDevice, models: Models) -> None:
    assert device.measure(models.job("litert", cpus=(0,))).measurement.cpus == (0,)
    assert device.measure(models.job("onnxruntime", delegate="cpu")).measurement.samples_ms


def test_a_profile_names_operators(device: LocalDevice, models: Models) -> None:
    profile = device.measure(models.job("onnxruntime", profile=5)).measurement.profile
    assert profile
    assert {one.type for one in profile} >= {"QLinearConv"}
    assert all(one.ms >= 0 for one in profile)


@pytest.mark.parametrize("delegate", ["gpu", "nnapi"])
def test_a_delegate_that_is_not_there_is_said(device: LocalDevice, models: Models, delegate: str) -> None:
    with pytest.raises(DeviceError, match=f"has no delegate '{delegate}'"):
        device.measure(models.job("litert", delegate=delegate))


def test_without_xnnpack_onnxruntime_says_so(device: LocalDevice, models: Models) -> None:
    with pytest.raises(DeviceError, match=r"has no delegate 'xnnpack' \(XnnpackExecutionProvider\)"):
        device.measure(models.job("onnxruntime", delegate="xnnpack"))


def test_a_damaged_model_is_a_message(device: LocalDevice, models: Models, tmp_path: Path) -> None:
    (tmp_path / "a 'bad; $(model).tflite").write_bytes(b"no model")
    with pytest.raises(DeviceError, match="local: "):
        device.measure(models.job("litert", model=tmp_path / "a 'bad; $(model).tflite"))


def test_a_python_without_the_runtime_gets_advice(models: Models, tmp_path: Path, devices_toml) -> None:
    """A Python whose packages are out of sight; its path has what a shell would trip over."""
    import sys

    bare = tmp_path / "my 'py; $(thon)"
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n', encoding="utf-8")
    bare.chmod(0o755)
    devices_toml(f"[bare]\nkind = 'local'\npython = {json.dumps(str(bare))}\n")
    device = open_device("bare")
    try:
        assert device.probe().runtimes == {"litert": None, "onnxruntime": None}
        with pytest.raises(DeviceError, match="cannot import onnxruntime") as caught:
            device.measure(models.job("onnxruntime"))
        assert "pip install onnxruntime" in caught.value.remedy
    finally:
        device.close()


def test_closing_leaves_nothing(models: Models) -> None:
    device = LocalDevice("local")
    device.probe()
    folder = device._folder
    assert folder.is_dir()
    device.close()
    assert not folder.exists()


def test_what_hangs_is_ended_with_its_children(device: LocalDevice) -> None:
    with pytest.raises(DeviceError, match="did not finish within 1 s"):
        device.run(["sh", "-c", "sleep 300 & echo $! > child; wait"], 1)
    child = int(device.pull("child"))
    deadline = time.monotonic() + 10  # it got its SIGKILL; on a busy machine it ends a moment later
    while _runs(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _runs(child)


def _runs(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().split()[2] != "Z"


def test_an_interrupt_ends_what_runs(device: LocalDevice) -> None:
    errors: list[DeviceError] = []

    def hang() -> None:
        try:
            device.run(["sleep", "300"], 300)
        except DeviceError as error:
            errors.append(error)

    thread = threading.Thread(target=hang)
    thread.start()
    while not process._running:
        time.sleep(0.01)
    process.end_all()
    thread.join(30)
    assert errors


def test_a_missing_program_is_a_message(device: LocalDevice) -> None:
    with pytest.raises(DeviceError, match="cannot start /nowhere/python"):
        device.run(["/nowhere/python"], 5)
