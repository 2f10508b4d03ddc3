"""The end of a network, behind its last map, in NumPy: what it makes of a map, and how each of the map's numbers changes a logit."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from edgetl.importing import operators as ops
from edgetl.importing.base import Unsupported
from edgetl.importing.graph import Graph, Node
from edgetl.importing.grids import Grid
from edgetl.importing.patterns import simplified, without_activation, without_identities
from edgetl.importing.rejection import without_rejection

Array = np.ndarray  # float64, its first axis the batch N
_MAP = (ops.Pad, ops.Reshape, ops.Reorder)  # as operators: they move the numbers of a map, and have none of their own


@dataclass(frozen=True, eq=False)
class Tail:
    """The end of a network: its last map with more than one place, and the operators behind it.

    Args:
        layer: name of the node that gives the map.
        features: the map's value in the graph; others: further values from before it that are read behind it.
        logits: the value before the probabilities; output: the probabilities.
    """

    nodes: tuple[Node, ...]
    layer: str
    features: str
    others: tuple[str, ...]
    logits: str
    output: str

    @classmethod
    def of(cls, graph: Graph) -> "Tail":
        """Return the end of a classifier. Raises Unsupported where no map comes before it."""
        graph = without_identities(simplified(graph))
        logits = without_activation(without_rejection(graph)[0], (ops.Softmax, ops.Sigmoidal))[0].output
        maps = [node for node in graph.nodes if _is_map(node, graph)]
        if not maps:
            raise Unsupported("it has no feature map with more than one place")
        behind, nodes = {maps[-1].output}, []
        for node in graph.nodes[graph.nodes.index(maps[-1]) + 1 :]:
            if behind & set(node.inputs):
                behind.add(node.output)
                nodes.append(node)
        read = dict.fromkeys(one for node in nodes for one in node.inputs if one not in behind)
        return cls(tuple(nodes), maps[-1].name, maps[-1].output, tuple(read), logits, graph.output)

    def values(self, known: Mapping[str, Array]) -> dict[str, Array]:
        """Compute all values from those of `features` and `others`; probabilities without a grid, which integer files put them on."""
        found, ended = dict(known), set[str]()
        for node in self.nodes:
            if self.logits in node.inputs or ended & set(node.inputs):
                ended.add(node.output)
            inputs = [found[one] for one in node.inputs]
            free = isinstance(node.operator, Grid) and node.output in ended
            found[node.output] = inputs[0] if free else _rules(node).value(node.operator, *inputs)
        return found

    def gradient(self, values: Mapping[str, Array], label: int) -> Array:
        """Return how the logit of a class changes with each number of the map, float64 in the map's shape."""
        start = np.zeros_like(values[self.logits])
        start[..., label] = 1.0
        changes = {self.logits: start}
        for node in reversed(self.nodes):
            change = changes.pop(node.output, None)
            if change is not None:
                inputs = [values[one] for one in node.inputs]
                for name, one in zip(node.inputs, _rules(node).change(node.operator, change, *inputs), strict=True):
                    changes[name] = changes[name] + one if name in changes else one
        return changes.get(self.features, np.zeros_like(values[self.features]))


def _is_map(node: Node, graph: Graph) -> bool:
    """Return whether a node makes a map of several places that the file holds as a tensor of its own."""
    shape = graph.shapes.get(node.output, ())
    return len(shape) == 4 and shape[1] * shape[2] > 1 and "/" not in node.output and not isinstance(node.operator, _MAP)


class _Rules(NamedTuple):
    """How an operator computes, and how a change of its value comes from changes of what it reads."""

    value: Callable[..., Array]  # of the operator and what it reads
    change: Callable[..., Sequence[Array]]  # of the operator, the change of what it gives, and what it reads


def _rules(node: Node) -> _Rules:
    if type(node.operator) not in _RULES:
        raise Unsupported(f"{type(node.operator).__name__} {node.name!r} behind the last map has no derivative here")
    return _RULES[type(node.operator)]


def _seen(window: ops.Window, image: Array) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Return the part of an image [N, H, W, C] under a window that has one place, and the part of the window that lies on the image."""
    if window.places((image.shape[1], image.shape[2])) != (1, 1):
        raise Unsupported("a window behind the last map moves")
    places, parts = [], []
    for extent, size, step, (before, _) in zip(image.shape[1:3], window.size, window.dilations, window.pads, strict=True):
        inside = [k for k in range(size) if 0 <= k * step - before < extent]
        parts.append(slice(inside[0], inside[-1] + 1))
        places.append(slice(inside[0] * step - before, inside[-1] * step - before + 1, step))
    return (slice(None), *places), tuple(parts)


def _grouped(kernel: Array, groups: int) -> Array:
    """Return a kernel [h, w, C_in / groups, C_out] as [h, w, C_in / groups, groups, C_out / groups]."""
    grouped: Array = kernel.reshape(*kernel.shape[:3], groups, -1)
    return grouped


def _convolved(one: ops.Convolution, image: Array) -> Array:
    places, part = _seen(one.window, image)
    seen = image[places]
    made = np.einsum("nhwgc,hwcgo->ngo", seen.reshape(*seen.shape[:3], one.groups, -1), _grouped(one.kernel[part], one.groups))
    found: Array = made.reshape(len(image), 1, 1, -1) + one.bias
    return found


def _through_convolution(one: ops.Convolution, change: Array, image: Array) -> list[Array]:
    places, part = _seen(one.window, image)
    made = np.zeros_like(image)
    back = np.einsum("ngo,hwcgo->nhwgc", change.reshape(len(change), one.groups, -1), _grouped(one.kernel[part], one.groups))
    made[places] = back.reshape(made[places].shape)
    return [made]


def _reduced(kind: str, image: Array, axes: tuple[int, ...], *, keeps_axes: bool) -> Array:
    made: Array = (image.max if kind == "max" else image.mean)(axis=axes, keepdims=keeps_axes)
    return made


def _through_reduction(kind: str, change: Array, image: Array, axes: tuple[int, ...]) -> Array:
    """Share a change, whose reduced axes are 1, among the numbers that it came from: all alike, or the largest ones."""
    share = (image == image.max(axis=axes, keepdims=True)) if kind == "max" else np.ones_like(image)
    made: Array = change * share / share.sum(axis=axes, keepdims=True)
    return made


def _through_pool(one: ops.Pool, change: Array, image: Array) -> list[Array]:
    places, made = _seen(one.window, image)[0], np.zeros_like(image)
    made[places] = _through_reduction(one.kind, change, image[places], (1, 2))
    return [made]


def _axes(one: ops.Reduce, image: Array) -> tuple[int, ...]:
    return tuple(ops.axis_of(axis, image.shape) for axis in one.axes)


def _opened(one: ops.Reduce, change: Array, image: Array) -> Array:
    """Return a change with the axes that were reduced."""
    return np.expand_dims(change, _axes(one, image)) if not one.keeps_axes else change


def _like(change: Array, value: Array) -> Array:
    """Return a change of what a value was broadcast to as a change of the value."""
    axes = tuple(axis for axis, extent in enumerate(value.shape) if extent == 1 != change.shape[axis])
    return change.sum(axis=axes, keepdims=True) if axes else change


def _softmax(one: ops.Softmax, logits: Array) -> Array:
    raised = np.exp(logits - logits.max(axis=one.axis, keepdims=True))
    made: Array = raised / raised.sum(axis=one.axis, keepdims=True)
    return made


def _curve(one: ops.Sigmoidal, value: Array) -> Array:
    made: Array = np.tanh(value) if one.name == "tanh" else 0.5 * (1 + np.tanh(value / 2))
    return made


def _through_curve(one: ops.Sigmoidal, change: Array, value: Array) -> list[Array]:
    made = _curve(one, value)
    return [change * ((1 - made**2) if one.name == "tanh" else made * (1 - made))]


def _taken(one: ops.Take, value: Array) -> Array:
    if not ops.axis_of(one.axis, value.shape):
        return value  # of a batch of 1 there is nothing to take
    taken: Array = np.take(value, one.entries, one.axis)
    return taken


def _through_take(one: ops.Take, change: Array, value: Array) -> list[Array]:
    axis, made = ops.axis_of(one.axis, value.shape), np.zeros_like(value)
    if not axis:
        return [change]
    np.add.at(np.moveaxis(made, axis, 0), one.entries, np.moveaxis(change, axis, 0))
    return [made]


def _rounded(one: Grid, value: Array) -> Array:
    steps = np.clip(np.rint(value / one.scale) + one.zero_point, -128, 127)
    made: Array = (steps - one.zero_point) * one.scale
    return made


def _within(change: Array, value: Array, low: float, high: float) -> list[Array]:
    return [change * ((value >= low) & (value <= high))]


def _ends(one: ops.Join, values: Sequence[Array]) -> list[int]:
    axis = ops.axis_of(one.axis, values[0].shape)
    found: list[int] = np.cumsum([value.shape[axis] for value in values])[:-1].tolist()
    return found


def _pads(one: ops.Pad) -> tuple[slice, ...]:
    return tuple(slice(before, -after or None) for before, after in one.pads)


_RULES: dict[type[Any], _Rules] = {
    ops.Convolution: _Rules(_convolved, _through_convolution),
    ops.FullyConnected: _Rules(lambda one, x: x @ one.kernel + one.bias, lambda one, change, x: [change @ one.kernel.T]),
    ops.Affine: _Rules(lambda one, x: one.scale * x + one.offset, lambda one, change, x: [change * one.scale]),
    ops.Clip: _Rules(lambda one, x: np.clip(x, one.low, one.high), lambda one, change, x: [change * ((x > one.low) & (x < one.high))]),
    ops.Leaky: _Rules(lambda one, x: np.where(x > 0, x, one.slope * x), lambda one, change, x: [change * np.where(x > 0, 1, one.slope)]),
    ops.Gate: _Rules(
        lambda one, x: np.clip(one.slope * x + 0.5, 0, 1),
        lambda one, change, x: [one.slope * change * (np.abs(one.slope * x) < 0.5)],
    ),
    ops.Sigmoidal: _Rules(_curve, _through_curve),
    ops.Softmax: _Rules(_softmax, lambda one, change, x: [(p := _softmax(one, x)) * (change - (change * p).sum(one.axis, keepdims=True))]),
    ops.Sum: _Rules(lambda one, a, b: a + b, lambda one, change, a, b: [_like(change, a), _like(change, b)]),
    ops.Product: _Rules(lambda one, a, b: a * b, lambda one, change, a, b: [_like(change * b, a), _like(change * a, b)]),
    ops.Join: _Rules(lambda one, *xs: np.concatenate(xs, one.axis), lambda one, change, *xs: np.split(change, _ends(one, xs), one.axis)),
    ops.Take: _Rules(_taken, _through_take),
    ops.Pool: _Rules(lambda one, x: _reduced(one.kind, x[_seen(one.window, x)[0]], (1, 2), keeps_axes=True), _through_pool),
    ops.Reduce: _Rules(
        lambda one, x: _reduced(one.kind, x, _axes(one, x), keeps_axes=one.keeps_axes),
        lambda one, change, x: [_through_reduction(one.kind, _opened(one, change, x), x, _axes(one, x))],
    ),
    ops.Pad: _Rules(lambda one, x: np.pad(x, one.pads), lambda one, change, x: [change[_pads(one)]]),
    ops.Reorder: _Rules(lambda one, x: x.transpose(one.order), lambda one, change, x: [change.transpose(np.argsort(one.order))]),
    ops.Reshape: _Rules(
        lambda one, x: x.reshape(len(x), *one.target[1:]) if one.target[0] in (1, -1) else x.reshape(one.target),
        lambda one, change, x: [change.reshape(x.shape)],
    ),
    Grid: _Rules(_rounded, lambda one, change, x: _within(change, x, one.low, one.high)),
}
