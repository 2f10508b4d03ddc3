"""Passes that make an ONNX Q/DQ graph run in integers only in ONNX Runtime, without changing a number.

tf2onnx keeps the TFLite file's grids, but leaves a graph that ONNX Runtime fuses only in part. Each pass says what stands in the way.
"""

import collections
from collections.abc import Callable

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

# Operators that ONNX Runtime may be left with: integer arithmetic, those that only move or compare integers, and those that look an integer
# up in a table of 256, which is made when the file is loaded (QLinearSigmoid, QLinearLeakyRelu).
_INTEGER_OPERATORS = {
    "QLinearConv", "QLinearAdd", "QLinearMul", "QLinearGlobalAveragePool", "QLinearAveragePool", "QLinearMatMul", "QLinearConcat",
    "QLinearSoftmax", "QLinearSigmoid", "QLinearLeakyRelu", "QGemm", "MaxPool", "NhwcMaxPool", "Concat", "Reshape", "Flatten", "Squeeze",
    "Unsqueeze", "Transpose", "Pad", "Slice", "Identity",
}  # fmt: skip

# What `class_probabilities` is made of in float: the logit of unknown images is cut off, and the classes share what is left to them.
_OF_PROBABILITIES = {"Softmax", "Sigmoid", "Slice", "Mul", "Add"}

_NUDGE = 6e-7  # of a scale: five times what float32 rounds by, and nowhere else near a half


class _Graph:
    """A graph with its constants and readers looked up by name."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.graph = model.graph
        self.constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        self.readers: dict[str, list[onnx.NodeProto]] = collections.defaultdict(list)
        for node in model.graph.node:
            for name in node.input:
                self.readers[name].append(node)
        self.writers = {name: node for node in model.graph.node for name in node.output}

    def grid(self, node: onnx.NodeProto) -> tuple[float, int, np.dtype]:
        """Scale, zero point and dtype of a per-tensor QuantizeLinear or DequantizeLinear."""
        zero = self.constants[node.input[2]]
        return float(self.constants[node.input[1]]), int(zero), zero.dtype

    def bypass(self, node: onnx.NodeProto, source: str) -> None:
        """Let the readers of the node's output read `source`, and remove the node."""
        for reader in self.readers.pop(node.output[0], []):
            for index, name in enumerate(reader.input):
                if name == node.output[0]:
                    reader.input[index] = source
                    self.readers[source].append(reader)
        self.graph.node.remove(node)


def drop_implied_clips(model: onnx.ModelProto) -> None:
    """Remove each Clip (ReLU6) whose reader's grid saturates at the same ends: the saturation of QuantizeLinear does what it would do.

    ONNX Runtime misses this when the grid ends at 6.0000002, and then computes the convolution in float.
    """
    view = _Graph(model)
    for clip in [node for node in view.graph.node if node.op_type in ("Clip", "Relu")]:
        readers = view.readers[clip.output[0]]
        if not readers or any(reader.op_type != "QuantizeLinear" for reader in readers):
            continue
        ends = [float(view.constants[name]) for name in clip.input[1:]] if clip.op_type == "Clip" else [0.0, np.inf]
        if all(_saturates(view, reader, *ends) for reader in readers):
            view.bypass(clip, clip.input[0])


def _saturates(view: _Graph, quantize: onnx.NodeProto, low: float, high: float) -> bool:
    """Return whether the grid lies within [low, high], up to the half step that rounding gives anyway."""
    scale, zero, dtype = view.grid(quantize)
    info = np.iinfo(dtype)
    return low <= (info.min - zero) * scale + scale / 2 and high >= (info.max - zero) * scale - scale / 2


def shape_constants(model: onnx.ModelProto) -> None:
    """Give a quantized constant the shape that all its readers reshape it to, as tf2onnx does with the 3 of hard-sigmoids.

    ONNX Runtime fuses an Add only with the DequantizeLinear right before it: behind a Reshape the constant is added in float.
    """
    view = _Graph(model)
    tensors = {tensor.name: tensor for tensor in view.graph.initializer}
    for dequantize in [node for node in view.graph.node if node.op_type == "DequantizeLinear" and node.input[0] in tensors]:
        name, scale, _ = dequantize.input
        if len(view.readers[name]) > 1 or view.constants[scale].size > 1:
            continue  # the new shape would be wrong for another reader, and a grid a channel would lose its axis
        readers = view.readers[dequantize.output[0]]
        reshapes = [node for node in readers if node.op_type == "Reshape"]
        shapes = {tuple(view.constants.get(node.input[1], ())) for node in reshapes}
        shape = shapes.pop() if len(shapes) == 1 and len(reshapes) == len(readers) else ()
        if shape and min(shape) > 0:
            tensors[name].CopyFrom(numpy_helper.from_array(view.constants[name].reshape(shape), name))
        elif view.constants[name].size > 1:
            continue  # while a single number is added to tensors of any rank as it is
        for reshape in reshapes:
            view.bypass(reshape, dequantize.output[0])


def pads_into_readers(model: onnx.ModelProto) -> None:
    """Let a Conv or MaxPool do the padding with zeros before it: ONNX Runtime has no integer Pad.

    A convolution pads with its input's zero point, which is zero. A maximum leaves its padding out, which changes nothing where zero is
    the smallest value that there is (behind a ReLU).
    """
    view = _Graph(model)
    for pad in [node for node in view.graph.node if node.op_type == "Pad" and len(node.input) == 2]:
        pads, pairs, reader = view.constants[pad.input[1]].reshape(2, -1), [], pad
        writer = view.writers.get(pad.input[0])
        grids = {view.grid(writer)} if writer is not None and writer.op_type == "DequantizeLinear" else set()
        while len(view.readers[reader.output[0]]) == 1:
            reader = view.readers[reader.output[0]][0]
            if reader.op_type == "Transpose":
                pads = pads[:, list(reader.attribute[0].ints)]
            elif reader.op_type in ("QuantizeLinear", "DequantizeLinear"):
                pairs.append(reader)
                grids.add(view.grid(reader))
            else:
                break
        fits = len(grids) == 1 and not pads[:, :2].any()  # neither the batch nor the channels
        if fits and (reader.op_type == "Conv" or (reader.op_type == "MaxPool" and _zero_is_smallest(*grids))):
            for node in [*pairs, pad]:
                view.bypass(node, node.input[0])
            own = [attribute for attribute in reader.attribute if attribute.name == "pads"]
            total = pads[:, 2:].ravel() + (np.array(own[0].ints) if own else 0)
            for attribute in own:
                reader.attribute.remove(attribute)
            reader.attribute.append(onnx.helper.make_attribute("pads", total.tolist()))


def _zero_is_smallest(grid: tuple[float, int, np.dtype]) -> bool:
    return grid[1] == np.iinfo(grid[2]).min


def averages_round_as_tflite(model: onnx.ModelProto) -> None:
    """Let an average that keeps its grid round halves as LiteRT does, by reading it on a grid a millionth finer or coarser.

    One place in as many as a window has lies right between two integers. LiteRT rounds away from the integer 0, which on int8 grids lies
    above most averages, ONNX Runtime to the even one: of ResNet-8 every fourth image got other probabilities, and one in a hundred another
    class.
    """
    view = _Graph(model)
    for pool in [node for node in view.graph.node if node.op_type == "AveragePool"]:
        before, readers = view.writers.get(pool.input[0]), view.readers[pool.output[0]]
        if before is None or before.op_type != "DequantizeLinear" or [reader.op_type for reader in readers] != ["QuantizeLinear"]:
            continue
        scale, zero_point, dtype = view.grid(before)
        if view.grid(readers[0]) == (scale, zero_point, dtype):
            name = f"{pool.output[0]}_read"
            nudged = np.array(scale * (1 + (_NUDGE if dtype == np.uint8 else -_NUDGE)), np.float32)
            view.graph.initializer.append(numpy_helper.from_array(nudged, f"{name}_scale"))
            place = list(view.graph.node).index(pool)
            view.graph.node.insert(
                place, onnx.helper.make_node("DequantizeLinear", [before.input[0], f"{name}_scale", before.input[2]], [name], name=name)
            )
            pool.input[0] = name


def activations_to_uint8(model: onnx.ModelProto) -> None:
    """Move every int8 activation by 128, value and zero point alike: the same real numbers.

    On x86 ONNX Runtime fuses int8 activations only with a session option that apps do not set; uint8 it fuses always. Weights stay int8,
    but a constant that is added to an activation or multiplied with it goes along: QLinearAdd and QLinearMul take one type.
    """
    view = _Graph(model)
    moved: set[str] = set()
    for node in view.graph.node:
        if node.op_type not in ("QuantizeLinear", "DequantizeLinear") or _is_weight(view, node):
            continue
        zero = view.constants[node.input[2]]
        if zero.dtype == np.int8:
            moved.add(node.input[0])
            name = f"{node.input[2]}_uint8"
            if name not in view.constants:
                view.constants[name] = _by_128(zero)
                view.graph.initializer.append(numpy_helper.from_array(view.constants[name], name))
            node.input[2] = name
    for tensor in view.graph.initializer:
        if tensor.name in moved:
            tensor.CopyFrom(numpy_helper.from_array(_by_128(view.constants[tensor.name]), tensor.name))
    for value in [*view.graph.input, *view.graph.output]:
        if value.type.tensor_type.elem_type == TensorProto.INT8:
            value.type.tensor_type.elem_type = TensorProto.UINT8


def _is_weight(view: _Graph, node: onnx.NodeProto) -> bool:
    """Return whether it dequantizes a constant that something else than an Add or Mul reads."""
    return node.input[0] in view.constants and any(reader.op_type not in ("Add", "Mul") for reader in view.readers[node.output[0]])


def _by_128(values: np.ndarray) -> np.ndarray:
    """int8 to uint8 of the same shape."""
    return (values.astype(np.int16) + 128).astype(np.uint8)


def drop_idle_pairs(model: onnx.ModelProto) -> None:
    """Remove each DequantizeLinear and QuantizeLinear in a row on the same grid (TFLite's change from uint8 to int8 at both ends)."""
    view = _Graph(model)
    outputs = {value.name for value in view.graph.output}
    for quantize in [node for node in view.graph.node if node.op_type == "QuantizeLinear"]:
        dequantize = view.writers.get(quantize.input[0])
        if dequantize is None or dequantize.op_type != "DequantizeLinear" or view.grid(dequantize) != view.grid(quantize):
            continue
        source = dequantize.input[0]
        if quantize.output[0] in outputs:  # the graph's output keeps its name: its writer takes it
            writer, name = view.writers[source], quantize.output[0]
            writer.output[0] = name
            for reader in view.readers[source]:
                reader.input[0] = name
            view.graph.node.remove(quantize)
        else:
            view.bypass(quantize, source)


def drop_unused(model: onnx.ModelProto) -> None:
    """Remove nodes and constants that nothing reads any more."""
    graph = model.graph
    while True:
        read = {name for node in graph.node for name in node.input} | {value.name for value in graph.output}
        idle = [node for node in graph.node if not read.intersection(node.output)]
        for node in idle:
            graph.node.remove(node)
        if not idle:
            break
    for tensor in [tensor for tensor in graph.initializer if tensor.name not in read]:
        graph.initializer.remove(tensor)
    del graph.value_info[:]  # it may name what is gone


PASSES: tuple[Callable[[onnx.ModelProto], None], ...] = (
    drop_implied_clips,
    shape_constants,
    pads_into_readers,
    averages_round_as_tflite,
    activations_to_uint8,
    drop_idle_pairs,
    drop_unused,
)


def float_operators(optimized: onnx.ModelProto, *, float_end: bool = False) -> list[str]:
    """Return the operators of a graph as ONNX Runtime optimized it that are not integer, as "Conv (name)".

    Args:
        float_end: leave out those that make the probabilities of integer logits at the end.
    """
    allowed = _float_end(_Graph(optimized)) if float_end else []
    floats = [node for node in optimized.graph.node if node.op_type not in _INTEGER_OPERATORS and node not in allowed]
    return [f"{node.op_type} ({node.name or node.output[0]})" for node in floats]


def _float_end(view: _Graph) -> list[onnx.NodeProto]:
    """Return the nodes from the DequantizeLinear of the logits to the output; none where the probabilities are made of anything else."""
    found: list[onnx.NodeProto] = []
    names = [view.graph.output[0].name]
    while names:
        name = names.pop()
        node = view.writers.get(name)
        if name in view.constants or node in found:
            continue
        if node is None or node.op_type not in {*_OF_PROBABILITIES, "DequantizeLinear"}:
            return []
        found.append(node)
        names += [] if node.op_type == "DequantizeLinear" else list(node.input)
    return found


def grids(model: onnx.ModelProto) -> dict[str, tuple[np.ndarray, np.ndarray, str]]:
    """Scales, zero points and dtype of every quantized tensor by its name: what QuantizeLinear writes, and constants."""
    view = _Graph(model)
    found = {}
    for node in view.graph.node:
        if node.op_type == "QuantizeLinear" or (node.op_type == "DequantizeLinear" and node.input[0] not in view.writers):
            name = node.output[0] if node.op_type == "QuantizeLinear" else node.input[0]
            zero = view.constants[node.input[2]]
            found[name] = np.atleast_1d(view.constants[node.input[1]]), np.atleast_1d(zero), str(zero.dtype).upper()
    return found
