"""The integers of an ONNX file: what QuantizeLinear and DequantizeLinear say of values and of constants."""

from dataclasses import dataclass, field

import numpy as np

from edgetl.importing.base import Unsupported
from edgetl.importing.graph import Node, grid_of
from edgetl.importing.grids import Grid, KernelGrid
from edgetl.importing.onnx_node import OnnxNode
from edgetl.importing.operators import Convolution, FullyConnected

PAIRS = ("QuantizeLinear", "DequantizeLinear")
_BYTES = (np.dtype(np.int8), np.dtype(np.uint8))
# What may be done to integers as they are: nothing is computed, or the largest is taken.
_MOVES = ("MaxPool", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Concat", "Slice", "Split", "Identity")
_SAME = 1e-5  # relative: a scale that was computed again


@dataclass(frozen=True, eq=False)
class _Constant:
    """A constant of integers, and how they are counted."""

    integers: np.ndarray
    scale: np.ndarray
    zero_point: int
    axis: int


@dataclass
class Integers:
    """Follows which values of a file are integers.

    Args:
        names: of the values that are: what reads them has to know it.
        constants: integers by the name of the constant of real numbers that they stand for.
        grids: of values of the sketch.
    """

    names: set[str] = field(default_factory=set)
    constants: dict[str, _Constant] = field(default_factory=dict)
    grids: dict[str, Grid] = field(default_factory=dict)

    def pair(self, node: OnnxNode) -> None:
        """Add a QuantizeLinear or DequantizeLinear. Raises Unsupported where it is not of 8 bits."""
        scale = node.array(1).astype(np.float64)
        zero_point = node.array(2) if node.has(2) else np.zeros(1, np.uint8)
        points = set(zero_point.reshape(-1).tolist())
        if not scale.size or not (np.isfinite(scale) & (scale > 0)).all() or zero_point.dtype.kind not in "iu" or len(points) != 1:
            raise Unsupported("its scales make no sense, or it has a zero point for each channel")
        source, point = node.input(0), int(points.pop())
        if source in node.sketch.constants:
            self._constant(node, scale, point, zero_point.dtype)
            return
        if zero_point.dtype not in _BYTES or scale.size != 1:
            raise Unsupported("its activations are not of 8 bits with one scale")
        grid = grid_of(float(scale.reshape(-1)[0]), point - (128 if zero_point.dtype == np.uint8 else 0))
        if node.node.op_type == PAIRS[0]:
            self.names.add(node.output)
            self.grids[node.sketch.add(grid, [source], node.output, node.name)] = grid
            return
        value = node.sketch.value(source)
        before = self._grid_of(value, node.sketch.nodes)
        if before is None:  # it is a file's own input, or a join of integers
            self.grids[node.sketch.add(grid, [value], node.output, node.name)] = grid
        elif before.zero_point != grid.zero_point or abs(before.scale / grid.scale - 1) > _SAME:
            raise Unsupported("it reads integers on another grid than they were put on")
        else:
            node.sketch.alias(node.output, source)

    def _grid_of(self, value: str, nodes: list[Node]) -> Grid | None:
        """Return the grid of a value, from before what only moves integers."""
        for node in reversed(nodes):
            if node.output == value and value not in self.grids:
                value = node.inputs[0] if len(node.inputs) == 1 else ""
        return self.grids.get(value)

    def _constant(self, node: OnnxNode, scale: np.ndarray, point: int, dtype: "np.dtype[np.generic]") -> None:
        array, axis = node.array(0), node.integer("axis", 1)
        along = [1] * array.ndim
        if scale.size > 1:
            if not -array.ndim <= axis < array.ndim or array.shape[axis] != scale.size:
                raise Unsupported("its scales are not those of an axis")
            along[axis] = -1
        steps = scale.reshape(along if array.ndim else ())
        if node.node.op_type == PAIRS[0]:
            ends = np.iinfo(dtype)  # type: ignore[type-var]
            node.sketch.keep(node.output, np.clip(np.rint(array / steps) + point, ends.min, ends.max).astype(dtype))
            return
        node.sketch.keep(node.output, (array.astype(np.float32) - np.float32(point)) * steps.astype(np.float32))
        self.constants[node.output] = _Constant(array, scale.reshape(-1), point, axis % max(array.ndim, 1))

    def check(self, node: OnnxNode) -> None:
        """Raise Unsupported where an operator computes with integers as if they were real numbers."""
        if self.names & set(node.node.input):
            if node.node.op_type == "Cast" and self._grid_of(node.sketch.value(node.input(0)), node.sketch.nodes) is None:
                return  # a file that takes bytes and computes in float
            if node.node.op_type not in _MOVES:
                raise Unsupported("it computes with integers")
            self.names.update(node.node.output)

    def kernels(self, node: OnnxNode, made: list[Node]) -> None:
        """Note how the kernel of an operator is counted."""
        for one in made:
            if isinstance(one.operator, Convolution | FullyConnected) and node.has(1) and node.input(1) in self.constants:
                transposed = isinstance(one.operator, FullyConnected) and not node.integer("transB", 0)
                node.sketch.kernels[one.output] = self._kernel(node, len(one.operator.bias), 1 if transposed else 0)

    def _kernel(self, node: OnnxNode, channels: int, axis: int) -> KernelGrid:
        kernel = self.constants[node.input(1)]
        if kernel.integers.dtype not in _BYTES or (len(kernel.scale) > 1 and (kernel.axis, len(kernel.scale)) != (axis, channels)):
            raise Unsupported("its kernel is not of 8 bits, or has a scale for another axis than the output's")
        bias = np.zeros(channels, np.int32)
        if node.has(2):
            if node.input(2) in self.constants:
                bias = self.constants[node.input(2)].integers
            else:
                grid = self._grid_of(node.sketch.value(node.input(0)), node.sketch.nodes)
                bias = np.rint(node.array(2) / (kernel.scale * (grid.scale if grid else np.nan)))
        if bias.shape != (channels,) or not np.isfinite(bias).all():
            raise Unsupported("its bias has no grid")
        shift = 128 if kernel.integers.dtype == np.uint8 else 0
        return KernelGrid(kernel.scale.astype(np.float32), kernel.zero_point - shift, bias.astype(np.int32))
