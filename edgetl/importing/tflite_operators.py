"""TFLite's operators in neutral ones: one function each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgetl.importing import operators as ops
from edgetl.importing.base import Unsupported
from edgetl.importing.graph import Sketch, arithmetic
from edgetl.importing.operators import LAST, Pair, Window

_TENSOR = "tensor_"


def tensor_name(index: int) -> str:
    """Return the name under which the sketch knows a tensor."""
    return f"{_TENSOR}{index}"


def tensor_index(name: str) -> int:
    """Return which tensor the sketch knows under a name."""
    return int(name.removeprefix(_TENSOR))


@dataclass(frozen=True, eq=False)
class LiteNode:
    """An operator of a TFLite graph with its options; `suffix` is put behind the name of what it gives."""

    sketch: Sketch
    operator: schema.OperatorT
    name: str
    kind: str
    suffix: str = ""

    def input(self, place: int) -> str:
        if not self.has(place):
            raise Unsupported(f"its input {place + 1} is missing")
        return tensor_name(self.operator.inputs[place])

    def has(self, place: int) -> bool:
        return place < len(self.operator.inputs) and self.operator.inputs[place] >= 0

    def array(self, place: int) -> np.ndarray:
        return self.sketch.constant(self.input(place))

    def integers(self, place: int) -> tuple[int, ...]:
        return self.sketch.integers(self.input(place))

    @property
    def output(self) -> str:
        if len(self.operator.outputs) != 1:
            raise Unsupported("it has more than one output")
        return f"{tensor_name(self.operator.outputs[0])}{self.suffix}"

    @property
    def options(self) -> Any:
        if self.operator.builtinOptions is None:
            raise Unsupported("it has no options")
        return self.operator.builtinOptions

    def put(self, operator: ops.Operator) -> None:
        """Add an operator that reads the first input, and the activation that is fused into it."""
        self.activate(lambda output: self.sketch.add(operator, [self.input(0)], output, self.name))

    def activate(self, add: Callable[[str], object]) -> None:
        """Add an operator that writes to a name, and the activation that is fused into it."""
        fused = getattr(self.operator.builtinOptions, "fusedActivationFunction", 0)
        if fused not in _FUSED:
            raise Unsupported("its fused activation is unknown")
        clip = _FUSED[fused]
        add(self.output if clip is None else f"{self.output}/linear")
        if clip is not None:
            self.sketch.add(clip, [f"{self.output}/linear"], self.output, f"{self.name}_activation")

    def window(self, size: Pair, image: Pair) -> Window:
        options = self.options
        dilations = (int(getattr(options, "dilationHFactor", 1)), int(getattr(options, "dilationWFactor", 1)))
        window = Window(size, (int(options.strideH), int(options.strideW)), dilations=dilations)
        if options.padding == schema.Padding.SAME:
            return Window(size, window.strides, ops.same_pads(image, window), dilations)
        return window


_Lite = schema.ActivationFunctionType
_FUSED: dict[int, ops.Clip | None] = {_Lite.NONE: None, _Lite.RELU: ops.Clip(0.0, np.inf), _Lite.RELU6: ops.Clip(0.0, 6.0)}


def add(node: LiteNode) -> None:
    """Add an operator to the sketch. Raises Unsupported where there is nothing to express it by."""
    if node.kind not in METHODS:
        raise Unsupported("it is unknown")
    METHODS[node.kind](node)


def _convolution(node: LiteNode) -> None:
    kernel = node.array(1)
    size, channels = LAST.split(node.sketch.shape(node.input(0)))
    if kernel.ndim != 4 or 0 in kernel.shape:
        raise Unsupported("its kernel is damaged")
    depthwise = node.kind == "DEPTHWISE_CONV_2D"
    kernel = kernel.transpose(1, 2, 0, 3) if depthwise else kernel.transpose(1, 2, 3, 0)
    bias = node.array(2) if node.has(2) else np.zeros(kernel.shape[3], np.float32)
    groups = channels if depthwise else max(1, channels // kernel.shape[2])
    node.put(ops.Convolution(kernel, bias, node.window((kernel.shape[0], kernel.shape[1]), size), groups, LAST))


def _dense(node: LiteNode) -> None:
    kernel, shape = node.array(1), node.sketch.shape(node.input(0))
    if kernel.ndim != 2:
        raise Unsupported("its kernel is damaged")
    bias = node.array(2) if node.has(2) else np.zeros(kernel.shape[0], np.float32)
    product, value = ops.FullyConnected(kernel.T, bias), node.input(0)
    if len(shape) != 2 and not node.options.keepNumDims:
        value = node.sketch.add(ops.Reshape((1, kernel.shape[1])), [value], f"{node.output}/row")
    node.activate(lambda output: node.sketch.add(product, [value], output, node.name))


def _pool(kind: str) -> Callable[[LiteNode], None]:
    def add_one(node: LiteNode) -> None:
        size, _ = LAST.split(node.sketch.shape(node.input(0)))
        window = node.window((int(node.options.filterHeight), int(node.options.filterWidth)), size)
        node.put(ops.Pool(kind, window, LAST))

    return add_one


def _arithmetic(kind: str) -> Callable[[LiteNode], None]:
    def add_one(node: LiteNode) -> None:
        node.activate(lambda output: arithmetic(node.sketch, kind, (node.input(0), node.input(1)), output, node.name))

    return add_one


def _reduce(kind: str) -> Callable[[LiteNode], None]:
    return lambda node: node.put(ops.Reduce(kind, node.integers(1), keeps_axes=bool(node.options.keepDims)))


def _concat(node: LiteNode) -> None:
    names = [node.input(place) for place in range(len(node.operator.inputs))]
    node.activate(lambda output: node.sketch.add(ops.Join(int(node.options.axis)), names, output, node.name))


def _split(node: LiteNode) -> None:
    axis, extent = node.integers(0)[0], node.sketch.shape(node.input(1))
    count, size = len(node.operator.outputs), extent[ops.axis_of(axis, extent)]
    if size % count:
        raise Unsupported(f"it splits {size} into {count}")
    for turn, output in enumerate(node.operator.outputs):
        entries = np.arange(turn * size // count, (turn + 1) * size // count)
        node.sketch.add(ops.Take(axis, entries), [node.input(1)], tensor_name(output))


def _slice(node: LiteNode) -> None:
    shape = node.sketch.shape(node.input(0))
    if node.kind == "SLICE":
        begins, sizes, steps = node.integers(1), node.integers(2), (1,) * len(shape)
        bounds = [slice(begin, None if size == -1 else begin + size) for begin, size in zip(begins, sizes, strict=True)]
    else:
        begins, ends, steps = (node.integers(place) for place in (1, 2, 3))
        options = node.options
        if (
            options.ellipsisMask
            or options.newAxisMask
            or options.shrinkAxisMask
            or not len(begins) == len(ends) == len(steps) == len(shape)
        ):
            raise Unsupported("it changes the number of axes")
        bounds = [
            slice(
                None if options.beginMask >> axis & 1 else begin,
                None if options.endMask >> axis & 1 else end,
                step,
            )
            for axis, (begin, end, step) in enumerate(zip(begins, ends, steps, strict=True))
        ]
    taken = [(axis, np.arange(extent)[bound]) for axis, (extent, bound) in enumerate(zip(shape, bounds, strict=True))]
    value = node.input(0)
    for axis, entries in taken:
        output = node.output if axis == len(shape) - 1 else f"{node.output}/{axis}"
        value = node.sketch.add(ops.Take(axis, entries), [value], output)


def _pad(node: LiteNode) -> None:
    pads = node.array(1)
    if pads.ndim != 2 or pads.shape[1] != 2 or (node.has(2) and np.any(node.array(2))):
        raise Unsupported("it pads by something else than zeros")
    node.put(ops.Pad([(int(before), int(after)) for before, after in pads]))


def _reshape(node: LiteNode) -> None:
    node.put(ops.Reshape(node.integers(1) if node.has(1) else tuple(int(one) for one in node.options.newShape)))


def _squeeze(node: LiteNode) -> None:
    shape = node.sketch.shape(node.input(0))
    given = [int(one) for one in (node.options.squeezeDims if node.options.squeezeDims is not None else [])]
    axes = {ops.axis_of(axis, shape) for axis in given or [axis for axis, extent in enumerate(shape) if extent == 1 and axis]}
    node.put(ops.Reshape(tuple(extent for axis, extent in enumerate(shape) if axis not in axes)))


def _hard_swish(node: LiteNode) -> None:
    made = node.sketch.add(ops.Gate(1 / 6), [node.input(0)], f"{node.output}/gate")
    node.sketch.add(ops.Product(), [node.input(0), made], node.output, node.name)


def _same(node: LiteNode) -> None:
    node.sketch.alias(node.output, node.input(0))


def _relu_to(high: float) -> Callable[[LiteNode], None]:
    return lambda node: node.put(ops.Clip(0.0, high))


METHODS: dict[str, Callable[[LiteNode], None]] = {
    **{"CONV_2D": _convolution, "DEPTHWISE_CONV_2D": _convolution, "FULLY_CONNECTED": _dense},
    **{"MAX_POOL_2D": _pool("max"), "AVERAGE_POOL_2D": _pool("mean"), "MEAN": _reduce("mean"), "REDUCE_MAX": _reduce("max")},
    **{"ADD": _arithmetic("+"), "SUB": _arithmetic("-"), "MUL": _arithmetic("*"), "DIV": _arithmetic("/")},
    **{"RELU": _relu_to(np.inf), "RELU6": _relu_to(6.0), "HARD_SWISH": _hard_swish},
    **{"LOGISTIC": lambda node: node.put(ops.Sigmoidal("sigmoid")), "TANH": lambda node: node.put(ops.Sigmoidal("tanh"))},
    **{"LEAKY_RELU": lambda node: node.put(ops.Leaky(np.array([float(node.options.alpha)])))},
    **{"PRELU": lambda node: node.put(ops.Leaky(node.array(1)))},
    **{"SOFTMAX": lambda node: node.put(ops.Softmax(-1)), "LOG_SOFTMAX": lambda node: node.put(ops.Softmax(-1))},
    **{"CONCATENATION": _concat, "SPLIT": _split, "SLICE": _slice, "STRIDED_SLICE": _slice, "PAD": _pad, "PADV2": _pad},
    **{"RESHAPE": _reshape, "SQUEEZE": _squeeze, "TRANSPOSE": lambda node: node.put(ops.Reorder(node.integers(1)))},
    **{"QUANTIZE": _same, "DEQUANTIZE": _same},
}
