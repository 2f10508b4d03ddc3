"""A node of a TensorFlow graph with what is known of its inputs and attributes, and the constants that it may hold."""

import math
from dataclasses import dataclass
from typing import Any

from edgetl.keras import tf

import numpy as np

from edgetl.importing import operators as ops
from edgetl.importing.base import Unsupported
from edgetl.importing.graph import Sketch
from edgetl.importing.operators import FIRST, LAST, Layout, Pair, Window

LARGEST_CONSTANT = 1 << 27  # numbers


@dataclass(frozen=True, eq=False)
class TensorNode:
    """A node of a flat TensorFlow graph."""

    sketch: Sketch
    name: str
    proto: Any
    inputs: tuple[str, ...]

    @property
    def output(self) -> str:
        return f"{self.name}:0"

    def input(self, place: int) -> str:
        if place >= len(self.inputs):
            raise Unsupported(f"its input {place + 1} is missing")
        return self.inputs[place]

    def array(self, place: int) -> np.ndarray:
        return self.sketch.constant(self.input(place))

    def integers(self, place: int) -> tuple[int, ...]:
        return self.sketch.integers(self.input(place))

    def shape(self) -> ops.Shape:
        return self.sketch.shape(self.input(0))

    def put(self, operator: ops.Operator) -> None:
        """Add an operator that reads the first input."""
        self.sketch.add(operator, [self.input(0)], self.output, self.name.rpartition("StatefulPartitionedCall/")[2])

    def number(self, name: str, default: float) -> float:
        """Return an attribute; a SavedModel leaves out those that have the operator's default."""
        return float(self.proto.attr[name].f) if name in self.proto.attr else default

    def flag(self, name: str, *, default: bool) -> bool:
        return bool(self.proto.attr[name].b) if name in self.proto.attr else default

    @property
    def layout(self) -> Layout:
        return FIRST if self.proto.attr["data_format"].s == b"NCHW" else LAST

    def _pair(self, name: str) -> Pair:
        values = list(self.proto.attr[name].list.i) or [1, 1, 1, 1]
        if len(values) != 4:
            raise Unsupported(f"its {name} are not those of an image")
        return (values[1], values[2]) if self.layout is LAST else (values[2], values[3])

    def window(self, size: Pair, image: Pair) -> Window:
        window = Window(size, self._pair("strides"), dilations=self._pair("dilations"))
        match self.proto.attr["padding"].s:
            case b"VALID":
                return window
            case b"SAME":
                return Window(size, window.strides, ops.same_pads(image, window), window.dilations)
            case b"EXPLICIT":
                pads = list(self.proto.attr["explicit_paddings"].list.i)
                sides = pads[2:6] if self.layout is LAST else pads[4:8]
                if len(pads) == 8:
                    return Window(size, window.strides, ((sides[0], sides[1]), (sides[2], sides[3])), window.dilations)
        raise Unsupported("its padding is unknown")

    def kernel_size(self) -> Pair:
        return self._pair("ksize")


def constant(tensor: Any) -> np.ndarray:
    """Return a constant. Raises Unsupported where its shape is larger than its bytes, but for one number that is repeated a little."""
    count = math.prod(one.size for one in tensor.tensor_shape.dim)
    given = len(tensor.tensor_content) or len(tensor.float_val) + len(tensor.int_val) + len(tensor.int64_val) + len(tensor.double_val)
    if count < 0 or count > max(LARGEST_CONSTANT if count <= given else 1 << 16, 1):
        raise Unsupported("its constant is larger than its bytes")
    if tensor.dtype == tf.string.as_datatype_enum:
        return np.zeros(0)
    try:
        array: np.ndarray = tf.make_ndarray(tensor)
    except (ValueError, TypeError) as error:
        raise Unsupported("its constant is damaged") from error
    if array.dtype.kind in "iub" or array.dtype in (np.float32, np.float64):
        return array
    return array.astype(np.float32)
