"""The checks between a model and its files: what would quietly run in float, or with other scales, does not get out."""

import hashlib
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgetl.keras import keras, layers, tf

import numpy as np
import onnx
import pytest
from ai_edge_litert.interpreter import Interpreter
from onnx import numpy_helper
from tensorflow.lite.python.convert_phase import ConverterError

from edgetl.contract import Contract
from edgetl.errors import DataError, ExportError
from edgetl.export import FORMATS, onnx_writer, tflite_checks
from edgetl.export.base import About, Conversion
from edgetl.export.tflite_writer import float_tflite, int8_tflite
from edgetl.quantization.quantized import FakeQuantize, bake
from tests.exact import exact_session
from tests.export.conftest import Network, from_lite
from tests.quantization.ranges import activation_ranges

INT8 = [form for form in FORMATS if "int8" in FORMATS.load(form).precisions]
CONTRACT = Contract.square(8, 1 / 127.5, 128, ("a", "b", "c"))
PIXELS = np.random.default_rng(0).integers(0, 256, (16, 8, 8, 3), np.uint8)


class Sine(layers.Layer):
    """An operator without an integer kernel."""

    def call(self, inputs: Any) -> Any:
        return tf.math.sin(inputs)


def tiny(*, zero_bias: bool = False) -> Any:
    keras.utils.set_random_seed(4)
    image = keras.Input((8, 8, 3))
    bias = "zeros" if zero_bias else "random_normal"
    x = layers.ReLU(6.0, name="relu_a")(layers.Conv2D(4, 3, padding="same", bias_initializer=bias, name="conv_a")(image))
    x = layers.ReLU(6.0, name="relu_b")(layers.Conv2D(4, 1, bias_initializer=bias, name="conv_b")(x))
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, layers.Dense(3, bias_initializer=bias, name="logits")(x))


def quantized(model: Any, leave_out: str = "") -> Any:
    ranges = activation_ranges(model, CONTRACT, PIXELS, np.arange(len(PIXELS)))
    weights = {layer.name: layer.get_weights() for layer in model.layers if layer.weights}
    baked = bake(model, weights, ranges, CONTRACT)
    return replace(baked, ranges={name: ends for name, ends in ranges.items() if name != leave_out}).to_keras(model, CONTRACT)


def with_sine() -> Any:
    image = keras.Input((8, 8, 3))
    x = FakeQuantize(CONTRACT.low, CONTRACT.high)(image)
    x = FakeQuantize(-3.0, 3.0)(layers.Conv2D(4, 3)(x))
    x = FakeQuantize(-1.0, 1.0)(Sine()(x))
    return keras.Model(image, FakeQuantize(-1.0, 1.0)(layers.Dense(3)(FakeQuantize(-1.0, 1.0)(layers.GlobalAveragePooling2D()(x)))))


def test_biases_that_share_a_scale_do_not_get_out() -> None:
    """The converter merges equal constants; the runtime would read the second layer's bias at the wrong size."""

    def convert(model: Any) -> bytes:
        samples = lambda: ([pixels[None].astype(np.float32)] for pixels in PIXELS)  # noqa: E731
        return Conversion(model, CONTRACT, "int16x8", FORMATS.load, samples=samples).file("tflite")

    convert(tiny())
    model = tiny()
    for name in ("conv_a", "conv_b"):
        model.get_layer(name).bias.assign([0.1, -0.2, 0.3, 0.4])
    with pytest.raises(ExportError, match=r"another layer's scale: .*relu_b"):
        convert(model)


@pytest.fixture(scope="module")
def lite() -> bytes:
    return int8_tflite(quantized(tiny()), CONTRACT)


@pytest.mark.parametrize("form", INT8)
def test_an_operator_without_integer_kernel_is_named(form: str) -> None:
    with pytest.raises(ExportError, match=r"still computes in float: .*(SIN|Sin) \(") as caught:
        Conversion(with_sine(), CONTRACT, "int8", FORMATS.load).file(form)
    assert "backbone" in caught.value.remedy


@pytest.mark.parametrize("form", INT8)
def test_a_layer_without_range_is_named(form: str) -> None:
    with pytest.raises(ExportError, match=r"still computes in float: .*(CONV_2D|Conv)"):
        Conversion(quantized(tiny(), leave_out="relu_a"), CONTRACT, "int8", FORMATS.load).file(form)


@pytest.mark.parametrize("form", [form for form in INT8 if FORMATS.load(form).runtime == "onnxruntime"])
def test_a_selective_file_may_compute_in_float(form: str) -> None:
    made = Conversion(quantized(tiny(), leave_out="relu_a"), CONTRACT, "int8", FORMATS.load, selective=True).file(form)
    session = exact_session(made)
    predictions = np.concatenate([session.run(None, {"image": image})[0] for image in PIXELS[:, None]])
    assert predictions.dtype == np.uint8
    assert np.ptp(predictions.astype(int), axis=0).max() > 4
    integers = exact_session(Conversion(quantized(tiny()), CONTRACT, "int8", FORMATS.load).file("onnx"))
    expected = np.concatenate([integers.run(None, {"image": image})[0] for image in PIXELS[:, None]])
    assert np.abs(predictions.astype(int) - expected.astype(int)).max() <= 8  # of 256 steps: one layer's rounding less


IN_ANOTHER_PROCESS = """
import hashlib, sys
from pathlib import Path
from edgetl.contract import Contract
from edgetl.export import FORMATS
from edgetl.export.base import About, Conversion
from edgetl.keras import keras
contract = Contract.square(8, 1 / 127.5, 128, ("a", "b", "c"))
for name, precision, path in zip(*[iter(sys.argv[1:])] * 3):
    model, lite = keras.models.load_model(path, compile=False), Path(path).with_suffix(".tflite").read_bytes()
    made = {} if name == "tflite" and precision != "int8" else {"tflite": lite}
    content = Conversion(model, contract, precision, FORMATS.load, made=made).file(name)
    made = FORMATS.load(name).stamp(content, contract, About("a name"))
    print("sha256", name, precision, hashlib.sha256(made).hexdigest())
"""


def test_every_process_writes_the_same_bytes(tmp_path: Path) -> None:
    """tf2onnx names by a counter and orders by hashes; equal biases could be told apart by name only. A cache compares bytes."""
    float_model = tiny()
    models = {"int8": quantized(tiny(zero_bias=True)), "float16": float_model, "float32": float_model}
    conversions = {precision: Conversion(model, CONTRACT, precision, FORMATS.load) for precision, model in models.items()}
    for precision, conversion in conversions.items():
        float_model.save(tmp_path / f"{precision}.keras", save_format="keras")
        (tmp_path / f"{precision}.tflite").write_bytes(conversion.file("tflite"))
    arguments, here = [], []
    for form, made in [(form, FORMATS.load(form)) for form in FORMATS]:
        for precision in set(made.precisions) & set(models):
            arguments += [form, precision, str(tmp_path / f"{precision}.keras")]
            content = made.stamp(conversions[precision].file(form), CONTRACT, About("a name"))
            here.append((form, precision, hashlib.sha256(content).hexdigest()))
    found = subprocess.run([sys.executable, "-c", IN_ANOTHER_PROCESS, *arguments], check=True, capture_output=True, text=True).stdout
    assert [tuple(line.split()[1:]) for line in found.splitlines() if line.startswith("sha256")] == here


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_a_map_of_one_pixel_leaves_no_reshape(precision: str) -> None:
    """Which tf2onnx makes of transpositions, and leaves some of, other ones in other processes."""
    keras.utils.set_random_seed(4)
    image = keras.Input((8, 8, 3))
    first = layers.ReLU(6.0, name="one")(layers.Conv2D(4, 8, name="conv_one")(image))
    deep = layers.ReLU(6.0, name="two")(layers.DepthwiseConv2D(3, padding="same", name="deep")(first))
    added = layers.Add(name="add")([first, layers.Conv2D(4, 1, name="conv_two")(deep)])
    model = keras.Model(image, layers.Dense(3, name="logits")(layers.GlobalAveragePooling2D(name="pool")(added)))
    lite = int8_tflite(quantized(model), CONTRACT) if precision == "int8" else float_tflite(model, CONTRACT, precision)
    made = from_lite(lite, "onnx", CONTRACT, precision)
    kinds = [node.op_type for node in onnx.load_from_string(made).graph.node]
    convolutions = [kind for kind in kinds if kind.endswith("Conv")]
    assert len(convolutions) == 3
    assert kinds.count("Reshape") <= 1, "that of the pool to the dense layer"
    taken = PIXELS[:1] if precision == "int8" else PIXELS[:1].astype(np.float32)
    [answer] = exact_session(made).run(None, {"image": taken})
    interpreter = Interpreter(model_content=lite)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], taken)
    interpreter.invoke()
    expected = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.testing.assert_allclose(answer.astype(np.float32), expected.astype(np.float32), atol=1 if precision == "int8" else 1e-5)


@pytest.mark.parametrize("form", INT8)
def test_a_float_model_is_no_int8_file(form: str) -> None:
    with pytest.raises(ExportError, match="still computes in float"):
        Conversion(tiny(), CONTRACT, "int8", FORMATS.load).file(form)


def test_equal_biases_of_two_layers_are_no_fault() -> None:
    """Untrained layers' biases are all zero, and one constant for both would hide that their scales differ."""
    content = int8_tflite(quantized(tiny(zero_bias=True)), CONTRACT)
    onnx_writer.check_same_grids(content, onnx.load_from_string(onnx_writer.quantized_pairs(content, CONTRACT)))


def test_the_converters_passes_are_put_back(lite: bytes) -> None:
    import tf2onnx.optimizer

    before = list(tf2onnx.optimizer._optimizers.items())
    from_lite(lite, "onnx", CONTRACT, "int8")
    assert list(tf2onnx.optimizer._optimizers.items()) == before


@pytest.mark.parametrize("part", ["scale", "zero point"])
@pytest.mark.parametrize("kind", ["activation", "weight"])
def test_tampered_grids_are_noticed(part: str, kind: str, lite: bytes) -> None:
    model = onnx.load_from_string(onnx_writer.quantized_pairs(lite, CONTRACT))
    onnx_writer.check_same_grids(lite, model)
    written = {name for node in model.graph.node for name in node.output} | {value.name for value in model.graph.input}
    place = 1 if part == "scale" else 2
    pairs = [n for n in model.graph.node if n.op_type == ("QuantizeLinear" if kind == "activation" else "DequantizeLinear")]
    node = next(n for n in pairs if kind == "activation" or n.input[0] not in written)
    constant = next(tensor for tensor in model.graph.initializer if tensor.name == node.input[place])
    values = numpy_helper.to_array(constant).copy()
    values.reshape(-1)[-1] += 1 if part == "zero point" else values.reshape(-1)[-1] * 1e-4  # a ten-thousandth is seen too
    constant.CopyFrom(numpy_helper.from_array(values, constant.name))
    with pytest.raises(ExportError, match="scales differ between TFLite and ONNX"):
        onnx_writer.check_same_grids(lite, model)


def test_a_tensor_that_lost_its_grid_is_noticed(lite: bytes) -> None:
    model = onnx.load_from_string(onnx_writer.quantized_pairs(lite, CONTRACT))
    quantize = next(node for node in model.graph.node if node.op_type == "QuantizeLinear")
    dequantize = next(node for node in model.graph.node if node.op_type == "DequantizeLinear" and node.input[0] == quantize.output[0])
    for node in model.graph.node:
        for index, name in enumerate(node.input):
            if name == dequantize.output[0]:
                node.input[index] = quantize.input[0]
    model.graph.node.remove(quantize)
    model.graph.node.remove(dequantize)
    with pytest.raises(ExportError, match="scales differ"):
        onnx_writer.check_same_grids(lite, model)


def fails_with(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    class Converter:
        def convert(self) -> bytes:
            raise error

    monkeypatch.setattr(tf.lite.TFLiteConverter, "from_concrete_functions", lambda functions: Converter())


@pytest.mark.parametrize("kind", [RuntimeError, ValueError, ConverterError])
def test_a_converter_that_fails_is_a_message(kind: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    fails_with(kind("no luck\nand a long story"), monkeypatch)
    with pytest.raises(ExportError, match="the TFLite converter failed: no luck\n"):
        float_tflite(tiny(), CONTRACT, "float32")


@pytest.mark.parametrize("error", [TypeError("a fault of ours"), DataError("the images changed", "train again")])
def test_what_is_no_failure_of_the_converter_stays_what_it_is(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    fails_with(error, monkeypatch)
    with pytest.raises(type(error), match=str(error).splitlines()[0]):
        float_tflite(tiny(), CONTRACT, "float32")


def test_operators_are_counted(network: Callable[[str], Network]) -> None:
    counts = tflite_checks.operators(network("mobilenet_v2").lite("int8"))
    assert counts["ADD"] == 10  # the paper's residual blocks
    assert counts["CONV_2D"] == 35
    assert counts["DEPTHWISE_CONV_2D"] == 17
    assert counts["SOFTMAX"] == 1
    assert counts["QUANTIZE"] == 2  # from uint8 to int8 and back, at the two ends
    assert not [kind for kind in counts if "DEQUANTIZE" in kind or "RELU" in kind]
