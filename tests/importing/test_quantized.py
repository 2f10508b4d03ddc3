"""Quantized files come in with their own integers, and go out with them: equal to the bit in TFLite, to a step in ONNX."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgetl.contract import Contract
from edgetl.errors import ModelFileError
from edgetl.export import FORMATS
from edgetl.export.base import Conversion
from edgetl.importing import read
from edgetl.importing.base import ImportedModel, QuantizedFile
from edgetl.importing.convention import InputAffine, convention
from edgetl.importing.grids import Grid
from edgetl.pipeline.imported.own import on_bytes, own_convention, two_classes_of
from edgetl.quantization.quantized import Quantized
from tests.conftest import Made
from tests.exact import exact_session
from tests.importing.conftest import Onnx

PIXELS = np.random.default_rng(8).integers(0, 256, (12, 128, 128, 3), dtype=np.uint8)


def pixels_for(found: ImportedModel) -> np.ndarray:
    """Smooth images, which noise is not."""
    rows, columns = (np.linspace(0, 8, size).astype(int) for size in (found.height, found.width))
    return PIXELS[:, rows][:, :, columns][..., : found.channels]


def converted(found: ImportedModel, feed: str = "", output: str = "uint8") -> Conversion:
    """The way to files, when bytes are fed by a convention; empty: as they are."""
    assert found.numbers is not None
    fed = convention(feed, found.channels) if feed else own_convention(found, found.numbers)
    model, quantized, grid = on_bytes(found, found.numbers, InputAffine.of(fed, found.preprocessing))
    names = tuple(f"class_{number}" for number in range(found.classes))
    contract = Contract.square(found.height, grid.scale, grid.zero_point + 128, names).ending_in(output)  # type: ignore[arg-type]
    return Conversion(quantized.to_keras(model, contract), contract, "int8", FORMATS.load, own=quantized.own)


def by_litert(content: bytes, pixels: np.ndarray) -> np.ndarray:
    """What a file gives for bytes, counted in uint8."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter, made = Interpreter(model_content=content, num_threads=1), []
    interpreter.allocate_tensors()
    [takes], [gives] = interpreter.get_input_details(), interpreter.get_output_details()
    shift = 128 if takes["dtype"] == np.int8 else 0
    for one in pixels:
        interpreter.set_tensor(takes["index"], (one[None].astype(int) - shift).astype(takes["dtype"]))
        interpreter.invoke()
        made.append(interpreter.get_tensor(gives["index"]).reshape(-1).copy())
    outputs = np.array(made)
    return outputs.astype(int) + (128 if outputs.dtype == np.int8 else 0) if outputs.dtype.kind in "iu" else outputs


def by_onnxruntime(content: bytes, inputs: np.ndarray) -> np.ndarray:
    session = exact_session(content)
    outputs = np.array([session.run(None, {session.get_inputs()[0].name: one[None]})[0].reshape(-1) for one in inputs])
    return outputs.astype(int) if outputs.dtype.kind in "iu" else outputs


@pytest.mark.parametrize(("name", "asymmetric"), [("pretrainedResnet_quant", False), ("mobilenet_v1_0.25_128_quant", True)])
def test_real_files_keep_every_integer(name: str, asymmetric: bool, shared_data: Callable[[str], Path]) -> None:
    """Those of MLPerf and of Coral, whose kernels have zero points.

    ResNet-8's average of 8 x 8 places lies between two integers one time in 64, where ONNX Runtime rounds to the even one by itself.
    """
    path = shared_data("foreign") / f"{name}.tflite"
    found = read(path)
    conversion, pixels = converted(found), pixels_for(found)
    expected, made = by_litert(path.read_bytes(), pixels), by_litert(conversion.file("tflite"), pixels)
    assert found.ends_in_steps
    assert {kernel.grid.zero_point != 0 for kernel in conversion.own.kernels.values()} == {asymmetric}  # type: ignore[union-attr]
    assert np.array_equal(made, expected)
    if not asymmetric:
        assert np.abs(by_onnxruntime(conversion.file("onnx"), pixels) - expected).max() <= 1


@pytest.mark.parametrize("name", ["model_int8.tflite", "model_int8.onnx"])
def test_our_own_files_come_back(name: str, made: Made) -> None:
    path = made.run / "export" / name
    found = read(path)
    conversion, pixels = converted(found), pixels_for(found)
    run = by_litert if path.suffix == ".tflite" else by_onnxruntime
    expected = run(path.read_bytes(), pixels)
    assert np.array_equal(run(conversion.file(path.suffix[1:]), pixels), expected)
    assert found.origin.class_names == Contract.read(made.run / "contract.json").class_names


def float_network(path: Path) -> Path:
    """A network with a residual sum, a join, pools and a padded strided convolution, from [1, 3, 16, 16] to 3 logits."""
    graph = Onnx((1, 3, 16, 16))
    first = graph.add("Relu", graph.convolution("image", makes=8, strides=[2, 2], pads=[1, 1, 1, 1]))
    second = graph.convolution(first, reads=8, makes=8, pads=[1, 1, 1, 1], group=8)
    added = graph.add("Relu", graph.add("Add", first, second))
    pooled = graph.add("MaxPool", added, kernel_shape=[2, 2], strides=[2, 2])
    averaged = graph.add("AveragePool", added, kernel_shape=[2, 2], strides=[2, 2])
    joined = graph.add("Concat", pooled, averaged, axis=1)
    return graph.save(path, graph.head(joined, 16))


@pytest.mark.parametrize(
    ("activations", "weights", "by_channel"), [("QInt8", "QInt8", True), ("QUInt8", "QInt8", False), ("QUInt8", "QUInt8", False)]
)
def test_what_onnx_runtime_quantized_comes_in(activations: str, weights: str, by_channel: bool, tmp_path: Path) -> None:
    from onnxruntime import quantization as ort

    class Reader(ort.CalibrationDataReader):  # type: ignore[misc]
        images = iter([{"image": normal[None]} for normal in normalized(PIXELS[:8, :16, :16])])

        def get_next(self) -> object:
            return next(self.images, None)

    path = tmp_path / "quantized.onnx"
    kinds = {"activation_type": ort.QuantType[activations], "weight_type": ort.QuantType[weights]}
    ort.quantize_static(float_network(tmp_path / "float.onnx"), path, Reader(), per_channel=by_channel, **kinds)
    found = read(path)
    conversion, pixels = converted(found, feed="imagenet", output="float32"), PIXELS[:, :16, :16]
    logits = by_onnxruntime(path.read_bytes(), normalized(pixels))
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    step = found.numbers.outputs[found.model.layers[-1].name].scale  # type: ignore[union-attr]
    for made in (by_litert(conversion.file("tflite"), pixels), by_onnxruntime(conversion.file("onnx"), pixels)):
        assert np.abs(made - expected).max() < 2 * step


def normalized(pixels: np.ndarray) -> np.ndarray:
    mean, std = convention("imagenet", 3).mean, convention("imagenet", 3).std
    return ((pixels - np.array(mean)) / np.array(std)).astype(np.float32).transpose(0, 3, 1, 2)


def one_logit(graph: Onnx) -> str:
    """A dense layer of int8 on pixels on a grid, and a sigmoid: two classes with one output."""
    kernel = graph.constant(np.random.default_rng(2).integers(-127, 128, (192, 1)).astype(np.int8))
    image = graph.add("Flatten", pair(graph, "image", 1 / 64, 128))
    real = graph.add("DequantizeLinear", kernel, np.array(0.01, np.float32), np.array(0, np.int8))
    return str(graph.add("Sigmoid", pair(graph, graph.add("Gemm", image, real), 0.3, 128)))


def test_one_logit_becomes_two(tmp_path: Path) -> None:
    """The sigmoid's probability is the second class's."""
    graph = Onnx()
    path = graph.save(tmp_path / "one.onnx", one_logit(graph))
    found, pixels = read(path), PIXELS[:, :8, :8]
    expected = by_onnxruntime(path.read_bytes(), ((pixels.transpose(0, 3, 1, 2) - 128.0) / 64).astype(np.float32))
    made = by_litert(converted(two_classes_of(found), output="float32").file("tflite"), pixels)
    assert np.abs(made[:, 1] - expected[:, 0]).max() < 1e-5
    assert expected.std() > 0.1


def pair(graph: Onnx, value: str, scale: float, zero: int, read_at: float = 0.0) -> str:
    """Put a value onto a grid and take it off again, at another scale where that is given."""
    rounded = graph.add("QuantizeLinear", value, np.array(scale, np.float32), np.array(zero, np.uint8))
    return str(graph.add("DequantizeLinear", rounded, np.array(read_at or scale, np.float32), np.array(zero, np.uint8)))


def partly(graph: Onnx) -> str:
    """Only the image is on a grid."""
    return graph.head(graph.convolution(pair(graph, "image", 0.1, 128)), 6)


def read_otherwise(graph: Onnx) -> str:
    return graph.head(pair(graph, "image", 0.1, 128, read_at=0.2), 3)


def computed_with(graph: Onnx) -> str:
    rounded = graph.add("QuantizeLinear", "image", np.array(0.1, np.float32), np.array(128, np.uint8))
    return graph.head(graph.add("Add", rounded, np.full((1, 3, 1, 1), 1, np.uint8)), 3)


def of_16_bits(graph: Onnx) -> str:
    rounded = graph.add("QuantizeLinear", "image", np.array(0.1, np.float32), np.array(0, np.int16))
    return graph.head(graph.add("DequantizeLinear", rounded, np.array(0.1, np.float32), np.array(0, np.int16)), 3)


def weights_alone(graph: Onnx) -> str:
    kernel = graph.add("DequantizeLinear", np.ones((6, 3, 3, 3), np.int8), np.array(0.1, np.float32), np.array(0, np.int8))
    return graph.head(graph.add("Conv", "image", kernel), 6)


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (partly, "on no grid"),
        (read_otherwise, "another grid"),
        (computed_with, "computes with integers"),
        (of_16_bits, "8 bits"),
        (weights_alone, "only its weights"),
    ],
)
def test_what_is_not_quantized_throughout_is_refused(build: Callable[[Onnx], str], reason: str, tmp_path: Path) -> None:
    graph = Onnx(opset=21)
    path = graph.save(tmp_path / "model.onnx", build(graph))
    with pytest.raises(ModelFileError, match=reason) as found:
        read(path)
    if reason.startswith("o"):
        assert isinstance(found.value, QuantizedFile)
        assert "import the float model" in found.value.remedy


def test_a_quantized_model_keeps_its_own_integers_in_its_file(made: Made, tmp_path: Path) -> None:
    found = read(made.run / "export" / "model_int8.tflite")
    assert found.numbers is not None
    Quantized.of_file(found.model, found.numbers).save(tmp_path / "own.npz")
    back = Quantized.load(tmp_path / "own.npz").own
    assert back is not None
    assert (back.image, dict(back.outputs)) == (found.numbers.image, found.numbers.outputs)
    for name, kernel in found.numbers.kernels.items():
        assert np.array_equal(back.kernels[name].integers, kernel.integers)
        assert np.array_equal(back.kernels[name].grid.scale, kernel.grid.scale)
        assert np.array_equal(back.kernels[name].grid.bias, kernel.grid.bias)
    assert Quantized.load(tmp_path / "own.npz").ranges.keys() == back.outputs.keys()


def test_a_grid_reaches_from_its_lowest_to_its_highest_integer() -> None:
    assert (Grid(0.5, -128).low, Grid(0.5, -128).high, Grid(0.5, 0).low) == (0.0, 127.5, -64.0)
