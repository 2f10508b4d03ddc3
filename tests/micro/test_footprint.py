"""Memory and work on a microcontroller, as TensorFlow Lite Micro's own interpreter finds them."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from edgetl.contract import Contract
from edgetl.errors import DependencyError, ExportError
from edgetl.importing.tflite_reader import packed, read
from edgetl.micro import interpreter as module
from edgetl.micro.footprint import footprint, macs
from edgetl.micro.interpreter import Interpreter
from edgetl.micro.operators import check, resolvers
from edgetl.runtimes.litert import open_session
from edgetl.software import install
from tests.conftest import Made

pytest.importorskip("tflite_micro", reason="tflite-micro is not installed: pip install edgetl[mcu]")


@pytest.fixture(scope="module")
def content(made: Made) -> bytes:
    return (made.run / "export" / "model_int8.tflite").read_bytes()


def test_an_arena_of_what_was_measured_is_enough_and_one_of_less_is_not(content: bytes) -> None:
    found = footprint(content)
    with Interpreter(content, found.arena_bytes) as small:
        assert small.arena_bytes == found.arena_bytes
    with pytest.raises(ExportError, match="Failed to"):
        Interpreter(content, found.arena_bytes - 64)
    assert found.flash_bytes == len(content)
    assert found.arena_size_bytes % 1024 == 0
    assert 1.1 * found.arena_bytes <= found.arena_size_bytes < 1.1 * found.arena_bytes + 1024


def test_it_predicts_as_litert_does(content: bytes, made: Made, tmp_path: Path) -> None:
    """Reference kernels round otherwise by a step or so a layer; a near tie of noise moves by 4 of 256."""
    contract = Contract.read(made.run / "contract.json")
    blocks = np.random.default_rng(3).integers(0, 256, (20, *(-(-edge // 8) for edge in contract.shape[:2]), contract.shape[2]), np.uint8)
    images = blocks.repeat(8, 1).repeat(8, 2)[:, : contract.height, : contract.width]  # pixels of noise alone all look alike to a network
    (tmp_path / "model_int8.tflite").write_bytes(content)
    wanted = open_session(tmp_path / "model_int8.tflite", contract)(images)
    with Interpreter(content) as one:
        found = np.stack([(one(image[None])[0].astype(np.float32) - one.output.zero_point) * one.output.scale for image in images])
    steps = np.abs(found - wanted) * 256
    assert steps.max() <= 8
    assert steps.mean() <= 1
    assert found.std(axis=0).max() > 0.05


def test_the_work_is_that_of_convolutions_and_dense_layers(content: bytes, made: Made) -> None:
    from edgetl.backbones.keras_file import load

    wanted = 0
    for layer in load(made.run / "float.keras").layers:
        if hasattr(layer, "kernel") or hasattr(layer, "depthwise_kernel"):
            kernel = layer.depthwise_kernel if hasattr(layer, "depthwise_kernel") else layer.kernel
            places = int(np.prod(layer.output_shape[1:-1]))
            wanted += places * int(np.prod(kernel.shape))
    assert macs(content) == wanted > 0


def test_the_resolvers_are_those_of_its_operators(content: bytes) -> None:
    assert resolvers(content) == ["AddConv2D", "AddFullyConnected", "AddMaxPool2D", "AddMean", "AddQuantize", "AddSoftmax"]


def changed(content: bytes, change: Any) -> bytes:
    model = read(content)
    change(model)
    return packed(model)


def code_of(model: Any, kind: int) -> Any:
    return next(code for code in model.operatorCodes if code.builtinCode == kind)


def test_an_operator_that_it_has_not_is_named(content: bytes) -> None:
    def gelu(model: Any) -> None:
        code_of(model, schema.BuiltinOperator.MEAN).builtinCode = schema.BuiltinOperator.GELU

    with pytest.raises(ExportError, match=r"cannot run GELU \("):
        check(changed(content, gelu))


def test_uint8_has_no_kernels(content: bytes) -> None:
    """Files of before 2019 compute in uint8, which only QUANTIZE takes."""

    def old(model: Any) -> None:
        for tensor in model.subgraphs[0].tensors:
            tensor.type = schema.TensorType.UINT8 if tensor.type == schema.TensorType.INT8 else tensor.type

    with pytest.raises(ExportError, match=r"CONV_2D \(.*\) of uint8"):
        check(changed(content, old))


def test_a_shape_that_is_not_fixed_is_refused(content: bytes) -> None:
    def free(model: Any) -> None:
        for tensor in model.subgraphs[0].tensors:
            tensor.shapeSignature = np.array([-1, *tensor.shape[1:]], np.int32)

    with pytest.raises(ExportError, match="whose shape is not fixed"):
        check(changed(content, free))


def test_a_float_file_is_none_for_a_microcontroller(made: Made) -> None:
    def floats(model: Any) -> None:
        graph = model.subgraphs[0]
        graph.tensors[graph.inputs[0]].type = schema.TensorType.FLOAT32

    with pytest.raises(ExportError, match="takes float32"):
        check(changed((made.run / "export" / "model_int8.tflite").read_bytes(), floats))


def test_what_ends_the_interpreter_ends_no_more_than_that(content: bytes) -> None:
    with pytest.raises(ExportError, match="TensorFlow Lite Micro cannot run the file"):
        Interpreter(content[: len(content) // 2])


def test_without_it_the_command_that_installs_it_is_named(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "missing", lambda: "it is not installed")
    with pytest.raises(DependencyError) as caught:
        footprint(content)
    assert caught.value.remedy == install("mcu")


def test_a_footprint_is_frozen(content: bytes) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        footprint(content).macs = 0  # type: ignore[misc]
