"""Make plain Keras layers of a neutral graph, [N, H, W, C] throughout: one method an operator."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from edgetl.keras import keras, layers

import numpy as np

from edgetl.backbones.hard_sigmoid import HardSigmoid
from edgetl.importing import operators as ops
from edgetl.importing.base import Preprocessing, Unsupported
from edgetl.importing.graph import Graph, Node
from edgetl.importing.grids import Grid
from edgetl.importing.kernels import Kernel, convolutions, dense, scaled
from edgetl.importing.operators import Layout, Pair
from edgetl.importing.padding import padded, pooled
from edgetl.importing.reshaping import reordered, reshaped
from edgetl.importing.tensors import Gathered, Namer, Source, Value, combined


class Builder:
    """Builds the layers node by node; `values` is what each name of the graph stands for."""

    def __init__(self, graph: Graph) -> None:
        self.graph, self.readers = graph, graph.readers()
        shape = graph.shapes[graph.input]
        size, channels = graph.layout.split(shape)
        self.image = keras.Input((*size, channels), name="image")
        self.name = Namer()
        self.gathered = Gathered(self.name)
        self.marks: dict[str, Grid] = {}
        source = Source(channels, size, lambda: self.image)
        self.values = {graph.input: Value(graph.layout.letters, shape, (source,), np.arange(channels), size)}
        self._input = source
        self.preprocessing = Preprocessing((1.0,) * channels, (0.0,) * channels)

    def add(self, node: Node) -> None:
        """Add a node. Raises Unsupported where there are no layers for it."""
        inputs = [self.values[one] for one in node.inputs]
        extents = ops.checked(node.operator.shape(*(value.extents for value in inputs)))
        method = _METHODS.get(type(node.operator))
        if method is None:
            raise Unsupported("there is no layer for it")
        made = method(self, node, inputs)
        if made.extents != extents:
            raise Unsupported(f"it would come out as {list(made.extents)} and not as {list(extents)}")
        self.values[node.output] = made

    def model(self, *, features: bool = False) -> Any:
        """Return the model up to the graph's output, as [N, K]. Raises Unsupported where that is something else.

        Args:
            features: a map [N, H, W, C] is right, too.
        """
        end = self.values[self.graph.output]
        one_place = end.size == (1, 1)
        if not (one_place or features) or end.axes.count("c") > 1:
            raise Unsupported(f"it gives {list(end.extents)}, which are not the logits of classes")
        made, _ = self.gathered.tensor(end, row=one_place, exact=True)
        if made is self.image:
            raise Unsupported("it computes nothing")
        return keras.Model(self.image, made, name="imported")

    def _alone(self, value: Value, layer: Any, *, nonnegative: bool = False) -> Value:
        """Return the value behind a layer that changes each number by itself."""
        flat = all(source.flat for source in value.sources)
        tensor, order = self.gathered.tensor(value, row=flat)
        made = Source(int(tensor.shape[-1]), value.size, lambda: layer(tensor), flat=flat, nonnegative=nonnegative)
        return replace(value, sources=(made,), channels=order.reshape(value.channels.shape), owned=False)

    def convolution(self, node: Node, inputs: list[Value]) -> Value:
        [value], conv = inputs, node.operator
        assert isinstance(conv, ops.Convolution)
        value = replace(value, channels=value.image(conv.layout))
        sources, channels = convolutions(conv, value, self.gathered, self.name(node.name), self.graph.kernels.get(node.output))
        return self._image(conv.layout, conv.window.places(value.size), sources, channels)

    def _image(self, layout: Layout, size: Pair, sources: tuple[Source, ...], channels: np.ndarray) -> Value:
        owned = all(isinstance(source, Kernel) for source in sources)
        return Value(layout.letters, layout.join(size, len(channels)), sources, channels, size, owned)

    def fully_connected(self, node: Node, inputs: list[Value]) -> Value:
        [value], product = inputs, node.operator
        assert isinstance(product, ops.FullyConnected)
        if value.axes[-1] not in "c1" or value.axes.count("c") > 1:
            raise Unsupported(f"it reads axes {value.axes}, of which the last is not the channels")
        grid = self.graph.kernels.get(node.output)
        if value.size == (1, 1):
            source: Source = dense(product, value, self.gathered, self.name(node.name), grid)
        elif value.axes == "nhwc":
            conv = ops.Convolution(product.kernel[None, None], product.bias, ops.Window((1, 1)), 1, ops.LAST)
            [source], _ = convolutions(conv, value, self.gathered, self.name(node.name), grid)
        else:
            raise Unsupported(f"it reads axes {value.axes}")
        count = product.kernel.shape[1]
        axes = value.axes[:-1] + "c"
        return Value(axes, (*value.extents[:-1], count), (source,), np.arange(count), value.size, owned=True)

    def grid(self, node: Node, inputs: list[Value]) -> Value:
        """Mark where a quantized file rounds: see `separate`."""
        [value], grid, name = inputs, node.operator, self.name(node.name)
        assert isinstance(grid, Grid)
        flat = all(source.flat for source in value.sources)
        tensor, order = self.gathered.tensor(value, row=flat)
        self.marks[name] = grid
        marked = layers.Activation("linear", name=name)(tensor)
        made = Source(int(tensor.shape[-1]), value.size, lambda: marked, flat, lambda: layers.Flatten()(marked), grid.low >= 0)
        return replace(value, sources=(made,), channels=order.reshape(value.channels.shape), owned=False)

    def affine(self, node: Node, inputs: list[Value]) -> Value:
        [value], operator = inputs, node.operator
        assert isinstance(operator, ops.Affine)
        scale, offset = value.along(operator.scale), value.along(operator.offset)
        once = self.readers[node.inputs[0]] == 1
        if value.sources == (self._input,) and once and len(np.unique(value.channels)) == self._input.channels:
            return self._prepared(value, scale, offset)
        if value.owned and once:
            return scaled(value, scale, offset)
        return self._by_channel(node, value, scale, offset)

    def _prepared(self, value: Value, scale: np.ndarray, offset: np.ndarray) -> Value:
        """Note what the file does to its input instead of making a layer of it."""
        place = value.channels.reshape(-1)
        before, after, shift = np.array(self.preprocessing.scale), np.empty(len(place)), np.empty(len(place))
        after[place] = scale * before[place]
        shift[place] = scale * np.array(self.preprocessing.offset)[place] + offset
        self.preprocessing = Preprocessing(tuple(after.tolist()), tuple(shift.tolist()))
        return value

    def _by_channel(self, node: Node, value: Value, scale: np.ndarray, offset: np.ndarray) -> Value:
        """Make a depthwise convolution of one place of a factor and an offset for each channel: what integer runtimes know."""
        conv = ops.Convolution(scale.reshape(1, 1, 1, -1), offset, ops.Window((1, 1)), len(scale), ops.LAST)
        plain = replace(value, channels=value.channels.reshape(-1))
        sources, channels = convolutions(conv, plain, self.gathered, self.name(node.name))
        return replace(value, sources=sources, channels=channels.reshape(value.channels.shape), owned=True)

    def clip(self, node: Node, inputs: list[Value]) -> Value:
        assert isinstance(node.operator, ops.Clip)
        low, high = node.operator.low, node.operator.high
        if low != 0 or not high > 0:
            raise Unsupported(f"it clips to {low:g}..{high:g}; only ranges that begin at 0 have a layer")
        return self._alone(inputs[0], layers.ReLU(None if np.isinf(high) else high, name=self.name(node.name)), nonnegative=True)

    def leaky(self, node: Node, inputs: list[Value]) -> Value:
        assert isinstance(node.operator, ops.Leaky)
        [value], slopes = inputs, inputs[0].along(node.operator.slope)
        if len(np.unique(slopes)) == 1:
            return self._alone(value, layers.LeakyReLU(float(slopes[0]), name=self.name(node.name)))
        if value.sources[0].flat:
            raise Unsupported("it has a slope for each feature")
        tensor, order = self.gathered.tensor(value)
        alphas = np.zeros((1, 1, int(tensor.shape[-1])))
        alphas[0, 0, order] = slopes
        layer = layers.PReLU(shared_axes=[1, 2], name=self.name(node.name))
        made = layer(tensor)
        layer.set_weights([alphas])
        return replace(
            value, sources=(Source(alphas.size, value.size, lambda: made),), channels=order.reshape(value.channels.shape), owned=False
        )

    def gate(self, node: Node, inputs: list[Value]) -> Value:
        """Make a hard-sigmoid of our own slope of 1/6; another slope is a factor before it."""
        assert isinstance(node.operator, ops.Gate)
        factor = node.operator.slope * 6
        value = inputs[0]
        if abs(factor - 1) > 1e-6:
            before = Node(f"{node.name}/slope", ops.Affine(np.array([factor]), np.zeros(1)), node.inputs, "")
            value = self.affine(before, inputs)
        return self._alone(value, HardSigmoid(name=self.name(node.name)), nonnegative=True)

    def curve(self, node: Node, inputs: list[Value]) -> Value:
        assert isinstance(node.operator, ops.Sigmoidal)
        layer = layers.Activation(node.operator.name, name=self.name(node.name))
        return self._alone(inputs[0], layer, nonnegative=node.operator.name == "sigmoid")

    def together(self, node: Node, inputs: list[Value]) -> Value:
        """Make a sum or a product of values."""
        larger, smaller = sorted(inputs, key=lambda value: -int(np.prod(value.extents)))
        if len(larger.axes) != len(smaller.axes) or larger.channels.size != smaller.channels.size:
            raise Unsupported("its inputs have other axes or channels")
        if any(one != other and "1" not in (one, other) for one, other in zip(larger.axes, smaller.axes, strict=True)):
            raise Unsupported(f"its inputs have the axes {larger.axes} and {smaller.axes}")
        if isinstance(node.operator, ops.Sum) and larger.size != smaller.size:
            raise Unsupported("it adds a value for each channel to all places")
        row = all(source.flat for value in inputs for source in value.sources)
        made = [self.gathered.tensor(value, row=row) for value in (larger, smaller)]
        if not np.array_equal(made[0][1], made[1][1]) or made[0][0].shape[-1] != made[1][0].shape[-1]:
            made = [self.gathered.tensor(value, row=row, exact=True) for value in (larger, smaller)]
        kind = layers.Add if isinstance(node.operator, ops.Sum) else layers.Multiply
        layer, tensors, order = kind(name=self.name(node.name)), [tensor for tensor, _ in made], made[0][1]
        nonnegative = larger.nonnegative and smaller.nonnegative
        source = Source(int(tensors[0].shape[-1]), larger.size, lambda: layer(tensors), flat=row, nonnegative=nonnegative)
        return replace(larger, sources=(source,), channels=order.reshape(larger.channels.shape), owned=False)

    def join(self, node: Node, inputs: list[Value]) -> Value:
        assert isinstance(node.operator, ops.Join)
        axis = ops.axis_of(node.operator.axis, inputs[0].extents)
        first = inputs[0]
        if any(value.axes.replace("1", "c") != first.axes.replace("1", "c") or value.axes.count("c") > 1 for value in inputs) or (
            first.axes[axis] not in "c1" or any(value.size != first.size for value in inputs)
        ):
            raise Unsupported("it joins something else than channels")
        sources, channels = combined(inputs)
        axes = first.axes[:axis] + "c" + first.axes[axis + 1 :]
        extents = (*first.extents[:axis], len(channels), *first.extents[axis + 1 :])
        return Value(axes, extents, sources, channels, first.size)

    def take(self, node: Node, inputs: list[Value]) -> Value:
        [value], operator = inputs, node.operator
        assert isinstance(operator, ops.Take)
        axis = ops.axis_of(operator.axis, value.extents)
        extents = (*value.extents[:axis], len(operator.entries), *value.extents[axis + 1 :])
        if extents == value.extents and np.array_equal(operator.entries, np.arange(value.extents[axis])):
            return value
        if value.axes[axis] != "c":
            raise Unsupported("it takes a part of something else than the channels")
        channels = value.channels.take(operator.entries, value.axes[:axis].count("c"))
        return replace(value, extents=extents, channels=channels, owned=False)

    def pool(self, node: Node, inputs: list[Value]) -> Value:
        assert isinstance(node.operator, ops.Pool)
        layout = node.operator.layout
        if node.operator.window.size == inputs[0].size and node.operator.window.pads == ((0, 0), (0, 0)):
            axes = [axis for axis, letter in enumerate(layout.letters) if letter in "hw"]
            return self.reduce(replace(node, operator=ops.Reduce(node.operator.kind, axes, keeps_axes=True)), inputs)
        value = replace(inputs[0], channels=inputs[0].image(layout))
        tensor, order = self.gathered.tensor(value)
        make = pooled(node.operator, value, tensor, self.name(node.name))
        size = node.operator.window.places(value.size)
        return self._image(layout, size, (Source(int(tensor.shape[-1]), size, make, nonnegative=value.nonnegative),), order)

    def reduce(self, node: Node, inputs: list[Value]) -> Value:
        [value], operator = inputs, node.operator
        assert isinstance(operator, ops.Reduce)
        axes = {ops.axis_of(axis, value.extents) for axis in operator.axes}
        if any(value.axes[axis] == "c" for axis in axes) or not {"h", "w"} & set(value.axes) <= {value.axes[axis] for axis in axes}:
            raise Unsupported("it reduces something else than height and width together")
        tensor, order = self.gathered.tensor(value)
        name, mean = self.name(node.name), layers.GlobalAveragePooling2D
        # A maximum over axes has no integer kernels everywhere, a pool of all places has.
        layer = mean(keepdims=True, name=name) if operator.kind == "mean" else layers.MaxPooling2D(value.size, name=name)
        flat = (lambda: mean(name=f"{name}_row")(tensor)) if operator.kind == "mean" else None
        made = Source(int(tensor.shape[-1]), (1, 1), lambda: layer(tensor), make_flat=flat, nonnegative=value.nonnegative)
        axes_left = "".join(
            "1" if axis in axes else letter for axis, letter in enumerate(value.axes) if axis not in axes or operator.keeps_axes
        )
        return Value(axes_left, operator.shape(value.extents), (made,), order.reshape(value.channels.shape), (1, 1))

    def pad(self, node: Node, inputs: list[Value]) -> Value:
        [value], operator = inputs, node.operator
        assert isinstance(operator, ops.Pad)
        if (
            any(any(pads) and letter not in "hw" for letter, pads in zip(value.axes, operator.pads, strict=True))
            or value.axes.count("c") > 1
        ):
            raise Unsupported("it pads something else than height and width")
        tensor, order = self.gathered.tensor(value)
        rows, columns = (value.axes.find(letter) for letter in "hw")
        pads = (operator.pads[rows] if rows > 0 else (0, 0), operator.pads[columns] if columns > 0 else (0, 0))
        size = (value.size[0] + sum(pads[0]), value.size[1] + sum(pads[1]))
        make = padded(tensor, pads, self.name(node.name))
        source = Source(int(tensor.shape[-1]), size, make, nonnegative=value.nonnegative)
        return Value(value.axes, operator.shape(value.extents), (source,), order.reshape(value.channels.shape), size)

    def reorder(self, node: Node, inputs: list[Value]) -> Value:
        assert isinstance(node.operator, ops.Reorder)
        return reordered(inputs[0], node.operator.order)

    def reshape(self, node: Node, inputs: list[Value]) -> Value:
        return reshaped(inputs[0], node.operator.shape(inputs[0].extents), self.gathered, node.name)


_METHODS: dict[type, Callable[[Builder, Node, list[Value]], Value]] = {
    ops.Convolution: Builder.convolution,
    ops.FullyConnected: Builder.fully_connected,
    Grid: Builder.grid,
    ops.Affine: Builder.affine,
    ops.Clip: Builder.clip,
    ops.Leaky: Builder.leaky,
    ops.Gate: Builder.gate,
    ops.Sigmoidal: Builder.curve,
    ops.Sum: Builder.together,
    ops.Product: Builder.together,
    ops.Join: Builder.join,
    ops.Take: Builder.take,
    ops.Pool: Builder.pool,
    ops.Reduce: Builder.reduce,
    ops.Pad: Builder.pad,
    ops.Reorder: Builder.reorder,
    ops.Reshape: Builder.reshape,
}
