"""Times of every operator by LiteRT's C library: named after the layers, plausible, and lost alone when the library crashes."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from edgetl.benchmarking.operators import with_layers
from edgetl.devices import base
from edgetl.devices.base import Job
from edgetl.devices.litert_profile import named
from edgetl.devices.local import LocalDevice
from edgetl.devices.plan import Plan
from tests.conftest import CliResult, Made
from tests.devices.tiny_model import LAYERS, write


@pytest.fixture
def device() -> Iterator[LocalDevice]:
    local = LocalDevice("local", (sys.executable,))
    yield local
    local.close()


def job(model: Path, runtime: str = "litert", **choices: object) -> Job:
    return Job(model, runtime, Plan(runs=20, warmup=5, profile=20, **choices))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["float32", "int8"])
@pytest.mark.parametrize("delegate", ["default", "cpu"])
def test_names_the_layers_of_a_tiny_network(kind: str, delegate: str, device: LocalDevice, tmp_path: Path) -> None:
    model = write(kind, tmp_path)
    operators = with_layers(device.measure(job(model, delegate=delegate)).measurement.profile or (), model)
    assert set(LAYERS) <= {one.layer for one in operators}
    assert all(one.ms >= 0 for one in operators)  # XNNPACK rounds down to whole microseconds
    assert max(one.ms for one in operators) > 0
    inside = any("(NHWC" in one.type for one in operators)
    assert inside == (delegate == "default"), "XNNPACK's own operators, not one for all that it took"


@pytest.mark.parametrize(("suffix", "runtime"), [(".tflite", "litert"), (".onnx", "onnxruntime")])
def test_a_real_int8_models_operators_add_up_to_its_latency(suffix: str, runtime: str, device: LocalDevice, made: Made) -> None:
    model = made.run / "export" / f"model_int8{suffix}"
    found = device.measure(job(model, runtime)).measurement
    operators = with_layers(found.profile or (), model)
    assert {"conv_1_relu", "conv_2_relu", "logits"} <= {one.layer for one in operators}
    # Measured 0.85 to 0.95 on a quiet machine: microseconds are rounded down, and Python's call is not in it. A machine that others
    # use runs the two measurements, a second apart, at speeds that differ by up to 2.5; ONNX Runtime's mean holds interruptions, too.
    most = 4 if runtime == "litert" else 20
    assert 1 / 4 < sum(one.ms for one in operators) / np.median(found.samples_ms) < most


def test_another_release_costs_the_profile_only(cli: Callable[..., CliResult], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its C functions may take other arguments: it is not even tried."""
    other = tmp_path / "ai_edge_litert-9.9.0.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: ai-edge-litert\nVersion: 9.9.0\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    outcome = cli("benchmark", write("int8", tmp_path), "--runs", 5, "--profile", "--out", tmp_path)
    assert outcome.code == 0
    assert "no profile: ai-edge-litert 9.9.0 is not a release" in " ".join((outcome.out + outcome.err).split())


@pytest.mark.parametrize(
    ("end", "why"), [("os.kill(os.getpid(), 11)", "exit code -11"), ("ctypes.CDLL(None).LiteRtNothing", "LiteRtNothing")]
)
def test_a_crash_costs_the_profile_only(end: str, why: str, device: LocalDevice, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "litert_profile.py"
    script.write_text(f"import ctypes, os\n{end}\n", encoding="utf-8")
    monkeypatch.setattr(base, "_LITERT_PROFILE", script)
    found = device.measure(job(write("int8", tmp_path))).measurement
    assert len(found.samples_ms) == 20
    assert found.profile is None
    assert why in found.profile_note


def test_what_cannot_be_matched_keeps_the_kernels_name() -> None:
    """Two convolutions of three were run inside the delegate, and which is not known; the addition is."""
    events = [("Convolution (NHWC) IGEMM", 8, 0, 5), ("Add (ND)", 8, 1, 5), ("Fully Connected (NC) GEMM", 8, 2, 5), ("SOFTMAX", 2, 4, 1)]
    nodes = [("CONV_2D", "a"), ("CONV_2D", "b"), ("ADD", "c"), ("CONV_2D", "d"), ("SOFTMAX", "e")]
    assert named(events, nodes) == ["Convolution (NHWC) IGEMM 0", "c", "Fully Connected (NC) GEMM 2", "e"]
    nodes[1] = ("RESHAPE", "b")
    assert named(events, nodes) == ["a", "c", "d", "e"]
    depthwise = [("Convolution (NHWC) DWConv", 8, 0, 5), *events[1:]]
    assert named(depthwise, nodes)[0] == "Convolution (NHWC) DWConv 0", "the order is another than the model's"
