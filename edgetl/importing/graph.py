"""A network as nodes of neutral operators, and the sketch that importers make it with, node by node."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from edgetl.importing.base import Origin, Unsupported, Wish, unknown_operators
from edgetl.importing.grids import Grid, KernelGrid
from edgetl.importing.operators import Affine, Clip, Layout, Operator, Product, Shape, Sum, broadcast, checked

_LARGEST_CONSTANTS = 1 << 28  # numbers, of all together: weights, and what is computed of them
LONGEST = 64  # whole numbers in a list of axes, sizes or the like
MOST_NODES = 20_000  # ten times a large classifier's in the most wordy exporter


@dataclass(frozen=True, eq=False)
class Node:
    """An operator, the values that it reads and the one that it makes, all by name."""

    name: str
    operator: Operator
    inputs: tuple[str, ...]
    output: str


@dataclass(frozen=True, eq=False)
class Graph:
    """A network in the order in which it is computed.

    Args:
        layout: of the input.
        shapes: of every value, in the file's axes.
        kernels: grids of kernels by the value that is computed with them, where the file is quantized.
    """

    nodes: tuple[Node, ...]
    layout: Layout
    input: str
    output: str
    shapes: dict[str, Shape]
    kernels: dict[str, KernelGrid] = field(default_factory=dict)

    def readers(self) -> Counter[str]:
        """Count how often each value is read; the output is read once more."""
        return Counter([self.output, *(one for node in self.nodes for one in node.inputs)])


@dataclass
class Sketch:
    """The graph so far: what each name of the file stands for, a constant or a value, and what could not be expressed."""

    path: Path
    layout: Layout
    input: str = ""
    nodes: list[Node] = field(default_factory=list)
    shapes: dict[str, Shape] = field(default_factory=dict)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    kernels: dict[str, KernelGrid] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    room: int = _LARGEST_CONSTANTS

    def start(self, name: str, shape: Shape) -> None:
        """Say which value is the input."""
        self.input = name
        self.shapes[name] = checked(shape)
        self.layout.split(shape)

    def value(self, name: str) -> str:
        """Return the value that a name of the file stands for. Raises Unsupported where it is a constant or unknown."""
        value = self.aliases.get(name, name)
        if value not in self.shapes:
            raise Unsupported(f"it reads {name!r}, which is {'a constant' if name in self.constants else 'not there'}")
        return value

    def constant(self, name: str) -> np.ndarray:
        """Return a constant. Raises Unsupported where the name stands for something computed."""
        if name not in self.constants:
            raise Unsupported(f"it takes {name!r}, which is not a constant")
        return self.constants[name]

    def integers(self, name: str) -> tuple[int, ...]:
        """Return a constant that is a short list of whole numbers. Raises Unsupported where it is not."""
        array = self.constant(name)
        if array.dtype.kind not in "iu" or array.size > LONGEST:
            raise Unsupported("its axes or sizes are not a short list of whole numbers")
        return tuple(int(one) for one in array.reshape(-1))

    def keep(self, name: str, array: np.ndarray) -> None:
        """Let a name stand for a constant. Raises Unsupported where there is no room for more."""
        self.room -= array.size
        if self.room < 0:
            raise Unsupported("its constants are larger than a classifier's")
        self.constants[name] = array

    def shape(self, name: str) -> Shape:
        return self.shapes[self.value(name)]

    def add(self, operator: Operator, inputs: Sequence[str], output: str, name: str = "") -> str:
        """Add a node; its name is that of its output unless given."""
        if len(self.nodes) >= MOST_NODES:
            raise Unsupported(f"there are more than {MOST_NODES} of them")
        if output in self.shapes or output in self.constants:
            raise Unsupported(f"{output!r} is made twice")
        values = tuple(self.value(one) for one in inputs)
        self.shapes[output] = checked(operator.shape(*(self.shapes[one] for one in values)))
        self.nodes.append(Node(name or output, operator, values, output))
        return output

    def alias(self, output: str, source: str) -> None:
        """Let a name stand for what another one does."""
        if source in self.constants:
            self.constants[output] = self.constants[source]
        else:
            self.aliases[output] = self.value(source)

    @contextmanager
    def noting(self, what: str, outputs: Iterable[str]) -> Iterator[None]:
        """Collect an operator that has no counterpart instead of ending at the first; what depends on it is passed over."""
        try:
            yield
        except Unsupported as error:
            self.unknown.append(f"{what}: {error}")
            self.lost.update(outputs)

    def graph(self, output: str) -> Graph:
        """Return the graph, of what the output depends on only. Raises ModelFileError that names all unknown operators."""
        if self.unknown:
            raise unknown_operators(self.path, self.unknown)
        end = self.value(output)
        needed, kept = {end}, []
        for node in reversed(self.nodes):
            if node.output in needed:
                needed.update(node.inputs)
                kept.append(node)
        return Graph(tuple(reversed(kept)), self.layout, self.input, end, self.shapes, self.kernels)


def grid_of(scale: float, zero_point: int) -> Grid:
    """Return a grid as a file describes it. Raises Unsupported where it makes no sense."""
    try:
        return Grid(scale, zero_point)
    except ValueError as error:
        raise Unsupported(str(error)) from error


def arithmetic(sketch: Sketch, kind: str, pair: tuple[str, str], output: str, name: str = "") -> None:
    """Add a sum, difference, product or quotient ("+-*/") of two values or of a value and a constant."""
    one, other = pair
    constants = [side in sketch.constants for side in pair]
    if not any(constants):
        _of_values(sketch, kind, pair, output, name)
        return
    if constants[0]:
        number, value = sketch.constant(one).astype(np.float64), other
    else:
        number, value = sketch.constant(other).astype(np.float64), one
    if kind == "/" and (constants[0] or not np.all(number)):
        raise Unsupported("it divides a constant by a value, or by zero")
    unit, zero = np.ones((1,)), np.zeros((1,))
    affine: dict[str, Callable[[], Affine]] = {
        "+": lambda: Affine(unit, number),
        "-": lambda: Affine(-unit, number) if constants[0] else Affine(unit, -number),
        "*": lambda: Affine(number, zero),
        "/": lambda: Affine(1 / number, zero),
    }
    sketch.add(affine[kind](), [value], output, name)


def extreme(sketch: Sketch, pair: tuple[str, str], output: str, name: str, *, larger: bool) -> None:
    """Add the larger or the smaller of a value and a number."""
    one, other = reversed(pair) if pair[0] in sketch.constants else pair
    number = sketch.constant(other)
    if number.size != 1:
        raise Unsupported("it compares with more than one number")
    limit = float(number.reshape(-1)[0])
    sketch.add(Clip(limit, np.inf) if larger else Clip(-np.inf, limit), [one], output, name)


def _of_values(sketch: Sketch, kind: str, pair: tuple[str, str], output: str, name: str) -> None:
    one, other = pair
    if kind == "/":
        raise Unsupported("it divides one value by another")
    if broadcast(sketch.shape(one), sketch.shape(other)) not in (sketch.shape(one), sketch.shape(other)):
        raise Unsupported("each input is larger than the other in some axis")
    if kind == "-":
        other = sketch.add(Affine(-np.ones((1,)), np.zeros((1,))), [other], f"{output}/negative")
    sketch.add(Product() if kind == "*" else Sum(), [one, other], output, name)


@dataclass(frozen=True)
class Importer:
    """A kind of model file.

    Args:
        takes: whether a path is one, by its name or its first bytes.
        read: makes the neutral graph of it. Raises ModelFileError.
    """

    takes: Callable[[Path], bool]
    read: Callable[[Path, Wish], tuple[Graph, Origin]]
