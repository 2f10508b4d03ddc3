"""Estimates of Arm's compiler for its NPUs: what is run by whom, and that nothing is called measured."""

from collections.abc import Callable
from pathlib import Path

import pytest
from ai_edge_litert import schema_py_generated as schema

from edgetl.devices import open_device
from edgetl.devices.base import Job
from edgetl.devices.plan import Plan
from edgetl.errors import AccelerationError, DependencyError, DeviceError, UsageError
from edgetl.importing.tflite_reader import read
from edgetl.micro import ethos_u
from edgetl.micro.ethos_u import ACCELERATORS, compiled
from edgetl.micro.operators import ETHOS_U, check, place_of, resolvers
from edgetl.software import install
from tests.conftest import CliResult, Made
from tests.devices.tiny_model import write

pytest.importorskip("ethosu", reason="ethos-u-vela is not installed: pip install edgetl[mcu]")


@pytest.fixture(scope="module")
def model(made: Made) -> Path:
    return made.run / "export" / "model_int8.tflite"


@pytest.mark.parametrize("accelerator", ACCELERATORS)
def test_every_npu_gets_an_estimate_with_all_operators(accelerator: str, model: Path) -> None:
    device = open_device(f"vela:{accelerator}")
    found = device.measure(Job(model, "litert")).measurement
    device.close()
    assert not device.timed
    assert found.estimate is not None
    assert found.placement is not None
    assert found.latency_ms is None, "nothing was measured"
    assert found.estimate.accelerator == accelerator
    assert found.estimate.on_npu == found.estimate.operators == len(read(model.read_bytes()).subgraphs[0].operators)
    assert found.placement.fell_back == ()
    assert found.estimate.cycles >= found.estimate.npu_cycles > 0
    assert found.estimate.ms == pytest.approx(found.estimate.cycles / found.estimate.clock_mhz / 1000)
    assert min(found.estimate.sram_bytes, found.estimate.flash_bytes) > 1024


def test_more_multipliers_take_fewer_cycles(model: Path) -> None:
    cycles = [compiled(model.read_bytes(), f"ethos-u55-{number}").estimate.npu_cycles for number in (32, 128, 256)]
    assert cycles == sorted(cycles, reverse=True)
    assert cycles[0] > 1.5 * cycles[-1]


def test_operators_that_the_npu_has_not_are_named(tmp_path: Path) -> None:
    """No NPU of this family computes in float."""
    found = open_device("vela:ethos-u55-128").measure(Job(write("kept_float", tmp_path), "litert")).measurement
    assert found.placement is not None
    assert found.estimate is not None
    assert 0 < len(found.placement.fell_back) < found.estimate.operators
    assert any(one.startswith("LOCAL_RESPONSE_NORMALIZATION (") for one in found.placement.fell_back)
    assert found.estimate.left.endswith(", ".join(found.placement.fell_back))
    assert [share.operators for share in found.placement.shares] == [found.estimate.on_npu, len(found.placement.fell_back)]


def test_an_operator_on_the_cpu_is_a_warning_and_an_exit_code(tmp_path: Path, cli: Callable[..., CliResult]) -> None:
    odd = write("kept_float", tmp_path)
    arguments = ("benchmark", odd, "--device", "vela:ethos-u55-128", "--out", tmp_path / "bench")
    warned = cli(*arguments)
    assert warned.code == 0
    assert "stay with the CPU, whose time is not in the estimate: " in warned.err
    assert "+ the CPU's" in warned.out, "what the NPU takes is not the time of a prediction"
    assert cli(*arguments, "--delegate", "npu", "--require-accelerated").code == AccelerationError.exit_code


def test_operators_of_the_npu_may_have_no_output() -> None:
    """Vela makes such where float and integers alternate, as in a file with an operator kept in float."""
    code, tensor = schema.OperatorCodeT(), schema.TensorT()
    code.customCode, code.builtinCode, tensor.name = ETHOS_U.encode(), 32, b"net/pool/Mean;net/relu"
    model, graph, operator = schema.ModelT(), schema.SubGraphT(), schema.OperatorT()
    model.operatorCodes, graph.tensors, operator.opcodeIndex, operator.outputs = [code], [tensor], 0, []
    assert place_of(model, graph, operator) == ETHOS_U
    operator.outputs = [0]
    assert place_of(model, graph, operator) == f"{ETHOS_U} (net/pool/Mean)"


def test_the_compiled_file_has_one_operator_of_the_npu(model: Path) -> None:
    content = compiled(model.read_bytes(), "ethos-u55-128").content
    assert resolvers(content) == ["AddEthosU"]
    check(content)


def test_the_command_reports_it_as_an_estimate(model: Path, cli: Callable[..., CliResult], tmp_path: Path) -> None:
    out = tmp_path / "bench"
    outcome = cli(
        "benchmark", model, "--device", "vela:ethos-u55-128", "--delegate", "npu", "--require-accelerated", "--out", out, "--json"
    )
    assert outcome.code == 0, outcome.err
    [result] = outcome.document["results"]
    assert result["measurement"]["latency_ms"] is None
    assert result["measurement"]["estimate"]["accelerator"] == "ethos-u55-128"
    assert "Estimated by Arm's compiler" in (out / "benchmark.md").read_text(encoding="utf-8")
    assert not (out / "benchmark.png").exists(), "an estimate is no latency"


def test_it_predicts_nothing_and_measures_no_onnx_file(made: Made, model: Path, tmp_path: Path, cli: Callable[..., CliResult]) -> None:
    device = open_device("vela:ethos-u65-256")
    with pytest.raises(DeviceError, match="predicts nothing"):
        device.measure(Job(model, "litert", images=tmp_path, image_count=2))
    with pytest.raises(DeviceError, match="has no delegate 'gpu'"):
        device.measure(Job(model, "litert", Plan(delegate="gpu")))
    outcome = cli("benchmark", made.run / "export" / "model_int8.onnx", "--device", "vela:ethos-u65-256", "--out", tmp_path / "bench")
    assert outcome.code == DeviceError.exit_code
    assert "can measure none of these files" in outcome.out + outcome.err


def test_files_that_compute_in_float_are_left_out_beside_others(tmp_path: Path, cli: Callable[..., CliResult]) -> None:
    """A run holds such files too, and naming all their operators helps nobody; a file with one operator in float is another matter."""
    files = [write(kind, tmp_path) for kind in ("float32", "int8", "kept_float")]
    devices = [part for name in ("vela:ethos-u55-128", "tflm") for part in ("--device", name)]
    outcome = cli("benchmark", *files[:2], *devices, "--out", tmp_path / "bench", "--json")
    assert outcome.code == 0, outcome.err
    assert [row["model"] for row in outcome.document["results"]] == [files[1].name] * 2
    for name in ("vela:ethos-u55-128", "tflm"):
        said = f"{name}: left out {files[0].name} (in float; it computes in integers)"
        assert said in " ".join(outcome.err.split())
        assert said in (tmp_path / "bench/benchmark.md").read_text(encoding="utf-8")
        assert files[0].name in outcome.document["devices"][name]["left_out"]
    assert "stay with the CPU" not in outcome.err
    alone = cli("benchmark", files[0], "--device", "vela:ethos-u55-128", "--out", tmp_path / "alone")
    assert "stay with the CPU" in alone.err, "what is the only file was meant"
    odd = cli("benchmark", files[1], files[2], "--device", "vela:ethos-u55-128", "--out", tmp_path / "odd")
    assert "LOCAL_RESPONSE_NORMALIZATION" in odd.err


def test_what_is_wrong_is_said(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError) as unknown:
        open_device("vela:ethos-u55-12")
    assert "ethos-u55-128" in unknown.value.remedy
    monkeypatch.setattr(ethos_u, "version_of", lambda package: "")
    with pytest.raises(DependencyError) as missing:
        open_device("vela:ethos-u55-128")
    assert missing.value.remedy == install("mcu")
