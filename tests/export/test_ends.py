"""What a file ends in, in integers and in float: a softmax, one with the logit of unknown images, a sigmoid for each of several classes.

Of hand-made networks with random weights, whose predictions differ from image to image.
"""

import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from edgetl.keras import keras, layers

import numpy as np
import onnx
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from edgetl.contract import Contract
from edgetl.export import FORMATS, integer_graph, onnx_writer, tflite_checks
from edgetl.export.base import About, Conversion
from edgetl.export.onnx_optimizer import optimized
from edgetl.importing import read
from edgetl.output import PROBABILITY_SCALE, OutputType, Rejection, Thresholds
from edgetl.quantization.quantized import Quantized, bake
from edgetl.runtimes import RUNTIMES, open_session
from edgetl.runtimes.keras import KerasSession
from tests.conftest import Classify
from tests.export.conftest import scenes
from tests.quantization.ranges import activation_ranges

NAMES = ("rain", "sea", "snow", "sun", "tree")
PIXELS = scenes(60)
INT8 = [form for form in FORMATS if "int8" in FORMATS.load(form).precisions and not RUNTIMES.load(FORMATS.load(form).runtime).missing]
SOFTMAX = Contract.square(32, 1 / 127.5, 128, NAMES)
ENDS = {
    "softmax": SOFTMAX,
    "unknown": SOFTMAX.rejecting(Rejection(threshold=0.4 - PROBABILITY_SCALE / 2, keep=0.95, inside_the_model=True)),
    "sigmoid": SOFTMAX.for_task("multi-label"),
}
# The reference kernels of microcontrollers round twice, and may end at the next logit, which is worth 4 steps of probability.
STEPS = {form: 4 if form == "tflm" else 1 for form in INT8}
every_end = pytest.mark.parametrize("end", ENDS)
every_form = pytest.mark.parametrize("form", INT8)


class Net:
    """A network with one of the ends, and its int8 files, each made when it is first asked for."""

    def __init__(self, end: str, folder: Path) -> None:
        self.folder, self.contract, self.end = folder, ENDS[end], end
        keras.utils.set_random_seed(4)
        image = keras.Input((32, 32, 3))
        x = layers.ReLU(6.0, name="relu")(layers.Conv2D(16, 3, strides=4, bias_initializer="random_normal", name="conv")(image))
        count = len(NAMES) + (end == "unknown")
        logits = layers.Dense(count, name="logits")(layers.GlobalAveragePooling2D(name="pool")(x))
        self.model = keras.Model(image, logits)
        made = self.model(self.contract.normalize(PIXELS.astype(np.float32)), training=False).numpy()
        kernel, _ = self.model.get_layer("logits").get_weights()
        self.model.get_layer("logits").set_weights([2 * kernel / made.std(0), -2 * made.mean(0) / made.std(0)])
        weights = {layer.name: layer.get_weights() for layer in self.model.layers if layer.weights}
        self.grids = bake(self.model, weights, activation_ranges(self.model, self.contract, PIXELS, np.arange(len(PIXELS))), self.contract)
        self.promised = KerasSession(self.grids.to_keras(self.model, self.contract), self.contract)(PIXELS)

    @cache  # noqa: B019  a few files
    def conversion(self, dtype: OutputType) -> Conversion:
        contract = self.contract.ending_in(dtype)
        return Conversion(self.grids.to_keras(self.model, contract), contract, "int8", FORMATS.load)

    def from_its_file(self, dtype: OutputType) -> Conversion:
        """The way from the integers of its own TFLite file, which are to be kept."""
        found, contract = read(self.file("tflite", "uint8")), self.contract.ending_in(dtype)
        assert found.numbers is not None
        quantized = Quantized.of_file(found.model, found.numbers)
        return Conversion(quantized.to_keras(found.model, contract), contract, "int8", FORMATS.load, own=quantized.own)

    def file(self, form: str, dtype: OutputType) -> Path:
        conversion = self.conversion(dtype)
        path = self.folder / f"{self.end}_{dtype}{FORMATS.load(form).suffix}"
        path.write_bytes(FORMATS.load(form).stamp(conversion.file(form), conversion.contract, About("ends")))
        return path

    def predictions(self, form: str, dtype: OutputType) -> NDArray[np.float32]:
        return open_session(self.file(form, dtype), self.contract.ending_in(dtype))(PIXELS)


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Net]:
    return cache(lambda end: Net(end, tmp_path_factory.mktemp(end)))


@every_form
@every_end
def test_a_float_end_is_the_models(end: str, form: str, net: Callable[[str], Net]) -> None:
    found = net(end).predictions(form, "float32")
    assert np.ptp(found, axis=0).min() > 0.3, "a model that always predicts the same would agree with anything"
    # The integers before it are the same, to the bit, but for reference kernels.
    np.testing.assert_allclose(found, net(end).promised, atol=1e-5 if STEPS[form] == 1 else STEPS[form] * PROBABILITY_SCALE)


@every_end
def test_only_the_end_computes_in_float(end: str, net: Callable[[str], Net]) -> None:
    lite, pairs = (net(end).file(form, "float32").read_bytes() for form in ("tflite", "onnx_qdq"))
    kinds = [name.split(" ")[0] for name in tflite_checks.float_operators(lite)]
    assert kinds[0] == "DEQUANTIZE"
    assert {"softmax": {"SOFTMAX"}, "unknown": {"SOFTMAX", "STRIDED_SLICE", "MUL", "ADD"}, "sigmoid": {"LOGISTIC"}}[end] == set(kinds[1:])
    graph = onnx.load_from_string(optimized(pairs))
    assert integer_graph.float_operators(graph, float_end=True) == []
    assert "DequantizeLinear" in " ".join(integer_graph.float_operators(graph))
    names = [tensor.name for tensor in tflite_checks.read(lite).subgraphs[0].tensors]
    assert len(set(names)) == len(names), "tensors have names of their own"


@every_form
@every_end
def test_integers_are_a_step_from_the_model(end: str, form: str, net: Callable[[str], Net]) -> None:
    """Of the logits' integers each operator behind them rounds once: a softmax is cut into two and joined where unknown images have one."""
    far = np.abs(net(end).predictions(form, "uint8") - net(end).promised).max() / PROBABILITY_SCALE
    assert far <= (1.5 if end == "unknown" else 0) + STEPS[form]


@every_end
def test_both_engines_decide_alike(end: str, net: Callable[[str], Net]) -> None:
    lite, contract = net(end).predictions("tflite", "uint8"), net(end).contract
    for form in INT8:
        found = net(end).predictions(form, "uint8")
        assert np.abs(lite - found).max() / PROBABILITY_SCALE <= STEPS[form]
        np.testing.assert_array_equal(contract.output.present(lite), contract.output.present(found))


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@every_end
def test_several_images_at_a_time_end_alike(end: str, dtype: OutputType, net: Callable[[str], Net]) -> None:
    conversion = net(end).conversion(dtype)
    for form, batch in (("tflite", 4), ("onnx", 4), ("onnx_qdq", 4)):
        made = FORMATS.load(form)
        path = net(end).folder / f"batch{made.suffix}"
        assert made.in_batches is not None
        path.write_bytes(made.in_batches(conversion, batch))
        found = open_session(path, conversion.contract.in_batches(batch))(PIXELS)
        np.testing.assert_allclose(found, net(end).predictions(form, dtype), atol=1e-6)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("end", ["softmax", "sigmoid"])  # a file's own integers get no logit of unknown images
def test_a_files_own_integers_end_alike(end: str, dtype: OutputType, net: Callable[[str], Net]) -> None:
    conversion = net(end).from_its_file(dtype)
    path = net(end).folder / f"own_{dtype}.tflite"
    path.write_bytes(conversion.file("tflite"))
    tflite_checks.check_integer(path.read_bytes(), conversion.contract)
    np.testing.assert_array_equal(open_session(path, conversion.contract)(PIXELS), net(end).predictions("tflite", dtype))
    if dtype == "uint8":
        onnx_writer.check_integer(conversion.file("onnx_qdq"), conversion.contract)


@pytest.mark.parametrize("step", [0.02, 0.1, 0.17])  # of the logits: from all but even ones to those that are 0 or 1
def test_every_kernel_has_the_same_sigmoids(step: float, tmp_path: Path) -> None:
    """TFLite's plain kernel computes in fixed point, the others look the 256 values up in a table: a step apart at most."""
    found = sigmoids_of_all_logits(step, tmp_path)
    exact = 1 / (1 + np.exp(-step * np.arange(-128, 128)))
    for values in found.values():
        assert np.abs(values - np.minimum(exact, 255 / 256)).max() * 256 <= 1
    np.testing.assert_array_equal(found["XNNPACK"], found["ONNX Runtime"])
    assert np.abs(found["reference"] - found["XNNPACK"]).max() * 256 <= 1


def sigmoids_of_all_logits(step: float, folder: Path) -> dict[str, NDArray[np.float64]]:
    """Return the sigmoids, float64 [256], of the logits -128 to 127 times the step, by the kernels that made them."""
    contract = Contract.square(1, step, 128, NAMES).for_task("multi-label")
    image = keras.Input((1, 1, 3))
    logits = layers.Flatten(name="flat")(layers.Conv2D(len(NAMES), 1, name="logits")(image))
    model = keras.Model(image, logits)
    same = np.zeros((1, 1, 3, len(NAMES)), np.float32)
    same[..., 0, :] = 1
    weights = {"logits": [same, np.zeros(len(NAMES), np.float32)]}
    ends = (-128 * step, 127 * step)
    grids = bake(model, weights, {"logits": ends}, contract)
    conversion: Any = Conversion(grids.to_keras(model, contract), contract, "int8", FORMATS.load)
    pixels = np.arange(256, dtype=np.uint8).reshape(256, 1, 1, 1).repeat(3, axis=3)
    resolvers = {
        "XNNPACK": OpResolverType.AUTO,
        "builtin": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        "reference": OpResolverType.BUILTIN_REF,
    }
    found = {}
    for name, resolver in resolvers.items():
        interpreter = Interpreter(model_content=conversion.file("tflite"), experimental_op_resolver_type=resolver)
        interpreter.allocate_tensors()
        [takes], [gives] = interpreter.get_input_details(), interpreter.get_output_details()
        rows = []
        for one in pixels:
            interpreter.set_tensor(takes["index"], one[None])
            interpreter.invoke()
            rows.append(int(interpreter.get_tensor(gives["index"])[0, 0]) / 256)
        found[name] = np.array(rows)
    path = folder / "sigmoids.onnx"
    path.write_bytes(conversion.file("onnx"))
    found["ONNX Runtime"] = open_session(path, contract)(pixels)[:, 0].astype(np.float64)
    return found


@pytest.mark.parametrize("own", [False, True], ids=["one threshold", "one each"])
def test_mediapipe_decides_as_the_contract_does(own: bool, net: Callable[[str], Net], mediapipe: Classify, tmp_path: Path) -> None:
    """It has one threshold for all classes, and a calibration of each class's score, which leaves out what is below the class's own."""
    ours = net("sigmoid").predictions("tflite", "uint8")
    middle = (np.floor(256 * np.quantile(ours, 0.7, axis=0)) + 0.5) / 256
    per_class = tuple(middle) if own else (middle.max(),) * len(NAMES)
    contract = net("sigmoid").contract.with_thresholds(Thresholds(per_class=per_class))
    path = tmp_path / "model.tflite"
    path.write_bytes(FORMATS.load("tflite").stamp(net("sigmoid").file("tflite", "uint8").read_bytes(), contract, About("ends")))
    told = mediapipe(path, PIXELS)
    present = contract.output.present(ours)
    assert 0 < present.any(axis=1).sum() < len(PIXELS), "some images show none of the classes"
    assert [sorted(index for index, _ in one) for one in told["all"]] == [np.flatnonzero(row).tolist() for row in present]
    for row, one in zip(ours, told["all"], strict=True):
        np.testing.assert_allclose([score for _, score in one], [row[index] for index, _ in one], atol=1e-5)
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["labels.txt", *(["score_calibration.txt"] if own else [])]
