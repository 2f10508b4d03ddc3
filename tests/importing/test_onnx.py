"""Every ONNX operator that is known, in small graphs: the imported model computes what ONNX Runtime does."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgetl.importing import read
from tests.importing.conftest import Onnx, differs, weights

Build = Callable[[Onnx], str]


def _after(kind: str, *inputs: np.ndarray | None, **attributes: object) -> Build:
    """A graph with one operator behind a convolution of six channels."""
    return lambda g: g.head(g.add(kind, g.convolution("image"), *inputs, **attributes), 6)


def _hard_swish(kind: str) -> Build:
    def build(g: Onnx) -> str:
        x = g.convolution("image")
        three, six, zero, half, one = (np.array(number, np.float32) for number in (3, 6, 0, 0.5, 1))
        raised = g.add("Add", x, three)
        clipped = g.add("Clip", raised, zero, six)
        spelled = {
            "mul first": lambda: g.add("Div", g.add("Mul", x, clipped), six),
            "div first": lambda: g.add("Mul", x, g.add("Div", clipped, six)),
            "sixth": lambda: g.add("Mul", g.add("Mul", clipped, x), np.array(1 / 6, np.float32)),
            "min of max": lambda: g.add("Mul", x, g.add("Div", g.add("Min", g.add("Max", raised, zero), six), six)),
            "to one": lambda: g.add("Mul", x, g.add("Clip", g.add("Add", g.add("Div", x, six), half), zero, one)),
            "hard-sigmoid": lambda: g.add("Mul", x, g.add("HardSigmoid", x, alpha=1 / 6, beta=0.5)),
            "one operator": lambda: g.add("HardSwish", x),
        }
        return g.head(spelled[kind](), 6)

    return build


def _shuffle(g: Onnx) -> str:
    """Two of ShuffleNet's units: half of the channels pass, half are convolved, then both are shuffled."""
    x = g.convolution("image", makes=8)
    for _ in range(2):
        passed, changed = g.add("Split", x, np.array([4, 4]), outputs=2, axis=1)
        joined = g.add("Concat", passed, g.add("Relu", g.convolution(changed, reads=4, makes=4, size=1)), axis=1)
        apart = g.add("Reshape", joined, np.array([1, 2, 4, 6, 6]))
        x = g.add("Reshape", g.add("Transpose", apart, perm=[0, 2, 1, 3, 4]), np.array([1, 8, 6, 6]))
    return g.head(g.add("Relu", g.convolution(x, reads=8, makes=8, size=1)), 8)


def _squeeze_excite(g: Onnx) -> str:
    x = g.add("Relu", g.convolution("image"))
    gate = g.add("Relu", g.convolution(g.add("ReduceMean", x, axes=[2, 3]), reads=6, makes=2, size=1))
    gate = g.add("HardSigmoid", g.convolution(gate, reads=2, makes=6, size=1))  # of slope 0.2, as Paddle has it
    return g.head(g.add("Mul", x, gate), 6)


def _rows_as_a_gate(g: Onnx) -> str:
    x = g.convolution("image")
    row = g.add("Gemm", g.add("Flatten", g.add("GlobalAveragePool", x)), weights(6, 6), weights(6))
    gate = g.add("Unsqueeze", g.add("Sigmoid", row), np.array([2, 3]))
    return g.head(g.add("Mul", x, gate), 6)


def _flattened(g: Onnx) -> str:
    x = g.add("Relu", g.convolution("image", makes=4, size=3, strides=[2, 2]))
    return str(g.add("MatMul", g.add("Reshape", x, np.array([-1, 36])), weights(36, 3)))


def _reshaped_by_shape(g: Onnx) -> str:
    x = g.add("GlobalAveragePool", g.convolution("image"))
    batch = g.add("Unsqueeze", g.add("Gather", g.add("Shape", x), np.array(0), axis=0), np.array([0]))
    return str(g.add("Gemm", g.add("Reshape", x, g.add("Concat", batch, np.array([-1]), axis=0)), weights(6, 3), weights(3)))


def _norm(*, first: bool) -> Build:
    def build(g: Onnx) -> str:
        x = g.add("MaxPool", g.convolution("image"), kernel_shape=[2, 2]) if first else g.convolution("image")
        norm = g.add("BatchNormalization", x, *(np.abs(weights(6)) + 0.5 for _ in range(4)), epsilon=1e-3)
        return g.head(g.add("Relu", norm), 6)

    return build


def _of_relu(kind: str, **attributes: object) -> Build:
    return lambda g: g.head(g.add(kind, g.add("Relu", g.convolution("image")), **attributes), 6)


def _prelu(g: Onnx) -> str:
    return g.head(g.add("PRelu", g.convolution("image"), np.abs(weights(6, 1, 1))), 6)


def _depthwise_of_two(g: Onnx) -> str:
    return g.head(g.add("Relu", g.convolution("image", makes=6, group=3, pads=[1, 1, 1, 1])), 6)


def _groups(g: Onnx) -> str:
    x = g.convolution("image", makes=8)
    return g.head(g.add("Relu", g.convolution(x, reads=8, makes=4, group=2)), 4)


def _sums(g: Onnx) -> str:
    x, y = g.convolution("image"), g.convolution("image")
    total = g.add("Sub", g.add("Add", x, y), g.add("Mul", x, y))
    return g.head(g.add("Div", g.add("Sub", np.array(1, np.float32), total), weights(1, 6, 1, 1) + 2), 6)


def _passed_through(g: Onnx) -> str:
    x = g.add("Cast", g.add("Dropout", g.add("Identity", g.convolution("image"))), to=1)
    x = g.add("Slice", x, np.array([5, 0]), np.array([0, 99]), np.array([1, 2]), np.array([-1, 1]))
    return g.head(g.add("Gather", x, np.array([3, 0, 1]), axis=1), 3)


def _last_channels(g: Onnx) -> str:
    """A dense layer on channels that stand last for a while, as timm's layers of ConvNeXt's kind do."""
    x = g.add("Transpose", g.convolution("image"), perm=[0, 2, 3, 1])
    x = g.add("Add", g.add("MatMul", x, weights(6, 5)), weights(5))
    return g.head(g.add("Transpose", g.add("Relu", x), perm=[0, 3, 1, 2]), 5)


def _probabilities(g: Onnx) -> str:
    return str(g.add("Softmax", g.head(g.convolution("image"), 6), axis=1))


CASES: dict[str, Build] = {
    "same padding": lambda g: g.head(g.convolution("image", pads=[1, 1, 1, 1]), 6),
    "symmetric padding, stride 2": lambda g: g.head(g.add("Relu", g.convolution("image", pads=[1, 1, 1, 1], strides=[2, 2])), 6),
    "SAME_UPPER": lambda g: g.head(g.convolution("image", auto_pad="SAME_UPPER", strides=[2, 2]), 6),
    "SAME_LOWER": lambda g: g.head(g.convolution("image", auto_pad="SAME_LOWER", strides=[2, 2]), 6),
    "dilated, unequal strides": lambda g: g.head(g.convolution("image", dilations=[2, 2], strides=[2, 1], pads=[1, 0, 2, 1]), 6),
    "depthwise, unequal strides": lambda g: g.head(g.convolution("image", makes=3, group=3, strides=[2, 1], pads=[1, 1, 1, 1]), 3),
    **{f"hard-swish, {kind}": _hard_swish(kind) for kind in ("mul first", "div first", "sixth", "min of max", "to one", "hard-sigmoid")},
    **{"hard-swish, one operator": _hard_swish("one operator"), "shuffle": _shuffle, "squeeze and excite": _squeeze_excite},
    **{"a gate of rows": _rows_as_a_gate, "flattened": _flattened, "reshaped by a shape": _reshaped_by_shape},
    **{"batch norm": _norm(first=False), "batch norm behind a pool": _norm(first=True), "prelu": _prelu, "groups": _groups},
    **{"depthwise of two": _depthwise_of_two, "sums": _sums, "passed through": _passed_through, "channels last": _last_channels},
    **{"probabilities": _probabilities, "leaky": _after("LeakyRelu", alpha=0.1), "sigmoid": _after("Sigmoid"), "tanh": _after("Tanh")},
    "relu6": _after("Clip", np.array(0, np.float32), np.array(6, np.float32)),
    "padded": _after("Pad", np.array([0, 0, 1, 0, 0, 0, 2, 1])),
    "max pool": _of_relu("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
    "max pool, ceiling": _after("MaxPool", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
    "average pool": _after("AveragePool", kernel_shape=[2, 2], strides=[2, 2]),
    "average pool that counts its padding": _after("AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1),
    "average pool that does not": _after("AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
    "global max": lambda g: str(g.add("Flatten", g.add("GlobalMaxPool", g.convolution("image")))),
}


@pytest.mark.parametrize("case", CASES)
def test_computes_what_onnxruntime_does(case: str, tmp_path: Path) -> None:
    graph = Onnx(opset=14)
    assert differs(graph.save(tmp_path / "model.onnx", CASES[case](graph))) < 1e-5


def test_opset_9_with_attributes_for_inputs(tmp_path: Path) -> None:
    graph = Onnx(opset=9)
    x = graph.add("Clip", graph.convolution("image"), min=0.0, max=6.0)
    x = graph.add("Slice", graph.add("Pad", x, pads=[0, 0, 1, 1, 0, 0, 1, 1]), starts=[1], ends=[6], axes=[1])
    x = graph.add("Squeeze", graph.add("ReduceMean", graph.add("Dropout", x), axes=[2, 3]), axes=[2, 3])
    assert differs(graph.save(tmp_path / "model.onnx", graph.add("Gemm", x, weights(3, 5), weights(3), transB=1))) < 1e-5


def test_the_layers_are_those_that_quantization_knows(tmp_path: Path) -> None:
    graph = Onnx()
    model = read(graph.save(tmp_path / "model.onnx", _hard_swish("mul first")(graph))).model
    kinds = Counter(type(layer).__name__ for layer in model.layers)
    assert kinds == {"InputLayer": 1, "Conv2D": 1, "HardSigmoid": 1, "Multiply": 1, "GlobalAveragePooling2D": 1, "Dense": 1}


def test_a_relu_behind_a_max_pool_is_put_before_it(tmp_path: Path) -> None:
    """Strides that a depthwise layer cannot have are a max-pool of one place behind it, too."""
    graph = Onnx()
    x = graph.add("Relu", graph.convolution("image", makes=3, group=3, strides=[2, 1], pads=[1, 1, 1, 1]))
    x = graph.add("Relu", graph.add("MaxPool", graph.convolution(x), kernel_shape=[2, 2], strides=[1, 1]))
    path = graph.save(tmp_path / "model.onnx", graph.head(x, 6))
    assert differs(path) < 1e-5
    kinds = [type(layer).__name__ for layer in read(path).model.layers if type(layer).__name__ in ("ReLU", "MaxPooling2D")]
    assert kinds == ["ReLU", "MaxPooling2D"] * 2


def test_a_shuffle_is_an_account_and_no_transposition(tmp_path: Path) -> None:
    graph = Onnx()
    model = read(graph.save(tmp_path / "model.onnx", _shuffle(graph))).model
    assert {type(layer).__name__ for layer in model.layers} & {"Permute", "Reshape"} == set()


def test_preprocessing_of_the_file_is_a_value(tmp_path: Path) -> None:
    graph = Onnx((1, 8, 10, 3))
    x = graph.add("Div", graph.add("Sub", "image", np.float32([1, 2, 3])), np.float32([2, 4, 8]))
    x = graph.add("Transpose", graph.add("Gather", x, np.array([2, 1, 0]), axis=3), perm=[0, 3, 1, 2])
    path = graph.save(tmp_path / "model.onnx", graph.head(graph.convolution(x), 6))
    found = read(path)
    assert (found.preprocessing.scale, found.preprocessing.offset) == ((0.5, 0.25, 0.125), (-0.5, -0.5, -0.375))
    assert (found.height, found.width, found.channels, found.classes, found.channels_last) == (8, 10, 3, 3, True)
    assert differs(path) < 1e-5


def test_what_the_file_says_of_itself(tmp_path: Path) -> None:
    graph = Onnx()
    graph.metadata = {"names": "{0: 'cat', 1: 'dog', 2: 'owl'}"}
    found = read(graph.save(tmp_path / "model.onnx", _probabilities(graph)))
    assert (found.origin.producer, found.origin.class_names, found.activation) == ("by hand", ("cat", "dog", "owl"), "softmax")
    assert len(found.sha256) == 64
