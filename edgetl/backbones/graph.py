"""Read who uses what in a network, and build it again with other layers."""

import collections
from collections.abc import Callable
from typing import Any

from edgetl.keras import keras, layers


def users(model: keras.Model) -> dict[int, list[Any]]:
    """Return the layers that read each tensor, by its identity."""
    found = collections.defaultdict(list)
    for layer in model.layers:
        for node in layer.inbound_nodes:
            for tensor in node.keras_inputs:
                found[id(tensor)].append(layer)
    return found


def rebuild(model: keras.Model, place: Callable[[Any, Any], Any]) -> keras.Model:
    """Walk a functional model in its order and build another: `place(layer, inputs)` gives what stands in the layer's stead."""
    image = keras.Input(model.input_shape[1:], name="image")
    made = {id(model.input): image}
    for layer in model.layers:
        if not isinstance(layer, layers.InputLayer):
            inputs = [made[id(tensor)] for tensor in layer.inbound_nodes[0].keras_inputs]
            made[id(layer.output)] = place(layer, inputs[0] if len(inputs) == 1 else inputs)
    return keras.Model(image, made[id(model.output)], name=model.name)
