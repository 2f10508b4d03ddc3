"""Int8 files that end in a float softmax: of a hand-made network with so many unsure classes that steps of 1/256 lose their order."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from edgetl.keras import keras, layers

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from edgetl.contract import Contract
from edgetl.errors import ExportError
from edgetl.evaluation.agreement import compare
from edgetl.explanation.drift import drift
from edgetl.export import FORMATS, onnx_writer, tflite_checks
from edgetl.export.base import About, Conversion
from edgetl.export.onnx_optimizer import optimized
from edgetl.quantization.quantized import Quantized, bake
from edgetl.runtimes import open_session
from edgetl.runtimes.keras import KerasSession
from tests.conftest import Classify
from tests.quantization.ranges import activation_ranges

INT8 = [form for form in FORMATS if "int8" in FORMATS.load(form).precisions and FORMATS.load(form).runtime != "ethos_u"]  # a chip's alone
CLASSES = 400
CONTRACT = Contract.square(32, 1 / 127.5, 128, tuple(f"class {number}" for number in range(CLASSES)))
INTEGERS = CONTRACT.ending_in("uint8")
PIXELS = np.random.default_rng(0).integers(0, 256, (60, 1, 1, 3)).repeat(32, 1).repeat(32, 2).astype(np.uint8)


class Wide:
    """The network, its grids, and its int8 files by format and contract, each made when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        keras.utils.set_random_seed(4)
        image = keras.Input((32, 32, 3))
        x = layers.ReLU(6.0, name="relu")(layers.Conv2D(16, 3, strides=4, bias_initializer="random_normal", name="conv")(image))
        logits = layers.Dense(CLASSES, bias_initializer="random_normal", name="logits")(layers.GlobalAveragePooling2D(name="pool")(x))
        self.model, self.folder = keras.Model(image, logits), folder
        kernel, bias = self.model.get_layer("logits").get_weights()
        made = self.model(CONTRACT.normalize(PIXELS.astype(np.float32)), training=False).numpy()
        self.model.get_layer("logits").set_weights(
            [kernel / (2 * made.std()), bias / (2 * made.std())]
        )  # as unsure as one that learned little
        weights = {layer.name: layer.get_weights() for layer in self.model.layers if layer.weights}
        ranges = activation_ranges(self.model, CONTRACT, PIXELS, np.arange(len(PIXELS)))
        self.grids: Quantized = bake(self.model, weights, ranges, CONTRACT)
        self._conversions: dict[str, Conversion] = {}

    def conversion(self, contract: Contract = CONTRACT, leave_out: str = "") -> Conversion:
        grids = replace(self.grids, ranges={name: ends for name, ends in self.grids.ranges.items() if name != leave_out})
        return Conversion(grids.to_keras(self.model, contract), contract, "int8", FORMATS.load, selective=leave_out == "logits")

    def file(self, form: str, contract: Contract = CONTRACT) -> Path:
        key = contract.output.dtype
        conversion = self._conversions.setdefault(key, self.conversion(contract))
        path = self.folder / f"{key}{FORMATS.load(form).suffix}"
        path.write_bytes(FORMATS.load(form).stamp(conversion.file(form), contract, About("wide")))
        return path

    def predictions(self, form: str, contract: Contract = CONTRACT) -> NDArray[np.float32]:
        return open_session(self.file(form, contract), contract)(PIXELS)

    @cached_property
    def promised(self) -> NDArray[np.float32]:
        """Predictions of the fake-quantized Keras model."""
        return KerasSession(self.grids.to_keras(self.model, CONTRACT), CONTRACT)(PIXELS)


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Wide:
    return Wide(tmp_path_factory.mktemp("wide"))


@pytest.mark.parametrize("form", INT8)
def test_the_order_is_kept(form: str, wide: Wide) -> None:
    found, promised = wide.predictions(form), wide.promised
    assert promised.max() < 0.03, "an unsure model, or there would be nothing to lose"
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-4)
    assert compare(promised, found).top1_agreement >= 0.95
    assert compare(promised, wide.predictions(form, INTEGERS)).top1_agreement < 0.6, "which steps lose"


def test_both_engines_agree(wide: Wide) -> None:
    assert compare(wide.predictions("tflite"), wide.predictions("onnx")).top1_agreement >= 0.95
    np.testing.assert_array_equal(wide.predictions("onnx"), wide.predictions("onnx_qdq"))
    np.testing.assert_array_equal(wide.predictions("onnx"), wide.predictions("ort"))


def test_one_softmax_is_all_that_computes_in_float(wide: Wide) -> None:
    lite, pairs = wide.file("tflite").read_bytes(), wide.file("onnx_qdq").read_bytes()
    assert tflite_checks.float_operators(lite) == ["DEQUANTIZE (float_logits)", "SOFTMAX (probabilities)"]
    assert [node.op_type for node in onnx.load_from_string(optimized(pairs)).graph.node][-3:] == ["QGemm", "DequantizeLinear", "Softmax"]
    tflite_checks.check_integer(lite, CONTRACT)
    onnx_writer.check_integer(pairs, CONTRACT)


@pytest.mark.parametrize("form", INT8)
def test_only_where_the_contract_has_it(form: str, wide: Wide) -> None:
    path = wide.file(form)
    with pytest.raises(ExportError, match="to float32, but its contract says uint8 to uint8"):
        open_session(path, INTEGERS)
    with pytest.raises(ExportError, match="to uint8, but its contract says uint8 to float32"):
        open_session(wide.file(form, INTEGERS), CONTRACT)
    if form in ("tflite", "onnx_qdq"):
        check = tflite_checks.check_integer if form == "tflite" else onnx_writer.check_integer
        with pytest.raises(ExportError, match=r"still computes in float: (DEQUANTIZE|DequantizeLinear).*, (SOFTMAX|Softmax)"):
            check(path.read_bytes(), INTEGERS)


@pytest.mark.parametrize("layer", ["relu", "logits"])
@pytest.mark.parametrize("form", ["tflite", "onnx_qdq"])  # which the others are made from
def test_no_other_operator_may_compute_in_float(form: str, layer: str, wide: Wide) -> None:
    conversion = replace(wide.conversion(leave_out=layer), selective=False)
    with pytest.raises(ExportError, match="still computes in float: "):
        conversion.file(form)


@pytest.mark.parametrize("form", ["tflite", "onnx"])
def test_logits_that_stay_in_float_end_alike(form: str, wide: Wide) -> None:
    path = wide.folder / f"selective{FORMATS.load(form).suffix}"
    path.write_bytes(wide.conversion(leave_out="logits").file(form))
    found = open_session(path, CONTRACT)(PIXELS)
    assert compare(wide.promised, found).top1_agreement >= 0.9


def test_drift_reaches_the_logits(wide: Wide) -> None:
    found = drift(wide.model, wide.file("tflite").read_bytes(), CONTRACT, PIXELS, np.arange(8))
    assert [one.operator for one in found] == ["relu", "pool", "logits"]
    assert min(one.signal_to_noise_db or 99 for one in found) > 20
    assert found[-1].step > 0


def test_mediapipe_gives_our_predictions(wide: Wide, mediapipe: Classify) -> None:
    theirs, ours = mediapipe(wide.file("tflite"), PIXELS)["predictions"], wide.predictions("tflite")
    best = np.array([index for index, *_ in theirs])
    assert [name for _, name, _ in theirs] == [f"class {index}" for index in best]
    np.testing.assert_allclose([score for *_, score in theirs], ours.max(1), atol=1e-6)
    np.testing.assert_allclose(ours[np.arange(len(best)), best], ours.max(1), atol=1e-6)  # of two equal logits it may name the other one


@pytest.mark.parametrize(("form", "facts_of"), [("onnx", lambda path: onnx.load(path).metadata_props)])
def test_a_file_has_the_contract_with_its_output(form: str, facts_of: Callable[[Path], Any], wide: Wide) -> None:
    facts = {entry.key: entry.value for entry in facts_of(wide.file(form))}
    assert Contract.parse(json.loads(facts["edgetl.contract"])).output.dtype == "float32"
