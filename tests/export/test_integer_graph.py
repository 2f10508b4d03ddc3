"""The ONNX passes on graphs of a few nodes: each removes what it may, keeps what it must, and changes no number."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgetl.export import integer_graph

Pass = Callable[[onnx.ModelProto], None]


def graph(
    nodes: Sequence[onnx.NodeProto],
    constants: dict[str, Any],
    dtype: int = TensorProto.FLOAT,
    output: str = "out",
    gives: int | None = None,
) -> onnx.ModelProto:
    """A model from `x` [4, 3] to `output` [4, 3]."""
    initializers = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    ends = [
        helper.make_tensor_value_info("x", dtype, (4, 3)),
        helper.make_tensor_value_info(output, dtype if gives is None else gives, (4, 3)),
    ]
    made = helper.make_model(
        helper.make_graph(list(nodes), "test", ends[:1], ends[1:], initializers), opset_imports=[helper.make_opsetid("", 17)]
    )
    made.ir_version = 8
    onnx.checker.check_model(made, full_check=True)
    return made


def run(model: onnx.ModelProto, values: np.ndarray) -> np.ndarray:
    """Without any of ONNX Runtime's own optimizations: what the graph itself says."""
    onnx.checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    made: np.ndarray = session.run(None, {"x": values})[0]
    return made


def kinds(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def node(kind: str, inputs: str, output: str) -> onnx.NodeProto:
    return helper.make_node(kind, inputs.split(), [output])


VALUES = np.concatenate([np.linspace(-9, 9, 8), [0, 5.99, 6.01, -0.01]]).astype(np.float32).reshape(4, 3)
F, I8, U8 = np.float32, np.int8, np.uint8
SIX = F(6 / 255)


@pytest.mark.parametrize(
    ("scale", "zero", "low", "high", "implied"),
    [
        (SIX, I8(-128), 0, 6, True),
        (F(6.0000002 / 255), I8(-128), 0, 6, True),  # what ONNX Runtime misses
        (SIX, U8(0), 0, 6, True),
        (F(3.7 / 255), I8(-128), 0, 6, True),  # a ReLU6 that never reached 6
        (F(6.5 / 255), I8(-128), 0, 6, False),  # the grid goes on above 6
        (SIX, I8(-100), 0, 6, False),  # and this one below 0
        (F(6.02 / 255), I8(-128), 0, 6, False),  # nearly a step too far
    ],
)
def test_a_clip_goes_if_the_grid_implies_it(scale: Any, zero: Any, low: float, high: float, implied: bool) -> None:
    nodes = [node("Clip", "x low high", "c"), node("QuantizeLinear", "c s z", "q"), node("DequantizeLinear", "q s z", "out")]
    model = graph(nodes, {"low": F(low), "high": F(high), "s": scale, "z": zero})
    values = np.linspace(-9, 9, 1200, dtype=np.float32).reshape(-1, 4, 3)
    before = [run(model, each) for each in values]
    integer_graph.drop_implied_clips(model)
    assert ("Clip" not in kinds(model)) == implied
    np.testing.assert_array_equal([run(model, each) for each in values], before)


@pytest.mark.parametrize(("zero", "implied"), [(-128, True), (-127, False)])
def test_a_relu_goes_if_the_grid_begins_at_zero(zero: int, implied: bool) -> None:
    nodes = [node("Relu", "x", "r"), node("QuantizeLinear", "r s z", "q"), node("DequantizeLinear", "q s z", "out")]
    model = graph(nodes, {"s": F(0.02), "z": I8(zero)})
    before = run(model, VALUES)
    integer_graph.drop_implied_clips(model)
    assert ("Relu" not in kinds(model)) == implied
    np.testing.assert_array_equal(run(model, VALUES), before)


def test_a_clip_that_something_else_reads_stays() -> None:
    nodes = [node("Clip", "x low high", "c"), node("QuantizeLinear", "c s z", "q"), node("DequantizeLinear", "q s z", "d")]
    model = graph([*nodes, node("Add", "c d", "out")], {"low": F(0), "high": F(6), "s": SIX, "z": I8(-128)})
    integer_graph.drop_implied_clips(model)
    assert "Clip" in kinds(model)


def test_a_clip_stays_unless_all_its_readers_imply_it() -> None:
    nodes = [
        *(node("Clip", "x low high", "c"), node("QuantizeLinear", "c s z", "q"), node("QuantizeLinear", "c wide z", "p")),
        *(node("DequantizeLinear", "q s z", "d"), node("DequantizeLinear", "p wide z", "e"), node("Add", "d e", "out")),
    ]
    for wide, stays in ((F(0.1), True), (F(0.01), False)):
        model = graph(nodes, {"low": F(0), "high": F(6), "s": SIX, "z": I8(-128), "wide": wide})
        before = run(model, VALUES)
        integer_graph.drop_implied_clips(model)
        assert ("Clip" in kinds(model)) == stays
        np.testing.assert_array_equal(run(model, VALUES), before)


def test_activations_become_uint8_and_every_real_number_stays() -> None:
    """Two activations and a weight share their zero point: the weight must keep it, since ONNX Runtime's kernels take int8 weights."""
    nodes = [
        *(node("QuantizeLinear", "x s z", "q"), node("DequantizeLinear", "q s z", "d"), node("DequantizeLinear", "w s z", "v")),
        *(node("MatMul", "d v", "m"), node("QuantizeLinear", "m t y", "n"), node("DequantizeLinear", "n t y", "out")),
    ]
    weights = np.arange(-4, 5, dtype=np.int8).reshape(3, 3)
    model = graph(nodes, {"s": F(0.07), "z": I8(-3), "t": F(0.2), "y": I8(11), "w": weights})
    before = run(model, VALUES)
    assert len(np.unique(before)) > 8
    integer_graph.activations_to_uint8(model)
    np.testing.assert_array_equal(run(model, VALUES), before)
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    zeros = {each.output[0]: constants[each.input[2]] for each in model.graph.node if each.op_type.endswith("Linear")}
    assert {name: (str(zero.dtype), int(zero)) for name, zero in zeros.items()} == {
        **dict.fromkeys(("q", "d"), ("uint8", 125)),
        **dict.fromkeys(("n", "out"), ("uint8", 139)),
        "v": ("int8", -3),
    }


@pytest.mark.parametrize("kind", ["Add", "Mul"])
def test_a_constant_beside_an_activation_goes_along(kind: str) -> None:
    """QLinearAdd takes one type: with an int8 constant ONNX Runtime would add in float."""
    nodes = [
        *(node("QuantizeLinear", "x s z", "q"), node("DequantizeLinear", "q s z", "d"), node("DequantizeLinear", "three t y", "w")),
        *(node(kind, "d w", "a"), node("QuantizeLinear", "a s z", "p"), node("DequantizeLinear", "p s z", "out")),
    ]
    three = np.array([[127]], np.int8)
    model = graph(nodes, {"s": F(0.2), "z": I8(-5), "t": F(3 / 255), "y": I8(-128), "three": three})
    before = run(model, VALUES)
    assert len(np.unique(before)) > 8
    integer_graph.activations_to_uint8(model)
    np.testing.assert_array_equal(run(model, VALUES), before)
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    assert constants["three"].dtype == np.uint8
    assert constants["three"].tolist() == [[255]]
    zeros = {each.output[0]: constants[each.input[2]] for each in model.graph.node if each.op_type.endswith("Linear")}
    assert {str(zero.dtype) for zero in zeros.values()} == {"uint8"}
    scale, zero_point, dtype = integer_graph.grids(model)["three"]
    assert (scale.item(), zero_point.item(), dtype) == (pytest.approx(3 / 255), 0, "UINT8"), "the grid is told by the constant's own name"


def reshaped_constant(value: np.ndarray, scale: Any, zero: Any, shapes: Sequence[Sequence[int]]) -> onnx.ModelProto:
    """`x` plus a constant as often as there are shapes that tf2onnx reshapes it to."""
    nodes, total = [helper.make_node("DequantizeLinear", ["w", "s", "z"], ["v"], axis=0)], "x"
    for number in range(len(shapes)):
        out = "out" if number == len(shapes) - 1 else f"sum{number}"
        nodes += [node("Reshape", f"v shape{number}", f"r{number}"), node("Add", f"{total} r{number}", out)]
        total = out
    return graph(nodes, {"w": value, "s": scale, "z": zero} | {f"shape{i}": np.array(shape) for i, shape in enumerate(shapes)})


@pytest.mark.parametrize(
    ("value", "scale", "shapes", "shaped"),
    [
        (I8(127), F(0.1), [(1, 1), (1, 1)], True),  # one 3 for many hard-sigmoids
        (np.arange(3, dtype=np.int8), F(0.1), [(1, 3)], True),
        (I8(127), F(0.1), [(1, 1), (1,)], True),  # one number needs no shape
        (np.arange(3, dtype=np.int8), F(0.1), [(1, 3), (3,)], False),  # two readers, two shapes
        (np.arange(3, dtype=np.int8), np.array([1, 2, 3], F), [(1, 3)], False),  # a grid a channel lies along the old axis
        (np.arange(3, dtype=np.int8), F(0.1), [(1, -1)], False),
    ],
)
def test_a_constant_gets_the_shape_that_its_readers_want(
    value: np.ndarray, scale: Any, shapes: Sequence[Sequence[int]], shaped: bool
) -> None:
    model = reshaped_constant(np.asarray(value), scale, np.zeros(np.shape(scale), np.int8), shapes)
    before = run(model, VALUES)
    integer_graph.shape_constants(model)
    integer_graph.drop_unused(model)
    assert ("Reshape" not in kinds(model)) == shaped
    np.testing.assert_array_equal(run(model, VALUES), before)


@pytest.mark.parametrize(("value", "kept"), [(I8(7), []), (np.arange(3, dtype=np.int8), ["Reshape"])])
def test_a_constant_that_is_also_read_as_it_is_keeps_its_shape_unless_it_is_one_number(value: np.ndarray, kept: list[str]) -> None:
    """As the 3 of hard-swishes on maps and on features (torchvision's MobileNetV3)."""
    nodes = [node("DequantizeLinear", "w s z", "v"), node("Reshape", "v shape", "r"), node("Add", "x r", "a"), node("Add", "a v", "out")]
    model = graph(nodes, {"w": np.asarray(value), "s": F(0.1), "z": I8(0), "shape": np.array([1, value.size])})
    integer_graph.shape_constants(model)
    assert kinds(model) == ["DequantizeLinear", *kept, "Add", "Add"]


def hard_swish() -> onnx.ModelProto:
    """As tf2onnx writes it: relu6(x + 3) * x, the 3 reshaped, from int8 [4, 3] to int8."""
    nodes = [
        *(node("DequantizeLinear", "x s z", "d"), node("DequantizeLinear", "three t y", "c"), node("Reshape", "c shape", "r")),
        *(node("Add", "d r", "a"), node("Clip", "a low high", "k"), node("QuantizeLinear", "k six y", "g")),
        *(node("DequantizeLinear", "g six y", "h"), node("Mul", "d h", "m"), node("QuantizeLinear", "m wide w", "out")),
    ]
    grids = {"s": F(0.05), "z": I8(-20), "t": F(3 / 255), "y": I8(-128), "six": SIX, "wide": F(0.2), "w": I8(-116)}
    return graph(nodes, grids | {"three": I8(127), "shape": np.array([1, 1]), "low": F(0), "high": F(6)}, TensorProto.INT8)


def test_hard_swish_runs_in_integers_only(tmp_path: Path) -> None:
    model = hard_swish()
    values = np.linspace(-128, 127, 252).astype(np.int8).reshape(-1, 4, 3)
    before = np.array([run(model, each) for each in values], np.int16)
    for rewrite in integer_graph.PASSES:
        rewrite(model)
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    assert kinds(onnx.load(options.optimized_model_filepath)) == ["QLinearAdd", "QLinearMul"]
    after = np.array([run(model, (each.astype(np.int16) + 128).astype(np.uint8)) for each in values], np.int16)
    np.testing.assert_array_equal(after - 128, before)


def test_int8_ends_become_uint8() -> None:
    nodes = [node("DequantizeLinear", "x s z", "d"), node("Relu", "d", "r"), node("QuantizeLinear", "r s z", "out")]
    model = graph(nodes, {"s": F(0.5), "z": I8(-7)}, TensorProto.INT8)
    values = np.linspace(-128, 127, 12).astype(np.int8).reshape(4, 3)
    before = run(model, values).astype(np.int16)
    integer_graph.activations_to_uint8(model)
    after = run(model, (values.astype(np.int16) + 128).astype(np.uint8))
    assert after.dtype == np.uint8
    np.testing.assert_array_equal(after.astype(np.int16) - 128, before)


def uint8_to_int8_and_back(second: Any) -> onnx.ModelProto:
    """As TFLite's QUANTIZE at both ends, after the move to uint8; `second` is the inner grid's zero point."""
    nodes = [
        *(node("DequantizeLinear", "x s z", "a"), node("QuantizeLinear", "a s y", "inner"), node("DequantizeLinear", "inner s y", "b")),
        *(node("Relu", "b", "r"), node("QuantizeLinear", "r t v", "last"), node("DequantizeLinear", "last t v", "c")),
        node("QuantizeLinear", "c t v", "probabilities"),
    ]
    return graph(nodes, {"s": F(0.5), "z": U8(100), "y": second, "t": F(0.25), "v": U8(0)}, TensorProto.UINT8, "probabilities")


def test_pairs_that_change_nothing_go_and_the_output_keeps_its_name() -> None:
    model = uint8_to_int8_and_back(U8(100))
    values = np.linspace(0, 255, 12).astype(np.uint8).reshape(4, 3)
    before = run(model, values)
    integer_graph.drop_idle_pairs(model)
    integer_graph.drop_unused(model)
    assert kinds(model) == ["DequantizeLinear", "Relu", "QuantizeLinear"]
    assert [value.name for value in model.graph.output] == ["probabilities"]
    np.testing.assert_array_equal(run(model, values), before)


def test_pairs_between_two_grids_stay() -> None:
    model = uint8_to_int8_and_back(U8(90))
    values = np.linspace(0, 255, 12).astype(np.uint8).reshape(4, 3)
    before = run(model, values)
    integer_graph.drop_idle_pairs(model)
    integer_graph.drop_unused(model)
    assert kinds(model) == ["DequantizeLinear", "QuantizeLinear", "DequantizeLinear", "Relu", "QuantizeLinear"]
    np.testing.assert_array_equal(run(model, values), before)


def padded(reader: onnx.NodeProto, pads: list[int], grids: tuple[int, int]) -> onnx.ModelProto:
    """x, as an image [1, 1, 4, 3] on an int8 grid, is padded, transposed to and fro, and read; the result has twelve values again."""
    nodes = [
        *(node("Reshape", "x image", "p"), node("QuantizeLinear", "p s z0", "q"), node("DequantizeLinear", "q s z0", "d")),
        *(node("Pad", "d pads", "a"), node("QuantizeLinear", "a s z1", "r"), node("DequantizeLinear", "r s z1", "e")),
        helper.make_node("Transpose", ["e"], ["t"], perm=[0, 1, 3, 2]),
        *(reader, node("Reshape", "y back", "out")),
    ]
    constants = {"image": np.array([1, 1, 4, 3]), "pads": np.array(pads), "back": np.array([4, 3]), "s": F(0.1)}
    constants |= {"z0": I8(grids[0]), "z1": I8(grids[1]), "w": np.arange(9, dtype=F).reshape(1, 1, 3, 3) - 3}
    return graph(nodes, constants)


CONV = helper.make_node("Conv", ["t", "w"], ["y"], pads=[1, 0, 1, 0])
POOL = helper.make_node("MaxPool", ["t"], ["y"], kernel_shape=[3, 3])


@pytest.mark.parametrize(
    ("reader", "pads", "grids", "goes"),
    [
        (CONV, [0, 0, 1, 0, 0, 0, 1, 0], (-128, -128), True),
        (CONV, [0, 0, 1, 0, 0, 0, 1, 0], (7, 7), True),
        (CONV, [0, 0, 1, 0, 0, 0, 1, 0], (7, 8), False),
        (POOL, [0, 0, 1, 1, 0, 0, 1, 1], (-128, -128), True),
        (POOL, [0, 0, 1, 1, 0, 0, 1, 1], (0, 0), False),  # its padding would be larger than what is negative
    ],
)
def test_padding_goes_where_its_reader_can_do_it(reader: onnx.NodeProto, pads: list[int], grids: tuple[int, int], goes: bool) -> None:
    model = padded(reader, pads, grids)
    before = run(model, VALUES)
    assert len(np.unique(before)) > 2
    integer_graph.pads_into_readers(model)
    integer_graph.drop_unused(model)
    assert ("Pad" in kinds(model)) != goes
    np.testing.assert_allclose(run(model, VALUES), before, rtol=1e-5, atol=1e-5)


def test_what_nothing_reads_goes() -> None:
    nodes = [node("Relu", "x", "idle_a"), node("Relu", "idle_a", "idle_b"), node("Add", "x one", "out")]
    model = graph(nodes, {"one": F(1), "idle": F(2)})
    integer_graph.drop_unused(model)
    assert kinds(model) == ["Add"]
    assert [tensor.name for tensor in model.graph.initializer] == ["one"]
    np.testing.assert_array_equal(run(model, VALUES), VALUES + 1)


def test_float_operators_are_told_from_integer_ones() -> None:
    nodes = [node("Erf", "x", "e"), helper.make_node("Relu", ["e"], ["out"], name="the relu")]
    assert integer_graph.float_operators(graph(nodes, {})) == ["Erf (e)", "Relu (the relu)"]
    moved = [node("Identity", "x", "i"), node("Identity", "i", "out")]
    assert integer_graph.float_operators(graph(moved, {})) == []


@pytest.mark.parametrize(
    ("nodes", "floats"),
    [
        ([node("DequantizeLinear", "q s z", "d"), node("Softmax", "d", "out")], 0),
        ([node("DequantizeLinear", "q s z", "d"), node("Erf", "d", "e"), node("Softmax", "e", "out")], 3),
        ([node("Softmax", "x", "out")], 1),
        ([node("DequantizeLinear", "q s z", "d"), node("Softmax", "d", "p"), node("Identity", "p", "out")], 2),
    ],
)
def test_a_float_end_is_a_softmax_of_dequantized_logits_and_no_more(nodes: list[Any], floats: int) -> None:
    model = graph([node("QuantizeLinear", "x s z", "q"), *nodes], {"s": F(0.5), "z": U8(3)})
    assert len(integer_graph.float_operators(model, float_end=True)) == floats + 1  # the first, which reads floats
    assert len(integer_graph.float_operators(model)) == len([one for one in nodes if one.op_type != "Identity"]) + 1, (
        "without one all are named"
    )


def test_grids_are_those_of_activations_and_constants() -> None:
    nodes = [
        *(node("QuantizeLinear", "x s z", "q"), node("DequantizeLinear", "q s z", "d")),
        helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["v"], axis=1),
        node("MatMul", "d v", "out"),
    ]
    scales = np.array([1, 2, 3], np.float32)
    model = graph(nodes, {"s": F(0.5), "z": U8(3), "w": np.ones((3, 3), np.int8), "ws": scales, "wz": np.zeros(3, np.int8)})
    found = integer_graph.grids(model)
    assert set(found) == {"q", "w"}
    assert [part.tolist() if isinstance(part, np.ndarray) else part for part in found["q"]] == [[0.5], [3], "UINT8"]
    assert [part.tolist() if isinstance(part, np.ndarray) else part for part in found["w"]] == [[1, 2, 3], [0, 0, 0], "INT8"]
