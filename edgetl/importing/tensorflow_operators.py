"""Operators of TensorFlow's graphs in neutral ones: a list of what is allowed, one function each."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from edgetl.importing import operators as ops
from edgetl.importing.base import Unsupported
from edgetl.importing.graph import arithmetic, extreme
from edgetl.importing.operators import FIRST
from edgetl.importing.tensorflow_node import LARGEST_CONSTANT, TensorNode, constant


def add(node: TensorNode) -> None:
    """Add a node to the sketch. Raises Unsupported where it is not allowed, or where there is nothing to express it by."""
    kind, sketch = node.proto.op, node.sketch
    if kind == "Const":
        sketch.keep(node.output, constant(node.proto.attr["value"].tensor))
    elif kind == "Shape" and node.input(0) not in sketch.constants:
        sketch.keep(node.output, np.array(node.shape(), np.int64))
    elif kind in _FOLDED and node.inputs and all(one in sketch.constants for one in node.inputs):
        arrays = [sketch.constants[one] for one in node.inputs]
        try:
            several = kind in ("Pack", "ConcatV2")
            if (sum(one.size for one in arrays) if several else math.prod(_common(kind, arrays))) > LARGEST_CONSTANT:
                raise Unsupported("its constant is far too large")
            with np.errstate(all="ignore"):
                sketch.keep(node.output, np.asarray(_FOLDED[kind](node, arrays)))
        except (ValueError, IndexError, TypeError, OverflowError) as error:
            raise Unsupported("its constants do not go together") from error
    elif kind in _METHODS:
        _METHODS[kind](node)
    else:
        raise Unsupported("it is not in the list of what is allowed")


def _common(kind: str, arrays: list[np.ndarray]) -> ops.Shape:
    """Return the shape of what two constants make, or that of the first where the others only say how."""
    return (
        np.broadcast_shapes(*(one.shape for one in arrays))
        if kind in ("AddV2", "Add", "Sub", "Mul", "RealDiv", "Maximum", "Minimum")
        else arrays[0].shape
    )


def _convolution(node: TensorNode) -> None:
    kernel, layout = node.array(1), node.layout
    size, channels = layout.split(node.shape())
    if kernel.ndim != 4 or 0 in kernel.shape:
        raise Unsupported("its kernel is damaged")
    groups = max(1, channels // kernel.shape[2])
    if node.proto.op == "DepthwiseConv2dNative":
        kernel, groups = kernel.reshape(*kernel.shape[:2], 1, -1), channels
    window = node.window((kernel.shape[0], kernel.shape[1]), size)
    node.put(ops.Convolution(kernel, np.zeros(kernel.shape[3]), window, groups, layout))


def _bias(node: TensorNode) -> None:
    bias = node.array(1)
    by_channel = bias.reshape(-1, 1, 1) if node.layout is FIRST and len(node.shape()) == 4 else bias
    node.put(ops.Affine(np.ones(1), by_channel))


def _batch_norm(node: TensorNode) -> None:
    scale, offset, mean, variance = (node.array(place).astype(np.float64) for place in range(1, 5))
    if node.flag("is_training", default=True) or len({one.shape for one in (scale, offset, mean, variance)}) > 1:
        raise Unsupported("it is one in training")
    factor = scale / np.sqrt(variance + node.number("epsilon", 1e-4))
    shape = (-1, 1, 1) if node.layout is FIRST else (-1,)
    node.put(ops.Affine(factor.reshape(shape), (offset - mean * factor).reshape(shape)))


def _matmul(node: TensorNode) -> None:
    kernel = node.array(1).T if node.flag("transpose_b", default=False) else node.array(1)
    if node.flag("transpose_a", default=False) or kernel.ndim != 2:
        raise Unsupported("it transposes its input, or multiplies by no matrix")
    node.put(ops.FullyConnected(kernel, np.zeros(kernel.shape[1])))


def _arithmetic(kind: str) -> Callable[[TensorNode], None]:
    return lambda node: arithmetic(node.sketch, kind, (node.input(0), node.input(1)), node.output, node.name)


def _pool(kind: str) -> Callable[[TensorNode], None]:
    def add_one(node: TensorNode) -> None:
        size, _ = node.layout.split(node.shape())
        node.put(ops.Pool(kind, node.window(node.kernel_size(), size), node.layout))

    return add_one


def _reduce(kind: str) -> Callable[[TensorNode], None]:
    return lambda node: node.put(ops.Reduce(kind, node.integers(1), keeps_axes=node.flag("keep_dims", default=False)))


def _extreme(node: TensorNode) -> None:
    extreme(node.sketch, (node.input(0), node.input(1)), node.output, node.name, larger=node.proto.op == "Maximum")


def _negative(node: TensorNode) -> None:
    node.put(ops.Affine(-np.ones(1), np.zeros(1)))


def _pad(node: TensorNode) -> None:
    pads = node.array(1)
    if pads.ndim != 2 or pads.shape[1] != 2 or (len(node.inputs) > 2 and np.any(node.array(2))):
        raise Unsupported("it pads by something else than zeros")
    node.put(ops.Pad([(int(before), int(after)) for before, after in pads]))


def _squeeze(node: TensorNode) -> None:
    shape = node.shape()
    given = list(node.proto.attr["squeeze_dims"].list.i) or [axis for axis, extent in enumerate(shape) if extent == 1 and axis]
    axes = {ops.axis_of(axis, shape) for axis in given}
    node.put(ops.Reshape(tuple(extent for axis, extent in enumerate(shape) if axis not in axes)))


def _expand(node: TensorNode) -> None:
    shape = list(node.shape())
    [axis] = node.integers(1)
    shape.insert(axis % (len(shape) + 1), 1)
    node.put(ops.Reshape(tuple(shape)))


def _concat(node: TensorNode) -> None:
    *values, axis = node.inputs
    node.sketch.add(ops.Join(int(node.sketch.constant(axis).reshape(-1)[0])), values, node.output, node.name)


def _split(node: TensorNode) -> None:
    shape, count = node.sketch.shape(node.input(1)), int(node.proto.attr["num_split"].i)
    axis = ops.axis_of(node.integers(0)[0], shape)
    if not 0 < count <= 64 or shape[axis] % count:
        raise Unsupported(f"it splits {shape[axis]} into {count}")
    each = shape[axis] // count
    for turn in range(count):
        node.sketch.add(ops.Take(axis, np.arange(turn * each, (turn + 1) * each)), [node.input(1)], f"{node.name}:{turn}")


def _bounds(node: TensorNode, rank: int) -> list[slice | int]:
    """Return what a StridedSlice takes of each axis."""
    masks = {name: int(node.proto.attr[f"{name}_mask"].i) for name in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")}
    begins, ends, steps = (node.integers(place) for place in (1, 2, 3))
    if masks.pop("new_axis") or not len(begins) == len(ends) == len(steps) or len(begins) > rank or 0 in steps:
        raise Unsupported("it adds axes")
    begin, end, ellipsis, shrink = masks.values()
    made: list[slice | int] = []
    for axis, (first, last, step) in enumerate(zip(begins, ends, steps, strict=True)):
        if ellipsis >> axis & 1:
            made += [slice(None)] * (rank - len(begins) + 1)
        elif shrink >> axis & 1:
            made.append(first)
        else:
            made.append(slice(None if begin >> axis & 1 else first, None if end >> axis & 1 else last, step))
    return made


def _strided_slice(node: TensorNode) -> None:
    shape, value = node.shape(), node.input(0)
    bounds = _bounds(node, len(shape))
    if any(isinstance(one, int) for one in bounds):
        raise Unsupported("it drops axes")
    for axis, (extent, bound) in enumerate(zip(shape, bounds, strict=False)):
        output = node.output if axis == len(bounds) - 1 else f"{node.name}/{axis}"
        value = node.sketch.add(ops.Take(axis, np.arange(extent)[bound]), [value], output)


def _several(node: TensorNode) -> None:
    for place, source in enumerate(node.inputs):
        node.sketch.alias(f"{node.name}:{place}", source)


def _same(node: TensorNode) -> None:
    node.sketch.alias(node.output, node.input(0))


_METHODS: dict[str, Callable[[TensorNode], None]] = {
    **{"Conv2D": _convolution, "DepthwiseConv2dNative": _convolution, "BiasAdd": _bias, "MatMul": _matmul},
    **dict.fromkeys(("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"), _batch_norm),
    **{"AddV2": _arithmetic("+"), "Add": _arithmetic("+"), "Sub": _arithmetic("-"), "Mul": _arithmetic("*"), "RealDiv": _arithmetic("/")},
    **{"Relu": lambda node: node.put(ops.Clip(0.0, np.inf)), "Relu6": lambda node: node.put(ops.Clip(0.0, 6.0))},
    **{"LeakyRelu": lambda node: node.put(ops.Leaky(np.array([node.number("alpha", 0.2)]))), "Neg": _negative},
    **{"Sigmoid": lambda node: node.put(ops.Sigmoidal("sigmoid")), "Tanh": lambda node: node.put(ops.Sigmoidal("tanh"))},
    **{"Softmax": lambda node: node.put(ops.Softmax(-1)), "LogSoftmax": lambda node: node.put(ops.Softmax(-1))},
    **{
        "Maximum": _extreme,
        "Minimum": _extreme,
        "MaxPool": _pool("max"),
        "AvgPool": _pool("mean"),
        "Mean": _reduce("mean"),
        "Max": _reduce("max"),
    },
    **{
        "Pad": _pad,
        "PadV2": _pad,
        "Reshape": lambda node: node.put(ops.Reshape(node.integers(1))),
        "Squeeze": _squeeze,
        "ExpandDims": _expand,
    },
    **{
        "Transpose": lambda node: node.put(ops.Reorder(node.integers(1))),
        "ConcatV2": _concat,
        "Split": _split,
        "StridedSlice": _strided_slice,
    },
    "IdentityN": _several,
    **dict.fromkeys(("Identity", "StopGradient", "PreventGradient", "ReadVariableOp", "Cast", "Snapshot"), _same),
}
_Fold = Callable[[TensorNode, list[np.ndarray]], Any]
_FOLDED: dict[str, _Fold] = {
    **{"Maximum": lambda _, x: np.maximum(x[0], x[1]), "Minimum": lambda _, x: np.minimum(x[0], x[1])},
    **{
        "AddV2": lambda _, x: x[0] + x[1],
        "Add": lambda _, x: x[0] + x[1],
        "Sub": lambda _, x: x[0] - x[1],
        "Mul": lambda _, x: x[0] * x[1],
    },
    **{
        "RealDiv": lambda _, x: x[0] / x[1],
        "Rsqrt": lambda _, x: 1 / np.sqrt(x[0]),
        "Sqrt": lambda _, x: np.sqrt(x[0]),
        "Neg": lambda _, x: -x[0],
    },
    **{
        "Reshape": lambda node, x: x[0].reshape(node.integers(1)),
        "Squeeze": lambda _, x: np.squeeze(x[0]),
        "Shape": lambda _, x: x[0].shape,
    },
    **{"Pack": lambda _, x: np.stack(x), "ConcatV2": lambda _, x: np.concatenate(x[:-1], int(x[-1])), "Prod": lambda _, x: np.prod(x[0])},
    **{"StridedSlice": lambda node, x: x[0][tuple(_bounds(node, x[0].ndim))], "ExpandDims": lambda _, x: np.expand_dims(x[0], int(x[1]))},
}
KNOWN = frozenset({*_METHODS, *_FOLDED, "Const", "VarHandleOp"})
