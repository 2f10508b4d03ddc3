"""Leave out of a file of ours what rejects unknown images: its classes are imported, and can be given a rejection again."""

from dataclasses import replace

from edgetl.importing.graph import Graph, Node
from edgetl.importing.grids import Grid
from edgetl.importing.operators import Join, Softmax, Take

REJECTING = "rejecting softmax"  # as the activation of a file: all its probabilities have lost the same share to "none of the classes"


def without_rejection(graph: Graph) -> tuple[Graph, bool]:
    """Return the graph up to the softmax of the classes alone, and whether something else was left out.

    In our files (see `edgetl.keras.class_probabilities`) one softmax reads the logits of the classes joined with one more, and a second one
    only those of the classes.
    """
    makers = {node.output: node for node in graph.nodes}

    def behind(node: Node, *kinds: type) -> Node | None:
        """Return who makes what the node reads, but for operators of these kinds."""
        found = makers.get(node.inputs[0])
        while found is not None and isinstance(found.operator, kinds):
            found = makers.get(found.inputs[0])
        return found

    curves = [node for node in graph.nodes if isinstance(node.operator, Softmax)]
    for known in curves:
        joined = behind(known, Grid, Take)
        beside = [node for node in curves if node is not known and behind(node, Grid) is joined]
        if beside and joined is not None and isinstance(joined.operator, Join):
            makers[known.output] = replace(known, inputs=joined.inputs[:1])
            return replace(graph, nodes=_needed(makers, known.output), output=known.output), True
    return graph, False


def _needed(makers: dict[str, Node], output: str) -> tuple[Node, ...]:
    """Return the nodes that an output is computed from, in their order."""
    wanted, open_values = set[str](), [output]
    while open_values:
        value = open_values.pop()
        if value in makers and value not in wanted:
            wanted.add(value)
            open_values += makers[value].inputs
    return tuple(node for value, node in makers.items() if value in wanted)
