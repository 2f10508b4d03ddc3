"""Selective precision: operators that stay in float, in a model whose others are on int8 grids."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from edgetl.keras import layers

from edgetl.backbones.graph import users
from edgetl.errors import UsageError
from edgetl.quantization.quantized import Quantized, Ranges
from edgetl.registry import did_you_mean


def keep_float(quantized: Quantized, float_model: Any, names: Sequence[str], *, take_weights: bool) -> Quantized:
    """Return the model with the outputs of these operators left in float: they, and what reads them, compute in float.

    Args:
        names: of layers that end an operator (keys of `quantized.ranges`). Raises UsageError for another name.
        take_weights: those operators get the float model's kernels back; not where training has moved the others away from it.
    """
    unknown = [name for name in names if name not in quantized.ranges]
    if unknown:
        raise UsageError(f"no operator is called '{unknown[0]}'", did_you_mean(unknown[0], quantized.ranges))
    ranges = {name: ends for name, ends in quantized.ranges.items() if name not in names}
    weights = dict(quantized.weights)
    if take_weights:
        weights |= {layer.name: layer.get_weights() for name in names for layer in _kernels_at(float_model, name, quantized.ranges)}
    return replace(quantized, weights=weights, ranges=ranges)


def _kernels_at(model: Any, name: str, ranges: Ranges) -> Iterator[Any]:
    """Return the layer with a kernel that makes an operator's output, if there is one, and those that read it."""
    readers, source = users(model), model.get_layer(name)
    while not source.weights and not isinstance(source.input, list):
        source = source.inbound_nodes[0].inbound_layers
        if source.name in ranges or isinstance(source, layers.InputLayer):
            break
    waiting = [source] if source.weights else []
    waiting += readers[id(model.get_layer(name).output)]
    while waiting:
        layer = waiting.pop()
        if layer.weights:
            yield layer
        elif layer.name not in ranges:  # it hands on what it reads
            waiting += readers[id(layer.output)]
