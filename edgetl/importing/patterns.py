"""Find what exporters take apart: hard-sigmoid and hard-swish in their spellings, ReLU6 of two steps, factors that cancel.

Each rule gives new nodes for old ones and leaves what the network computes as it is.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from edgetl.importing.graph import Graph, Node
from edgetl.importing.grids import Grid
from edgetl.importing.operators import Affine, Clip, Gate, Pad, Product, Reduce, Reshape, Softmax

_CLOSE = 1e-6  # relative: 1/6 in float32
_MOST_ROUNDS = 100


class _Known(NamedTuple):
    """Who makes each value, and how often it is read."""

    makers: dict[str, Node]
    readers: dict[str, int]

    def only_for(self, value: str) -> Node | None:
        """Return the node that makes a value which is read once; None: it is read more often, or is the input."""
        return self.makers.get(value) if self.readers.get(value) == 1 else None


def simplified(graph: Graph) -> Graph:
    """Return the graph with known patterns as single operators."""
    nodes = list(graph.nodes)
    for _ in range(_MOST_ROUNDS):
        graph = replace(graph, nodes=tuple(nodes))
        known = _Known({node.output: node for node in nodes}, dict(graph.readers()))
        made, gone, changed = list[Node](), set[str](), False
        for node in nodes:
            found = None if changed & bool(gone & set(node.inputs)) else _first(node, known, gone)
            if found is None:
                made.append(node)
            else:
                made += found[0]
                gone |= {one.output for one in found[1]}
                changed = True
        nodes = [node for node in made if node.output not in gone]
        if not changed:
            return graph
    return graph


_Found = tuple[list[Node], list[Node]]  # what stands for a node, and the nodes before it that are gone with it


def _first(node: Node, known: _Known, gone: set[str]) -> _Found | None:
    for rule in _RULES:
        found = rule(node, known)
        if found is not None and not gone & {value for one in found[1] for value in (one.output, *one.inputs)}:
            return found
    return None


def scalar(array: np.ndarray) -> float | None:
    """Return the one number that an array holds; None: it holds several."""
    return float(array.flat[0]) if array.size and np.all(array == array.flat[0]) else None


def _two_affines(node: Node, known: _Known) -> _Found | None:
    """Join `a2 (a1 x + b1) + b2`, where both are plain numbers; none is left where they cancel."""
    before = known.only_for(node.inputs[0])
    if not isinstance(node.operator, Affine) or before is None or not isinstance(before.operator, Affine):
        return None
    numbers = [scalar(one) for operator in (before.operator, node.operator) for one in (operator.scale, operator.offset)]
    a1, b1, a2, b2 = (np.nan if one is None else one for one in numbers)
    if np.isnan([a1, b1, a2, b2]).any():
        return None
    joined = Affine(np.array([a1 * a2]), np.array([a2 * b1 + b2]))
    return [replace(node, operator=joined, inputs=before.inputs)], [before]


def _two_clips(node: Node, known: _Known) -> _Found | None:
    """Join min(max(x, 0), 6)."""
    before = known.only_for(node.inputs[0])
    if not isinstance(node.operator, Clip) or before is None or not isinstance(before.operator, Clip):
        return None
    low, high = max(node.operator.low, before.operator.low), min(node.operator.high, before.operator.high)
    return ([replace(node, operator=Clip(low, high), inputs=before.inputs)], [before]) if low < high else None


def _gate(node: Node, known: _Known) -> _Found | None:
    """See a hard-sigmoid, `height` times as high, in clip(slope x + height / 2, 0, height)."""
    before = known.only_for(node.inputs[0])
    if not isinstance(node.operator, Clip) or before is None or not isinstance(before.operator, Affine):
        return None
    slope, offset, height = scalar(before.operator.scale), scalar(before.operator.offset), node.operator.high
    if node.operator.low != 0 or slope is None or offset is None or slope <= 0 or not np.isfinite(height):
        return None
    if abs(offset - height / 2) > _CLOSE * height:
        return None
    gate = Node(before.name, Gate(slope / height), before.inputs, f"{node.output}/gate")
    return [gate, replace(node, operator=Affine(np.array([height]), np.zeros(1)), inputs=(gate.output,))], [before]


def _factor_behind(node: Node, known: _Known) -> _Found | None:
    """Take a plain factor before a product behind it, where it meets its inverse: x * (6 gate) / 6."""
    if not isinstance(node.operator, Product):
        return None
    for place, value in enumerate(node.inputs):
        before = known.only_for(value)
        if before is None or not isinstance(before.operator, Affine) or scalar(before.operator.offset) != 0:
            continue
        if scalar(before.operator.scale) is not None:
            inputs = tuple(before.inputs[0] if other == place else one for other, one in enumerate(node.inputs))
            product = replace(node, inputs=inputs, output=f"{node.output}/product")
            return [product, Node(node.name, before.operator, (product.output,), node.output)], [before]
    return None


_RULES: tuple[Callable[[Node, _Known], _Found | None], ...] = (_two_clips, _gate, _two_affines, _factor_behind)


def without_identities(graph: Graph) -> Graph:
    """Return the graph without factors of 1 and reshapes that change nothing."""
    renamed: dict[str, str] = {}
    nodes = []
    for node in graph.nodes:
        inputs = tuple(renamed.get(one, one) for one in node.inputs)
        if _changes_nothing(node, graph):
            renamed[node.output] = inputs[0]
        else:
            nodes.append(replace(node, inputs=inputs))
    return replace(graph, nodes=tuple(nodes), output=renamed.get(graph.output, graph.output))


def _changes_nothing(node: Node, graph: Graph) -> bool:
    if isinstance(node.operator, Affine):
        scale, offset = scalar(node.operator.scale), scalar(node.operator.offset)
        return scale is not None and abs(scale - 1) <= _CLOSE and offset == 0
    if isinstance(node.operator, Clip):
        return node.operator.low == -np.inf and node.operator.high == np.inf
    if isinstance(node.operator, Pad):
        return not any(side for pair in node.operator.pads for side in pair)
    return isinstance(node.operator, Reshape | Reduce) and graph.shapes.get(node.inputs[0]) == graph.shapes.get(node.output)


def without_activation(graph: Graph, curves: Iterable[type]) -> tuple[Graph, str]:
    """Return the graph up to its logits, and the activation that stood behind them: softmax, sigmoid, or empty."""
    makers = {node.output: node for node in graph.nodes}
    readers = graph.readers()
    last, after = graph.output, []
    while last in makers and isinstance(makers[last].operator, Reshape | Grid) and readers[last] == 1:
        after.append(makers[last])
        last = makers[last].inputs[0]
    node = makers.get(last)
    if node is None or not isinstance(node.operator, tuple(curves)) or readers[last] != 1:
        return graph, ""
    activation = "softmax" if isinstance(node.operator, Softmax) else getattr(node.operator, "name", "")
    if activation not in ("softmax", "sigmoid"):
        return graph, ""
    kept = tuple(one for one in graph.nodes if one is not node and one not in after)
    behind = node.inputs[0]
    for one in reversed(after):
        if isinstance(one.operator, Reshape):  # which the logits need, too; a grid is that of the probabilities
            kept += (replace(one, inputs=(behind,)),)
            behind = one.output
    return replace(graph, nodes=kept, output=behind), activation
