"""The contract that every registered format keeps with every backbone: it loads, says what it is, and gives the model's predictions."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter
from ai_edge_litert.schema_py_generated import TensorType
from onnx import numpy_helper

from edgetl.backbones import BACKBONES
from edgetl.contract import Contract
from edgetl.export import FORMATS, format_of, integer_graph, onnx_writer, tflite_checks
from edgetl.export.base import About
from edgetl.export.micro_sources import MODEL, parts
from edgetl.export.onnx_optimizer import optimized
from edgetl.importing import tflite_reader
from edgetl.output import PROBABILITY_SCALE
from edgetl.runtimes import RUNTIMES, open_session, runtime_of, unverified
from tests.backbones.conftest import LARGER
from tests.export.conftest import ABOUT, Network

GetNetwork = Callable[[str], Network]
ALL_FILES = [(form, precision) for form in FORMATS for precision in FORMATS.load(form).precisions]
FILES = [(form, precision) for form, precision in ALL_FILES if not unverified(Path(FORMATS.load(form).file_name(precision)))]
ONNX_FILES = [(form, precision) for form, precision in FILES if form.startswith("onnx")]
# float32: the order of summands in 50 layers; float16: weights rounded to 11 bits, which a random network amplifies (measured: 0.027).
TOLERANCE = {"float32": 1e-4, "float16": 5e-2}

# Slow ones. Twenty million weights take seconds a file; their layers come one by one in test_layers.py, and whole in tests/test_models.py.
# What the other MobileNets V3 are made of is in mobilenet_v3_small and in mobilenet_v1; what EfficientNet-Lite is made of is in
# mobilenet_v2, and the pretrained run of tests/pipeline exports and validates it.
LATER = (
    "vgg16",
    "resnet50",
    "inception_v3",
    "efficientnet_lite0",
    *LARGER,
    "mobilenet_v3_large",
    "mobilenet_v3_small_minimalistic",
    "mobilenet_v3_large_minimalistic",
)


def _of(name: str, *file: str) -> Any:
    return pytest.param(name, *file, marks=[pytest.mark.slow] if name in LATER else [])


every_backbone = pytest.mark.parametrize("name", [_of(name) for name in BACKBONES])
every_file = pytest.mark.parametrize(("name", "form", "precision"), [_of(name, *file) for name in BACKBONES for file in FILES])
every_onnx_file = pytest.mark.parametrize(("form", "precision"), ONNX_FILES)


@every_file
def test_input_and_output_are_the_contracts(name: str, form: str, precision: str, network: GetNetwork) -> None:
    net = network(name)
    path, size = net.file(form, precision), net.contract.height
    dtype = "uint8" if precision == "int8" else "float32"
    if form in ("tflite", "tflm"):
        interpreter = Interpreter(model_content=path.read_bytes() if form == "tflite" else parts(path.read_bytes())[MODEL])
        [takes], [gives] = interpreter.get_input_details(), interpreter.get_output_details()
        described = [(end["name"], list(end["shape"]), np.dtype(end["dtype"]).name) for end in (takes, gives)]
        if precision == "int8":
            scale, zero_point = takes["quantization"]
            assert (scale, zero_point) == (pytest.approx(net.contract.scale, rel=1e-6), net.contract.zero_point), "raw bytes in"
            assert gives["quantization"] == (PROBABILITY_SCALE, 0)
    else:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        names = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}
        described = [(end.name, end.shape, names[end.type]) for end in (*session.get_inputs(), *session.get_outputs())]
    assert described == [("image", [1, size, size, 3], dtype), ("probabilities", [1, 3], dtype)]


@every_file
def test_the_predictions_are_the_models(name: str, form: str, precision: str, network: GetNetwork) -> None:
    net = network(name)
    predictions = net.predictions(form, precision)
    assert np.ptp(net.expected, axis=0).min() > 0.5, "a model that always predicts the same would agree with anything"
    assert predictions.std(axis=0).min() > 0.1
    np.testing.assert_allclose(predictions.sum(axis=1), 1, atol=3 / 512 + 1e-6)  # each of three is rounded by up to half a step
    if precision in TOLERANCE:
        np.testing.assert_allclose(predictions, net.expected, atol=TOLERANCE[precision])
        return
    # Random weights with fresh statistics amplify roundings from layer to layer, far more than a trained model does (that one is judged
    # by `edgetl validate`). Here: the file computes what the fake quantization promised, and not another image's answer.
    promised = net.promised(precision)
    apart = np.abs(predictions - promised).mean()
    assert apart < 0.12
    assert apart < 0.5 * np.abs(np.roll(predictions, 1, axis=0) - promised).mean()
    assert (predictions.argmax(1) == promised.argmax(1)).mean() >= 0.75  # chance is a third
    assert np.abs(predictions - net.expected).mean() < 0.2


@pytest.mark.parametrize("precision", FORMATS.load("ort").precisions)
@every_backbone
def test_ort_files_give_the_onnx_files_predictions(name: str, precision: str, network: GetNetwork) -> None:
    net = network(name)
    bound = TOLERANCE.get(precision, 0)  # floats: summed in another order
    np.testing.assert_allclose(net.predictions("ort", precision), net.predictions("onnx", precision), atol=bound)


@pytest.mark.parametrize(("form", "precision"), ALL_FILES)
def test_a_file_is_told_what_it_says_of_itself(form: str, precision: str, network: GetNetwork) -> None:
    """Told again, it says that alone, and is the file that it would have been."""
    net, made = network("mobilenet_v2"), FORMATS.load(form)
    content = net.file(form, precision).read_bytes()
    for text in ABOUT.name, ABOUT.version, ABOUT.licence, ABOUT.author, ABOUT.description, "café":
        assert text.encode() in content or json.dumps(text)[1:-1].encode() in content, text
    other = made.stamp(content, net.contract, About(name="another"))
    assert ABOUT.author.encode() not in other
    assert made.stamp(other, net.contract, ABOUT) == content
    if (form, precision) in FILES:
        path = net.folder / f"another{made.suffix}"
        path.write_bytes(other)
        pixels = net.pixels[:4]
        np.testing.assert_array_equal(open_session(path, net.contract)(pixels), net.predictions(form, precision)[:4])


@every_backbone
def test_both_int8_files_give_the_same_predictions(name: str, network: GetNetwork) -> None:
    net = network(name)
    lite, onnx_predictions = net.predictions("tflite", "int8"), net.predictions("onnx", "int8")
    steps = np.abs(lite - onnx_predictions) / PROBABILITY_SCALE
    deep = name == "inception_v3"  # 94 convolutions and 9 averages of random weights; each engine is as far from Keras' simulation
    assert (lite.argmax(1) == onnx_predictions.argmax(1)).mean() >= (0.9 if deep else 0.95)  # 80 images; near-ties may fall either way
    assert steps.mean() <= (10 if deep else 1.5)
    assert np.percentile(steps, 90) <= (20 if deep else 4), "the two kernel sets round differently, by a step or so a layer, and it adds up"


@every_backbone
def test_the_fused_and_the_unfused_onnx_file_give_equal_predictions(name: str, network: GetNetwork) -> None:
    """To the bit: ONNX Runtime makes the one of the other, at export or at load."""
    net = network(name)
    np.testing.assert_array_equal(net.predictions("onnx", "int8"), net.predictions("onnx_qdq", "int8"))


@every_backbone
def test_half_precision_moves_the_predictions_no_further_in_onnx(name: str, network: GetNetwork) -> None:
    """Both hold one set of halves; what ONNX Runtime rounds in between comes on top, and less than the weights' own rounding."""
    net = network(name)
    lite, onnx_predictions = net.predictions("tflite", "float16"), net.predictions("onnx", "float16")
    np.testing.assert_allclose(onnx_predictions, lite, atol=TOLERANCE["float16"])
    np.testing.assert_allclose(onnx_predictions, net.predictions("onnx", "float32"), atol=TOLERANCE["float16"])


@pytest.mark.parametrize("form", ["onnx", "onnx_qdq"])
@every_backbone
def test_int8_files_compute_in_integers_only(name: str, form: str, network: GetNetwork) -> None:
    """These checks ran when the files were made; here is what they looked at."""
    net = network(name)
    tflite_checks.check_integer(net.file("tflite", "int8").read_bytes(), net.contract)
    content = net.file(form, "int8").read_bytes()
    onnx_writer.check_integer(content, net.contract)
    counts = tflite_checks.operators(net.lite("int8"))
    fused = [node.op_type for node in onnx.load_from_string(optimized(content)).graph.node]
    assert fused.count("QLinearConv") == counts["CONV_2D"] + counts["DEPTHWISE_CONV_2D"] > 2
    assert fused.count("QLinearAdd") >= counts["ADD"]
    stored = {
        np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)).name for tensor in onnx.load_from_string(content).graph.initializer
    }
    assert {"uint8", "int8", "int32"} <= stored


@every_backbone
def test_the_integer_file_is_fused_already_and_for_no_one_machine(name: str, network: GetNetwork) -> None:
    path = network(name).file("onnx", "int8")
    operators = Counter((node.domain, node.op_type) for node in onnx.load(path).graph.node)
    kinds = {kind for _, kind in operators}
    assert not integer_graph.float_operators(onnx.load(path)), "a QuantizeLinear or DequantizeLinear would be one"
    assert "QLinearConv" in kinds
    assert {domain for domain, _ in operators} == {"", "com.microsoft"}
    assert ("com.microsoft", "QLinearConv") not in operators, "that one has the memory layout of the CPU at hand"
    again = Counter(
        (node.domain, node.op_type) for node in onnx.load_from_string(optimized(path.read_bytes(), for_any_processor=True)).graph.node
    )
    assert {kind for _, kind in operators - again} <= {"Reshape"}, "nothing is left to fuse (of two equal Reshapes one may go)"
    assert again <= operators


@every_backbone
def test_the_pairs_are_plain_onnx(name: str, network: GetNetwork) -> None:
    """What an accelerator's compiler asks for: ONNX's own operators, each reading dequantized values and writing to be quantized ones."""
    model = onnx.load(network(name).file("onnx_qdq", "int8"))
    assert {entry.domain for entry in model.opset_import} == {node.domain for node in model.graph.node} == {""}
    kinds = Counter(node.op_type for node in model.graph.node)
    assert kinds["QuantizeLinear"] > kinds["Conv"] > 2
    assert not [kind for kind in kinds if kind.startswith("QLinear") or kind.endswith("Integer")]
    writers = {name: node.op_type for node in model.graph.node for name in node.output}
    for node in model.graph.node:
        if node.op_type in ("Conv", "Gemm", "Add", "Mul"):
            assert {writers[source] for source in node.input} <= {"DequantizeLinear", "Reshape", "Transpose"}, node.name


@every_backbone
def test_int8_files_hold_one_set_of_scales(name: str, network: GetNetwork) -> None:
    net = network(name)
    wanted = tflite_checks.grids(net.lite("int8"))
    found = integer_graph.grids(onnx.load(net.file("onnx_qdq", "int8")))
    assert set(found) <= set(wanted)
    assert set(wanted) - set(found) <= tflite_checks.without_counterpart(net.lite("int8"))
    per_channel = [scale for scale, _, dtype in wanted.values() if dtype == "INT8" and len(scale) > 1]
    assert len(per_channel) > 2
    model = onnx.load(net.file("onnx", "int8"))
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "QLinearConv":  # x, its scale, its zero point, kernel and its, output's
            for tensor, scale, zero in (node.input[3:6], (node.output[0], *node.input[6:8])):
                np.testing.assert_allclose(constants[scale], wanted[tensor][0], rtol=1e-6)
                assert np.all(constants[zero].astype(int) - wanted[tensor][1] == (128 if tensor == node.output[0] else 0))


@every_backbone
def test_float16_onnx_is_made_of_the_tflite_files_halves(name: str, network: GetNetwork) -> None:
    net = network(name)
    model = onnx.load(net.file("onnx", "float16"))
    floats = [values for values in map(numpy_helper.to_array, model.graph.initializer) if values.dtype.kind == "f"]
    assert {values.dtype.name for values in floats} == {"float16"}
    casts = [node for node in model.graph.node if node.op_type == "Cast"]
    assert [(node.input[0] == "image", node.output[0] == "probabilities") for node in casts] == [(True, False), (False, True)]
    # As bits: NumPy's sort of many float16 values leaves some out of order (2.4.6, x86).
    halves = np.sort(np.concatenate([values.ravel().view(np.uint16) for values in floats if values.ndim == 4]))
    lite = tflite_reader.read(net.lite("float16"))
    kernels = [tensor for tensor in lite.subgraphs[0].tensors if tensor.type == TensorType.FLOAT16 and len(tensor.shape) == 4]
    stored = np.sort(np.concatenate([np.asarray(lite.buffers[tensor.buffer].data, np.uint8).view(np.uint16) for tensor in kernels]))
    np.testing.assert_array_equal(halves, stored)


@every_onnx_file
@every_backbone
def test_an_onnx_file_carries_its_contract(name: str, form: str, precision: str, network: GetNetwork) -> None:
    net = network(name)
    model = onnx.load(net.file(form, precision))
    facts = {entry.key: entry.value for entry in model.metadata_props}
    assert Contract.parse(json.loads(facts["edgetl.contract"])) == net.contract
    assert facts["labels"].split("\n") == ["café", "tree", "sea"]
    assert model.producer_name == "edgetl"
    assert model.ir_version <= 8, "what ONNX Runtime 1.13 (2022) reads, the first with all integer operators"
    fused = (form, precision) == ("onnx", "int8")
    assert {entry.domain: entry.version for entry in model.opset_import} == {"": 17} | ({"com.microsoft": 1} if fused else {})


@every_backbone
def test_fewer_bits_make_smaller_files(name: str, network: GetNetwork) -> None:
    net = network(name)
    sizes = {precision: net.file("tflite", precision).stat().st_size for precision in ("int8", "float16", "float32")}
    assert sizes["int8"] < sizes["float16"] < sizes["float32"]
    sizes = {(form, precision): net.file(form, precision).stat().st_size for form, precision in ONNX_FILES}
    assert sizes["onnx", "int8"] < sizes["onnx_qdq", "int8"] < sizes["onnx", "float16"] < 0.54 * sizes["onnx", "float32"]


@pytest.mark.parametrize("form", FORMATS)
def test_a_files_name_says_its_precision(form: str) -> None:
    made = FORMATS.load(form)
    assert made.name == form
    assert made.file_name("int8") == f"model_int8{made.suffix}"
    assert [made.precision_of(made.file_name(precision)) for precision in made.precisions] == list(made.precisions)
    assert made.precision_of("model_int9.x") == ""
    assert runtime_of(Path(made.file_name("int8"))) == made.runtime, "the ending tells which runtime reads it"
    assert made.runtime in RUNTIMES
    assert format_of(made.file_name("int8")) == made
    assert [other for other in FORMATS if FORMATS.load(other).suffix == made.suffix] == [form]
    assert "float16" in made.precisions or "int8" in made.precisions
    assert FORMATS.summary(form)
