"""Say what a network computes, in operators that every kind of file comes down to: the neutral form between a file and layers.

Axes are the file's own (N, C, H, W or N, H, W, C), the batch counts as 1, and every number that is known stands in the operator.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from edgetl.importing.base import Unsupported

Shape = tuple[int, ...]
Pair = tuple[int, int]
_LARGEST_VALUE = 1 << 26  # numbers in one activation: a map of 1024 x 1024 places and 64 channels


class Operator(Protocol):
    """Computes a node's value."""

    def shape(self, *inputs: Shape) -> Shape:
        """Return the shape of the output in the file's axes. Raises Unsupported where the inputs do not go together."""
        ...


def checked(shape: Shape) -> Shape:
    """Give the shape back, or raise Unsupported where it is nothing that a classifier computes."""
    if not shape or shape[0] != 1:
        raise Unsupported(f"it gives {list(shape)}, whose first axis is not the batch")
    if min(shape) < 1 or math.prod(shape) > _LARGEST_VALUE:
        raise Unsupported(f"it gives {list(shape)}, which is empty or too large")
    return shape


@dataclass(frozen=True)
class Layout:
    """Where an image has its channels: last, as TensorFlow does, or before height and width, as PyTorch does."""

    channels_last: bool

    def split(self, shape: Shape) -> tuple[Pair, int]:
        """Return height and width, and the number of channels. Raises Unsupported unless it is the shape of an image."""
        if len(shape) != 4:
            raise Unsupported(f"it reads {list(shape)}, which is not an image")
        _, a, b, c = shape
        return ((a, b), c) if self.channels_last else ((b, c), a)

    def join(self, size: Pair, channels: int) -> Shape:
        return (1, *size, channels) if self.channels_last else (1, channels, *size)

    @property
    def letters(self) -> str:
        return "nhwc" if self.channels_last else "nchw"


FIRST, LAST = Layout(channels_last=False), Layout(channels_last=True)


@dataclass(frozen=True)
class Window:
    """Slides over an image: height and width of everything; `pads` are (top, bottom) and (left, right)."""

    size: Pair
    strides: Pair = (1, 1)
    pads: tuple[Pair, Pair] = ((0, 0), (0, 0))
    dilations: Pair = (1, 1)

    def reach(self) -> Pair:
        """Return how many places one window spans."""
        return (self.dilations[0] * (self.size[0] - 1) + 1, self.dilations[1] * (self.size[1] - 1) + 1)

    def places(self, image: Pair) -> Pair:
        """Return height and width of what comes out. Raises Unsupported where nothing does."""
        if min(*self.size, *self.strides, *self.dilations) < 1 or min(min(pair) for pair in self.pads) < 0:
            raise Unsupported("its window, strides, dilations or padding make no sense")
        if max(*self.size, *self.strides, *self.dilations, *self.pads[0], *self.pads[1]) > max(4096, *image):
            raise Unsupported("its window, strides, dilations or padding are far larger than an image")
        made = [
            (extent + sum(pads) - reach) // stride + 1
            for extent, pads, reach, stride in zip(image, self.pads, self.reach(), self.strides, strict=True)
        ]
        return made[0], made[1]


def same_pads(image: Pair, window: Window) -> tuple[Pair, Pair]:
    """Return the padding that TensorFlow's SAME (ONNX's SAME_UPPER) means: as many places out as strides in, the odd one at the end."""
    made = []
    for extent, reach, stride in zip(image, window.reach(), window.strides, strict=True):
        total = max(0, (-(-extent // max(stride, 1)) - 1) * stride + reach - extent)
        made.append((total // 2, total - total // 2))
    return made[0], made[1]


@dataclass(frozen=True, eq=False)
class Convolution:
    """A convolution with a kernel [h, w, C_in / groups, C_out] and a bias [C_out]."""

    kernel: np.ndarray
    bias: np.ndarray
    window: Window
    groups: int
    layout: Layout

    def shape(self, *inputs: Shape) -> Shape:
        size, channels = self.layout.split(inputs[0])
        if self.kernel.ndim != 4 or self.kernel.shape[:2] != self.window.size or self.bias.shape != self.kernel.shape[3:]:
            raise Unsupported(f"its kernel {list(self.kernel.shape)} and its bias {list(self.bias.shape)} do not go together")
        if self.groups < 1 or channels != self.kernel.shape[2] * self.groups or self.kernel.shape[3] % self.groups:
            raise Unsupported(f"its kernel {list(self.kernel.shape)} in {self.groups} groups cannot read {channels} channels")
        return self.layout.join(self.window.places(size), self.kernel.shape[3])


@dataclass(frozen=True, eq=False)
class FullyConnected:
    """A product of the last axis with a kernel [C_in, C_out], and a bias [C_out]."""

    kernel: np.ndarray
    bias: np.ndarray

    def shape(self, *inputs: Shape) -> Shape:
        if self.kernel.ndim != 2 or inputs[0][-1] != self.kernel.shape[0] or self.bias.shape != self.kernel.shape[1:] or len(inputs[0]) < 2:
            raise Unsupported(f"its kernel {list(self.kernel.shape)} cannot read {list(inputs[0])}")
        return (*inputs[0][:-1], self.kernel.shape[1])


@dataclass(frozen=True, eq=False)
class Affine:
    """`scale * x + offset`, both constants that are broadcast to x in the file's axes."""

    scale: np.ndarray
    offset: np.ndarray

    def shape(self, *inputs: Shape) -> Shape:
        if broadcast(inputs[0], self.scale.shape, self.offset.shape) != inputs[0]:
            raise Unsupported(f"its constants make {list(inputs[0])} larger")
        return inputs[0]


def broadcast(*shapes: Shape) -> Shape:
    """Return the common shape. Raises Unsupported where there is none."""
    try:
        return tuple(np.broadcast_shapes(*shapes))
    except ValueError as error:
        raise Unsupported(f"its inputs {', '.join(str(list(shape)) for shape in shapes)} do not go together") from error


class _Elementwise:
    """Changes each number by itself, or several of the same place together."""

    def shape(self, *inputs: Shape) -> Shape:
        return broadcast(*inputs)


@dataclass(frozen=True)
class Clip(_Elementwise):
    """ReLU (0, inf), ReLU6 (0, 6) and their kind."""

    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Leaky(_Elementwise):
    """x where it is positive, else `slope * x`: leaky ReLU and PReLU."""

    slope: np.ndarray


@dataclass(frozen=True)
class Gate(_Elementwise):
    """A hard-sigmoid: `slope * x + 0.5`, clipped to 0..1."""

    slope: float


@dataclass(frozen=True)
class Sigmoidal(_Elementwise):
    """A curve that Keras knows by name: sigmoid or tanh."""

    name: str


@dataclass(frozen=True)
class Softmax(_Elementwise):
    """Probabilities at the end of a network, or their logarithms."""

    axis: int


class Sum(_Elementwise):
    """a + b."""


class Product(_Elementwise):
    """a * b."""


@dataclass(frozen=True)
class Join:
    """A concatenation."""

    axis: int

    def shape(self, *inputs: Shape) -> Shape:
        axis = axis_of(self.axis, inputs[0])
        if any(len(one) != len(inputs[0]) or one[:axis] + one[axis + 1 :] != inputs[0][:axis] + inputs[0][axis + 1 :] for one in inputs):
            raise Unsupported(f"it joins {', '.join(str(list(one)) for one in inputs)}")
        return (*inputs[0][:axis], sum(one[axis] for one in inputs), *inputs[0][axis + 1 :])


@dataclass(frozen=True, eq=False)
class Take:
    """Some entries of an axis, in any order: parts, slices, reversed channels."""

    axis: int
    entries: np.ndarray

    def shape(self, *inputs: Shape) -> Shape:
        axis, count = axis_of(self.axis, inputs[0]), len(self.entries)
        if not count or self.entries.min() < 0 or self.entries.max() >= inputs[0][axis]:
            raise Unsupported(f"it takes entries of an axis of {inputs[0][axis]} that are not there")
        return (*inputs[0][:axis], count, *inputs[0][axis + 1 :])


@dataclass(frozen=True)
class Pool:
    """The largest value or the average of a window. `counts_padding`: zeros outside of the image are averaged, too."""

    kind: str
    window: Window
    layout: Layout
    counts_padding: bool = False

    def shape(self, *inputs: Shape) -> Shape:
        size, channels = self.layout.split(inputs[0])
        if any(max(pads) >= reach for pads, reach in zip(self.window.pads, self.window.reach(), strict=True)):
            raise Unsupported("a window of it may lie outside of the image")
        return self.layout.join(self.window.places(size), channels)


@dataclass(frozen=True)
class Reduce:
    """The average or the largest value over axes."""

    kind: str
    axes: Sequence[int]
    keeps_axes: bool

    def shape(self, *inputs: Shape) -> Shape:
        axes = {axis_of(axis, inputs[0]) for axis in self.axes}
        if 0 in axes:
            raise Unsupported("it reduces the batch")
        return tuple(1 if axis in axes else extent for axis, extent in enumerate(inputs[0]) if axis not in axes or self.keeps_axes)


@dataclass(frozen=True)
class Pad:
    """Zeros around each axis, (before, after) for each."""

    pads: Sequence[Pair]

    def shape(self, *inputs: Shape) -> Shape:
        if len(self.pads) != len(inputs[0]) or any(not 0 <= side <= 4096 for pair in self.pads for side in pair):
            raise Unsupported(f"it pads {list(inputs[0])} by {list(self.pads)}")
        return tuple(extent + sum(pair) for extent, pair in zip(inputs[0], self.pads, strict=True))


@dataclass(frozen=True)
class Reorder:
    """A transposition of the axes."""

    order: Shape

    def shape(self, *inputs: Shape) -> Shape:
        if sorted(self.order) != list(range(len(inputs[0]))) or self.order[0] != 0:
            raise Unsupported(f"it puts the axes of {list(inputs[0])} into the order {list(self.order)}")
        return tuple(inputs[0][axis] for axis in self.order)


@dataclass(frozen=True)
class Reshape:
    """The same numbers, counted off in other axes; at most one is -1."""

    target: Shape

    def shape(self, *inputs: Shape) -> Shape:
        known, size = math.prod(extent for extent in self.target if extent != -1), math.prod(inputs[0])
        made = tuple(size // max(known, 1) if extent == -1 else extent for extent in self.target)
        if self.target.count(-1) > 1 or math.prod(made) != size:
            raise Unsupported(f"it cannot make {list(self.target)} of {list(inputs[0])}")
        return made


def axis_of(axis: int, shape: Shape) -> int:
    """Return the axis counted from the front. Raises Unsupported where there is none."""
    if not -len(shape) <= axis < len(shape):
        raise Unsupported(f"there is no axis {axis} in {list(shape)}")
    return axis % len(shape)
