"""Turn a neutral graph into a model: simplify it, cut off what stands behind the logits, make the layers."""

from pathlib import Path

import numpy as np

from edgetl.errors import ModelFileError
from edgetl.importing.base import ImportedModel, Origin, QuantizedFile, Unsupported, quantized, unknown_operators
from edgetl.importing.build import Builder
from edgetl.importing.graph import Graph
from edgetl.importing.grids import Grid
from edgetl.importing.operators import Sigmoidal, Softmax
from edgetl.importing.patterns import simplified, without_activation, without_identities
from edgetl.importing.rejection import REJECTING, without_rejection
from edgetl.importing.relus import before_pools
from edgetl.importing.separate import separated


def converted(path: Path, graph: Graph, origin: Origin, sha256: str, *, features: bool = False) -> ImportedModel:
    """Return the model of a graph. Raises ModelFileError that names all operators without layers.

    Args:
        features: it need not classify, see `Wish`.
    """
    graph = without_identities(simplified(graph))
    last = graph.nodes[-1].operator if graph.nodes else None
    graph, rejects = without_rejection(graph)
    graph, activation = without_activation(graph, (Softmax, Sigmoidal))
    activation = REJECTING if rejects else activation
    builder, lost, unknown = Builder(graph), set[str](), []
    for node in graph.nodes:
        if lost & set(node.inputs):
            lost.add(node.output)
            continue
        try:
            builder.add(node)
        except Unsupported as error:
            unknown.append(f"{type(node.operator).__name__} {node.name!r}: {error}")
            lost.add(node.output)
    if unknown:
        raise unknown_operators(path, unknown)
    try:
        model = before_pools(builder.model(features=features))
    except Unsupported as error:
        raise ModelFileError(
            f"{path} is not an image classifier: {error}", "export the network up to its logits or probabilities"
        ) from error
    if not all(np.isfinite(array).all() for array in model.get_weights()):
        raise ModelFileError(f"{path} holds weights that are not finite numbers", "export it again from a network that works")
    numbers = None
    if features and (builder.gathered.kernels or builder.marks):
        raise QuantizedFile(f"{path} is quantized already", "train from the float model that it was made from")
    if builder.gathered.kernels and not builder.marks:
        raise quantized(path, "only its weights are integers")
    if builder.marks:
        try:
            model, numbers = separated(model, builder.marks, builder.gathered.kernels)
        except Unsupported as error:
            raise quantized(path, error) from error
    gives = last if isinstance(last, Grid) else None
    return ImportedModel(model, builder.preprocessing, activation, graph.layout.channels_last, sha256, origin, numbers, gives)
