"""A node of an ONNX graph with what is known of its inputs and attributes, whichever opset spells them."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from edgetl.importing.base import Unsupported
from edgetl.importing.graph import LONGEST, Sketch
from edgetl.importing.operators import Operator, Pair, Shape, Window, same_pads

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True, eq=False)
class OnnxNode:
    """Reads attributes and inputs. Raises Unsupported where they are not what ONNX says they are."""

    node: "onnx.NodeProto"
    opset: int
    sketch: Sketch

    @cached_property
    def _attributes(self) -> dict[str, "onnx.AttributeProto"]:
        return {one.name: one for one in self.node.attribute}

    @property
    def output(self) -> str:
        if not self.node.output or not self.node.output[0] or any(self.node.output[1:]):
            raise Unsupported("it has more than one output")
        return str(self.node.output[0])

    @property
    def name(self) -> str:
        return self.node.name or self.output

    def put(self, operator: Operator) -> None:
        """Add an operator that reads the first input."""
        self.sketch.add(operator, [self.input(0)], self.output, self.name)

    def has(self, place: int) -> bool:
        """Return whether an input is given."""
        return place < len(self.node.input) and bool(self.node.input[place])

    def input(self, place: int) -> str:
        if not self.has(place):
            raise Unsupported(f"its input {place + 1} is missing")
        return str(self.node.input[place])

    def shape(self, place: int = 0) -> Shape:
        return self.sketch.shape(self.input(place))

    def array(self, place: int) -> np.ndarray:
        """Return a constant input."""
        return self.sketch.constant(self.input(place))

    def number(self, name: str, default: float) -> float:
        one = self._attributes.get(name)
        if one is None:
            return default
        if one.type not in (1, 2):
            raise Unsupported(f"its attribute {name} is not a number")
        return float(one.f) if one.type == 1 else float(one.i)

    def integer(self, name: str, default: int) -> int:
        return int(self.number(name, default))

    def text(self, name: str, default: str) -> str:
        one = self._attributes.get(name)
        return one.s.decode("utf-8", "replace") if one is not None else default

    def integers(self, name: str, default: Shape | None = None, place: int = -1) -> Shape | None:
        """Return a list of whole numbers: an attribute, or in later opsets the input at `place`; the default where neither is given."""
        one = self._attributes.get(name)
        if one is not None:
            found = tuple(one.ints)
        elif place >= 0 and self.has(place):
            array = self.array(place)
            if array.dtype.kind not in "iu" or array.ndim > 1:
                raise Unsupported(f"its {name} are not whole numbers")
            found = tuple(array.reshape(-1)[: LONGEST + 1].tolist())
        else:
            return default
        if len(found) > LONGEST:
            raise Unsupported(f"it has {len(found)} {name}")
        return found

    def bound(self, name: str, place: int, default: float) -> float:
        """Return one number: an attribute, or in later opsets the input at `place`."""
        if not self.has(place):
            return self.number(name, default)
        array = self.array(place)
        if array.size != 1:
            raise Unsupported(f"its {name} is {array.size} numbers")
        return float(array.reshape(-1)[0])

    def window(self, size: Pair, image: Pair) -> Window:
        """Return how a convolution or pool of this size is placed on an image."""
        strides, dilations = (self._pair(self.integers(name, (1, 1))) for name in ("strides", "dilations"))
        pads = self.integers("pads", (0, 0, 0, 0)) or ()
        if len(pads) != 4:
            raise Unsupported("its padding is not that of an image")
        window = Window(size, strides, ((pads[0], pads[2]), (pads[1], pads[3])), dilations)
        match self.text("auto_pad", "NOTSET"):
            case "NOTSET" | "":
                return window
            case "VALID":
                return Window(size, strides, ((0, 0), (0, 0)), dilations)
            case "SAME_UPPER":
                return Window(size, strides, same_pads(image, window), dilations)
            case "SAME_LOWER":
                (top, bottom), (left, right) = same_pads(image, window)
                return Window(size, strides, ((bottom, top), (right, left)), dilations)
        raise Unsupported("its padding has an unknown name")

    @staticmethod
    def _pair(found: Shape | None) -> Pair:
        if found is None or len(found) != 2:
            raise Unsupported("its strides or dilations are not those of an image")
        return found[0], found[1]

    def kernel_size(self) -> Pair:
        return self._pair(self.integers("kernel_shape"))
