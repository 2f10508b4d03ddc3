"""LiteRT's CompiledModel on a GPU: on the software adapter that Chromium brings, and where there is none."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edgetl.benchmarking.placement import placement
from edgetl.devices.base import Job
from edgetl.devices.local import LocalDevice
from edgetl.devices.plan import Plan
from edgetl.devices.runner import NOISE
from edgetl.errors import DeviceError
from tests.devices.tiny_model import write

CHROMIUM = Path("/usr/lib/chromium")  # has SwiftShader, a Vulkan driver that computes on the CPU, and Vulkan's loader


@pytest.fixture
def device() -> Iterator[LocalDevice]:
    local = LocalDevice("local")
    yield local
    local.close()


@pytest.fixture
def software_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = CHROMIUM / "vk_swiftshader_icd.json"
    if not driver.is_file() or not (CHROMIUM / "libvulkan.so.1").is_file():
        pytest.skip("Chromium's SwiftShader is not here (Debian: apt-get install chromium)")
    monkeypatch.setenv("VK_DRIVER_FILES", str(driver))
    monkeypatch.setenv("LD_LIBRARY_PATH", os.pathsep.join(filter(None, (str(CHROMIUM), os.environ.get("LD_LIBRARY_PATH")))))


@pytest.mark.usefixtures("software_gpu")
@pytest.mark.parametrize("kind", ["float32", "int8"])
def test_a_model_runs_on_the_gpu_alone(kind: str, device: LocalDevice, tmp_path: Path) -> None:
    reply = device.measure(Job(write(kind, tmp_path), "litert", Plan(runs=3, warmup=1, delegate="gpu")))
    assert reply.placed
    assert reply.placed.alone
    found = placement("gpu", reply.placed)
    assert [one.operators for one in found.shares] == [len(reply.placed.operators)]
    assert "SwiftShader" in found.shares[0].by
    assert found.shares[0].processor == "CPU", "it is no GPU"
    assert len(reply.accelerated) == len(reply.by_cpu) == NOISE
    apart = np.abs(np.subtract(reply.accelerated, reply.by_cpu))
    assert apart.max() < (0.05 if kind == "int8" else 1e-3), "of an int8 model a GPU computes in float"
    assert np.ptp(reply.by_cpu, axis=0).max() > 0.1, "a model that always predicts the same would agree with anything"


@pytest.mark.usefixtures("software_gpu")
def test_what_the_gpu_refuses_runs_on_the_cpu_and_is_named(device: LocalDevice, tmp_path: Path) -> None:
    reply = device.measure(Job(write("kept_float", tmp_path), "litert", Plan(runs=3, warmup=1, delegate="gpu")))
    assert reply.placed
    assert not reply.placed.alone
    found = placement("gpu", reply.placed)
    assert sum(one.operators for one in found.shares) == len(reply.placed.operators)
    assert "LOCAL_RESPONSE_NORMALIZATION: Operation is not supported." in found.fell_back


def test_without_a_gpu_it_says_so(device: LocalDevice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LiteRT itself would go on: asked for both, it would call a float model fully accelerated on the CPU."""
    monkeypatch.setenv("VK_DRIVER_FILES", "/nowhere")
    with pytest.raises(DeviceError, match=r"LiteRT has no delegate 'gpu' for this model here: .*WebGPU"):
        device.measure(Job(write("float32", tmp_path), "litert", Plan(runs=1, delegate="gpu")))


def test_without_an_npu_it_says_so(device: LocalDevice, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="LiteRT has no delegate 'npu' for this model here: "):
        device.measure(Job(write("float32", tmp_path), "litert", Plan(runs=1, delegate="npu")))
