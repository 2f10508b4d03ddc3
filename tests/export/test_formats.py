"""The contract that every registered format keeps with every backbone: it loads, says what it is, and gives the model's answers."""

import json
from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter

from edgetl.backbones import BACKBONES
from edgetl.contract import PROBABILITY_SCALE, InputContract
from edgetl.export import FORMATS, integer_graph, tflite
from edgetl.export import onnx as onnx_export
from tests.export.conftest import SIZE, Network

GetNetwork = Callable[[str], Network]
FILES = [(form, precision) for form in FORMATS for precision in FORMATS.load(form).precisions]
# float32: the order of summands in 50 layers; float16: weights rounded to 11 bits,
# which a random network amplifies.
TOLERANCE = {"float32": 1e-4, "float16": 5e-2}

every_backbone = pytest.mark.parametrize("name", BACKBONES)
every_file = pytest.mark.parametrize(("form", "precision"), FILES)


@every_file
@every_backbone
def test_input_and_output_are_the_contracts(name: str, form: str, precision: str, network: GetNetwork) -> None:
    net = network(name)
    path, dtype = net.file(form, precision), "uint8" if precision == "int8" else "float32"
    if form == "tflite":
        interpreter = Interpreter(model_path=str(path))
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
    assert described == [("image", [1, SIZE, SIZE, 3], dtype), ("probabilities", [1, 3], dtype)]


@every_file
@every_backbone
def test_the_answers_are_the_models(name: str, form: str, precision: str, network: GetNetwork) -> None:
    net = network(name)
    answers = net.answers(form, precision)
    assert np.ptp(net.expected, axis=0).min() > 0.5, "a model that answers always the same would agree with anything"
    assert answers.std(axis=0).min() > 0.1
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=3 / 512 + 1e-6)  # each of three is rounded by up to half a step
    if precision in TOLERANCE:
        np.testing.assert_allclose(answers, net.expected, atol=TOLERANCE[precision])
        return
    # Random weights with fresh statistics amplify roundings from layer to layer, far more than a trained model does (that one is judged
    # by `edgetl validate`). Here: the file computes what the fake quantization promised, and not another picture's answer.
    apart = np.abs(answers - net.simulated).mean()
    assert apart < 0.12
    assert apart < 0.5 * np.abs(np.roll(answers, 1, axis=0) - net.simulated).mean()
    assert (answers.argmax(1) == net.simulated.argmax(1)).mean() >= 0.75  # chance is a third
    assert np.abs(answers - net.expected).mean() < 0.2


@every_backbone
def test_both_int8_files_give_the_same_answers(name: str, network: GetNetwork) -> None:
    net = network(name)
    lite, onnx_answers = net.answers("tflite", "int8"), net.answers("onnx", "int8")
    steps = np.abs(lite - onnx_answers) / PROBABILITY_SCALE
    assert (lite.argmax(1) == onnx_answers.argmax(1)).mean() >= 0.95  # 80 pictures; near-ties may fall either way
    assert steps.mean() <= 1.5
    assert np.percentile(steps, 90) <= 4, "the two kernel sets round differently, by a step or so a layer, and it adds up"


@every_backbone
def test_both_int8_files_compute_in_integers_only(name: str, network: GetNetwork) -> None:
    """Both checks ran when the files were made; here is what they looked at."""
    net = network(name)
    tflite.check_integer(net.file("tflite", "int8").read_bytes())
    content = net.file("onnx", "int8").read_bytes()
    onnx_export.check_integer(content)
    convolutions = sum(count for kind, count in tflite.operators(net.lite("int8")).items() if "CONV_2D" in kind)
    additions = tflite.operators(net.lite("int8"))["ADD"]
    fused = [node.op_type for node in onnx_export.optimized(content).graph.node]
    assert fused.count("QLinearConv") == convolutions > 10
    assert fused.count("QLinearAdd") == additions
    stored = {
        np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)).name for tensor in onnx.load_from_string(content).graph.initializer
    }
    assert "uint8" in stored


@every_backbone
def test_both_int8_files_hold_one_set_of_scales(name: str, network: GetNetwork) -> None:
    net = network(name)
    wanted = tflite.grids(net.lite("int8"))
    found = integer_graph.grids(onnx.load(net.file("onnx", "int8")))
    assert set(found) <= set(wanted)
    assert set(wanted) - set(found) <= tflite.type_changes(net.lite("int8"))
    per_channel = [scale for scale, _, dtype in wanted.values() if dtype == "INT8" and len(scale) > 1]
    assert len(per_channel) > 10


@every_backbone
@pytest.mark.parametrize("precision", FORMATS.load("onnx").precisions)
def test_the_onnx_file_carries_its_contract(name: str, precision: str, network: GetNetwork) -> None:
    net = network(name)
    model = onnx.load(net.file("onnx", precision))
    facts = {entry.key: entry.value for entry in model.metadata_props}
    assert InputContract.from_dict(json.loads(facts["edgetl.contract"])) == net.contract
    assert facts["labels"].split("\n") == ["café", "tree", "sea"]
    assert model.producer_name == "edgetl"
    assert {entry.domain: entry.version for entry in model.opset_import}[""] == 17


@every_backbone
def test_fewer_bits_make_smaller_files(name: str, network: GetNetwork) -> None:
    net = network(name)
    sizes = {precision: net.file("tflite", precision).stat().st_size for precision in FORMATS.load("tflite").precisions}
    assert sizes["int8"] < sizes["float16"] < sizes["float32"]


@pytest.mark.parametrize("form", FORMATS)
def test_a_files_name_says_its_precision(form: str) -> None:
    made = FORMATS.load(form)
    assert made.file_name("int8") == f"model_int8.{form}"
    assert {"float32", "int8"} <= set(made.precisions)
    assert FORMATS.summary(form)
