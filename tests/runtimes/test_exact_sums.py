"""ONNX Runtime's sums of int8 products are exact on every processor: x86 without VNNI saturates them in a session by default."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from edgetl.devices.engine_onnxruntime import OnnxRuntime
from edgetl.export.onnx_optimizer import optimized
from edgetl.runtimes.onnxruntime import _opened

TERMS = 64  # of a sum; two products of 255 and 127 are beyond int16, where those processors add them
SCALE = float(2 * TERMS * 127)  # of the result, so that 255 is half of what a byte reaches above and below its middle


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A graph of one multiplication, from uint8 [1, TERMS] to uint8 [1, 2]: the sum of all, and its negative."""
    weights = np.repeat([[127, -127]], TERMS, axis=0).astype(np.int8)
    given = {"one": np.float32(1), "zero": np.uint8(0), "w": weights, "of_w": np.int8(0), "scale": np.float32(SCALE), "y0": np.uint8(128)}
    node = helper.make_node("QLinearMatMul", ["x", "one", "zero", "w", "one", "of_w", "scale", "y0"], ["y"])
    ends = [helper.make_tensor_value_info(name, TensorProto.UINT8, [1, size]) for name, size in (("x", TERMS), ("y", 2))]
    graph = helper.make_graph([node], "sum", ends[:1], ends[1:], [numpy_helper.from_array(np.asarray(v), k) for k, v in given.items()])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    made.ir_version = 8
    onnx.save(made, tmp_path / "sum.onnx")
    return tmp_path / "sum.onnx"


def _wanted(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    total = images.astype(np.int64).sum(axis=1) * 127
    return np.clip(np.rint(np.stack([total, -total], axis=1) / SCALE) + 128, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("level", [10, 127, 200, 255])
def test_sums_are_exact_wherever_a_file_is_run(file: Path, level: int, tmp_path: Path) -> None:
    images = np.full((1, TERMS), level, np.uint8)
    engine = OnnxRuntime(SimpleNamespace(threads=1, delegate="cpu", model=str(file)))  # type: ignore[arg-type]
    engine.feed(images)
    engine.infer()
    prepared = tmp_path / "sum.ort"
    prepared.write_bytes(optimized(file.read_bytes(), for_any_processor=True, form="ORT"))
    for found in (engine.predictions() * 256, *(_run(path, images) for path in (file, prepared))):
        np.testing.assert_array_equal(found, _wanted(images))


def _run(path: Path, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return _opened(path)._probabilities(images) * 256
