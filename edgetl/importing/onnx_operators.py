"""ONNX's operators in neutral ones, of opset 7 to 30: one function each."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from edgetl.importing import operators as ops
from edgetl.importing.base import Unsupported
from edgetl.importing.graph import arithmetic, extreme
from edgetl.importing.onnx_constants import FOLDED, array, folded
from edgetl.importing.onnx_moves import MOVES
from edgetl.importing.onnx_node import OnnxNode
from edgetl.importing.operators import FIRST

_FLOATS = (1, 10, 11, 16)  # ONNX's numbers of float, float16, double and bfloat16
_NOTHING = np.zeros(1)


def add(node: OnnxNode) -> None:
    """Add a node to the sketch. Raises Unsupported where there is nothing to express it by."""
    sketch, proto = node.sketch, node.node
    if proto.domain not in ("", "ai.onnx"):
        raise Unsupported(f"it is of the domain {proto.domain!r}")
    given = [name for name in proto.input if name]
    if proto.op_type == "Constant":
        _constant(node)
    elif proto.op_type in ("Shape", "Size") and given and given[0] not in sketch.constants:
        _shape(node)
    elif proto.op_type in FOLDED and all(name in sketch.constants for name in given):
        made = folded(proto, [sketch.constants[name] for name in given], node.opset)
        for name, one in zip(proto.output, made, strict=True):
            sketch.keep(name, one)
    elif proto.op_type in _OPERATORS:
        _OPERATORS[proto.op_type](node)
    else:
        raise Unsupported("it is unknown")


def _constant(node: OnnxNode) -> None:
    [attribute] = node.node.attribute if len(node.node.attribute) == 1 else [None]
    if attribute is None or attribute.name not in ("value", "value_float", "value_floats", "value_int", "value_ints"):
        raise Unsupported("it holds no plain numbers")
    try:
        plain = {"value_float": attribute.f, "value_int": attribute.i}.get(attribute.name)
        several = list(attribute.floats) or list(attribute.ints)
        kind = np.float32 if "float" in attribute.name else np.int64
        made = array(attribute.t) if attribute.name == "value" else np.array(several if plain is None else plain, kind)
    except (ValueError, TypeError, OverflowError) as error:
        raise Unsupported(str(error)) from error
    node.sketch.keep(node.output, made)


def _shape(node: OnnxNode) -> None:
    shape = node.shape()
    whole = slice(node.integer("start", 0), node.integer("end", len(shape)))
    made = np.prod(shape) if node.node.op_type == "Size" else shape[whole]
    node.sketch.keep(node.output, np.array(made, np.int64))


def _convolution(node: OnnxNode) -> None:
    kernel = node.array(1)
    size, _ = FIRST.split(node.shape())
    if kernel.ndim != 4:
        raise Unsupported("it is not that of an image")
    window = node.window((kernel.shape[2], kernel.shape[3]), size)
    bias = node.array(2) if node.has(2) else np.zeros(kernel.shape[0], np.float32)
    node.put(ops.Convolution(kernel.transpose(2, 3, 1, 0), bias, window, node.integer("group", 1), FIRST))


def _gemm(node: OnnxNode) -> None:
    kernel = node.array(1).T if node.integer("transB", 0) else node.array(1)
    if node.integer("transA", 0) or kernel.ndim != 2:
        raise Unsupported("it transposes its input")
    bias = node.array(2) * np.float32(node.number("beta", 1.0)) if node.has(2) else _NOTHING
    _dense(node, kernel * np.float32(node.number("alpha", 1.0)), bias)


def _matmul(node: OnnxNode) -> None:
    _dense(node, node.array(1), _NOTHING)


def _dense(node: OnnxNode, kernel: np.ndarray, bias: np.ndarray) -> None:
    if kernel.ndim != 2 or bias.size not in (1, kernel.shape[1]):
        raise Unsupported("it multiplies by something else than a matrix, or adds something else than a bias")
    node.put(ops.FullyConnected(kernel, np.broadcast_to(bias.reshape(-1), kernel.shape[1:])))


def _batch_norm(node: OnnxNode) -> None:
    scale, offset, mean, variance = (node.array(place).astype(np.float64) for place in range(1, 5))
    if node.integer("training_mode", 0) or len({one.shape for one in (scale, offset, mean, variance)}) > 1 or scale.ndim != 1:
        raise Unsupported("it is one in training, or its constants do not go together")
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = scale / np.sqrt(variance + node.number("epsilon", 1e-5))
    by_channel = (len(scale), *([1] * (len(node.shape()) - 2)))
    node.put(ops.Affine(factor.reshape(by_channel), (offset - mean * factor).reshape(by_channel)))


def _clip(node: OnnxNode) -> None:
    node.put(ops.Clip(node.bound("min", 1, -np.inf), node.bound("max", 2, np.inf)))


def _extreme(node: OnnxNode) -> None:
    """Express the larger or the smaller of a value and a number."""
    if len(node.node.input) != 2:
        raise Unsupported("it compares more than a value and a number")
    extreme(node.sketch, (node.input(0), node.input(1)), node.output, node.name, larger=node.node.op_type == "Max")


def _hard_sigmoid(node: OnnxNode) -> None:
    slope, middle = node.number("alpha", 0.2), node.number("beta", 0.5)
    if abs(middle - 0.5) > 1e-6 or slope <= 0:
        raise Unsupported(f"it rises about {middle:g} and not about 0.5")
    node.put(ops.Gate(slope))


def _gated(gate: ops.Operator) -> Callable[[OnnxNode], None]:
    """Express x * gate(x)."""

    def add_both(node: OnnxNode) -> None:
        made = node.sketch.add(gate, [node.input(0)], f"{node.output}/gate")
        node.sketch.add(ops.Product(), [node.input(0), made], node.output, node.name)

    return add_both


def _leaky(node: OnnxNode) -> None:
    slope = node.array(1) if node.has(1) else np.array([node.number("alpha", 0.01)])
    node.put(ops.Leaky(slope))


def _arithmetic(kind: str) -> Callable[[OnnxNode], None]:
    def add_one(node: OnnxNode) -> None:
        if len(node.node.input) != 2:
            raise Unsupported(f"it has {len(node.node.input)} inputs")
        arithmetic(node.sketch, kind, (node.input(0), node.input(1)), node.output, node.name)

    return add_one


def _pool(kind: str) -> Callable[[OnnxNode], None]:
    def add_one(node: OnnxNode) -> None:
        image, _ = FIRST.split(node.shape())
        window = node.window(node.kernel_size(), image)
        counts = bool(node.integer("count_include_pad", 0)) and kind == "mean"
        if node.integer("ceil_mode", 0):
            wider = _ceiled(window, image)
            if counts and wider != window:
                raise Unsupported("it averages zeros beyond the padding")
            window = wider
        node.put(ops.Pool(kind, window, FIRST, counts))

    return add_one


def _ceiled(window: ops.Window, image: ops.Pair) -> ops.Window:
    """Return the window with padding at the end for the last place that a rounding up adds, unless that begins outside."""
    window.places(image)
    pads = []
    for extent, (before, after), reach, stride in zip(image, window.pads, window.reach(), window.strides, strict=True):
        places = -(-(extent + before + after - reach) // stride) + 1
        places -= (places - 1) * stride >= extent + before
        pads.append((before, max(0, (places - 1) * stride + reach - extent - before)))
    return replace(window, pads=(pads[0], pads[1]))


def _global(kind: str) -> Callable[[OnnxNode], None]:
    return lambda node: node.put(ops.Reduce(kind, (2, 3), keeps_axes=True))


def _reduce(kind: str) -> Callable[[OnnxNode], None]:
    def add_one(node: OnnxNode) -> None:
        axes = node.integers("axes", place=1)
        if not axes:
            raise Unsupported("it reduces the batch")
        node.put(ops.Reduce(kind, axes, keeps_axes=bool(node.integer("keepdims", 1))))

    return add_one


def _softmax(node: OnnxNode) -> None:
    node.put(ops.Softmax(node.integer("axis", -1 if node.opset >= 13 else 1)))


def _same(node: OnnxNode) -> None:
    if node.node.op_type == "Cast" and node.integer("to", 1) not in _FLOATS:
        raise Unsupported("it casts to integers")
    node.sketch.alias(node.node.output[0], node.input(0))


_OPERATORS: dict[str, Callable[[OnnxNode], None]] = {
    **MOVES,
    **{"Conv": _convolution, "Gemm": _gemm, "MatMul": _matmul, "BatchNormalization": _batch_norm},
    **{"Relu": lambda node: node.put(ops.Clip(0.0, np.inf)), "Clip": _clip, "Max": _extreme, "Min": _extreme},
    **{"HardSigmoid": _hard_sigmoid, "HardSwish": _gated(ops.Gate(1 / 6)), "Swish": _gated(ops.Sigmoidal("sigmoid"))},
    **{"Sigmoid": lambda node: node.put(ops.Sigmoidal("sigmoid")), "Tanh": lambda node: node.put(ops.Sigmoidal("tanh"))},
    **{"LeakyRelu": _leaky, "PRelu": _leaky},
    **{"Add": _arithmetic("+"), "Sum": _arithmetic("+"), "Sub": _arithmetic("-"), "Mul": _arithmetic("*"), "Div": _arithmetic("/")},
    **{"MaxPool": _pool("max"), "AveragePool": _pool("mean"), "GlobalAveragePool": _global("mean"), "GlobalMaxPool": _global("max")},
    **{"ReduceMean": _reduce("mean"), "ReduceMax": _reduce("max"), "Softmax": _softmax, "LogSoftmax": _softmax},
    **{"Identity": _same, "Dropout": _same, "Cast": _same, "CastLike": _same},
}
KNOWN = {*_OPERATORS, *FOLDED, "Constant"}
