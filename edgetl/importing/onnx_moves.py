"""ONNX's operators that move numbers without computing, in neutral ones: one function each."""

from collections.abc import Callable

import numpy as np

from edgetl.importing import operators as ops
from edgetl.importing.base import Unsupported
from edgetl.importing.onnx_node import OnnxNode


def _concat(node: OnnxNode) -> None:
    node.sketch.add(ops.Join(node.integer("axis", 1)), [node.input(place) for place in range(len(node.node.input))], node.output, node.name)


def _split(node: OnnxNode) -> None:
    outputs = list(node.node.output)
    axis = ops.axis_of(node.integer("axis", 0), node.shape())
    extent = node.shape()[axis]
    each = -(-extent // max(1, len(outputs)))
    sizes = node.integers("split", place=1) or tuple(min(each, extent - each * turn) for turn in range(len(outputs)))
    if len(sizes) != len(outputs) or sum(sizes) != extent or min(sizes) < 1:
        raise Unsupported(f"it splits {extent} into {list(sizes)}")
    start = 0
    for size, output in zip(sizes, outputs, strict=True):
        if output:
            node.sketch.add(ops.Take(axis, np.arange(start, start + size)), [node.input(0)], output)
        start += size


def _slice(node: OnnxNode) -> None:
    starts, ends = node.integers("starts", place=1) or (), node.integers("ends", place=2) or ()
    axes = node.integers("axes", tuple(range(len(starts))), 3) or ()
    steps = node.integers("steps", (1,) * len(starts), 4) or ()
    if not starts or not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise Unsupported("its bounds do not go together")
    value = node.input(0)
    for turn, (start, end, axis, step) in enumerate(zip(starts, ends, axes, steps, strict=True)):
        extent = node.sketch.shape(value)[ops.axis_of(axis, node.shape())]
        output = node.output if turn == len(starts) - 1 else f"{node.output}/slice{turn}"
        bounds = slice(start, None if step < 0 and end < -extent else end, step)
        value = node.sketch.add(ops.Take(axis, np.arange(extent)[bounds]), [value], output)


def _gather(node: OnnxNode) -> None:
    axis, entries = ops.axis_of(node.integer("axis", 0), node.shape()), node.array(1)
    if entries.ndim > 1 or entries.dtype.kind not in "iu":
        raise Unsupported("it gathers by more than a list")
    places = entries.reshape(-1) + np.where(entries.reshape(-1) < 0, node.shape()[axis], 0)
    taken = node.sketch.add(ops.Take(axis, places), [node.input(0)], node.output if entries.ndim else f"{node.output}/entry")
    if not entries.ndim:
        shape = node.sketch.shape(taken)
        node.sketch.add(ops.Reshape(shape[:axis] + shape[axis + 1 :]), [taken], node.output)


def _pad(node: OnnxNode) -> None:
    pads = node.integers("pads", place=1) or ()
    value = node.bound("value", 2, 0.0)
    if node.text("mode", "constant") != "constant" or value or node.has(3):
        raise Unsupported("it pads by something else than zeros")
    half = len(pads) // 2
    node.put(ops.Pad(tuple(zip(pads[:half], pads[half:], strict=False))))


def _reshape(node: OnnxNode) -> None:
    target, shape = node.integers("shape", place=1) or (), node.shape()
    keeps = not node.integer("allowzero", 0)
    node.put(
        ops.Reshape(tuple(shape[axis] if not extent and keeps and axis < len(shape) else extent for axis, extent in enumerate(target))),
    )


def _flatten(node: OnnxNode) -> None:
    if node.integer("axis", 1) not in (1, 1 - len(node.shape())):
        raise Unsupported("it mixes the batch with the rest")
    node.put(ops.Reshape((1, -1)))


def _squeeze(node: OnnxNode) -> None:
    shape = node.shape()
    axes = {
        ops.axis_of(axis, shape) for axis in node.integers("axes", place=1) or [n for n, extent in enumerate(shape) if extent == 1 and n]
    }
    if any(shape[axis] != 1 for axis in axes):
        raise Unsupported("it drops axes that have entries")
    node.put(ops.Reshape(tuple(extent for axis, extent in enumerate(shape) if axis not in axes)))


def _unsqueeze(node: OnnxNode) -> None:
    axes, shape = node.integers("axes", place=1) or (), list(node.shape())
    for axis in sorted(axis % (len(shape) + len(axes)) for axis in axes):
        shape.insert(axis, 1)
    node.put(ops.Reshape(tuple(shape)))


def _transpose(node: OnnxNode) -> None:
    node.put(ops.Reorder(node.integers("perm", tuple(reversed(range(len(node.shape()))))) or ()))


def _expand(node: OnnxNode) -> None:
    target = node.integers("shape", place=1) or ()
    if ops.broadcast(node.shape(), target) != node.shape():
        raise Unsupported("it repeats values")
    node.sketch.alias(node.output, node.input(0))


MOVES: dict[str, Callable[[OnnxNode], None]] = {
    **{"Concat": _concat, "Split": _split, "Slice": _slice, "Gather": _gather, "Pad": _pad, "Expand": _expand},
    **{"Reshape": _reshape, "Flatten": _flatten, "Squeeze": _squeeze, "Unsqueeze": _unsqueeze, "Transpose": _transpose},
}
