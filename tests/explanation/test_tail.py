"""What stands behind the last map, in NumPy: each operator's derivative is the slope that differences show."""

import numpy as np
import pytest

from edgetl.explanation.tail import Tail
from edgetl.importing import operators as ops
from edgetl.importing.graph import Graph, Node
from edgetl.importing.grids import Grid
from edgetl.importing.operators import LAST, Window

R = np.random.default_rng(0)
MAP = (1, 3, 3, 4)  # what the first operator reads
ONE = (1, 1, 1, 4)


def convolution(*size: int, groups: int = 1, **window: object) -> ops.Convolution:
    kernel = R.normal(size=(*size, 4 // groups, 4))
    return ops.Convolution(kernel, R.normal(size=4), Window((size[0], size[1]), **window), groups, LAST)  # type: ignore[arg-type]


def dense(reads: int) -> ops.FullyConnected:
    return ops.FullyConnected(R.normal(size=(reads, 3)), R.normal(size=3))


MEAN, ROW = ops.Reduce("mean", (1, 2), keeps_axes=True), ops.Reshape((1, 4))
ENDS: dict[str, list[ops.Operator]] = {
    "mean": [ops.Reduce("mean", (1, 2), keeps_axes=False)],
    "largest": [ops.Reduce("max", (1, 2), keeps_axes=False)],
    "flattened": [ops.Reshape((1, -1))],
    "average pool": [ops.Pool("mean", Window((3, 3)), LAST), ROW],
    "max pool beyond the edge": [ops.Pool("max", Window((4, 4), pads=((1, 0), (0, 1))), LAST), ROW],
    "convolution of all": [convolution(3, 3), ROW],
    "dilated convolution of groups": [convolution(2, 2, groups=2, dilations=(2, 2)), ROW],
    "depthwise convolution beyond the edge": [MEAN, convolution(3, 3, groups=4, pads=((1, 1), (1, 1))), ROW],
    "activations": [MEAN, ops.Clip(-0.2, 0.3), ops.Leaky(np.array([0.1])), ops.Gate(1 / 6), ops.Sigmoidal("tanh"), ROW],
    "curves": [MEAN, ops.Sigmoidal("sigmoid"), ops.Affine(R.normal(size=4), np.ones(1)), ROW],
    "moved": [MEAN, ops.Pad(((0, 0), (0, 0), (0, 0), (0, 2))), ops.Take(3, np.array([3, 0, 0, 1])), ops.Reorder((0, 3, 1, 2)), ROW],
}


def network(end: list[ops.Operator], dense_reads: int) -> Graph:
    """Return a graph whose last map the operators stand behind, with the kernel and the softmax of a classifier."""
    operators = [ops.Affine(np.full(4, 2.0), np.zeros(4)), *end, dense(dense_reads), ops.Softmax(-1)]
    names = ["image", *(f"tensor_{number}" for number in range(len(operators)))]
    nodes = tuple(Node(names[i + 1], one, (names[i],), names[i + 1]) for i, one in enumerate(operators))
    shapes: dict[str, ops.Shape] = {"image": MAP}
    for node in nodes:
        shapes[node.output] = node.operator.shape(*(shapes[one] for one in node.inputs))
    return Graph(nodes, LAST, "image", names[-1], shapes)


def slopes(tail: Tail, features: np.ndarray, label: int) -> np.ndarray:
    found, step = np.zeros_like(features), 1e-6
    for place in np.ndindex(features.shape):
        moved = [features.copy(), features.copy()]
        moved[0][place] += step
        moved[1][place] -= step
        above, below = (tail.values({tail.features: one})[tail.logits][0, label] for one in moved)
        found[place] = (above - below) / (2 * step)
    return found


@pytest.mark.parametrize("end", ENDS)
def test_the_derivative_is_the_slope(end: str) -> None:
    tail = Tail.of(network(ENDS[end], 36 if end == "flattened" else 4))
    assert tail.features == "tensor_0"
    features = R.normal(size=MAP)
    found = tail.gradient(tail.values({"tensor_0": features}), 1)
    np.testing.assert_allclose(found, slopes(tail, features, 1), atol=1e-6)
    assert np.abs(found).max() > 0
    many = R.normal(size=(5, *MAP[1:]))
    together = tail.values({"tensor_0": many})[tail.output]
    np.testing.assert_allclose(together, [tail.values({"tensor_0": one[None]})[tail.output][0] for one in many])
    np.testing.assert_allclose(together.sum(axis=1), 1)


def test_branches_join_and_multiply() -> None:
    one, other = ops.Convolution(R.normal(size=(1, 1, 4, 4)), np.zeros(4), Window((1, 1)), 1, LAST), ops.Gate(0.3)
    nodes = [
        Node("first", ops.Affine(np.full(4, 2.0), np.zeros(4)), ("image",), "tensor_0"),
        Node("pool", MEAN, ("tensor_0",), "tensor_1"),
        Node("excite", one, ("tensor_1",), "tensor_2"),
        Node("gate", other, ("tensor_2",), "tensor_3"),
        Node("product", ops.Product(), ("tensor_1", "tensor_3"), "tensor_4"),
        Node("sum", ops.Sum(), ("tensor_4", "tensor_1"), "tensor_5"),
        Node("join", ops.Join(3), ("tensor_5", "tensor_2"), "tensor_6"),
        Node("row", ops.Reshape((1, 8)), ("tensor_6",), "tensor_7"),
        Node("logits", dense(8), ("tensor_7",), "tensor_8"),
    ]
    shapes: dict[str, ops.Shape] = {"image": MAP}
    for node in nodes:
        shapes[node.output] = node.operator.shape(*(shapes[name] for name in node.inputs))
    tail = Tail.of(Graph(tuple(nodes), LAST, "image", "tensor_8", shapes))
    features = R.normal(size=MAP)
    np.testing.assert_allclose(tail.gradient(tail.values({"tensor_0": features}), 2), slopes(tail, features, 2), atol=1e-6)


def test_a_grid_rounds_and_lets_changes_through_within_its_ends() -> None:
    tail = Tail.of(network([MEAN, ROW, Grid(0.01, 0)], 4))
    features = np.zeros(MAP)
    features[..., 0], features[..., 1] = 5.0, 0.234  # beyond the end at 1.27; between two steps
    values = tail.values({"tensor_0": features})
    assert values["tensor_3"][0].tolist() == pytest.approx([1.27, 0.23, 0, 0])
    found = tail.gradient(values, 0)
    assert not found[..., 0].any()
    assert found[..., 1].all()
